#include "weir/sim/script.h"

#include <array>
#include <utility>

#include "weir/base/text.h"
#include "weir/sim/script_reader.h"
#include "weir/sim/script_reply.h"

namespace weir::sim {
namespace {

using std::string_view_literals::operator""sv;

Result<std::optional<model::ToolChoice::Kind>> ReadToolChoice(const ScriptReader& reader,
                                                              const Place& place) {
  using Kind = model::ToolChoice::Kind;
  constexpr std::array kWords = {std::pair{"unset"sv, Kind::kUnset},
                                 std::pair{"auto"sv, Kind::kAuto}, std::pair{"none"sv, Kind::kNone},
                                 std::pair{"required"sv, Kind::kRequired},
                                 std::pair{"named"sv, Kind::kNamed}};
  std::optional<std::string> word;
  WEIR_CHECK(reader.Text(place, word));
  if (!word) return std::optional<Kind>();
  for (const auto& [name, kind] : kWords) {
    if (name == *word) return std::optional(kind);
  }
  return reader.Wrong(place, "`tool_choice` must be unset, auto, none, required or named");
}

Result<Match> ReadMatch(const ScriptReader& reader, const Place& place) {
  Match match;
  if (!place.exists()) return match;
  WEIR_CHECK(
      reader.CheckKeys(place, {"path", "model", "contains", "last_user", "tool_result", "system",
                               "tool", "tool_choice", "turn", "stream", "headers", "call_number"}));
  WEIR_CHECK(reader.Text(place.At("path"), match.path));
  WEIR_CHECK(reader.Text(place.At("model"), match.model));
  WEIR_CHECK(reader.Text(place.At("contains"), match.contains));
  WEIR_CHECK(reader.Text(place.At("last_user"), match.last_user));
  WEIR_CHECK(reader.Text(place.At("tool_result"), match.tool_result));
  WEIR_CHECK(reader.Text(place.At("system"), match.system));
  WEIR_CHECK(reader.Text(place.At("tool"), match.tool));
  WEIR_TRY(match.tool_choice, ReadToolChoice(reader, place.At("tool_choice")));
  WEIR_CHECK(reader.Int(place.At("turn"), 1, match.turn));
  WEIR_CHECK(reader.Bool(place.At("stream"), match.stream));
  WEIR_CHECK(reader.PlainTexts(place.At("headers"), match.headers));
  WEIR_CHECK(reader.Int(place.At("call_number"), 1, match.call_number));
  return match;
}

Result<Rule> ReadRule(const ScriptReader& reader, const Place& place) {
  WEIR_CHECK(reader.CheckKeys(place, {"name", "match", "rate", "times", "reply"}));
  const Place reply = place.At("reply");
  if (!reply.exists()) return reader.Wrong(place, "a rule needs `reply`: what happens");
  Rule rule;
  WEIR_CHECK(reader.Text(place.At("name"), rule.name));
  WEIR_TRY(rule.match, ReadMatch(reader, place.At("match")));
  WEIR_CHECK(reader.Rate(place.At("rate"), rule.rate));
  WEIR_CHECK(reader.Int(place.At("times"), 1, rule.times));
  WEIR_TRY(rule.reply, ReadScriptedReply(reader, reply));
  return rule;
}

Result<Script> ReadScript(const ScriptReader& reader) {
  Script script;
  Place rules = reader.Root();
  if (rules.value.IsNull()) return script;
  if (rules.value.IsObject()) {
    WEIR_CHECK(reader.CheckKeys(rules, {"rules"}));
    rules = rules.At("rules");
    if (!rules.exists()) return script;
  }
  if (!rules.value.IsArray()) {
    return reader.Wrong(rules, "a script is a list of rules, or a mapping with `rules`");
  }
  script.rules.reserve(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    WEIR_TRY(Rule rule, ReadRule(reader, rules.At(i)));
    if (rule.name.empty()) {
      rule.name = StrCat("rule ", i + 1, ", line ", reader.LineOf(rules.At(i)));
    }
    script.rules.push_back(std::move(rule));
  }
  return script;
}

}  // namespace

Result<Script> LoadScript(std::string_view text, std::string_view file_name) {
  WEIR_TRY(const json::YamlDocument document, json::ReadYaml(text, file_name));
  return ReadScript(ScriptReader(document));
}

}  // namespace weir::sim
