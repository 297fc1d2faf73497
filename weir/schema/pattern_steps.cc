#include "weir/schema/pattern_steps.h"

#include <cstddef>

namespace weir::schema {
namespace {

using Kind = RegexNode::Kind;
using Step = PatternSteps::Step;

// The nodes of an expression in the order of the text, groups without a count opened.
class Flat {
 public:
  explicit Flat(const Regex& regex) : regex_(regex) { Open(regex.root); }

  const std::vector<const RegexNode*>& nodes() const { return nodes_; }

 private:
  void Open(std::uint32_t index) {
    const RegexNode& node = regex_.nodes[index];
    if (node.kind != Kind::kConcat) return nodes_.push_back(&node);
    for (const std::uint32_t child : node.children) Open(child);
  }

  const Regex& regex_;
  std::vector<const RegexNode*> nodes_;
};

std::optional<PatternSteps::Class> ClassOf(const Regex& regex, const RegexNode& node) {
  if (node.kind != Kind::kClass) return std::nullopt;
  const CharClass& written = regex.classes[node.index];
  if (written.negated || !written.properties.empty()) return std::nullopt;
  PatternSteps::Class chars;
  for (const CodeRange& range : written.set.ranges()) {
    if (range.high > 127) return std::nullopt;
    for (char32_t c = range.low; c <= range.high; ++c) {
      (c < 64 ? chars.low : chars.high) |= std::uint64_t{1} << (c & 63);
    }
  }
  return chars;
}

std::optional<Step> StepOf(const Regex& regex, const RegexNode& node) {
  const bool repeats = node.kind == Kind::kRepeat;
  const RegexNode& one = repeats ? regex.nodes[node.children.front()] : node;
  const std::optional<PatternSteps::Class> chars = ClassOf(regex, one);
  if (!chars) return std::nullopt;
  if (!repeats) return Step{.chars = *chars};
  return Step{.chars = *chars, .min = node.min, .max = node.max};
}

// Whether taking fewer characters than there are never helps: what follows a step of no fixed
// length cannot begin with one of its characters.
bool NeverGoesBack(const std::vector<Step>& steps) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].min == steps[i].max) continue;
    for (std::size_t next = i + 1; next < steps.size(); ++next) {
      if (steps[i].chars.Meets(steps[next].chars)) return false;
      if (steps[next].min > 0) break;
    }
  }
  return true;
}

}  // namespace

bool PatternSteps::Class::Has(char c) const {
  const auto byte = static_cast<unsigned char>(c);
  if (byte > 127) return false;
  return ((byte < 64 ? low : high) >> (byte & 63) & 1) != 0;
}

bool PatternSteps::Class::Meets(const Class& other) const {
  return ((low & other.low) | (high & other.high)) != 0;
}

std::optional<PatternSteps> PatternSteps::Of(const Regex& regex) {
  const Flat flat(regex);
  const std::vector<const RegexNode*>& nodes = flat.nodes();
  if (nodes.empty() || nodes.front()->kind != Kind::kBegin) return std::nullopt;
  PatternSteps pattern;
  pattern.to_end_ = nodes.back()->kind == Kind::kEnd;
  const std::size_t end = nodes.size() - (pattern.to_end_ ? 1 : 0);
  for (std::size_t i = 1; i < end; ++i) {
    const std::optional<Step> step = StepOf(regex, *nodes[i]);
    if (!step) return std::nullopt;
    pattern.steps_.push_back(*step);
  }
  if (!NeverGoesBack(pattern.steps_)) return std::nullopt;
  return pattern;
}

bool PatternSteps::Found(std::string_view text) const {
  std::size_t at = 0;
  for (const Step& step : steps_) {
    std::size_t end = at;
    const std::size_t most = text.size() - at < step.max ? text.size() : at + step.max;
    while (end < most && step.chars.Has(text[end])) ++end;
    if (end - at < step.min) return false;
    at = end;
  }
  return !to_end_ || at == text.size();
}

}  // namespace weir::schema
