#include "weir/sim/admission.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"

namespace weir::sim {
namespace {

using model::ToolChoice;

constexpr std::int64_t kCompletionTokens = 16;  // of a completion that sets no max_tokens
constexpr std::int64_t kMaxChoices = 16384;

constexpr wire::Version kContextReworded{0, 11, 0};
constexpr wire::Version kDecorated{0, 14, 0};
constexpr wire::Version kPathsHidden{0, 26, 0};
constexpr wire::Version kStopsLimited{0, 28, 0};
constexpr std::size_t kMaxStops = 4;
constexpr wire::Version kTemplateInKwargs{0, 11, 0};
constexpr std::size_t kMaxBadWords = 128;

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

std::expected<void, Refusal> CheckTools(const SimOptions& options, const model::Call& call) {
  const ToolChoice::Kind kind = call.tool_choice.kind;
  const bool forced = kind == ToolChoice::Kind::kRequired || kind == ToolChoice::Kind::kNamed;
  if (call.tools.empty()) {
    if (!forced) return {};
    return Bad(options, "When using `tool_choice`, `tools` must be set.", "tool_choice");
  }
  if (!options.switches.auto_tool_choice && kind != ToolChoice::Kind::kNone) {
    if (!forced) {
      return Bad(options,
                 "\"auto\" tool choice requires --enable-auto-tool-choice and "
                 "--tool-call-parser to be set",
                 "");
    }
    if (options.dialect.version >= kDecorated) {
      return Bad(options,
                 StrCat(kind == ToolChoice::Kind::kRequired
                            ? std::string("tool_choice=\"required\"")
                            : StrCat("tool_choice=function \"", call.tool_choice.name, "\""),
                        " requires --tool-call-parser to be set"),
                 "");
    }
  }
  const bool known = std::ranges::any_of(
      call.tools, [&](const model::ToolSpec& tool) { return tool.name == call.tool_choice.name; });
  if (kind == ToolChoice::Kind::kNamed && !known) {
    return Bad(options,
               "The tool specified in `tool_choice` does not match any of the specified `tools`",
               "tool_choice");
  }
  if (kind == ToolChoice::Kind::kNamed && call.constraint) {
    return Bad(options,
               "You can only either use constraints for structured outputs or tools, not both.",
               "");
  }
  return {};
}

std::expected<void, Refusal> CheckStops(const SimOptions& options, const model::Call& call) {
  const std::vector<std::string>& stops = call.sampling.stop;
  if (options.dialect.kind != wire::ServerKind::kOllama &&
      options.dialect.version >= kStopsLimited && stops.size() > kMaxStops) {
    return Bad(options,
               StrCat("stop must have at most ", kMaxStops, " strings, got ", stops.size(), "."),
               "stop", StrCat(stops.size()));
  }
  if (std::ranges::find(stops, std::string()) != stops.end()) {
    return Bad(options, "stop cannot contain an empty string.", "stop");
  }
  return {};
}

// Parts of messages that vLLM's templates know. A medium may be null: its uuid names it.
constexpr std::string_view kPartTypes[] = {
    "text",      "input_text",   "output_text",  "image_url",     "video_url",
    "audio_url", "input_audio",  "refusal",      "thinking",      "input_image",
    "image_pil", "image_embeds", "audio_embeds", "prompt_embeds", "tool_reference"};

std::expected<void, Refusal> CheckParts(const SimOptions& options, const model::Call& call) {
  if (options.dialect.kind != wire::ServerKind::kVllm) return {};
  for (const model::Message& message : call.messages) {
    for (const model::Part& part : message.parts) {
      const auto type = part.raw.Find("type").AsString();
      if (part.kind != model::Part::Kind::kRaw || !type) continue;
      if (std::ranges::find(kPartTypes, *type) != std::end(kPartTypes)) continue;
      return Bad(options, StrCat("Unknown part type: ", *type), "");
    }
  }
  return {};
}

// What needs a flag that was not given, or does not go with a stream.
std::expected<void, Refusal> CheckSwitches(const SimOptions& options, const model::Call& call,
                                           bool stream) {
  const json::View inside = call.chat_template_kwargs.Find("chat_template");
  const bool hidden = options.dialect.kind == wire::ServerKind::kVllm && inside.exists() &&
                      !inside.IsNull() && options.dialect.version >= kTemplateInKwargs;
  if (!call.chat_template.empty() || hidden) {
    return Bad(options,
               "Chat template is passed with request, but --trust-request-chat-template is not "
               "set. Refused request with untrusted chat template.",
               "");
  }
  if (stream && call.sampling.prompt_logprobs.value_or(0) != 0) {
    return Bad(options, "`prompt_logprobs` are not available when `stream=True`.",
               "prompt_logprobs");
  }
  if (stream && call.sampling.beam_width && call.api == model::Api::kCompletions) {
    return Bad(options, "Streaming is not currently supported with beam search", "");
  }
  return {};
}

std::unexpected<Refusal> TooLong(const SimOptions& options, std::int64_t window,
                                 std::int64_t prompt, std::int64_t wanted) {
  std::string message =
      StrCat("This model's maximum context length is ", window, " tokens. However, you requested ");
  if (options.dialect.version < kContextReworded ||
      options.dialect.kind == wire::ServerKind::kOpenAi) {
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

// More tokens are wanted than the window has, whatever the prompt.
std::unexpected<Refusal> TooMany(const SimOptions& options, const model::Call& call,
                                 std::int64_t window, std::int64_t wanted) {
  const std::string_view name =
      call.sampling.max_completion_tokens ? "max_completion_tokens" : "max_tokens";
  if (options.dialect.kind == wire::ServerKind::kOpenAi) {
    const std::string_view named =
        call.api == model::Api::kResponses ? std::string_view("max_output_tokens") : name;
    Refusal refusal;
    refusal.error = {
        .message = StrCat(named, " is too large: ", wanted, ". This model supports at most ",
                          window, " completion tokens, whereas you provided ", wanted, "."),
        .param = std::string(named),
        .code = "invalid_value"};
    return std::unexpected(std::move(refusal));
  }
  return Bad(options,
             StrCat(name, "=", wanted, " cannot be greater than max_model_len=max_total_tokens=",
                    window, ". Please request fewer output tokens."),
             name, StrCat(wanted));
}

// How many tokens may be written behind a prompt.
std::expected<std::int64_t, Refusal> RoomFor(const SimOptions& options, const model::Call& call,
                                             std::int64_t window, std::int64_t prompt_tokens) {
  std::optional<std::int64_t> wanted = call.sampling.max_tokens;
  if (!wanted && call.api == model::Api::kCompletions) wanted = kCompletionTokens;
  const bool counts_prompt =
      options.dialect.version < kContextReworded ||
      (options.dialect.kind == wire::ServerKind::kOpenAi && call.api == model::Api::kCompletions);
  if (wanted.value_or(0) > window && !counts_prompt) {
    return TooMany(options, call, window, *wanted);
  }
  if (prompt_tokens > window - wanted.value_or(0)) {
    return TooLong(options, window, prompt_tokens, wanted.value_or(0));
  }
  if (!wanted && prompt_tokens == window) {
    return Bad(options, "max_tokens must be at least 1, got 0.", "max_tokens", "0");
  }
  return wanted.value_or(window - prompt_tokens);
}

std::expected<void, Refusal> CheckVocabulary(const SimOptions& options, const model::Call& call,
                                             std::span<const Prompt> prompts) {
  const auto outside = [](std::int64_t id) { return id < 0 || id >= Tokenizer::size(); };
  for (const Prompt& prompt : prompts) {
    if (const auto unknown = UnknownToken(prompt)) {
      return Late(Bad(options, StrCat("Token id ", *unknown, " is out of vocabulary"), "prompt"));
    }
  }
  if (std::ranges::any_of(call.sampling.allowed_token_ids, outside)) {
    return Late(Bad(options, "allowed_token_ids contains out-of-vocab token id!", ""));
  }
  for (const auto& [id, bias] : call.sampling.logit_bias) {
    if (outside(ParseInt(id).value_or(-1))) {
      return Late(Bad(options,
                      StrCat("token_id ", id, " in logit_bias contains out-of-vocab token id"),
                      "logit_bias", id));
    }
  }
  return {};
}

std::expected<void, Refusal> CheckLogprobs(const SimOptions& options, std::string_view what,
                                           std::string_view param, std::int64_t asked) {
  const std::int64_t most =
      options.switches.max_logprobs < 0 ? Tokenizer::size() : options.switches.max_logprobs;
  const std::int64_t wanted = asked < 0 ? Tokenizer::size() : asked;
  if (wanted <= most) return {};
  return Late(Bad(options,
                  StrCat("Requested ", what, " logprobs of ", wanted,
                         ", which is greater than max allowed: ", most),
                  param, StrCat(asked)));
}

// What the engine refuses, after a stream has begun.
std::expected<void, Refusal> CheckEngine(const SimOptions& options, const model::Call& call,
                                         bool reasons, std::span<const Prompt> prompts) {
  const model::Sampling& sampling = call.sampling;
  if (call.reasoning.thinking_budget && !reasons) {
    return Late(Bad(options,
                    "thinking_token_budget is set but reasoning_config is not configured. Please "
                    "set --reasoning-config to use thinking_token_budget.",
                    "thinking_token_budget", StrCat(*call.reasoning.thinking_budget)));
  }
  if (options.dialect.kind == wire::ServerKind::kVllm && sampling.bad_words.size() > kMaxBadWords) {
    return Late(Bad(options,
                    StrCat("bad_words must have at most ", kMaxBadWords, " token sequences, got ",
                           sampling.bad_words.size(), "."),
                    "bad_words", StrCat(sampling.bad_words.size())));
  }
  if (const auto known = CheckVocabulary(options, call, prompts); !known) return known;
  const std::int64_t beams = 2 * sampling.beam_width.value_or(0);
  const auto sample =
      CheckLogprobs(options, "sample", "logprobs", std::max(beams, sampling.logprobs.value_or(0)));
  if (!sample) return sample;
  if (sampling.logprobs.value_or(0) < 0) {
    const auto all = CheckLogprobs(options, "sample", "logprobs", -1);
    if (!all) return all;
  }
  return CheckLogprobs(options, "prompt", "prompt_logprobs", sampling.prompt_logprobs.value_or(0));
}

// A path by its root, or by a file with an ending in some folder.
bool LooksLikePath(std::string_view word) {
  for (const std::string_view root :
       {"/home/", "/usr/", "/opt/", "/var/", "/tmp/", "/root/", "/lib/", "/mnt/", "/srv/"}) {
    if (word.starts_with(root)) return true;
  }
  const std::size_t last = word.rfind('/');
  const std::size_t dot = word.rfind('.');
  return last > 0 && dot != word.npos && dot > last + 1 && dot + 1 < word.size();
}

std::string HidePaths(std::string_view text) {
  constexpr std::string_view kBounds = " \t\n`'\"";
  std::string shown;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(kBounds), text.size());
    const std::string_view word = text.substr(0, end);
    const bool path = word.starts_with('/') && LooksLikePath(word);
    StrAppend(shown, path ? std::string_view("<path>") : word, text.substr(end, 1));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return shown;
}

}  // namespace

Refusal UnknownModel(const SimOptions& options, std::string_view name) {
  Refusal refusal;
  refusal.error.status = 404;
  refusal.error.type = "NotFoundError";
  const std::string shown =
      options.dialect.kind == wire::ServerKind::kVllm && options.dialect.version >= kPathsHidden
          ? HidePaths(name)
          : std::string(name);
  refusal.error.message = StrCat("The model `", shown, "` does not exist.");
  if (options.dialect.version >= kDecorated) refusal.error.param = "model";
  return refusal;
}

// An adapter is asked for by its own name, with or without the name of its model.
std::expected<Admitted, Refusal> FindModel(const SimOptions& options, const Adapters& adapters,
                                           const model::Call& call) {
  std::string_view name = call.adapter.empty() ? call.model : call.adapter;
  constexpr std::string_view kLatestTag = ":latest";
  if (options.dialect.kind == wire::ServerKind::kOllama && name.ends_with(kLatestTag)) {
    name.remove_suffix(kLatestTag.size());
  }
  Admitted admitted;
  admitted.name = options.models.front().served_names.front();
  if (name.empty()) return admitted;
  for (std::size_t i = 0; i < options.models.size() && call.adapter.empty(); ++i) {
    const std::vector<std::string>& served = options.models[i].served_names;
    if (std::ranges::find(served, name) == served.end()) continue;
    admitted.model = i;
    admitted.name = served.front();
    return admitted;
  }
  if (const auto loaded = adapters.Find(name)) {
    admitted.model = loaded->model;
    admitted.adapter = admitted.name = name;
    return admitted;
  }
  return std::unexpected(UnknownModel(options, name));
}

std::expected<Admitted, Refusal> Admit(const SimOptions& options, const Adapters& adapters,
                                       const model::Call& call, std::span<const Prompt> prompts,
                                       bool stream) {
  auto admitted = FindModel(options, adapters, call);
  if (!admitted) return admitted;
  const SimModel& model = options.models[admitted->model];
  if (const auto tools = CheckTools(options, call); !tools) return std::unexpected(tools.error());
  if (const auto parts = CheckParts(options, call); !parts) return std::unexpected(parts.error());
  if (const auto stops = CheckStops(options, call); !stops) return std::unexpected(stops.error());
  if (const auto flags = CheckSwitches(options, call, stream); !flags) {
    return std::unexpected(flags.error());
  }
  const std::int64_t candidates =
      std::max(call.sampling.n.value_or(1), call.sampling.beam_width.value_or(1));
  if (candidates < 1 || candidates * static_cast<std::int64_t>(prompts.size()) > kMaxChoices) {
    return Bad(options, StrCat("n must be at most ", kMaxChoices, ", got ", candidates, "."), "n",
               StrCat(candidates));
  }
  for (const Prompt& prompt : prompts) {
    RenderedPrompt rendered = Render(call, prompt);
    const std::int64_t kept =
        call.api == model::Api::kCompletions && !call.sampling.max_tokens
            ? model.max_model_len - kCompletionTokens + 1  // one token is left for an answer anyway
            : model.max_model_len;
    TruncatePrompt(call.sampling, kept, rendered.tokens);
    const auto room = RoomFor(options, call, model.max_model_len,
                              static_cast<std::int64_t>(rendered.tokens.size()));
    if (!room) return std::unexpected(room.error());
    if (call.sampling.min_tokens.value_or(0) > *room) {
      return Bad(options,
                 StrCat("min_tokens must be less than or equal to max_tokens=", *room, ", got ",
                        *call.sampling.min_tokens, "."),
                 "min_tokens", StrCat(*call.sampling.min_tokens));
    }
    admitted->prompts.push_back(std::move(rendered));
    admitted->rooms.push_back(*room);
  }
  if (const auto engine = CheckEngine(options, call, model.reasons, prompts); !engine) {
    return std::unexpected(engine.error());
  }
  return admitted;
}

}  // namespace weir::sim
