#include "weir/schema/validate_report.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/pointer.h"
#include "weir/schema/schema_words.h"
#include "weir/schema/validate_reporter.h"

namespace weir::schema {

template <class Token>
Reporter::Step::Step(Reporter& reporter, Token token)
    : path_(reporter.path_), size_(reporter.path_.size()) {
  json::AppendToken(path_, token);
}

std::vector<Violation> ReportViolations(const Compiled& compiled, json::View instance,
                                        std::size_t max_violations) {
  const auto only = [&](std::string message) {
    return std::vector<Violation>{
        {.instance_path = "", .schema_path = "", .keyword = "", .message = std::move(message)}};
  };
  if (!instance.exists()) return only("at the top level: expected a value, got nothing");
  Reporter reporter(compiled, max_violations);
  reporter.Report(compiled.root, instance);
  if (reporter.violations().empty()) {
    return only(StrCat("the check was given up: it went through more than ", compiled.max_recursion,
                       " schemas inside each other (max_recursion) or ", compiled.max_steps,
                       " in all (max_steps)"));
  }
  return std::move(reporter.violations());
}

void Reporter::Add(NodeIndex index, std::string_view keyword, std::string_view sentence) {
  if (full()) return;
  found_.push_back({.instance_path = path_,
                    .schema_path = compiled_.PathOf(index, keyword),
                    .keyword = std::string(keyword.empty() ? "false" : keyword),
                    .message = StrCat(path_.empty() ? "at the top level" : "at ",
                                      Truncate(path_, 500), ": ", prefix_, sentence)});
}

void Reporter::Report(NodeIndex index, json::View value) {
  const Node& node = compiled_[index];
  if (node.accepts_all || full() || depth_ >= compiled_.max_recursion) return;
  ++depth_;
  {
    const Evaluator::Inside inside(evaluator_, node);
    const std::size_t before = found_.size();
    if (node.types == 0) {
      Add(index, "", "no value is allowed here");
    } else if (!evaluator_.AcceptsType(node, value)) {
      Add(index, "type", StrCat("expected ", ShowTypes(node.types), ", got ", Show(value)));
    } else {
      ReportScalar(node, index, value);
      if (value.IsArray() && node.array != kNone) {
        ReportArray(index, compiled_.arrays[node.array], value);
      }
      if (value.IsObject() && node.object != kNone) {
        ReportObject(index, compiled_.objects[node.object], value);
      }
      if (node.logic != kNone) ReportLogic(index, compiled_.logic[node.logic], value);
      // What was looked at is only known when all else is right.
      if (found_.size() == before) ReportUnevaluated(index, node, value);
    }
  }
  --depth_;
}

void Reporter::ReportScalar(const Node& node, NodeIndex index, json::View value) {
  if (node.values != kNone && !evaluator_.AcceptsValue(node, value)) {
    ReportValue(index, compiled_.values[node.values], value);
  }
  if (value.IsNumber() && node.number != kNone) {
    ReportNumber(index, compiled_.numbers[node.number], value);
  }
  if (value.IsString() && node.string != kNone) {
    ReportString(index, compiled_.strings[node.string], value);
  }
}

void Reporter::ReportArray(NodeIndex index, const ArrayRules& rules, json::View value) {
  if (value.size() < rules.min_items) {
    Add(index, "minItems",
        StrCat("expected at least ", CountOf(rules.min_items, "item", "items"), ", got ",
               value.size()));
  }
  if (value.size() > rules.max_items) {
    Add(index, "maxItems",
        StrCat("expected at most ", CountOf(rules.max_items, "item", "items"), ", got ",
               value.size()));
  }
  const bool old = compiled_.resources[compiled_[index].resource].draft < Draft::k2020;
  const std::string_view rest_keyword = old && !rules.prefix.empty() ? "additionalItems" : "items";
  for (std::size_t i = 0; i < value.size() && !full(); ++i) {
    const bool in_prefix = i < rules.prefix.size();
    const NodeIndex schema = in_prefix ? rules.prefix[i] : rules.items;
    if (schema == kNone) continue;
    const Step step(*this, i);
    if (in_prefix) {
      Report(schema, value[i]);
    } else {
      ReportForbidden(index, rest_keyword, schema, value[i],
                      StrCat("expected at most ", CountOf(rules.prefix.size(), "item", "items"),
                             "; this one is too many"));
    }
  }
  if (rules.contains != kNone) ReportContains(index, rules, value);
  if (rules.unique) {
    const EqualItems equal = FindEqualItems(value);
    if (equal.second != 0) {
      Add(index, "uniqueItems",
          StrCat("expected items that are all different, but items ", equal.first, " and ",
                 equal.second, " are equal"));
    }
  }
}

void Reporter::ReportContains(NodeIndex index, const ArrayRules& rules, json::View value) {
  const auto fits = [&](json::View item) { return evaluator_.Accepts(rules.contains, item); };
  const auto count = static_cast<std::uint64_t>(std::ranges::count_if(value.items(), fits));
  const auto say = [&](std::string_view keyword, std::string_view bound, std::uint64_t wanted) {
    Add(index, keyword,
        StrCat("expected at ", bound, " ", CountOf(wanted, "item", "items"), " as ",
               compiled_.PathOf(rules.contains), " asks, got ", count));
  };
  if (count < rules.min_contains) {
    say(rules.min_contains == 1 ? "contains" : "minContains", "least", rules.min_contains);
  }
  if (count > rules.max_contains) say("maxContains", "most", rules.max_contains);
}

void Reporter::ReportObject(NodeIndex index, const ObjectRules& rules, json::View value) {
  ReportRequired(index, rules, value);
  if (value.size() < rules.min_properties) {
    Add(index, "minProperties",
        StrCat("expected at least ", CountOf(rules.min_properties, "property", "properties"),
               ", got ", value.size()));
  }
  if (value.size() > rules.max_properties) {
    Add(index, "maxProperties",
        StrCat("expected at most ", CountOf(rules.max_properties, "property", "properties"),
               ", got ", value.size()));
  }
  for (const json::Member member : value.members()) {
    if (full()) return;
    ReportMember(index, rules, member);
  }
  ReportDependents(index, rules, value);
}

void Reporter::ReportMember(NodeIndex index, const ObjectRules& rules, json::Member member) {
  if (rules.property_names != kNone && !evaluator_.NameAccepted(rules.property_names, member.key)) {
    ReportName(index, rules, member.key);
  }
  const Step step(*this, member.key);
  bool looked_at = false;
  const std::uint32_t property = rules.table.Find(member.key);
  if (property != kNone && rules.properties[property].node != kNone) {
    looked_at = true;
    Report(rules.properties[property].node, member.value);
  }
  for (const ObjectRules::PatternProperty& pattern : rules.patterns) {
    if (!compiled_.patterns[pattern.pattern].Found(member.key)) continue;
    looked_at = true;
    Report(pattern.node, member.value);
  }
  if (looked_at || rules.additional == kNone) return;
  ReportForbidden(index, "additionalProperties", rules.additional, member.value,
                  NotAllowed(rules, member.key));
}

void Reporter::ReportForbidden(NodeIndex index, std::string_view keyword, NodeIndex rest,
                               json::View part, const std::string& sentence) {
  if (compiled_[rest].types == 0) {
    Add(index, keyword, sentence);
  } else {
    Report(rest, part);
  }
}

std::string Reporter::NotAllowed(const ObjectRules& rules, std::string_view key) const {
  constexpr std::size_t kNamed = 12;
  std::vector<std::string> allowed;
  std::vector<std::string> quoted;
  for (const ObjectRules::Property& property : rules.properties) {
    if (property.node == kNone) continue;
    allowed.emplace_back(property.key);
    if (quoted.size() < kNamed) quoted.push_back(StrCat('"', Truncate(property.key, 80), '"'));
  }
  std::string out = StrCat("the property \"", Truncate(key, 80), "\" is not allowed");
  const auto near = key.size() < 3 ? std::nullopt : Nearest(key, allowed);
  if (near) {
    StrAppend(out, "; did you mean \"", *near, "\"?");
  } else if (!allowed.empty()) {
    StrAppend(out, "; allowed ", quoted.size() == 1 ? "is only " : "are ", Join(quoted, ", "),
              allowed.size() > kNamed ? ", ..." : "");
  }
  return out;
}

void Reporter::ReportRequired(NodeIndex index, const ObjectRules& rules, json::View value) {
  for (const ObjectRules::Property& property : rules.properties) {
    if (!property.required || value.Find(property.key).exists()) continue;
    Add(index, "required", StrCat("the property \"", Truncate(property.key, 80), "\" is missing"));
  }
}

void Reporter::ReportName(NodeIndex index, const ObjectRules& rules, std::string_view key) {
  const std::string before = prefix_;
  StrAppend(prefix_, "the property name \"", Truncate(key, 80), "\" is not allowed: ");
  if (compiled_[rules.property_names].types == 0) {
    Add(index, "propertyNames", "there may be no properties at all");
  } else {
    Report(rules.property_names, json::Value::Of(key));
  }
  prefix_ = before;
}

void Reporter::ReportDependents(NodeIndex index, const ObjectRules& rules, json::View value) {
  for (const ObjectRules::Dependent& dependent : rules.dependents) {
    if (!value.Find(dependent.key).exists()) continue;
    for (const std::string_view key : dependent.required) {
      if (value.Find(key).exists()) continue;
      Add(index, dependent.from_dependencies ? "dependencies" : "dependentRequired",
          StrCat("the property \"", Truncate(key, 80), "\" is missing, which must be there when \"",
                 Truncate(dependent.key, 80), "\" is"));
    }
    if (dependent.node != kNone) Report(dependent.node, value);
  }
}

void Reporter::ReportUnevaluated(NodeIndex index, const Node& node, json::View value) {
  const bool array = value.IsArray() && node.array != kNone;
  const bool object = value.IsObject() && node.object != kNone;
  if (!array && !object) return;
  const NodeIndex rest =
      array ? compiled_.arrays[node.array].unevaluated : compiled_.objects[node.object].unevaluated;
  if (rest == kNone) return;
  Marks marks(value.size());
  if (!evaluator_.AcceptsRules(node, value, &marks)) return;
  if (array) {
    for (std::size_t i = 0; i < value.size() && !full(); ++i) {
      if (marks.Has(i)) continue;
      const Step step(*this, i);
      ReportForbidden(index, "unevaluatedItems", rest, value[i],
                      "this item is not allowed; no schema speaks of it");
    }
    return;
  }
  std::size_t i = 0;
  for (const json::Member member : value.members()) {
    if (marks.Has(i++) || full()) continue;
    const Step step(*this, member.key);
    ReportForbidden(index, "unevaluatedProperties", rest, member.value,
                    StrCat("the property \"", Truncate(member.key, 80),
                           "\" is not allowed: nothing in the schema speaks of it here"));
  }
}

}  // namespace weir::schema
