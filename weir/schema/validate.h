#pragma once

// The walk that decides whether a value obeys a compiled schema. It allocates nothing, except
// where "unevaluated..." meets more than 128 members or items, "uniqueItems" a long array, and
// "propertyNames" a schema of many parts.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "weir/json/value.h"
#include "weir/schema/compiled.h"

namespace weir::schema {

// Which members of an object, or items of an array, some schema has looked at.
class Marks {
 public:
  explicit Marks(std::size_t count);
  void Set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  bool Has(std::size_t i) const { return (words_[i / 64] >> (i % 64) & 1) != 0; }
  void Merge(const Marks& other);  // of the same size
  Marks(const Marks&) = delete;
  Marks& operator=(const Marks&) = delete;

 private:
  static constexpr std::size_t kInline = 2;

  std::size_t word_count_;
  std::uint64_t inline_[kInline] = {};
  std::vector<std::uint64_t> large_;
  std::uint64_t* words_;
};

// The resources that validation came through, innermost first.
struct Scope {
  std::uint32_t resource = kNone;
  const Scope* outer = nullptr;
};

// For one validation, on one thread.
class Evaluator {
 public:
  explicit Evaluator(const Compiled& compiled);
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  // Whether `value` obeys the node. Where `marks` is given, what was looked at is noted there; if
  // the answer is no, what stands there means nothing.
  bool Accepts(NodeIndex index, json::View value, Marks* marks = nullptr) {
    const Node& node = compiled_.nodes[index];
    if (node.accepts_all) return true;
    // Most values end here, without any bookkeeping.
    if (node.logic == kNone && !value.IsObject() && !value.IsArray()) {
      return AcceptsScalar(node, value);
    }
    return Enter(node, value, marks);
  }

  // A limit was broken: no answer since then means anything.
  bool exhausted() const { return exhausted_; }

  // The parts of Accepts(), for whoever wants to know more than yes or no.
  bool AcceptsType(const Node& node, json::View value) const;
  bool AcceptsValue(const Node& node, json::View value) const;
  bool AcceptsText(const StringRules& rules, std::string_view text) const;
  // All of the node but "unevaluated...".
  bool AcceptsRules(const Node& node, json::View value, Marks* marks);
  NodeIndex TargetOf(const DynamicRef& ref) const;
  bool NameAccepted(NodeIndex index, std::string_view key);

  // Says that the walk goes into a node, which may belong to another resource.
  class Inside {
   public:
    Inside(Evaluator& evaluator, const Node& node);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Evaluator& evaluator_;
    Scope scope_;
  };

 private:
  bool Enter(const Node& node, json::View value, Marks* marks);
  bool AcceptsNode(const Node& node, json::View value, Marks* marks);
  bool AcceptsScalar(const Node& node, json::View value) const;
  bool AcceptsNumber(const Node& node, json::View value) const;
  bool AcceptsArray(const ArrayRules& rules, json::View value, Marks* marks);
  bool AcceptsContains(const ArrayRules& rules, json::View value, Marks* marks);
  bool AcceptsObject(const ObjectRules& rules, json::View value, Marks* marks);
  bool AcceptsMember(const ObjectRules& rules, const json::Member& member,
                     const ObjectRules::Property* property, bool& looked_at);
  bool AcceptsDependents(const ObjectRules& rules, json::View value, Marks* marks);
  bool AcceptsLogic(const LogicRules& rules, json::View value, Marks* marks);
  bool AcceptsAny(const LogicRules& rules, json::View value, Marks* marks);
  bool AcceptsOne(const LogicRules& rules, json::View value, Marks* marks);
  bool AcceptsTold(const Telltale& telltale, json::View value, Marks* marks);
  bool AcceptsIf(const LogicRules& rules, json::View value, Marks* marks);
  bool AcceptsUnevaluated(const Node& node, json::View value, Marks& marks);
  NodeIndex UnevaluatedOf(const Node& node, json::View value) const;
  bool Branch(NodeIndex index, json::View value, Marks* marks);

  const Compiled& compiled_;
  const bool dynamic_;  // whether the scope is worth keeping
  const Scope* scope_ = nullptr;
  std::size_t depth_left_;
  std::size_t steps_left_;
  bool exhausted_ = false;
};

// The first two items that are equal; nullopt-like {0, 0} when all are distinct.
struct EqualItems {
  std::size_t first = 0;
  std::size_t second = 0;
};
EqualItems FindEqualItems(json::View array);

}  // namespace weir::schema
