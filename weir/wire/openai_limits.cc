// What OpenAI refuses of a request before it looks for the model.

#include <algorithm>
#include <span>

#include "weir/base/text.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/openai_server.h"

namespace weir::wire {
namespace {

constexpr std::string_view kChatFields[] = {"messages",
                                            "model",
                                            "audio",
                                            "frequency_penalty",
                                            "function_call",
                                            "functions",
                                            "logit_bias",
                                            "logprobs",
                                            "max_completion_tokens",
                                            "max_tokens",
                                            "metadata",
                                            "modalities",
                                            "moderation",
                                            "n",
                                            "parallel_tool_calls",
                                            "prediction",
                                            "presence_penalty",
                                            "prompt_cache_key",
                                            "prompt_cache_options",
                                            "prompt_cache_retention",
                                            "reasoning_effort",
                                            "response_format",
                                            "safety_identifier",
                                            "seed",
                                            "service_tier",
                                            "stop",
                                            "store",
                                            "stream",
                                            "stream_options",
                                            "temperature",
                                            "tool_choice",
                                            "tools",
                                            "top_logprobs",
                                            "top_p",
                                            "user",
                                            "verbosity",
                                            "web_search_options"};

constexpr std::string_view kCompletionFields[] = {"model",
                                                  "prompt",
                                                  "best_of",
                                                  "echo",
                                                  "frequency_penalty",
                                                  "logit_bias",
                                                  "logprobs",
                                                  "max_tokens",
                                                  "n",
                                                  "presence_penalty",
                                                  "seed",
                                                  "stop",
                                                  "stream",
                                                  "stream_options",
                                                  "suffix",
                                                  "temperature",
                                                  "top_p",
                                                  "user"};

constexpr std::string_view kResponsesFields[] = {"background",
                                                 "context_management",
                                                 "conversation",
                                                 "include",
                                                 "input",
                                                 "instructions",
                                                 "max_output_tokens",
                                                 "max_tool_calls",
                                                 "metadata",
                                                 "model",
                                                 "moderation",
                                                 "parallel_tool_calls",
                                                 "previous_response_id",
                                                 "prompt",
                                                 "prompt_cache_key",
                                                 "prompt_cache_options",
                                                 "prompt_cache_retention",
                                                 "reasoning",
                                                 "safety_identifier",
                                                 "service_tier",
                                                 "store",
                                                 "stream",
                                                 "stream_options",
                                                 "temperature",
                                                 "text",
                                                 "tool_choice",
                                                 "tools",
                                                 "top_logprobs",
                                                 "top_p",
                                                 "truncation",
                                                 "user"};

struct Range {
  std::string_view key;
  bool integer;
  double low;
  double high;
};

constexpr double kNoLimit = 1e300;
constexpr Range kRanges[] = {{"temperature", false, 0, 2},
                             {"top_p", false, 0, 1},
                             {"presence_penalty", false, -2, 2},
                             {"frequency_penalty", false, -2, 2},
                             {"max_tokens", true, 1, kNoLimit},
                             {"max_completion_tokens", true, 1, kNoLimit},
                             {"max_output_tokens", true, 16, kNoLimit},
                             {"n", true, 1, 128},
                             {"top_logprobs", true, 0, 20}};
constexpr std::size_t kMostStops = 4;

std::span<const std::string_view> FieldsOf(model::Api api) {
  if (api == model::Api::kChat) return kChatFields;
  if (api == model::Api::kCompletions) return kCompletionFields;
  return kResponsesFields;
}

ServerError Refused(std::string message, std::string_view param, std::string_view code) {
  ServerError error{.type = "invalid_request_error", .message = std::move(message)};
  if (!param.empty()) error.param = param;
  error.code = code;
  return error;
}

std::optional<ServerError> RefuseUnknown(model::Api api, json::View body) {
  const std::span<const std::string_view> known = FieldsOf(api);
  std::vector<std::string> unknown;
  for (const json::Member member : body.members()) {
    if (std::ranges::find(known, member.key) == known.end()) unknown.emplace_back(member.key);
  }
  if (unknown.empty()) return std::nullopt;
  if (api == model::Api::kResponses) {
    return Refused(StrCat("Unknown parameter: '", unknown.front(), "'."), unknown.front(),
                   "unknown_parameter");
  }
  return Refused(StrCat("Unrecognized request argument", unknown.size() == 1 ? "" : "s",
                        " supplied: ", Join(unknown, ", ")),
                 "", "");
}

std::optional<ServerError> RefuseRange(const Range& range, json::View value) {
  const std::optional<double> number = value.AsDouble();
  if (!number || (range.integer && !value.AsInt64())) return std::nullopt;
  const bool above = *number > range.high;
  if (!above && *number >= range.low) return std::nullopt;
  const std::string_view kind = range.integer ? "integer" : "decimal";
  return Refused(
      StrCat("Invalid '", range.key, "': ", kind, above ? " above maximum" : " below minimum",
             " value. Expected a value ", above ? "<= " : ">= ", above ? range.high : range.low,
             ", but got ", value.NumberText(), " instead."),
      range.key, StrCat(kind, above ? "_above_max_value" : "_below_min_value"));
}

bool SpeaksOfJson(json::View messages) {
  for (const json::View message : messages.items()) {
    const json::View content = message.Find("content");
    if (ToLower(content.StringOr("")).contains("json")) return true;
    for (const json::View part : content.items()) {
      if (ToLower(part.Find("text").StringOr("")).contains("json")) return true;
    }
  }
  return false;
}

std::optional<ServerError> RefuseFormat(json::View body) {
  const json::View format = body.Find("response_format");
  const std::string_view type = format.Find("type").StringOr("");
  if (type == "json_object" && !SpeaksOfJson(body.Find("messages"))) {
    return Refused(
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
        "'json_object'.",
        "messages", "");
  }
  if (type == "json_schema" && !format.Find("json_schema").Find("name").IsString()) {
    return WrongParameter("missing", "response_format.json_schema.name", {});
  }
  return std::nullopt;
}

}  // namespace

std::optional<ServerError> RefuseAsOpenAi(model::Api api, json::View body) {
  if (StringOf(body.Find("model")).empty()) {
    return Refused("you must provide a model parameter", "", "");
  }
  if (auto error = RefuseUnknown(api, body)) return error;
  for (const Range& range : kRanges) {
    if (auto error = RefuseRange(range, body.Find(range.key))) return error;
  }
  const json::View stop = body.Find("stop");
  if (stop.IsArray() && stop.size() > kMostStops) {
    return Refused(StrCat("Invalid 'stop': array too long. Expected an array with maximum length ",
                          kMostStops, ", but got an array with length ", stop.size(), " instead."),
                   "stop", "array_above_max_length");
  }
  if (IsSet(body.Find("stream_options")) && !body.Find("stream").BoolOr(false)) {
    return Refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                   "stream_options", "");
  }
  return RefuseFormat(body);
}

}  // namespace weir::wire
