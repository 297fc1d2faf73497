#pragma once

// All that several schemas ask of one value, after the choices they leave (`anyOf`, `oneOf`, `if`,
// how to break a `not`) have been made at random.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/random.h"
#include "weir/schema/compiled.h"
#include "weir/schema/generate_number.h"
#include "weir/schema/generate_outline.h"
#include "weir/schema/generate_text.h"

namespace weir::schema {

// A schema that a value must obey, or must not.
struct Part {
  NodeIndex node = 0;
  bool negative = false;
};

// Why there is no way on; kept for the message.
struct Obstacle {
  NodeIndex node = 0;
  std::string keyword;
  std::string sentence;
};

struct Counts {
  std::uint64_t min = 0;
  std::uint64_t max = kUnbounded;

  void AtLeast(std::uint64_t count) { min = std::max(min, count); }
  void AtMost(std::uint64_t count) { max = std::min(max, count); }
};

struct Demand {
  // A node that applies to the value, and the one that brought it in.
  struct Fact {
    NodeIndex node = 0;
    std::uint32_t parent = kNone;  // index into `facts`
  };

  TypeMask types = kAnyType;
  std::vector<Fact> facts;
  bool check = false;  // whether the value must be looked at again because of what is not here

  NumberDemand number;
  TextDemand text;
  Counts items;
  Counts members;
  bool equal_items = false;                      // some two must be equal
  std::vector<std::pair<std::size_t, Part>> at;  // items with a demand of their own
  std::vector<Part> every_item;
  std::vector<std::pair<std::string_view, Part>> of_key;  // members with a demand of their own
  std::vector<Part> strangers;  // each: a key that no property names, with this value
  std::vector<std::pair<std::uint32_t, Part>> of_pattern;  // a key of this pattern, with this value
  std::vector<std::string_view> required;
  std::vector<std::string_view> forbidden;

  bool Within(std::uint32_t fact, std::uint32_t ancestor) const {
    while (fact != ancestor && fact != kNone) fact = facts[fact].parent;
    return fact == ancestor;
  }
};

class DemandMaker {
 public:
  // `scope` are nodes of the resources that the walk came through, outermost first. All must
  // outlive this.
  DemandMaker(const Compiled& compiled, const std::vector<Outline>& outlines,
              const std::vector<NodeIndex>& scope, Random& random, Obstacle& obstacle)
      : compiled_(compiled),
        outlines_(outlines),
        scope_(scope),
        random_(random),
        obstacle_(obstacle) {}

  // Choices are made among what needs at most `depth_left` levels, or else the least. False when
  // the parts contradict each other, by the choices made; `obstacle` says where.
  bool Make(std::span<const Part> parts, std::uint32_t depth_left, Demand& demand);

 private:
  enum class Kind : std::uint8_t { kAnyOf, kOneOf, kIf, kNot, kDependents };
  // Left for when all that is certain is known.
  struct Choice {
    Kind kind;
    NodeIndex node;
    std::uint32_t fact;
  };

  bool Blocked(NodeIndex node, std::string_view keyword, std::string sentence);
  // For a node that has no instances: says which part of it is to blame.
  bool BlockedInside(NodeIndex node);
  bool Add(Demand& demand, NodeIndex index, std::uint32_t parent);
  void AddRules(Demand& demand, const Node& node) const;
  bool AddLogic(Demand& demand, const Node& node, std::uint32_t fact);
  NodeIndex TargetOf(const DynamicRef& ref, const Demand& demand, std::uint32_t fact) const;
  bool Choose(Demand& demand, Choice choice);
  bool ChooseBranch(Demand& demand, const std::vector<NodeIndex>& branches, Choice choice);
  bool ChooseIf(Demand& demand, const LogicRules& logic, Choice choice);
  bool ChooseDependents(Demand& demand, const ObjectRules& rules, Choice choice);

  // The ways to break a node: one is taken at random.
  bool Negate(Demand& demand, NodeIndex index, std::uint32_t fact);
  bool NegateLogic(Demand& demand, const LogicRules& logic, std::size_t way, std::uint32_t fact);

  const Compiled& compiled_;
  const std::vector<Outline>& outlines_;
  const std::vector<NodeIndex>& scope_;
  Random& random_;
  Obstacle& obstacle_;
  std::uint32_t depth_left_ = 0;
  std::size_t nesting_ = 0;
  std::uint64_t ifs_ = 0;  // that were met
  std::vector<Choice> choices_;
};

}  // namespace weir::schema
