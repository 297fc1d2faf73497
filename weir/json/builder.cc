#include "weir/json/builder.h"

#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "weir/json/number.h"
#include "weir/json/object_index.h"
#include "weir/json/walk.h"

namespace weir::json {
namespace {

using internal::Node;

// Fills the slots behind the members; the last of equal keys wins. True if some are equal.
bool FillIndex(std::uint32_t* slots, const Node* members, std::size_t count) {
  const std::size_t slot_count = internal::IndexSlots(count);
  std::memset(slots, 0, slot_count * sizeof(std::uint32_t));
  bool duplicates = false;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t* const slot =
        internal::FindSlot(slots, slot_count, members, members[2 * i].Text());
    duplicates = duplicates || *slot != 0;
    *slot = static_cast<std::uint32_t>(i + 1);
  }
  return duplicates;
}

}  // namespace

Builder::Builder(std::size_t expected_bytes)
    // The text itself, and about one node for each six bytes of it.
    : arena_(std::make_shared<Arena>(expected_bytes * 4)) {}

void Builder::Bool(bool value) {
  Node node = Scalar(Kind::kBool);
  node.flag = value ? 1 : 0;
  Add(node);
}

void Builder::Int(std::int64_t value) {
  char buffer[24];
  const char* const end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  Text(Kind::kNumber, {buffer, end});
}

void Builder::Uint(std::uint64_t value) {
  char buffer[24];
  const char* const end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  Text(Kind::kNumber, {buffer, end});
}

void Builder::Double(double value) {
  if (!std::isfinite(value)) return Misuse("a double that is not finite");
  char buffer[32];
  const char* const end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  Text(Kind::kNumber, {buffer, end});
}

void Builder::Number(std::string_view text) {
  if (!IsNumber(text)) return Misuse("a text that is not a JSON number");
  Text(Kind::kNumber, text);
}

void Builder::Copy(View view) {
  if (!view.exists()) return Misuse("a copy of an absent value");
  internal::Walk(view, *this);
}

Value Builder::Finish() && {
  if (nodes_.size() != 1 || open_ != kNone) Misuse("a document that is not one whole value");
  if (!misuse_.empty()) return Value(View(), nullptr);
  auto* const root = static_cast<Node*>(arena_->Allocate(sizeof(Node)));
  *root = nodes_.front();
  return Value(View(root), std::move(arena_));
}

void Builder::Begin(Kind kind) {
  const std::size_t before = nodes_.size();
  Node node = Scalar(kind);
  node.size = open_;
  Add(node);
  if (nodes_.size() == before) return;
  ++depth_;
  Enter(before);
}

void Builder::Enter(std::size_t container) {
  open_ = container;
  in_object_ = open_ != kNone && nodes_[open_].kind == static_cast<std::uint64_t>(Kind::kObject);
  expects_key_ = in_object_;
}

void Builder::End(Kind kind) {
  if (open_ == kNone || nodes_[open_].kind != static_cast<std::uint64_t>(kind) ||
      (kind == Kind::kObject && !expects_key_)) {
    return Misuse("the end of a container that is not open or not complete");
  }
  const std::size_t count = nodes_.size() - open_ - 1;
  Node& container = nodes_[open_];
  const std::size_t around = container.size;
  --depth_;

  const std::size_t members = count / 2;
  const bool indexed = kind == Kind::kObject && internal::HasIndex(members);
  const std::size_t slots = indexed ? internal::IndexSlots(members) : 0;
  auto* const memory =
      static_cast<Node*>(arena_->Allocate(count * sizeof(Node) + slots * sizeof(std::uint32_t)));
  if (count != 0) std::memcpy(memory, &container + 1, count * sizeof(Node));
  container.size = kind == Kind::kObject ? members : count;
  container.nodes = memory;
  if (indexed) {
    auto* const index = reinterpret_cast<std::uint32_t*>(memory + count);
    container.flag = FillIndex(index, memory, members) ? 1 : 0;
  }
  nodes_.Pop(count);
  Enter(around);
}

void Builder::Misuse(std::string_view what) {
  assert(false && "json::Builder is used against its grammar: misuse() says how");
  if (misuse_.empty()) misuse_ = what;
}

}  // namespace weir::json
