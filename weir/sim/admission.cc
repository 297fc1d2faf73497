#include "weir/sim/admission.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/sim/tokens.h"

namespace weir::sim {
namespace {

using model::ToolChoice;

constexpr std::int64_t kMessageTokens = 4;
constexpr std::int64_t kAnswerTokens = 3;
constexpr std::int64_t kMediumTokens = 256;
constexpr std::int64_t kMaxLogprobs = 20;
constexpr std::int64_t kCompletionTokens = 16;  // of a completion that sets no max_tokens
constexpr std::int64_t kMaxChoices = 16384;

constexpr wire::Version kContextReworded{0, 11, 0};
constexpr wire::Version kDecorated{0, 14, 0};

// Newer servers append the parameter and its value to the message.
std::unexpected<Refusal> Bad(const SimOptions& options, std::string message, std::string_view param,
                             std::string_view value = {}) {
  Refusal refusal;
  refusal.error.message = std::move(message);
  if (options.dialect.version >= kDecorated && !param.empty()) {
    StrAppend(refusal.error.message, " (parameter=", param);
    if (!value.empty()) StrAppend(refusal.error.message, ", value=", value);
    refusal.error.message += ')';
    refusal.error.param = std::string(param);
  }
  return std::unexpected(std::move(refusal));
}

std::unexpected<Refusal> Late(std::unexpected<Refusal> refused) {
  refused.error().stage = Refusal::Stage::kEngine;
  return refused;
}

std::unexpected<Refusal> UnknownModel(const SimOptions& options, std::string_view name) {
  Refusal refusal;
  refusal.error = {404, "NotFoundError", StrCat("The model `", name, "` does not exist."), {}};
  if (options.dialect.version >= kDecorated) refusal.error.param = "model";
  return std::unexpected(std::move(refusal));
}

bool Has(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// An adapter is asked for by its own name, with or without the name of its model.
std::expected<Admitted, Refusal> FindModel(const SimOptions& options, const model::Call& call) {
  const std::string& name = call.adapter.empty() ? call.model : call.adapter;
  Admitted admitted;
  if (name.empty()) {
    admitted.model = &options.models.front();
    return admitted;
  }
  for (const SimModel& candidate : options.models) {
    if (call.adapter.empty() && Has(candidate.served_names, name)) {
      admitted.model = &candidate;
      return admitted;
    }
    if (Has(candidate.adapters, name)) {
      admitted.model = &candidate;
      admitted.adapter = name;
      return admitted;
    }
  }
  return UnknownModel(options, name);
}

std::expected<void, Refusal> CheckTools(const SimOptions& options, const model::Call& call) {
  const ToolChoice::Kind kind = call.tool_choice.kind;
  if (kind != ToolChoice::Kind::kRequired && kind != ToolChoice::Kind::kNamed) return {};
  if (call.tools.empty()) {
    return Bad(options, "When using `tool_choice`, `tools` must be set.", "tool_choice");
  }
  const bool known = std::ranges::any_of(
      call.tools, [&](const model::ToolSpec& tool) { return tool.name == call.tool_choice.name; });
  if (kind == ToolChoice::Kind::kNamed && !known) {
    return Bad(options,
               "The tool specified in `tool_choice` does not match any of the specified `tools`",
               "tool_choice");
  }
  return {};
}

std::unexpected<Refusal> TooLong(const SimOptions& options, std::int64_t window,
                                 std::int64_t prompt, std::int64_t wanted) {
  std::string message =
      StrCat("This model's maximum context length is ", window, " tokens. However, you requested ");
  if (options.dialect.version < kContextReworded) {
    if (wanted == 0) {
      StrAppend(message, prompt,
                " tokens in the messages, Please reduce the length of the messages.");
    } else {
      StrAppend(message, prompt + wanted, " tokens (", prompt, " in the messages, ", wanted,
                " in the completion). Please reduce the length of the messages or completion.");
    }
    return Bad(options, std::move(message), "");
  }
  // The server stops counting at the first token that is too many.
  const std::int64_t counted = window - wanted + 1;
  StrAppend(message, wanted, " output tokens and your prompt contains at least ", counted,
            " input tokens, for a total of at least ", counted + wanted,
            " tokens. Please reduce the length of the input prompt or the number of requested "
            "output tokens.");
  return Bad(options, std::move(message), "input_tokens", StrCat(counted));
}

// How many tokens may be written behind a prompt.
std::expected<std::int64_t, Refusal> RoomFor(const SimOptions& options, const model::Call& call,
                                             std::int64_t window, std::int64_t prompt_tokens) {
  std::optional<std::int64_t> wanted = call.sampling.max_tokens;
  if (!wanted && call.api == model::Api::kCompletions) wanted = kCompletionTokens;
  if (wanted.value_or(0) > window) {
    return Bad(options,
               StrCat("max_tokens=", *wanted, " cannot be greater than max_model_len=",
                      "max_total_tokens=", window, ". Please request fewer output tokens."),
               "max_tokens", StrCat(*wanted));
  }
  if (prompt_tokens > window - wanted.value_or(0)) {
    return TooLong(options, window, prompt_tokens, wanted.value_or(0));
  }
  if (!wanted && prompt_tokens == window) {
    return Bad(options, "max_tokens must be at least 1, got 0.", "max_tokens", "0");
  }
  return wanted.value_or(window - prompt_tokens);
}

std::int64_t Truncated(const model::Sampling& sampling, std::int64_t window, std::int64_t tokens) {
  if (!sampling.truncate_prompt_tokens) return tokens;
  const std::int64_t most = *sampling.truncate_prompt_tokens;
  return std::min(tokens, most >= 0 ? most : window - sampling.max_tokens.value_or(1));
}

// What the engine refuses, after a stream has begun.
std::expected<void, Refusal> CheckEngine(const SimOptions& options, const model::Call& call) {
  const std::int64_t logprobs = call.sampling.logprobs.value_or(0);
  if (logprobs > kMaxLogprobs) {
    return Late(Bad(options,
                    StrCat("Requested sample logprobs of ", logprobs,
                           ", which is greater than max allowed: ", kMaxLogprobs),
                    "logprobs", StrCat(logprobs)));
  }
  if (logprobs < 0 || call.sampling.prompt_logprobs) {
    const std::string_view what = logprobs < 0 ? "logprobs" : "prompt_logprobs";
    return Late(
        Bad(options, StrCat("such ", what, " are not supported by this simulator yet"), what));
  }
  return {};
}

}  // namespace

std::int64_t CountPromptTokens(const model::Call& call, const Prompt& prompt) {
  if (call.api == model::Api::kCompletions) {
    return prompt.ids.empty() ? CountTokens(prompt.text)
                              : static_cast<std::int64_t>(prompt.ids.size());
  }
  std::int64_t tokens = kAnswerTokens;
  for (const model::Message& message : call.messages) {
    tokens += kMessageTokens;
    for (const model::Part& part : message.parts) {
      tokens += part.kind == model::Part::Kind::kText ? CountTokens(part.text) : kMediumTokens;
    }
    for (const model::ToolCall& tool : message.tool_calls) {
      tokens += CountTokens(tool.name) + CountTokens(tool.arguments);
    }
  }
  for (const model::ToolSpec& tool : call.tools) {
    tokens += kMessageTokens + CountTokens(tool.name) + CountTokens(tool.description);
    if (tool.parameters.IsObject()) tokens += CountTokens(json::Write(tool.parameters));
  }
  return tokens;
}

std::expected<Admitted, Refusal> Admit(const SimOptions& options, const model::Call& call,
                                       std::span<const Prompt> prompts) {
  auto admitted = FindModel(options, call);
  if (!admitted) return admitted;
  if (const auto tools = CheckTools(options, call); !tools) return std::unexpected(tools.error());
  const std::int64_t candidates =
      std::max(call.sampling.n.value_or(1), call.sampling.beam_width.value_or(1));
  if (candidates < 1 || candidates * static_cast<std::int64_t>(prompts.size()) > kMaxChoices) {
    return Bad(options, StrCat("n must be at most ", kMaxChoices, ", got ", candidates, "."), "n");
  }
  const std::int64_t window = admitted->model->max_model_len;
  for (const Prompt& prompt : prompts) {
    const std::int64_t tokens = Truncated(call.sampling, window, CountPromptTokens(call, prompt));
    const auto room = RoomFor(options, call, window, tokens);
    if (!room) return std::unexpected(room.error());
    admitted->prompt_tokens += tokens;
    admitted->rooms.push_back(*room);
  }
  if (const auto engine = CheckEngine(options, call); !engine) {
    return std::unexpected(engine.error());
  }
  return admitted;
}

}  // namespace weir::sim
