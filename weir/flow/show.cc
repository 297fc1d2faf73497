#include "weir/flow/show.h"

#include <algorithm>
#include <vector>

#include "weir/base/text.h"
#include "weir/flow/names.h"
#include "weir/flow/show_label.h"

namespace weir::flow {
namespace {

struct Signs {
  std::string_view step, filter, set, each, program, parallel, branch, choice, one_case, map;
  std::string_view inner, last, bar, gap, arrow;
};

constexpr Signs kUnicode = {.step = "●",
                            .filter = "▽",
                            .set = "=",
                            .each = "⋔",
                            .program = "⚙",
                            .parallel = "∥",
                            .branch = "⑂",
                            .choice = "◇",
                            .one_case = "▸",
                            .map = "↻",
                            .inner = "├─ ",
                            .last = "└─ ",
                            .bar = "│  ",
                            .gap = "   ",
                            .arrow = "→"};
constexpr Signs kAscii = {.step = "*",
                          .filter = "?",
                          .set = "=",
                          .each = "<",
                          .program = "$",
                          .parallel = "||",
                          .branch = "/",
                          .choice = "<>",
                          .one_case = ">",
                          .map = "@",
                          .inner = "|- ",
                          .last = "`- ",
                          .bar = "|  ",
                          .gap = "   ",
                          .arrow = "->"};

class TreeWriter {
 public:
  TreeWriter(const Graph& graph, const TreeOptions& options)
      : graph_(graph), options_(options), signs_(options.unicode ? kUnicode : kAscii) {}

  std::string Write() && {
    out_ = Plain(graph_.flow().name);
    if (!graph_.flow().description.empty()) {
      StrAppend(out_, ": ", Truncate(Plain(graph_.flow().description), 100));
    }
    out_ += '\n';
    WriteAll(graph_.nodes(), "");
    return std::move(out_);
  }

 private:
  void WriteAll(const Sequence& nodes, const std::string& margin) {
    for (const GraphNode& node : nodes) {
      const bool last = &node == &nodes.back();
      Line(margin, last,
           StrCat(SignOf(node), " ", NodeLabel(node), EngineLabel(graph_, node),
                  FieldsLabel(node, signs_.arrow), FlagsLabel(node)));
      WriteWays(node, StrCat(margin, last ? signs_.gap : signs_.bar));
    }
  }

  void WriteWays(const GraphNode& node, const std::string& margin) {
    if (node.map() != nullptr) return WriteAll(node.ways.front().nodes, margin);
    std::size_t shown = node.ways.size();
    const auto most = static_cast<std::size_t>(std::max(options_.max_branches, 0));
    if (node.parallel() != nullptr && most > 0) shown = std::min(shown, most);
    const bool all = shown == node.ways.size();
    for (std::size_t i = 0; i < shown; ++i) {
      const Way& way = node.ways[i];
      const bool last = all && i + 1 == shown;
      Line(margin, last,
           StrCat(node.parallel() != nullptr ? signs_.branch : signs_.one_case, " ",
                  WayLabel(node, way, signs_.arrow)));
      WriteAll(way.nodes, StrCat(margin, last ? signs_.gap : signs_.bar));
    }
    if (!all) Line(margin, true, StrCat("+", node.ways.size() - shown, " more"));
  }

  void Line(std::string_view margin, bool last, std::string_view text) {
    StrAppend(out_, margin, last ? signs_.last : signs_.inner, text, "\n");
  }

  std::string_view SignOf(const GraphNode& node) const {
    if (node.step() != nullptr) return signs_.step;
    if (node.parallel() != nullptr) return signs_.parallel;
    if (node.as_switch() != nullptr) return signs_.choice;
    if (node.map() != nullptr) return signs_.map;
    const Apply& apply = *node.apply();
    if (!apply.where.empty()) return signs_.filter;
    if (!apply.each.empty()) return signs_.each;
    return apply.program ? signs_.program : signs_.set;
  }

  const Graph& graph_;
  const TreeOptions& options_;
  const Signs& signs_;
  std::string out_;
};

}  // namespace

std::string ShowTree(const Graph& graph, const TreeOptions& options) {
  return TreeWriter(graph, options).Write();
}

}  // namespace weir::flow
