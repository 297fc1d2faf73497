#include "weir/json/value.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "weir/json/builder.h"
#include "weir/json/number.h"
#include "weir/json/object_index.h"

namespace weir::json {
namespace {

using internal::HasIndex;
using internal::Node;

constexpr Node Constant(Kind kind, bool flag) {
  return {.kind = static_cast<std::uint64_t>(kind), .flag = flag, .size = 0, .text = ""};
}

constexpr Node kNullNode = Constant(Kind::kNull, false);
constexpr Node kFalseNode = Constant(Kind::kBool, false);
constexpr Node kTrueNode = Constant(Kind::kBool, true);

using Pairs = std::vector<std::pair<View, View>>;

// The members sorted by key, and those of one key in the order of the text.
std::vector<std::pair<std::string_view, std::size_t>> ByKey(View object) {
  std::vector<std::pair<std::string_view, std::size_t>> sorted;
  sorted.reserve(object.size());
  for (const Member member : object.members()) sorted.emplace_back(member.key, sorted.size());
  std::ranges::sort(sorted);
  return sorted;
}

// Adds the members that must be equal to `todo`; false if the keys alone differ.
bool PairMembers(View a, View b, Pairs& todo) {
  if (a.has_duplicate_keys() || b.has_duplicate_keys()) {
    const auto left = ByKey(a);
    const auto right = ByKey(b);
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (left[i].first != right[i].first) return false;
      todo.emplace_back(a.members()[left[i].second].value, b.members()[right[i].second].value);
    }
    return true;
  }
  const Members others = b.members();
  std::size_t index = 0;
  for (const Member member : a.members()) {
    const Member same_place = others[index++];
    const View other = same_place.key == member.key ? same_place.value : b.Find(member.key);
    if (!other.exists()) return false;
    todo.emplace_back(member.value, other);
  }
  return true;
}

// Whether the two are equal as far as can be seen without their children, which go to `todo`.
bool ShallowEqual(View a, View b, Pairs& todo) {
  if (a.kind() != b.kind() || a.size() != b.size()) return false;
  switch (a.kind()) {
    case Kind::kAbsent:
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return a.AsBool() == b.AsBool();
    case Kind::kNumber:
      return SameNumber(a.NumberText(), b.NumberText());
    case Kind::kString:
      return a.AsString() == b.AsString();
    case Kind::kArray:
      for (std::size_t i = 0; i < a.size(); ++i) todo.emplace_back(a[i], b[i]);
      return true;
    case Kind::kObject:
      return PairMembers(a, b, todo);
  }
  return false;
}

}  // namespace

std::string_view KindName(Kind kind) {
  constexpr std::string_view kNames[] = {"nothing", "null",  "boolean", "number",
                                         "string",  "array", "object"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<std::int64_t> View::AsInt64() const {
  return IsNumber() ? ToInt64(node_->Text()) : std::nullopt;
}

std::optional<std::uint64_t> View::AsUint64() const {
  return IsNumber() ? ToUint64(node_->Text()) : std::nullopt;
}

std::optional<double> View::AsDouble() const {
  return IsNumber() ? ToDouble(node_->Text()) : std::nullopt;
}

View View::Find(std::string_view key) const {
  if (!IsObject()) return View();
  const std::size_t count = node_->size;
  const Node* const members = node_->nodes;
  if (!HasIndex(count)) {
    // Most keys that are looked for are not there: the first byte tells without a call.
    for (std::size_t i = count; i-- > 0;) {
      const std::string_view own = members[2 * i].Text();
      if (own.size() != key.size() || (!key.empty() && own[0] != key[0])) continue;
      if (own == key) return View(members + 2 * i + 1);
    }
    return View();
  }
  const auto* const slots = reinterpret_cast<const std::uint32_t*>(members + 2 * count);
  const std::uint32_t slot = *internal::FindSlot(slots, internal::IndexSlots(count), members, key);
  return slot == 0 ? View() : View(members + std::size_t{2} * (slot - 1) + 1);
}

bool View::has_duplicate_keys() const {
  if (!IsObject()) return false;
  if (HasIndex(node_->size)) return node_->flag != 0;
  const Members all = members();
  for (std::size_t i = 1; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (all[i].key == all[j].key) return true;
    }
  }
  return false;
}

bool operator==(View a, View b) {
  Pairs todo;  // takes no memory where both are plain values
  if (a.node_ != b.node_ && !ShallowEqual(a, b, todo)) return false;
  while (!todo.empty()) {
    const auto [left, right] = todo.back();
    todo.pop_back();
    if (left.node_ != right.node_ && !ShallowEqual(left, right, todo)) return false;
  }
  return true;
}

Value::Value() : View(&kNullNode) {}

Value::Value(View view, std::shared_ptr<const Arena> arena)
    : View(view), arena_(std::move(arena)) {}

Value Value::Of(std::string_view text) {
  Builder builder(text.size());
  builder.String(text);
  return std::move(builder).Finish();
}

Value Value::CopyOf(View view) {
  Builder builder;
  builder.Copy(view);
  return std::move(builder).Finish();
}

Value Value::OfBool(bool value) { return Value(View(value ? &kTrueNode : &kFalseNode), nullptr); }

Value Value::OfInt(std::int64_t value) {
  Builder builder;
  builder.Int(value);
  return std::move(builder).Finish();
}

Value Value::OfUint(std::uint64_t value) {
  Builder builder;
  builder.Uint(value);
  return std::move(builder).Finish();
}

Value Value::OfDouble(double value) {
  Builder builder;
  builder.Double(value);
  return std::move(builder).Finish();
}

}  // namespace weir::json
