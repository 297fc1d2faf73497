#include <algorithm>
#include <string>
#include <utility>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/writer.h"
#include "weir/schema/schema_words.h"
#include "weir/schema/validate_reporter.h"

// The part of Reporter that looks at single values and at alternatives.

namespace weir::schema {
namespace {

constexpr std::size_t kShownValues = 12;
constexpr std::size_t kShownBytes = 80;
// Alternatives inside alternatives are explained only so deep: each level multiplies the work.
constexpr std::size_t kMaxExplaining = 2;
constexpr std::size_t kMaxAttempts = 16;

}  // namespace

void Reporter::ReportValue(NodeIndex index, const ValueRules& rules, json::View value) {
  const std::string_view keyword = rules.is_const ? "const" : "enum";
  if (rules.values.empty()) return Add(index, keyword, "no value is allowed here");
  std::vector<std::string> shown;
  for (const json::View allowed : rules.values) {
    if (shown.size() == kShownValues) break;
    shown.push_back(Truncate(json::Write(allowed), kShownBytes));
  }
  std::string sentence = rules.values.size() == 1
                             ? StrCat("expected ", shown.front())
                             : StrCat("expected one of ", Join(shown, ", "),
                                      rules.values.size() > kShownValues ? ", ..." : "");
  StrAppend(sentence, ", got ", Show(value));
  if (value.IsString() && rules.values.size() > 1) {
    std::vector<std::string> words;
    for (const std::string_view word : rules.strings.keys()) words.emplace_back(word);
    if (const auto near = Nearest(value.StringOr(""), words)) {
      StrAppend(sentence, "; did you mean \"", *near, "\"?");
    }
  }
  Add(index, keyword, sentence);
}

void Reporter::ReportNumber(NodeIndex index, const NumberRules& rules, json::View value) {
  const json::Operand number(value.NumberText());
  const auto say = [&](std::string_view keyword, std::string_view what, const json::Bound& bound) {
    Add(index, keyword,
        StrCat("expected ", what, " ", Truncate(bound.text, kShownBytes), ", got ",
               Truncate(number.text, kShownBytes)));
  };
  if (rules.minimum.exists() && Compare(number, rules.minimum) < 0) {
    say("minimum", "a number of at least", rules.minimum);
  }
  if (rules.exclusive_minimum.exists() && Compare(number, rules.exclusive_minimum) <= 0) {
    say("exclusiveMinimum", "a number above", rules.exclusive_minimum);
  }
  if (rules.maximum.exists() && Compare(number, rules.maximum) > 0) {
    say("maximum", "a number of at most", rules.maximum);
  }
  if (rules.exclusive_maximum.exists() && Compare(number, rules.exclusive_maximum) >= 0) {
    say("exclusiveMaximum", "a number below", rules.exclusive_maximum);
  }
  if (rules.multiple_of.exists() && !IsMultiple(number, rules.multiple_of)) {
    say("multipleOf", "a multiple of", rules.multiple_of);
  }
}

void Reporter::ReportString(NodeIndex index, const StringRules& rules, json::View value) {
  const std::string_view text = value.StringOr("");
  const std::size_t length = CountCharacters(text);
  if (length < rules.min_length) {
    Add(index, "minLength",
        StrCat("expected at least ", CountOf(rules.min_length, "character", "characters"), ", got ",
               length));
  }
  if (length > rules.max_length) {
    Add(index, "maxLength",
        StrCat("expected at most ", CountOf(rules.max_length, "character", "characters"), ", got ",
               length));
  }
  if (rules.pattern != kNone && !compiled_.patterns[rules.pattern].Found(text)) {
    Add(index, "pattern",
        StrCat("expected a string that matches the pattern \"",
               Truncate(compiled_.pattern_texts[rules.pattern], 200), "\", got ", Show(value)));
  }
  if (rules.check != nullptr && !rules.check(text)) {
    Add(index, "format",
        StrCat("expected a string in the format ", rules.format, ", got ", Show(value)));
  }
}

void Reporter::ReportLogic(NodeIndex index, const LogicRules& rules, json::View value) {
  if (rules.ref != kNone) Report(rules.ref, value);
  if (rules.dynamic_ref != kNone) {
    Report(evaluator_.TargetOf(compiled_.dynamic_refs[rules.dynamic_ref]), value);
  }
  for (const NodeIndex node : rules.all_of) Report(node, value);
  if (!rules.any_of.empty()) ReportAlternatives(index, "anyOf", rules.any_of, value);
  if (!rules.one_of.empty()) ReportAlternatives(index, "oneOf", rules.one_of, value);
  if (rules.not_node != kNone && evaluator_.Accepts(rules.not_node, value)) {
    Add(index, "not",
        StrCat("a value that fits ", compiled_.PathOf(rules.not_node), " is not allowed, got ",
               Show(value)));
  }
  if (rules.if_node == kNone) return;
  const NodeIndex next =
      evaluator_.Accepts(rules.if_node, value) ? rules.then_node : rules.else_node;
  if (next != kNone) Report(next, value);
}

void Reporter::ReportAlternatives(NodeIndex index, std::string_view keyword,
                                  const std::vector<NodeIndex>& nodes, json::View value) {
  std::vector<std::string> fitting;
  for (const NodeIndex node : nodes) {
    if (!evaluator_.Accepts(node, value)) continue;
    if (keyword == "anyOf") return;
    fitting.push_back(compiled_.PathOf(node));
  }
  if (fitting.size() == 1) return;
  if (fitting.size() > 1) {
    Add(index, keyword,
        StrCat("expected a value that fits exactly one of ",
               CountOf(nodes.size(), "alternative", "alternatives"), ", but it fits ",
               Truncate(Join(fitting, " and "), 300)));
    return;
  }
  TypeMask types = 0;
  bool type_is_wrong = true;
  for (const NodeIndex node : nodes) {
    types |= compiled_[node].types;
    type_is_wrong = type_is_wrong && !evaluator_.AcceptsType(compiled_[node], value);
  }
  if (type_is_wrong) {
    return Add(index, keyword, StrCat("expected ", ShowTypes(types), ", got ", Show(value)));
  }
  Add(index, keyword, ExplainNearest(index, keyword, nodes, value));
}

std::string Reporter::ExplainNearest(NodeIndex index, std::string_view keyword,
                                     const std::vector<NodeIndex>& nodes, json::View value) {
  std::string sentence = nodes.size() == 1
                             ? std::string("it does not fit the only alternative")
                             : StrCat("it fits none of the ", nodes.size(), " alternatives");
  if (explaining_ == kMaxExplaining) return sentence;
  ++explaining_;
  std::vector<Violation> outside = std::exchange(found_, {});
  std::vector<Attempt> attempts;
  for (std::size_t i = 0; i < std::min(nodes.size(), kMaxAttempts); ++i) {
    Report(nodes[i], value);
    Attempt attempt{.branch = i, .violations = std::exchange(found_, {})};
    // The wrong type here, or the wrong constant in one of the members, means another alternative.
    attempt.wrong_at_top = std::ranges::any_of(attempt.violations, [&](const Violation& v) {
      const std::string_view below = std::string_view(v.instance_path).substr(path_.size());
      return (v.keyword == "type" && below.empty()) ||
             ((v.keyword == "const" || v.keyword == "enum") && std::ranges::count(below, '/') <= 1);
    });
    if (!attempt.violations.empty()) attempts.push_back(std::move(attempt));
  }
  found_ = std::move(outside);
  --explaining_;
  if (attempts.empty()) return sentence;
  const auto best = std::ranges::min_element(attempts, {}, [](const Attempt& attempt) {
    return std::pair(attempt.wrong_at_top, attempt.violations.size());
  });
  const bool clear = nodes.size() == 1 || !best->wrong_at_top;
  if (clear) {
    StrAppend(sentence, nodes.size() == 1 ? "" : "; the nearest is ",
              nodes.size() == 1 ? "" : compiled_.PathOf(nodes[best->branch]), ": ",
              best->violations.front().message);
    return sentence;
  }
  // None is clearly meant: what each of them wants.
  StrAppend(sentence, " of ", compiled_.PathOf(index, keyword));
  constexpr std::size_t kShown = 4;
  for (std::size_t i = 0; i < std::min(attempts.size(), kShown); ++i) {
    StrAppend(sentence, i == 0 ? ": " : "; or ", attempts[i].violations.front().message);
  }
  return sentence;
}

}  // namespace weir::schema
