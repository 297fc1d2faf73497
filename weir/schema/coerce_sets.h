#pragma once

// The schemas that apply to one value at once: a node with what its references and "allOf" join to
// it, and the branches that were chosen of its unions.

#include <cstdint>
#include <deque>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/schema/compiled.h"

namespace weir::schema {

// A choice between branches that is still open.
struct Union {
  NodeIndex owner = kNone;
  bool one = false;  // "oneOf"
  const std::vector<NodeIndex>* branches = nullptr;

  std::uint64_t id() const { return std::uint64_t{owner} * 2 + (one ? 1 : 0); }
};

struct NodeSet {
  std::vector<NodeIndex> nodes;         // all of them, references followed
  std::vector<std::uint64_t> resolved;  // the unions for which a branch is among `nodes`
  std::vector<Union> unions;            // the others
  TypeMask types = kAnyType;            // what all allow
  std::vector<std::uint32_t> values;    // indices into Compiled, as in Node
  std::vector<const ArrayRules*> arrays;
  std::vector<const ObjectRules*> objects;
  // Rules that the bent value must be shown to as a whole.
  bool checked = false;
  // "if" and dependent schemas may look at properties that nothing here knows.
  bool conditional = false;
};

// Makes each set once, so that a set can be compared by its address. Addresses stay.
class NodeSets {
 public:
  explicit NodeSets(const Compiled& compiled) : compiled_(compiled) {}

  const NodeSet& Of(std::vector<NodeIndex> nodes, std::vector<std::uint64_t> resolved = {});
  const NodeSet& WithBranch(const NodeSet& set, const Union& choice, NodeIndex branch);
  // For the value of one property or item; empty when nothing is said about it.
  const NodeSet& OfProperty(const NodeSet& set, std::string_view key);
  const NodeSet& OfItem(const NodeSet& set, std::size_t index);

  // Whether some schema knows the key by name or pattern.
  bool Knows(const NodeSet& set, std::string_view key) const;
  bool Forbids(const NodeSet& set, std::string_view key) const;
  bool Refuses(NodeIndex node) const { return node != kNone && compiled_[node].types == 0; }

 private:
  using Key = std::pair<std::vector<NodeIndex>, std::vector<std::uint64_t>>;

  void Join(NodeSet& set, NodeIndex node) const;
  void JoinLogic(NodeSet& set, NodeIndex node, const LogicRules& rules) const;
  // The schemas of one object that look at the key; whether any did.
  bool Gather(const ObjectRules& rules, std::string_view key, std::vector<NodeIndex>& out) const;

  const Compiled& compiled_;
  std::map<Key, const NodeSet*> made_;
  std::deque<NodeSet> sets_;
};

}  // namespace weir::schema
