#include "weir/agent/overrides.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::agent {
namespace {

using ChoiceKind = model::ToolChoice::Kind;
using model::Message;
using model::Role;

constexpr std::int64_t kMostOfALimit = 1'000'000;

struct Target {
  Agent& agent;
  model::Call& call;
};

// What is wrong with a value, or "".
using Take = std::string_view (*)(Target to, json::View value);

template <int Agent::* kField, std::int64_t kLeast>
std::string_view TakeLimit(Target to, json::View value) {
  const auto number = value.AsInt64();
  if (!number || *number < kLeast || *number > kMostOfALimit) {
    return kLeast == 0 ? "a whole number from 0" : "a whole number from 1";
  }
  to.agent.*kField = static_cast<int>(*number);
  return {};
}

std::string_view TakeTokens(std::optional<std::int64_t>& to, json::View value) {
  if (value.AsInt64().value_or(0) < 1) return "a whole number from 1";
  to = value.AsInt64();
  return {};
}

std::string_view TakeTemperature(std::initializer_list<double*> to, json::View value) {
  const auto number = value.AsDouble();
  if (!number || *number < 0 || *number > 2) return "from 0 to 2";
  for (double* one : to) *one = *number;
  return {};
}

std::string_view TakeTimeout(Target to, json::View value) {
  const auto number = value.AsDouble();
  if (!number || *number < 0 || *number > kMostOfALimit) return "a number of seconds";
  to.agent.timeout = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*number));
  return {};
}

std::string_view TakeChoice(Target to, json::View value) {
  constexpr std::array kChoices = {std::pair{"required", ChoiceKind::kRequired},
                                   std::pair{"auto", ChoiceKind::kAuto},
                                   std::pair{"none", ChoiceKind::kNone}};
  for (const auto& [name, kind] : kChoices) {
    if (value.StringOr("") != name) continue;
    to.agent.tool_choice = kind;
    return {};
  }
  return "required, auto or none";
}

std::string_view TakeThreshold(Target to, json::View value) {
  const auto number = value.AsDouble();
  if (!number || *number < 0 || *number > 1) return "from 0 to 1";
  to.agent.min_tool_confidence = number;
  return {};
}

// Into the last message of the user, as some templates refuse two of them in a row.
std::string_view TakeNote(Target to, json::View value) {
  const std::string text = value.IsString() ? std::string(value.StringOr("")) : json::Write(value);
  if (Trim(text).empty()) return "a text";
  std::vector<Message>& messages = to.call.messages;
  if (messages.empty() || messages.back().role != Role::kUser) {
    messages.push_back(Message::Text(Role::kUser, text));
    return {};
  }
  std::vector<model::Part>& parts = messages.back().parts;
  if (parts.empty() || parts.back().kind != model::Part::Kind::kText) {
    parts.push_back({.kind = model::Part::Kind::kText, .text = text});
  } else {
    StrAppend(parts.back().text, "\n\n", text);
  }
  return {};
}

struct Key {
  std::string_view name;
  Take take;
};
constexpr std::array kKeys = {
    Key{"max_turns", TakeLimit<&Agent::max_turns, 1>},
    Key{"max_tool_calls", TakeLimit<&Agent::max_tool_calls, 1>},
    Key{"max_nudges", TakeLimit<&Agent::max_nudges, 0>},
    Key{"max_total_tokens",
        [](Target to, json::View value) { return TakeTokens(to.agent.max_total_tokens, value); }},
    Key{"max_tokens",
        [](Target to, json::View value) { return TakeTokens(to.call.sampling.max_tokens, value); }},
    Key{"run_timeout", TakeTimeout},
    Key{"tool_choice", TakeChoice},
    Key{"temperature",
        [](Target to, json::View value) {
          TurnPolicy& turns = to.agent.temperature;
          return TakeTemperature({&turns.first, &turns.loop, &turns.last}, value);
        }},
    Key{"temperature.first",
        [](Target to, json::View value) {
          return TakeTemperature({&to.agent.temperature.first}, value);
        }},
    Key{"temperature.loop",
        [](Target to, json::View value) {
          return TakeTemperature({&to.agent.temperature.loop}, value);
        }},
    Key{"temperature.final",
        [](Target to, json::View value) {
          return TakeTemperature({&to.agent.temperature.last}, value);
        }},
    Key{"confidence.threshold", TakeThreshold},
    Key{"confidence.max_retries", TakeLimit<&Agent::confidence_retries, 0>},
    Key{"note", TakeNote},
};

Error NoSuchKey(std::string_view name) {
  std::string known;
  for (const Key& key : kKeys) {
    const bool last = &key == &kKeys.back();
    StrAppend(known, known.empty() ? "" : last ? " and " : ", ", key.name);
  }
  return {.code = Code::kConfigError,
          .message = StrCat("`", name, "` cannot be changed for one row; ", known, " can")};
}

}  // namespace

Result<void> Override(Agent& agent, model::Call& call, json::View overrides) {
  for (const auto& [name, value] : overrides.members()) {
    const auto key = std::ranges::find(kKeys, name, &Key::name);
    if (key == kKeys.end()) return Fail(NoSuchKey(name));
    const std::string_view needs = key->take({.agent = agent, .call = call}, value);
    if (!needs.empty()) {
      return Fail(Code::kConfigError, StrCat("`", name, "` must be ", needs));
    }
  }
  return {};
}

}  // namespace weir::agent
