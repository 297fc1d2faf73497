#include "weir/model/sampling_fields.h"

#include <span>

#include "weir/base/text.h"
#include "weir/wire/openai_habits.h"
#include "weir/wire/request_writer.h"

namespace weir::wire {
namespace {

// Beams and candidates share fields: `n` is the width of a beam search, or in old versions best_of.
Result<void> WriteCandidates(RequestWriter& out) {
  const model::Sampling& sampling = out.call().sampling;
  const Dialect& dialect = out.dialect();
  if (sampling.beam_width) {
    if (sampling.best_of) {
      return Fail(Code::kInvalidRequest, "beam search and best_of exclude each other");
    }
    if (sampling.n && *sampling.n != *sampling.beam_width) {
      out.Degrade("n", StrCat("a beam search answers with all its ", *sampling.beam_width,
                              " beams, best first"));
    }
    WEIR_TRY(const bool carried, out.Carries("use_beam_search"));
    if (!carried) return {};
    out.Set("n", *sampling.beam_width);
    out.SetVersionMatters();
    if (!dialect.beam_width_is_n) out.Set("best_of", *sampling.beam_width);
    out.SetBool("use_beam_search", true);
    out.Offer("length_penalty", sampling.length_penalty);
    return {};
  }
  if (sampling.length_penalty) {
    return Fail(Code::kInvalidRequest,
                "length_penalty means something only to a beam search: set the beam width too");
  }
  out.Offer("n", sampling.n);
  if (!sampling.best_of) return {};
  out.SetVersionMatters();
  if (!dialect.has_best_of) {
    return out.Refuse("best_of",
                      StrCat(dialect.name,
                             " has no best_of, which vLLM 0.12 removed: ask for n candidates "
                             "with their logprobs and choose among them"));
  }
  out.Offer("best_of", sampling.best_of);
  return {};
}

void WriteMaxTokens(RequestWriter& out) {
  const std::optional<std::int64_t>& limit = out.call().sampling.max_tokens;
  if (!limit) return;
  if (out.responses()) {
    out.Set("max_output_tokens", *limit);
  } else if (out.openai() && out.chat()) {
    out.Set("max_completion_tokens", *limit);  // every model knows it; not every one the old name
  } else {
    out.Set("max_tokens", *limit);
  }
}

// A number that says how to sample, which some models of OpenAI do not let themselves be told.
class SamplingNumbers {
 public:
  explicit SamplingNumbers(RequestWriter& out)
      : out_(out), refused_(out.openai() && ChoosesItsSampling(out.call())) {}

  void Offer(Member member, const std::optional<double>& value) {
    if (!value) return;
    if (!refused_) return out_.Offer(member, value);
    out_.Degrade(std::string(member.name),
                 StrCat("the model ", out_.call().model,
                        " decides itself how it samples, and refuses the parameter"));
  }

 private:
  RequestWriter& out_;
  const bool refused_;
};

Result<void> WriteStop(RequestWriter& out) {
  const std::vector<std::string>& stop = out.call().sampling.stop;
  if (!out.openai() || stop.size() <= kOpenAiStops) {
    out.Offer("stop", stop);
    return {};
  }
  WEIR_TRY(const bool carried, out.Carries("stop"));
  if (!carried) return {};
  WEIR_CHECK(out.Refuse(
      "stop", StrCat("OpenAI takes at most ", kOpenAiStops, " stop texts, and the call has ",
                     stop.size(), ": the first ones must do")));
  json::Writer& json = out.Key("stop");
  json.BeginArray();
  for (const std::string& text : std::span(stop).first(kOpenAiStops)) json.String(text);
  json.EndArray();
  return {};
}

// The Responses API has a word for "what fits" and no number.
void WriteTruncation(RequestWriter& out) {
  constexpr std::int64_t kWhatFits = -1;
  const model::Sampling& sampling = out.call().sampling;
  if (out.responses() && sampling.truncate_prompt_tokens == kWhatFits) {
    out.SetText("truncation", "auto");
  } else {
    out.Offer("truncate_prompt_tokens", sampling.truncate_prompt_tokens);
  }
  out.Offer("truncation_side", sampling.truncation_side);
}

void WriteLogprobs(RequestWriter& out) {
  const std::optional<std::int64_t>& logprobs = out.call().sampling.logprobs;
  if (!logprobs) return;
  if (out.responses()) {
    json::Writer& json = out.Key("include");
    json.BeginArray();
    json.String("message.output_text.logprobs");
    json.EndArray();
    out.Set("top_logprobs", *logprobs);
  } else if (out.chat()) {
    out.SetBool("logprobs", true);
    out.Set("top_logprobs", *logprobs);
  } else {
    out.Set("logprobs", *logprobs);
  }
}

// No server has them for the pieces of a stream, and vLLM refuses to be asked. The answer is the
// same without.
Result<void> WritePromptLogprobs(RequestWriter& out) {
  const std::optional<std::int64_t>& logprobs = out.call().sampling.prompt_logprobs;
  if (!out.stream() || logprobs.value_or(0) == 0) {
    out.Offer("prompt_logprobs", logprobs);
    return {};
  }
  WEIR_TRY(const bool carried, out.Carries("prompt_logprobs"));
  if (carried) {
    out.Degrade("prompt_logprobs",
                "servers do not give them with a stream, so they were not asked for; ask for the "
                "whole answer at once (call --no-stream)");
  }
  return {};
}

Result<void> WriteLogitBias(RequestWriter& out) {
  const std::map<std::string, double>& bias = out.call().sampling.logit_bias;
  if (bias.empty()) return {};
  WEIR_CHECK(model::ValidateBias(bias));
  WEIR_TRY(const bool carried, out.Carries("logit_bias"));
  if (!carried) return {};
  json::Writer& json = out.Key("logit_bias");
  json.BeginObject();
  for (const auto& [token, value] : bias) {
    json.Key(token);
    json.Double(value);
  }
  json.EndObject();
  return {};
}

// The switch has two names among the chat templates; a template ignores the one it does not know.
Result<void> WriteTemplateKwargs(RequestWriter& out) {
  const model::Call& call = out.call();
  const json::View kwargs = call.chat_template_kwargs;
  if (!call.reasoning.enable) {
    out.Offer("chat_template_kwargs", kwargs);
    return {};
  }
  if (out.openai()) {
    out.Degrade("reasoning",
                "OpenAI has no switch for it; how much a model thinks is told by the effort");
    out.Offer("chat_template_kwargs", kwargs);
    return {};
  }
  WEIR_TRY(const bool carried, out.Carries("chat_template_kwargs"));
  if (!carried) return {};
  json::Writer& json = out.Key("chat_template_kwargs");
  json.BeginObject();
  for (const std::string_view name : {"enable_thinking", "thinking"}) {
    json.Key(name);
    json.Bool(*call.reasoning.enable);
  }
  for (const json::Member member : kwargs.members()) {
    if (member.key == "enable_thinking" || member.key == "thinking") {
      out.Degrade(StrCat("chat_template_kwargs.", member.key),
                  "the call's own reasoning switch wins over it");
    } else {
      json.Field(member.key, member.value);
    }
  }
  json.EndObject();
  return {};
}

void WriteEffort(RequestWriter& out) {
  const std::optional<std::string>& effort = out.call().reasoning.effort;
  if (!out.responses()) {
    out.Offer("reasoning_effort", effort);
  } else if (effort && !effort->empty()) {
    json::Writer& json = out.Key("reasoning");
    json.BeginObject();
    json.Field("effort", *effort);
    json.EndObject();
  }
}

}  // namespace

Result<void> WriteSampling(RequestWriter& out) {
  const model::Sampling& sampling = out.call().sampling;
  WEIR_CHECK(model::ValidateFields(out.call().extra));
  SamplingNumbers numbers(out);
  WriteMaxTokens(out);
  out.Offer("min_tokens", sampling.min_tokens);
  numbers.Offer("temperature", sampling.temperature);
  numbers.Offer("top_p", sampling.top_p);
  out.Offer("top_k", sampling.top_k);
  out.Offer("min_p", sampling.min_p);
  numbers.Offer("frequency_penalty", sampling.frequency_penalty);
  numbers.Offer("presence_penalty", sampling.presence_penalty);
  out.Offer("repetition_penalty", sampling.repetition_penalty);
  out.Offer("seed", sampling.seed);
  WEIR_CHECK(WriteCandidates(out));
  WEIR_CHECK(WriteStop(out));
  out.Offer("stop_token_ids", sampling.stop_token_ids);
  out.Offer("include_stop_str_in_output", sampling.include_stop_in_output);
  out.Offer("ignore_eos", sampling.ignore_eos);
  out.Offer("bad_words", sampling.bad_words);
  out.Offer("allowed_token_ids", sampling.allowed_token_ids);
  WEIR_CHECK(WriteLogitBias(out));
  out.Offer("skip_special_tokens", sampling.skip_special_tokens);
  out.Offer("spaces_between_special_tokens", sampling.spaces_between_special_tokens);
  WriteTruncation(out);
  WriteLogprobs(out);
  WEIR_CHECK(WritePromptLogprobs(out));
  out.Offer("return_token_ids", sampling.return_token_ids);
  out.Offer("return_tokens_as_token_ids", sampling.return_tokens_as_token_ids);
  out.Offer("repetition_detection", sampling.repetition_detection);
  return {};
}

Result<void> WriteReasoning(RequestWriter& out) {
  const model::Call& call = out.call();
  WriteEffort(out);
  out.Offer("include_reasoning", call.reasoning.include);
  out.Offer("thinking_token_budget", call.reasoning.thinking_budget);
  out.Offer("add_generation_prompt", call.add_generation_prompt);
  out.Offer("continue_final_message", call.continue_final_message);
  out.Offer("add_special_tokens", call.add_special_tokens);
  out.Offer("chat_template", call.chat_template);
  WEIR_CHECK(WriteTemplateKwargs(out));
  out.Offer("documents", call.documents);
  out.Offer("mm_processor_kwargs", call.mm_processor_kwargs);
  return {};
}

void WriteRequestMeta(RequestWriter& out) {
  const model::Call& call = out.call();
  out.Offer("priority", call.priority);
  out.Offer("request_id", call.request_id);
  out.Offer("session_id", call.session_id);
  out.Offer("cache_salt", call.cache_salt);
  out.Offer("user", call.user);
  out.Offer("kv_transfer_params", call.kv_transfer_params);
  out.Offer("vllm_xargs", call.vllm_xargs);
}

}  // namespace weir::wire
