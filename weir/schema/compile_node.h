#pragma once

// Turns subschemas into nodes. A node is numbered when something first refers to it and filled in
// later, from a queue: nothing recurses, however the references run.

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/base/result.h"
#include "weir/schema/compile_registry.h"
#include "weir/schema/compiled.h"

namespace weir::schema {

class NodeCompiler {
 public:
  // Both must outlive this.
  NodeCompiler(const CompileOptions& options, Registry& registry, Compiled& out)
      : options_(options), registry_(registry), out_(out) {}

  // The node of a location; it is filled in by the next Run().
  NodeIndex NodeOf(std::uint32_t location);

  // Fills in all nodes, and those that they refer to.
  Result<void> Run();

 private:
  // The rules of the node in work, put into `out_` when they are complete.
  struct Rules {
    ValueRules values;
    NumberRules number;
    StringRules string;
    ArrayRules array;
    ObjectRules object;
    LogicRules logic;
    json::View constant;
    json::View enumeration;
    json::View required;
    json::View items;  // as a list or one schema, before 2020-12
    NodeIndex additional_items = kNone;
    bool has_number = false;
    bool has_string = false;
    bool has_array = false;
    bool has_object = false;
    bool has_logic = false;
  };
  struct OpenDynamicRef {
    std::uint32_t index = 0;  // in out_.dynamic_refs
    NodeIndex node = kNone;   // the one that holds it
    std::string anchor;       // empty: "$recursiveRef"
  };
  // A keyword of the node in work.
  struct Field {
    const KeywordInfo* info;
    std::string_view name;
    json::View value;
  };

  Result<void> Fill(NodeIndex index);
  Result<void> Dispatch(const Field& field, Node& node, Rules& rules);
  Result<void> NumberField(const Field& field, Rules& rules);
  Result<void> StringField(const Field& field, Rules& rules);
  Result<void> ArrayField(const Field& field, Rules& rules);
  Result<void> ObjectField(const Field& field, Rules& rules);
  Result<void> DependentField(const Field& field, Rules& rules);
  Result<void> LogicField(const Field& field, Rules& rules);
  Result<void> TypeField(const Field& field, Node& node);
  Result<void> RefField(const Field& field, Rules& rules);
  void Finish(Node& node, Rules& rules);
  void FinishValues(Rules& rules);
  void FinishObject(Rules& rules);
  bool AddDynamicTargets();
  void SettleDynamicRefs();

  NodeIndex ChildOf(json::View schema) { return NodeOf(registry_.Find(schema)); }
  std::vector<NodeIndex> ChildrenOf(json::View schemas);
  Result<std::uint32_t> PatternOf(std::string_view text, const Field& field);
  Result<std::vector<std::string_view>> Keys(json::View list, const Field& field);
  // A count of the schema; one that is too large for 64 bits is kUnbounded.
  Result<void> Count(const Field& field, std::uint64_t& out);
  Result<void> Number(const Field& field, json::Bound& out);
  std::unexpected<Error> Wrong(const Field& field, std::string_view what,
                               Code code = Code::kInvalidSchema) const;

  const CompileOptions& options_;
  Registry& registry_;
  Compiled& out_;
  std::uint32_t place_ = 0;     // of the node in work
  std::uint32_t resource_ = 0;  // of the node in work
  NodeIndex current_ = 0;
  std::size_t filled_ = 0;
  std::vector<NodeIndex> node_of_location_;
  std::vector<std::uint32_t> location_of_node_;
  std::unordered_map<std::string_view, std::uint32_t> pattern_of_text_;
  std::vector<OpenDynamicRef> open_;
};

// Fills in how the required properties are counted. The properties are complete.
void NumberRequired(ObjectRules& rules);

// Fails when a reference leads back to itself without going into the instance.
Result<void> RefuseEmptyCycles(const Compiled& compiled);

// Notes where a yes or no can be had without trying everything. Behind RefuseEmptyCycles().
void FindShortcuts(Compiled& compiled);

}  // namespace weir::schema
