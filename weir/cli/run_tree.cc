#include "weir/cli/run_tree.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/cli/run_frame.h"

namespace weir::cli {
namespace {

using flow::GraphNode;
using flow::Sequence;
using flow::Way;
using Count = std::optional<std::uint64_t>;

std::size_t NodesIn(const Sequence& nodes) {
  std::size_t count = nodes.size();
  for (const GraphNode& node : nodes) {
    for (const Way& way : node.ways) count += NodesIn(way.nodes);
  }
  return count;
}

class Tree {
 public:
  Tree(const flow::Graph& graph, const flow::RunStats& stats, const Rates& rates, bool fold,
       bool unicode)
      : graph_(graph), stats_(stats), rates_(rates), fold_(fold), unicode_(unicode) {}

  std::vector<TreeLine> Lines() {
    Count rows = stats_.rows_total;
    for (const GraphNode& node : graph_.nodes()) {
      AddNode(node, {}, {}, {}, rows);
      rows = Behind(node, rows);
    }
    return std::move(lines_);
  }

 private:
  // `rails` stand before the line of the node, `inner` before those of its ways.
  void AddNode(const GraphNode& node, const std::string& rails, const std::string& inner,
               std::string_view way, Count rows) {
    TreeLine line{.rails = rails, .node = &node, .rows = rows, .busy = Busy(node)};
    line.name = way.empty() ? node.node->id : StrCat(OneLine(way), ": ", node.node->id);
    if (node.step() != nullptr) {
      const std::string& engine = node.step()->engine;
      line.engine = OneLine(engine.empty() ? graph_.flow().engine : engine);
    }
    lines_.push_back(std::move(line));
    // Which rows go into a case, and how many items a map has, nobody knows before.
    const Count inside = node.parallel() != nullptr ? rows : std::nullopt;
    for (const Way& way_inside : node.ways) {
      AddWay(way_inside, inner, &way_inside == &node.ways.back(), inside);
    }
  }

  void AddWay(const Way& way, const std::string& rails, bool last, Count rows) {
    const std::string corner = StrCat(rails, Corner(last));
    const std::string inner = StrCat(rails, Rail(last));
    if (fold_ && Quiet(way.nodes)) {
      const std::size_t nodes = NodesIn(way.nodes);
      lines_.push_back({.rails = corner,
                        .name = StrCat(way.name.empty() ? "" : OneLine(way.name) + ": ", nodes,
                                       nodes == 1 ? " node" : " nodes")});
    } else if (way.nodes.size() == 1) {
      AddNode(way.nodes.front(), corner, inner, way.name, rows);
    } else if (way.name.empty()) {
      AddAll(way.nodes, rails, rows);
    } else {
      lines_.push_back({.rails = corner, .name = OneLine(way.name), .busy = !Quiet(way.nodes)});
      AddAll(way.nodes, inner, rows);
    }
  }

  void AddAll(const Sequence& nodes, const std::string& rails, Count rows) {
    for (const GraphNode& node : nodes) {
      const bool last = &node == &nodes.back();
      AddNode(node, StrCat(rails, Corner(last)), StrCat(rails, Rail(last)), {}, rows);
      rows = Behind(node, rows);
    }
  }

  // Of `rows` that come to a node, those that come to the next one.
  Count Behind(const GraphNode& node, Count rows) const {
    const flow::Apply* apply = node.apply();
    if (apply != nullptr && (!apply->each.empty() || apply->program)) return std::nullopt;
    if (!rows) return rows;
    rows = *rows - std::min(*rows, stats_.nodes[node.index].dropped);
    // The item of a map is no row.
    if (node.map() != nullptr) return rows;
    for (const Way& way : node.ways) {
      for (const GraphNode& inside : way.nodes) rows = Behind(inside, rows);
    }
    return rows;
  }

  bool Busy(const GraphNode& node) const {
    return stats_.nodes[node.index].in_flight > 0 || rates_.node_rows(node.index) > 0;
  }

  bool Quiet(const Sequence& nodes) const {
    return std::ranges::none_of(nodes, [this](const GraphNode& node) {
      return Busy(node) || stats_.nodes[node.index].failed > 0 ||
             !std::ranges::all_of(node.ways, [this](const Way& way) { return Quiet(way.nodes); });
    });
  }

  std::string_view Corner(bool last) const {
    if (!unicode_) return last ? "`- " : "|- ";
    return last ? "└ " : "├ ";
  }
  std::string_view Rail(bool last) const {
    if (!unicode_) return last ? "   " : "|  ";
    return last ? "  " : "│ ";
  }

  const flow::Graph& graph_;
  const flow::RunStats& stats_;
  const Rates& rates_;
  const bool fold_;
  const bool unicode_;
  std::vector<TreeLine> lines_;
};

}  // namespace

std::vector<TreeLine> RunTree(const flow::Graph& graph, const flow::RunStats& stats,
                              const Rates& rates, std::size_t max_lines, bool unicode) {
  max_lines = std::max<std::size_t>(max_lines, 1);
  std::vector<TreeLine> lines = Tree(graph, stats, rates, false, unicode).Lines();
  if (lines.size() > max_lines) lines = Tree(graph, stats, rates, true, unicode).Lines();
  if (lines.size() <= max_lines) return lines;
  std::size_t room = max_lines - 1;
  std::size_t room_for_idle =
      room -
      std::min(room, static_cast<std::size_t>(std::ranges::count_if(lines, &TreeLine::busy)));
  const std::size_t all = lines.size();
  std::erase_if(lines, [&](const TreeLine& line) {
    std::size_t& left = line.busy ? room : room_for_idle;
    if (left == 0) return true;
    --left;
    return false;
  });
  lines.push_back({.name = StrCat("+", all - lines.size(), " more")});
  return lines;
}

}  // namespace weir::cli
