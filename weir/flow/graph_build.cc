#include "weir/flow/graph_build.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/flow/graph_schema.h"
#include "weir/flow/names.h"
#include "weir/json/writer.h"

namespace weir::flow {

Sequence GraphBuilder::Build() {
  if (flow_.input.schema) {
    auto input = CompileShape(flow_.input, flow_.folder, flow_.parts);
    if (input) {
      input_ = *std::move(input);
    } else {
      Wrong(flow_.input.place, StrCat("the schema of `input` is wrong: ", input.error().message));
    }
  }
  if (flow_.nodes.empty()) Wrong(flow_.file, "the flow has no nodes: give it at least one step");
  Sequence nodes = BuildAll(flow_.nodes, 0);
  CheckThoughts();
  return nodes;
}

void GraphBuilder::Wrong(const std::string& place, std::string message) {
  problems_.push_back({.place = place, .message = std::move(message)});
}

void GraphBuilder::Wrong(const Source& source, const Node& node, std::string message) {
  Wrong(source.place.empty() ? node.place : source.place, std::move(message));
}

Sequence GraphBuilder::BuildAll(const Nodes& nodes, std::size_t depth) {
  Sequence out;
  if (depth > kDeepestFlow) {
    const std::string place = nodes.empty() ? "" : nodes.front().place;
    Wrong(place, StrCat("nodes are nested more than ", kDeepestFlow, " deep; split the flow"));
    return out;
  }
  out.reserve(nodes.size());
  for (const Node& node : nodes) {
    if (count_ == kMostNodes) {
      Wrong(node.place, StrCat("a flow has at most ", kMostNodes, " nodes; split it in two"));
      ++count_;
    }
    if (count_ > kMostNodes) break;
    GraphNode& built = out.emplace_back();
    built.node = &node;
    built.index = count_++;
    BuildOne(node, depth, built);
  }
  return out;
}

void GraphBuilder::BuildOne(const Node& node, std::size_t depth, GraphNode& out) {
  Claim(node.id, TypeName(node), node.place);
  if (node.barrier && depth > 0) {
    Wrong(node.place, StrCat("`barrier` of ", node.id,
                             " stands inside another node; only nodes of the flow itself can wait "
                             "for all rows: move it there"));
  }
  if (const auto* step = std::get_if<Step>(&node.what)) BuildStep(*step, out);
  if (const auto* apply = std::get_if<Apply>(&node.what)) BuildApply(*apply, out);
  if (const auto* parallel = std::get_if<Parallel>(&node.what))
    BuildParallel(*parallel, depth, out);
  if (const auto* choice = std::get_if<Switch>(&node.what)) BuildSwitch(*choice, depth, out);
  if (const auto* map = std::get_if<Map>(&node.what)) BuildMap(*map, depth, out);
}

void GraphBuilder::BuildStep(const Step& step, GraphNode& out) {
  const Node& node = *out.node;
  CheckStep(step, node);
  if (step.agent) CheckAgent(step, node);
  if (!step.system.empty()) out.system = CompileTemplate(step.system, node, "system");
  const Source user = step.user.empty()
                          ? Source{.text = std::string(kDefaultUser), .place = node.place}
                          : step.user;
  out.user = CompileTemplate(user, node, "user");
  for (const Source& source : step.media) {
    if (auto media = CompileExpression(source, node, "media")) out.media.push_back(*media);
  }
  out.output = CompileOutput(step.output, node);
}

void GraphBuilder::BuildApply(const Apply& apply, GraphNode& out) {
  const Node& node = *out.node;
  const int kinds = (apply.where.empty() ? 0 : 1) + (apply.set.empty() ? 0 : 1) +
                    (apply.each.empty() ? 0 : 1) + (apply.program ? 1 : 0);
  if (kinds != 1) {
    Wrong(node.place, StrCat("apply ", node.id, kinds == 0 ? " does nothing" : " does two things",
                             ": give it exactly one of `where`, `set`, `each` and `exec`"));
  }
  if (!apply.where.empty()) out.expression = CompileExpression(apply.where, node, "where");
  if (!apply.each.empty()) out.expression = CompileExpression(apply.each, node, "each");
  for (const auto& [name, source] : apply.set) {
    if (name == "row_id") {
      Wrong(source, node,
            StrCat("`set` of ", node.id,
                   " gives a field `row_id`, which outputs need for the row's own "
                   "id: call it something else"));
    }
    if (auto field = CompileExpression(source, node, name)) out.fields.emplace_back(name, *field);
  }
  if (apply.program) CheckProgram(*apply.program, node);
  out.output = CompileOutput(apply.output, node);
}

void GraphBuilder::BuildParallel(const Parallel& parallel, std::size_t depth, GraphNode& out) {
  if (parallel.branches.empty()) {
    Wrong(out.node->place, StrCat("parallel ", out.node->id, " has no branches"));
  }
  out.ways.reserve(parallel.branches.size());
  for (const Branch& branch : parallel.branches) {
    Claim(branch.name, "branch", branch.place);
    if (!branch.join.empty() && branch.join != branch.name) {
      Claim(branch.join, "the alias", branch.place);
    }
    if (branch.nodes.empty()) {
      Wrong(branch.place, StrCat("branch ", branch.name, " has no nodes"));
    }
    out.ways.push_back(
        {.name = branch.name, .join = branch.join, .nodes = BuildAll(branch.nodes, depth + 1)});
  }
}

void GraphBuilder::BuildSwitch(const Switch& choice, std::size_t depth, GraphNode& out) {
  const Node& node = *out.node;
  if (choice.on.empty()) {
    Wrong(node.place, StrCat("switch ", node.id, " needs `on`, the expression to look at"));
  } else {
    out.expression = CompileExpression(choice.on, node, "on");
  }
  if (choice.cases.empty()) Wrong(node.place, StrCat("switch ", node.id, " has no cases"));
  out.ways.reserve(choice.cases.size() + 1);
  for (const Case& one : choice.cases) {
    out.ways.push_back(
        {.name = json::Write(one.equals), .join = {}, .nodes = BuildAll(one.nodes, depth + 1)});
  }
  if (choice.otherwise) {
    out.ways.push_back(
        {.name = "default", .join = {}, .nodes = BuildAll(*choice.otherwise, depth + 1)});
  }
}

void GraphBuilder::BuildMap(const Map& map, std::size_t depth, GraphNode& out) {
  const Node& node = *out.node;
  if (map.over.empty()) {
    Wrong(node.place, StrCat("map ", node.id, " needs `over`, the list to go through"));
  } else {
    out.expression = CompileExpression(map.over, node, "over");
  }
  if (!IsName(map.as) || IsReserved(map.as)) {
    Wrong(node.place, StrCat("`as: ", Truncate(map.as, 60), "` of map ", node.id,
                             " is no name for an item: use letters, digits and _, and none of the "
                             "names that mean something else"));
  }
  if (map.nodes.empty()) Wrong(node.place, StrCat("map ", node.id, " has no nodes"));
  out.ways.push_back({.name = {}, .join = {}, .nodes = BuildAll(map.nodes, depth + 1)});
}

std::optional<text::Template> GraphBuilder::CompileTemplate(const Source& source, const Node& node,
                                                            std::string_view key) {
  auto compiled = text::Template::Compile(source.text, StrCat(node.id, ".", key));
  if (compiled) return *std::move(compiled);
  Wrong(source, node, compiled.error().message);
  return std::nullopt;
}

std::optional<text::Expression> GraphBuilder::CompileExpression(const Source& source,
                                                                const Node& node,
                                                                std::string_view key) {
  auto compiled = text::Expression::Compile(source.text, StrCat(node.id, ".", key));
  if (compiled) return *std::move(compiled);
  Wrong(source, node, compiled.error().message);
  return std::nullopt;
}

std::optional<schema::Schema> GraphBuilder::CompileOutput(const Shape& shape, const Node& node) {
  if (!shape.schema) return std::nullopt;
  const std::string& place = shape.place.empty() ? node.place : shape.place;
  auto compiled = CompileShape(shape, flow_.folder, flow_.parts);
  if (!compiled) {
    Wrong(place, StrCat("the schema of `output` of ", node.id, " is wrong: ",
                        compiled.error().message, compiled.error().cause.empty() ? "" : " (",
                        compiled.error().cause, compiled.error().cause.empty() ? "" : ")"));
    return std::nullopt;
  }
  if (shape.schema->Find("properties").Find("row_id").exists()) {
    Wrong(place, StrCat("`output` of ", node.id,
                        " has a property `row_id`, which outputs need for the row's own id: call "
                        "it something else"));
  }
  return *std::move(compiled);
}

}  // namespace weir::flow
