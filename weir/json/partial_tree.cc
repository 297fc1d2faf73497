#include "weir/json/partial_tree.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "weir/json/object_index.h"
#include "weir/json/pointer.h"

namespace weir::json::internal {

// View lets every Range make a View of a node; this one is the View of a root that no Builder made.
template <>
class Range<PartialTree, 0> {
 public:
  static View Root(const Node& node) { return View(&node); }
};

namespace {

// Enters the members [from, to); the last of equal keys wins. True if one was there already.
bool FillSlots(std::uint32_t* slots, std::size_t slot_count, const Node* members, std::size_t from,
               std::size_t to) {
  bool duplicates = false;
  for (std::size_t i = from; i < to; ++i) {
    std::uint32_t* const slot = FindSlot(slots, slot_count, members, members[2 * i].Text());
    duplicates = duplicates || *slot != 0;
    *slot = static_cast<std::uint32_t>(i + 1);
  }
  return duplicates;
}

}  // namespace

Node PartialTree::Scalar(Kind kind, std::string_view text) {
  return {.kind = static_cast<std::uint64_t>(kind),
          .flag = 0,
          .size = text.size(),
          .text = text.empty() ? "" : text.data()};
}

Node PartialTree::Bool(bool value) {
  Node node = Scalar(Kind::kBool);
  node.flag = value ? 1 : 0;
  return node;
}

void PartialTree::Begin(Kind kind) {
  if (depth_ == levels_.size()) levels_.emplace_back();
  Level& level = levels_[depth_++];
  level.kind = kind;
  level.used = 0;
  level.index_base = nullptr;
}

void PartialTree::End() {
  const Node node = Freeze(levels_[depth_ - 1]);
  --depth_;
  Push(node);
}

void PartialTree::Key(std::string_view key) {
  levels_[depth_ - 1].key = Scalar(Kind::kString, {arena_.Text(key), key.size()});
}

void PartialTree::Add(Node value) {
  value.text = arena_.Text(value.Text());
  Push(value);
}

void PartialTree::Push(Node value) {
  if (options_.list_completed) {
    std::string pointer;
    for (std::size_t i = 0; i < depth_; ++i) AppendPlace(pointer, levels_[i]);
    completed_.push_back(std::move(pointer));
  }
  if (depth_ == 0) {
    root_ = value;
    complete_ = true;
    return;
  }
  Level& level = levels_[depth_ - 1];
  Reserve(level, level.used + 2);
  if (level.kind == Kind::kObject) level.nodes[level.used++] = level.key;
  level.nodes[level.used++] = value;
}

// The token of the child that is being read.
void PartialTree::AppendPlace(std::string& pointer, const Level& level) const {
  if (level.kind == Kind::kObject) {
    AppendToken(pointer, level.key.Text());
  } else {
    AppendToken(pointer, level.used);
  }
}

void PartialTree::Reserve(Level& level, std::size_t nodes) {
  if (level.nodes.size() < nodes) level.nodes.resize(std::max(nodes, level.nodes.size() * 2));
}

Node PartialTree::Freeze(Level& level) {
  const bool object = level.kind == Kind::kObject;
  Node node = Scalar(level.kind);
  node.size = object ? level.used / 2 : level.used;
  const bool indexed = object && HasIndex(node.size);
  const std::size_t slot_count = indexed ? IndexSlots(node.size) : 0;
  const std::size_t bytes = level.used * sizeof(Node);
  auto* const memory =
      static_cast<Node*>(arena_.Allocate(bytes + slot_count * sizeof(std::uint32_t)));
  if (bytes != 0) std::memcpy(memory, level.nodes.data(), bytes);
  if (indexed) {
    auto* const slots = reinterpret_cast<std::uint32_t*>(memory + level.used);
    std::memset(slots, 0, slot_count * sizeof(std::uint32_t));
    node.flag = FillSlots(slots, slot_count, memory, 0, node.size) ? 1 : 0;
  }
  node.nodes = memory;
  return node;
}

// The index depends on the address of the members, and stands where the next member will be. So it
// is kept apart, grown there, and copied behind the members when there is one more of them.
void PartialTree::WriteIndex(Level& level, std::size_t members) {
  const std::size_t slot_count = IndexSlots(members);
  const std::size_t bytes = slot_count * sizeof(std::uint32_t);
  Reserve(level, 2 * members + bytes / sizeof(Node));
  if (level.index_base != level.nodes.data() || level.slots.size() != slot_count) {
    level.slots.assign(slot_count, 0);
    level.index_base = level.nodes.data();
    level.indexed = 0;
    level.index_written = 0;
    level.duplicates = false;
  }
  if (level.index_written == members) return;
  level.duplicates |=
      FillSlots(level.slots.data(), slot_count, level.nodes.data(), level.indexed, members);
  level.indexed = members;
  std::memcpy(level.nodes.data() + 2 * members, level.slots.data(), bytes);
  level.index_written = members;
}

Node PartialTree::ShowLevel(Level& level, const std::optional<Node>& open) {
  std::size_t shown = level.used;
  if (open) {
    Reserve(level, shown + 2);
    if (level.kind == Kind::kObject) level.nodes[shown++] = level.key;
    level.nodes[shown++] = *open;
  }
  Node node = Scalar(level.kind);
  node.size = shown;
  if (level.kind == Kind::kObject) {
    node.size = shown / 2;
    if (HasIndex(node.size)) {
      WriteIndex(level, node.size);
      node.flag = level.duplicates ? 1 : 0;
    }
  }
  node.nodes = level.nodes.data();
  return node;
}

View PartialTree::Snapshot(std::optional<Node> open) {
  if (complete_) return Range<PartialTree, 0>::Root(root_);
  for (std::size_t i = depth_; i-- > 0;) {
    open = Shown(levels_[i]) ? std::optional(ShowLevel(levels_[i], open)) : std::nullopt;
  }
  if (!open) return {};
  root_ = *open;
  return Range<PartialTree, 0>::Root(root_);
}

std::vector<std::string> PartialTree::OpenPlaces(bool open_scalar) const {
  std::vector<std::string> places;
  if (complete_) return places;
  std::string pointer;
  for (std::size_t i = 0; i < depth_; ++i) {
    if (!Shown(levels_[i])) return places;
    places.push_back(pointer);
    if (i + 1 < depth_ || open_scalar) AppendPlace(pointer, levels_[i]);
  }
  if (open_scalar) places.push_back(pointer);
  return places;
}

std::vector<std::string> PartialTree::TakeCompleted() { return std::exchange(completed_, {}); }

}  // namespace weir::json::internal
