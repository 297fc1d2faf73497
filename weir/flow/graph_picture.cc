#include "weir/flow/graph_picture.h"

#include <algorithm>

#include "weir/base/utf8.h"
#include "weir/flow/figures.h"
#include "weir/flow/html.h"

namespace weir::flow {
namespace {

constexpr double kBoxHeight = 56;
constexpr double kGap = 26;      // between nodes, for the arrow
constexpr double kBeside = 16;   // between ways
constexpr double kPadding = 12;  // of a frame
constexpr double kLabel = 20;    // the name of a way
constexpr double kCharacter = 7.3;
constexpr std::size_t kMostCharacters = 26;

std::string Cut(std::string_view text) {
  const std::size_t bytes = OffsetOfCharacter(text, kMostCharacters - 1);
  if (bytes == text.size()) return std::string(text);
  return StrCat(text.substr(0, bytes), "…");
}

struct Size {
  double width = 0;
  double height = 0;
};

class Picture {
 public:
  Picture(const Graph& graph, const RunStats& stats) : graph_(graph), stats_(stats) {}

  std::string Svg() {
    const Size size = Measure(graph_.nodes());
    DrawAll(graph_.nodes(), 1, 1, size.width);
    const std::string width = Px(size.width + 2);
    const std::string height = Px(size.height + 2);
    return StrCat("<svg class=\"graph\" role=\"img\" width=\"", width, "\" height=\"", height,
                  "\" viewBox=\"0 0 ", width, " ", height, "\"><title>The graph of ",
                  Escaped(graph_.flow().name), "</title>\n", out_, "</svg>\n");
  }

 private:
  std::vector<std::string> LinesOf(const GraphNode& node) const {
    const NodeStats& stats = stats_.nodes[node.index];
    std::string kind(KindOf(node));
    const std::string engine = EngineOf(graph_, node);
    if (!engine.empty()) StrAppend(kind, " ", engine);
    if (node.node->barrier) kind += ", after all rows";
    std::string figures = StrCat(Grouped(stats.ok), " ok");
    if (stats.failed > 0) StrAppend(figures, ", ", Grouped(stats.failed), " failed");
    if (stats.dropped > 0) StrAppend(figures, ", ", Grouped(stats.dropped), " dropped");
    return {Cut(node.node->id), Cut(kind), Cut(figures)};
  }

  double BoxWidth(const GraphNode& node) const {
    std::size_t characters = 12;
    for (const std::string& line : LinesOf(node)) {
      characters = std::max(characters, CountCharacters(line));
    }
    return static_cast<double>(characters) * kCharacter + 2 * kPadding;
  }

  Size Measure(const Way& way) const {
    Size size = Measure(way.nodes);
    size.width =
        std::max(size.width, static_cast<double>(CountCharacters(Cut(way.name))) * kCharacter);
    size.height += kLabel;
    return size;
  }

  Size Measure(const GraphNode& node) const {
    Size size{.width = BoxWidth(node), .height = kBoxHeight};
    if (node.ways.empty()) return size;
    Size inside;
    for (const Way& way : node.ways) {
      const Size one = Measure(way);
      inside.width += one.width + (&way == &node.ways.front() ? 0 : kBeside);
      inside.height = std::max(inside.height, one.height);
    }
    size.width = std::max(size.width, inside.width) + 2 * kPadding;
    size.height += inside.height + 3 * kPadding;
    return size;
  }

  Size Measure(const Sequence& nodes) const {
    Size size;
    for (const GraphNode& node : nodes) {
      const Size one = Measure(node);
      size.width = std::max(size.width, one.width);
      size.height += one.height + (&node == &nodes.front() ? 0 : kGap);
    }
    return size;
  }

  // In the middle of `width`.
  void DrawAll(const Sequence& nodes, double x, double y, double width) {
    const double middle = x + width / 2;
    for (const GraphNode& node : nodes) {
      if (&node != &nodes.front()) {
        StrAppend(out_, "<path class=\"arrow\" d=\"M", Px(middle), " ", Px(y), "v", Px(kGap - 2),
                  "m-4 -6l4 6l4 -6\"/>\n");
        y += kGap;
      }
      const Size size = Measure(node);
      DrawNode(node, middle - size.width / 2, y, size);
      y += size.height;
    }
  }

  void DrawNode(const GraphNode& node, double x, double y, Size size) {
    const double middle = x + size.width / 2;
    const double box_width = BoxWidth(node);
    if (!node.ways.empty()) {
      StrAppend(out_, "<rect class=\"frame\" rx=\"8\" x=\"", Px(x), "\" y=\"", Px(y), "\" width=\"",
                Px(size.width), "\" height=\"", Px(size.height), "\"/>\n");
      DrawWays(node, x, y + kPadding + kBoxHeight + kPadding, size.width);
      y += kPadding;
    }
    const bool failed = stats_.nodes[node.index].failed > 0;
    StrAppend(out_, "<rect class=\"box", failed ? " bad" : "", "\" rx=\"6\" x=\"",
              Px(middle - box_width / 2), "\" y=\"", Px(y), "\" width=\"", Px(box_width),
              "\" height=\"", Px(kBoxHeight), "\"/>\n");
    double line_y = y + 17;
    std::string_view style = "m id";
    for (const std::string& line : LinesOf(node)) {
      StrAppend(out_, "<text class=\"", style, "\" x=\"", Px(middle), "\" y=\"", Px(line_y), "\">",
                Escaped(line), "</text>\n");
      line_y += 15.5;
      style = "m";
    }
  }

  void DrawWays(const GraphNode& node, double x, double y, double width) {
    double all = -kBeside;
    for (const Way& way : node.ways) all += Measure(way).width + kBeside;
    x += (width - all) / 2;
    for (const Way& way : node.ways) {
      const Size size = Measure(way);
      StrAppend(out_, "<text class=\"m way\" x=\"", Px(x + size.width / 2), "\" y=\"", Px(y + 13),
                "\">", Escaped(Cut(way.name)), "</text>\n");
      DrawAll(way.nodes, x, y + kLabel, size.width);
      x += size.width + kBeside;
    }
  }

  const Graph& graph_;
  const RunStats& stats_;
  std::string out_;
};

}  // namespace

std::string GraphPicture(const Graph& graph, const RunStats& stats) {
  return Picture(graph, stats).Svg();
}

std::string_view KindOf(const GraphNode& node) {
  if (node.step() != nullptr) return "ask";
  if (node.parallel() != nullptr) return "parallel";
  if (node.as_switch() != nullptr) return "switch";
  if (node.map() != nullptr) return "map";
  if (node.apply()->program) return "program";
  if (!node.apply()->where.empty()) return "keep";
  return node.apply()->each.empty() ? "set" : "each";
}

std::string EngineOf(const Graph& graph, const GraphNode& node) {
  if (node.step() == nullptr) return {};
  return node.step()->engine.empty() ? graph.flow().engine : node.step()->engine;
}

}  // namespace weir::flow
