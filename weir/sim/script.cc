#include "weir/sim/script.h"

#include <algorithm>
#include <initializer_list>
#include <span>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/pointer.h"
#include "weir/json/writer.h"
#include "weir/json/yaml.h"

namespace weir::sim {
namespace {

using json::View;

// A value of the script, and where it stands.
struct Place {
  View value;
  std::string pointer;

  Place At(std::string_view key) const {
    Place child{value.Find(key), pointer};
    json::AppendToken(child.pointer, key);
    return child;
  }
  Place At(std::size_t index) const {
    Place child{value[index], pointer};
    json::AppendToken(child.pointer, index);
    return child;
  }
};

class ScriptReader {
 public:
  explicit ScriptReader(const json::YamlDocument& document) : document_(document) {}

  Result<Script> ReadScript() const {
    Script script;
    const Place root{document_.value, ""};
    if (root.value.IsNull()) return script;
    if (!root.value.IsArray()) return Wrong(root, "a script is a list of rules");
    for (std::size_t i = 0; i < root.value.size(); ++i) {
      WEIR_TRY(Rule rule, ReadRule(root.At(i)));
      script.rules.push_back(std::move(rule));
    }
    return script;
  }

 private:
  Result<Rule> ReadRule(const Place& place) const {
    WEIR_CHECK(CheckKeys(place, {"match", "reply", "times"}));
    if (!place.value.Find("reply").exists()) {
      return Wrong(place, "a rule needs `reply`: what happens");
    }
    Rule rule;
    if (const Place match = place.At("match"); match.value.exists()) {
      WEIR_TRY(rule.match, ReadMatch(match));
    }
    WEIR_TRY(rule.reply, ReadReply(place.At("reply")));
    WEIR_CHECK(ReadInt(place.At("times"), 1, rule.times));
    return rule;
  }

  Result<Match> ReadMatch(const Place& place) const {
    WEIR_CHECK(CheckKeys(place, {"model", "contains", "last_user", "call_number"}));
    Match match;
    WEIR_CHECK(ReadText(place.At("model"), match.model));
    WEIR_CHECK(ReadText(place.At("contains"), match.contains));
    WEIR_CHECK(ReadText(place.At("last_user"), match.last_user));
    WEIR_CHECK(ReadInt(place.At("call_number"), 1, match.call_number));
    return match;
  }

  Result<ScriptedReply> ReadReply(const Place& place) const {
    WEIR_CHECK(CheckKeys(place, {"text", "tool_calls", "finish", "error", "garbage", "html",
                                 "delay", "ttft", "itl", "drop_after", "stall_after"}));
    WEIR_CHECK(CheckOneAnswer(place));
    ScriptedReply reply;
    WEIR_CHECK(ReadText(place.At("text"), reply.text));
    WEIR_CHECK(ReadText(place.At("garbage"), reply.garbage));
    WEIR_CHECK(ReadText(place.At("html"), reply.html));
    WEIR_CHECK(ReadToolCalls(place.At("tool_calls"), reply.tool_calls));
    WEIR_CHECK(ReadError(place.At("error"), reply.error));
    std::optional<std::string> finish;
    WEIR_CHECK(ReadText(place.At("finish"), finish));
    reply.finish = finish.value_or("");
    std::optional<Duration> delay;
    WEIR_CHECK(ReadTime(place.At("delay"), delay));
    reply.delay = delay.value_or(Duration());
    WEIR_CHECK(ReadTime(place.At("ttft"), reply.ttft));
    WEIR_CHECK(ReadTime(place.At("itl"), reply.itl));
    WEIR_CHECK(ReadCount(place.At("drop_after"), reply.drop_after));
    WEIR_CHECK(ReadCount(place.At("stall_after"), reply.stall_after));
    return reply;
  }

  Result<void> CheckOneAnswer(const Place& place) const {
    std::string_view first;
    for (const std::string_view key : {"text", "tool_calls", "error", "garbage", "html"}) {
      if (!place.value.Find(key).exists()) continue;
      if (!first.empty()) {
        return WrongKey(place.At(key), StrCat("a reply has either `", first, "` or `", key, "`"));
      }
      first = key;
    }
    return {};
  }

  Result<void> ReadToolCalls(const Place& place, std::vector<model::ToolCall>& out) const {
    if (!place.value.exists()) return {};
    if (place.value.empty()) return Wrong(place, "`tool_calls` is a list of at least one call");
    for (std::size_t i = 0; i < place.value.size(); ++i) {
      const Place item = place.At(i);
      WEIR_CHECK(CheckKeys(item, {"name", "arguments"}));
      std::optional<std::string> name;
      WEIR_CHECK(ReadText(item.At("name"), name));
      if (!name) return Wrong(item, "a tool call needs a `name`");
      const View arguments = item.value.Find("arguments");
      // A text is sent as it is, so that broken JSON can be played.
      std::string text = "{}";
      if (arguments.IsString()) {
        text = arguments.StringOr("");
      } else if (arguments.exists()) {
        text = json::Write(arguments);
      }
      out.push_back({.id = "", .name = *std::move(name), .arguments = std::move(text)});
    }
    return {};
  }

  Result<void> ReadError(const Place& place, std::optional<ScriptedError>& out) const {
    if (!place.value.exists()) return {};
    WEIR_CHECK(CheckKeys(place, {"status", "type", "message", "retry_after"}));
    ScriptedError error;
    std::optional<std::int64_t> status;
    WEIR_CHECK(ReadInt(place.At("status"), 400, status));
    if (status.value_or(0) > 599) return Wrong(place.At("status"), "`status` is in 400..599");
    error.status = static_cast<int>(status.value_or(500));
    std::optional<std::string> text;
    WEIR_CHECK(ReadText(place.At("type"), text));
    error.type = std::exchange(text, std::nullopt).value_or("");
    WEIR_CHECK(ReadText(place.At("message"), text));
    error.message = std::exchange(text, std::nullopt).value_or("");
    const Place after = place.At("retry_after");
    if (after.value.IsNumber()) {
      error.retry_after = after.value.NumberText();
    } else {
      WEIR_CHECK(ReadText(after, text));
      error.retry_after = text.value_or("");
    }
    if (error.retry_after.find_first_of("\r\n") != std::string::npos) {
      return Wrong(after, "`retry_after` is one line");
    }
    out = std::move(error);
    return {};
  }

  Result<void> ReadText(const Place& place, std::optional<std::string>& out) const {
    if (!place.value.exists()) return {};
    const auto text = place.value.AsString();
    if (!text) return Wrong(place, StrCat("expected a text, found ", NameOf(place)));
    out = std::string(*text);
    return {};
  }

  Result<void> ReadInt(const Place& place, std::int64_t least,
                       std::optional<std::int64_t>& out) const {
    if (!place.value.exists()) return {};
    const auto number = place.value.AsInt64();
    if (!number || *number < least) {
      return Wrong(place, StrCat("expected a whole number of at least ", least));
    }
    out = *number;
    return {};
  }

  Result<void> ReadCount(const Place& place, std::optional<std::size_t>& out) const {
    std::optional<std::int64_t> number;
    WEIR_CHECK(ReadInt(place, 0, number));
    if (number) out = static_cast<std::size_t>(*number);
    return {};
  }

  // "250ms", "1.5s", "2m", or 0.
  Result<void> ReadTime(const Place& place, std::optional<Duration>& out) const {
    if (!place.value.exists()) return {};
    constexpr std::pair<std::string_view, double> kUnits[] = {
        {"ms", 1e6}, {"us", 1e3}, {"s", 1e9}, {"m", 60e9}};
    constexpr double kLongest = 86400e9;
    if (place.value.AsInt64() == 0) {
      out = Duration();
      return {};
    }
    const std::string_view text = place.value.StringOr("");
    for (const auto& [unit, nanos] : kUnits) {
      if (!text.ends_with(unit)) continue;
      const auto number = ParseDouble(text.substr(0, text.size() - unit.size()));
      if (!number || *number < 0 || *number * nanos > kLongest) break;
      out = Duration(static_cast<std::int64_t>(*number * nanos));
      return {};
    }
    return Wrong(place, "expected a time of at most a day with its unit, such as 250ms or 2s");
  }

  Result<void> CheckKeys(const Place& place, std::initializer_list<std::string_view> known) const {
    if (!place.value.IsObject()) {
      return Wrong(place, StrCat("expected a mapping, found ", NameOf(place)));
    }
    const std::vector<std::string> names(known.begin(), known.end());
    for (const json::Member member : place.value.members()) {
      if (std::ranges::find(names, member.key) != names.end()) continue;
      std::string message = StrCat("unknown key `", member.key, "`");
      if (const auto near = Nearest(member.key, names)) {
        StrAppend(message, "; did you mean `", *near, "`?");
      } else {
        StrAppend(message, "; known are ", Join(names, ", "));
      }
      return WrongKey(place.At(member.key), message);
    }
    return {};
  }

  static std::string_view NameOf(const Place& place) { return KindName(place.value.kind()); }

  std::unexpected<Error> Wrong(const Place& place, std::string_view what) const {
    return Fail(Code::kConfigError, StrCat(document_.Where(place.pointer), ": ", what));
  }
  std::unexpected<Error> WrongKey(const Place& place, std::string_view what) const {
    const json::Mark mark = document_.KeyMarkOf(place.pointer);
    return Fail(Code::kConfigError,
                StrCat(json::FormatMark(document_.file_name, mark), ": ", what));
  }

  const json::YamlDocument& document_;
};

}  // namespace

Result<Script> LoadScript(std::string_view text, std::string_view file_name) {
  WEIR_TRY(const json::YamlDocument document, json::ReadYaml(text, file_name));
  return ScriptReader(document).ReadScript();
}

}  // namespace weir::sim
