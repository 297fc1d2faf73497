// Calls that are JSON objects: with a name and arguments in them, with the name as the only key, or
// behind their name.

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/lenient.h"
#include "weir/json/writer.h"
#include "weir/text/call_list.h"
#include "weir/text/call_values.h"

namespace weir::text {
namespace {

constexpr int kMaxWrappers = 8;  // lists and objects around a call

constexpr std::array<std::string_view, 7> kNameKeys = {
    "name", "tool_name", "function_name", "tool", "function", "func", "recipient_name"};
// Nobody who does not call writes these beside a name ...
constexpr std::array<std::string_view, 2> kPlainArgumentKeys = {"arguments", "parameters"};
// ... but these may mean anything.
constexpr std::array<std::string_view, 5> kLooseArgumentKeys = {"args", "params", "tool_input",
                                                                "action_input", "input"};
constexpr std::array<std::string_view, 3> kIdKeys = {"id", "tool_call_id", "call_id"};
constexpr std::array<std::string_view, 4> kWrapperKeys = {"tool_calls", "tool_call",
                                                          "function_call", "calls"};

json::LenientOptions Patience() {
  json::LenientOptions options;
  options.strictness = json::Strictness::kSalvage;
  options.max_depth = kMaxDepth;
  return options;
}

// Where the text behind a document begins.
std::optional<std::size_t> TextAfter(const json::RepairReport& report) {
  const auto after =
      std::ranges::find(report.repairs, json::RepairKind::kTextAfter, &json::Repair::kind);
  return after == report.repairs.end() ? std::nullopt : std::optional(after->offset);
}

template <std::size_t kSize>
json::View FindAny(json::View object, const std::array<std::string_view, kSize>& keys) {
  for (const std::string_view key : keys) {
    if (const json::View found = object.Find(key); found.exists()) return found;
  }
  return {};
}

std::string_view NameIn(json::View object) {
  for (const std::string_view key : kNameKeys) {
    if (const auto name = object.Find(key).AsString()) return *name;
  }
  return {};
}

// The arguments in `object`, when it is a whole call of `tool` where its arguments belong, or has
// them under one more key for arguments.
json::View InnerArguments(json::View object, const model::ToolSpec* tool, CallList& list) {
  if (tool == nullptr) return object;
  const Wanted wanted = Wanted::ArgumentsOf(tool);
  const json::View inner = FindAny(object, kPlainArgumentKeys);
  const bool is_whole = object.size() == 2 && list.PlainName(NameIn(object)) == tool->name;
  if (!inner.IsObject() || (object.size() > 1 && !is_whole)) return object;
  for (const json::Member member : object.members()) {
    if (wanted.knows(member.key)) return object;
  }
  list.Note(StrCat("the arguments of ", tool->name, " stood in a call inside of them"));
  return inner;
}

// The object that arguments are, however they are wrapped: as a text, or as the only item of a
// list.
std::optional<std::string> ArgumentsText(json::View arguments, const model::ToolSpec* tool,
                                         CallList& list) {
  if (arguments.IsObject()) return json::Write(InnerArguments(arguments, tool, list));
  if (!arguments.exists() || arguments.IsNull()) return "{}";
  if (arguments.IsArray() && arguments.empty()) return "{}";
  if (arguments.IsArray() && arguments.size() == 1 && arguments[0].IsObject()) {
    list.Note("the arguments stood in a list of one");
    return json::Write(arguments[0]);
  }
  std::string json;
  if (arguments.IsString() && ReadJsonArguments(arguments.StringOr(""), tool, list, json))
    return json;
  return std::nullopt;
}

// A list of tools, shown to whoever asks for it, has under `parameters` what arguments must be.
bool IsSchema(json::View arguments) {
  return arguments.Find("type").StringOr("") == "object" && arguments.Find("properties").IsObject();
}

class JsonCalls {
 public:
  JsonCalls(std::string_view body, bool cut, CallList& list)
      : body_(body), cut_(cut), list_(list) {}

  void Take(json::View value, bool keyed, int depth = 0) {
    if (depth > kMaxWrappers) return list_.Refuse("the lists around the call are too deep");
    if (value.IsArray()) {
      for (const json::View item : value.items()) Take(item, keyed, depth + 1);
    } else if (!value.IsObject() || !TakeObject(value, keyed, depth)) {
      Doubt(value);
    }
  }

  // Says what was in the list beside the calls.
  void Finish() {
    if (doubts_.empty()) return;
    if (list_.empty()) return list_.Refuse(doubts_);
    list_.Note(StrCat("left out: ", doubts_));
  }

 private:
  bool TakeObject(json::View object, bool keyed, int depth) {
    if (TakeNamed(object, object, list_)) return true;
    if (const json::View inner = object.Find("function"); inner.IsObject()) {
      if (TakeNamed(inner, object, list_)) return true;
    }
    for (const std::string_view key : kWrapperKeys) {
      const json::View inner = object.Find(key);
      if (!inner.IsObject() && !inner.IsArray()) continue;
      Take(inner, keyed, depth + 1);
      return true;
    }
    return TakeKeyed(object, keyed);
  }

  bool TakeNamed(json::View object, json::View outer, CallList& list) {
    const std::string_view name = list.PlainName(NameIn(object));
    if (name.empty()) return false;
    const model::ToolSpec* const tool = list.Tool(name);
    json::View arguments = FindAny(object, kPlainArgumentKeys);
    if (IsSchema(arguments) && !Wanted::ArgumentsOf(tool).knows("properties")) {
      list.Refuse("the description of a tool");
      return false;
    }
    if (!arguments.exists() && tool != nullptr) arguments = FindAny(object, kLooseArgumentKeys);
    if (tool == nullptr && !arguments.exists()) return false;
    if (!arguments.exists() && NameWasCut(name)) return false;
    const auto id = FindAny(outer, kIdKeys).AsString();
    if (!arguments.exists()) {
      list.Add(name, LooseArguments(object, *tool), id.value_or(""));
      return true;
    }
    auto text = ArgumentsText(arguments, tool, list);
    if (!text) {
      list.Refuse(StrCat("the arguments of ", name, " are no object"));
      return false;
    }
    list.Add(name, *std::move(text), id.value_or(""));
    return true;
  }

  // Without a key for the arguments, the tool's own parameters beside the name are meant as such.
  std::string LooseArguments(json::View object, const model::ToolSpec& tool) {
    const Wanted wanted = Wanted::ArgumentsOf(&tool);
    Arguments arguments(list_);
    if (const json::View only = UnknownKeyArguments(object, wanted); only.exists()) {
      list_.Note(
          StrCat("the arguments of ", tool.name, " stood under a key that is none of those"));
      return json::Write(only);
    }
    for (const json::Member member : object.members()) {
      const bool says_name = std::ranges::find(kNameKeys, member.key) != kNameKeys.end() &&
                             list_.PlainName(member.value.StringOr("")) == tool.name;
      if (!says_name && wanted.knows(member.key)) {
        arguments.Set(member.key, json::Write(member.value));
      } else if (!says_name && member.value.IsObject()) {
        list_.Note(StrCat("left out beside the name of ", tool.name, ": \"",
                          Truncate(member.key, 80), "\""));
      }
    }
    if (!arguments.empty()) {
      list_.Note(StrCat("the arguments of ", tool.name, " stood beside its name"));
    }
    return arguments.Text();
  }

  // The only object in a call, when all of its keys are parameters: whatever its own key is.
  static json::View UnknownKeyArguments(json::View object, const Wanted& wanted) {
    json::View only;
    for (const json::Member member : object.members()) {
      if (!member.value.IsObject()) continue;
      if (only.exists() || wanted.knows(member.key)) return {};
      only = member.value;
    }
    for (const json::Member argument : only.members()) {
      if (!wanted.knows(argument.key)) return {};
    }
    return only;
  }

  bool TakeKeyed(json::View object, bool keyed) {
    if (!keyed && !IsKeyed(object)) return false;
    bool any = false;
    for (const json::Member member : object.members()) {
      const std::string_view name = list_.PlainName(member.key);
      if (name.empty() || (!member.value.IsObject() && list_.Tool(name) == nullptr)) continue;
      auto text = ArgumentsText(member.value, list_.Tool(name), list_);
      if (!text) continue;
      list_.Add(name, *std::move(text), "");
      any = true;
    }
    return any;
  }

  // Where names are not expected as keys, every key must be one, with arguments of its tool.
  bool IsKeyed(json::View object) const {
    for (const json::Member member : object.members()) {
      const model::ToolSpec* const tool = list_.Tool(list_.PlainName(member.key));
      if (tool == nullptr || !member.value.IsObject()) return false;
      const Wanted wanted = Wanted::ArgumentsOf(tool);
      if (wanted.PropertyNames().empty()) continue;
      for (const json::Member argument : member.value.members()) {
        if (!wanted.knows(argument.key)) return false;
      }
    }
    return true;
  }

  // A name at the very end of a text that was cut may be a part of one.
  bool NameWasCut(std::string_view name) const { return cut_ && Trim(body_).ends_with(name); }

  void Doubt(json::View value) {
    if (!doubts_.empty()) return;
    doubts_ = StrCat("a value that is no call of a tool: ", Truncate(json::Write(value), 80));
  }

  std::string_view body_;
  bool cut_;
  CallList& list_;
  std::string doubts_;
};

void ReadJson(std::string_view body, bool keyed, CallList& list) {
  const auto mended = json::ReadLenient(body, Patience());
  if (!mended) return list.Refuse(mended.error().message);
  JsonCalls calls(body, !mended->report.complete, list);
  const json::Value whole = WithoutCutKey(body, *mended);
  calls.Take(whole, keyed);
  calls.Finish();
  // Several calls in a row are as good as a list of them.
  const auto is_mended = [body](const json::Repair& repair) {
    return repair.kind != json::RepairKind::kSeveralDocuments &&
           !body.substr(std::min(repair.offset, body.size())).starts_with(';');
  };
  if (std::ranges::any_of(mended->report.repairs, is_mended)) list.Note("the call", mended->report);
  if (const auto after = TextAfter(mended->report)) list.EndAt(*after);
}

// Of a document inside a string inside a string, at most `strings` deep: what is mended may be the
// same string again.
bool ReadArguments(std::string_view text, const model::ToolSpec* tool, CallList& list,
                   std::string& json, std::string_view* rest, int strings) {
  if (rest != nullptr) *rest = {};
  if (Trim(text).empty()) {
    json = "{}";
    return true;
  }
  auto mended = json::ReadLenient(text, Patience());
  if (!mended) return false;
  if (rest != nullptr) {
    if (const auto after = TextAfter(mended->report); after && *after < text.size()) {
      *rest = text.substr(*after);
      text.remove_suffix(rest->size());
      mended = json::ReadLenient(text, Patience());
      if (!mended) return false;
    }
  }
  const json::Value whole = WithoutCutKey(text, *mended);
  json::View value = whole;
  if (value.IsString() && Trim(text).starts_with('"')) {
    return strings > 0 && ReadArguments(value.StringOr(""), tool, list, json, nullptr, strings - 1);
  }
  if (value.IsArray() && value.size() == 1) value = value[0];
  if (value.IsNull()) {
    json = "{}";
  } else if (value.IsObject()) {
    json = json::Write(InnerArguments(value, tool, list));
  } else {
    return false;
  }
  list.Note("the arguments", mended->report);
  return true;
}

}  // namespace

void ReadJsonCalls(std::string_view body, CallList& list) { ReadJson(body, false, list); }

void ReadKeyedJsonCalls(std::string_view body, CallList& list) { ReadJson(body, true, list); }

bool ReadJsonArguments(std::string_view text, const model::ToolSpec* tool, CallList& list,
                       std::string& json, std::string_view* rest) {
  constexpr int kStrings = 4;
  return ReadArguments(text, tool, list, json, rest, kStrings);
}

}  // namespace weir::text
