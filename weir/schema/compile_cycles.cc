#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/schema/compile_node.h"

namespace weir::schema {
namespace {

// The nodes that are applied to the same value as `node`.
std::vector<NodeIndex> InPlace(const Compiled& compiled, const Node& node) {
  std::vector<NodeIndex> out;
  const auto add = [&out](NodeIndex index) {
    if (index != kNone) out.push_back(index);
  };
  if (node.logic != kNone) {
    const LogicRules& logic = compiled.logic[node.logic];
    add(logic.ref);
    for (const auto* list : {&logic.all_of, &logic.any_of, &logic.one_of}) {
      out.insert(out.end(), list->begin(), list->end());
    }
    for (const NodeIndex index :
         {logic.not_node, logic.if_node, logic.then_node, logic.else_node}) {
      add(index);
    }
    // Where a dynamic reference leads is known only during validation, which has a limit of its
    // own.
  }
  if (node.object != kNone) {
    for (const auto& dependent : compiled.objects[node.object].dependents) add(dependent.node);
  }
  return out;
}

}  // namespace

Result<void> RefuseEmptyCycles(const Compiled& compiled) {
  enum class State : std::uint8_t { kNew, kOpen, kDone };
  struct Frame {
    NodeIndex node;
    std::vector<NodeIndex> next;
  };
  std::vector<State> states(compiled.nodes.size(), State::kNew);
  std::vector<Frame> stack;
  const auto open = [&](NodeIndex index) {
    states[index] = State::kOpen;
    stack.push_back({.node = index, .next = InPlace(compiled, compiled[index])});
  };
  for (NodeIndex start = 0; start < compiled.nodes.size(); ++start) {
    if (states[start] != State::kNew) continue;
    open(start);
    while (!stack.empty()) {
      Frame& frame = stack.back();
      if (frame.next.empty()) {
        states[frame.node] = State::kDone;
        stack.pop_back();
        continue;
      }
      const NodeIndex next = frame.next.back();
      frame.next.pop_back();
      if (states[next] == State::kNew) {
        open(next);
      } else if (states[next] == State::kOpen) {
        const std::string path = compiled.PathOf(next);
        return Fail(
            Code::kInvalidSchema,
            StrCat("the schema is wrong ", path.empty() ? "at its root" : StrCat("at ", path),
                   ": it refers to itself without going deeper into the value, so that "
                   "checking it would never end"));
      }
    }
  }
  return {};
}

}  // namespace weir::schema
