#include "weir/base/text.h"
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
    out.Set("n", *sampling.beam_width);
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
  if (!dialect.has_best_of) {
    return Fail(Code::kUnsupportedParam,
                StrCat(dialect.name,
                       " has no best_of, which vLLM 0.12 removed; best_of is done "
                       "by the client in a later version of weir: ask for n candidates and choose "
                       "among them"));
  }
  out.Offer("best_of", sampling.best_of);
  return {};
}

void WriteLogprobs(RequestWriter& out) {
  const std::optional<std::int64_t>& logprobs = out.call().sampling.logprobs;
  if (!logprobs) return;
  if (out.chat()) {
    out.SetBool("logprobs", true);
    out.Set("top_logprobs", *logprobs);
  } else {
    out.Set("logprobs", *logprobs);
  }
}

void WriteLogitBias(RequestWriter& out) {
  const std::map<std::string, double>& bias = out.call().sampling.logit_bias;
  if (bias.empty()) return;
  json::Writer& json = out.Key("logit_bias");
  json.BeginObject();
  for (const auto& [token, value] : bias) {
    json.Key(token);
    json.Double(value);
  }
  json.EndObject();
}

// The switch has two names among the chat templates; a template ignores the one it does not know.
Result<void> WriteTemplateKwargs(RequestWriter& out) {
  const model::Call& call = out.call();
  const json::View kwargs = call.chat_template_kwargs;
  if (!call.reasoning.enable) {
    out.Offer("chat_template_kwargs", kwargs);
    return {};
  }
  WEIR_CHECK(out.Carries("chat_template_kwargs"));
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

}  // namespace

Result<void> WriteSampling(RequestWriter& out) {
  const model::Sampling& sampling = out.call().sampling;
  out.Offer("max_tokens", sampling.max_tokens);
  out.Offer("min_tokens", sampling.min_tokens);
  out.Offer("temperature", sampling.temperature);
  out.Offer("top_p", sampling.top_p);
  out.Offer("top_k", sampling.top_k);
  out.Offer("min_p", sampling.min_p);
  out.Offer("frequency_penalty", sampling.frequency_penalty);
  out.Offer("presence_penalty", sampling.presence_penalty);
  out.Offer("repetition_penalty", sampling.repetition_penalty);
  out.Offer("seed", sampling.seed);
  WEIR_CHECK(WriteCandidates(out));
  out.Offer("stop", sampling.stop);
  out.Offer("stop_token_ids", sampling.stop_token_ids);
  out.Offer("include_stop_str_in_output", sampling.include_stop_in_output);
  out.Offer("ignore_eos", sampling.ignore_eos);
  out.Offer("bad_words", sampling.bad_words);
  out.Offer("allowed_token_ids", sampling.allowed_token_ids);
  WriteLogitBias(out);
  out.Offer("skip_special_tokens", sampling.skip_special_tokens);
  out.Offer("spaces_between_special_tokens", sampling.spaces_between_special_tokens);
  out.Offer("truncate_prompt_tokens", sampling.truncate_prompt_tokens);
  out.Offer("truncation_side", sampling.truncation_side);
  WriteLogprobs(out);
  out.Offer("prompt_logprobs", sampling.prompt_logprobs);
  out.Offer("return_token_ids", sampling.return_token_ids);
  out.Offer("return_tokens_as_token_ids", sampling.return_tokens_as_token_ids);
  out.Offer("repetition_detection", sampling.repetition_detection);
  return {};
}

Result<void> WriteReasoning(RequestWriter& out) {
  const model::Call& call = out.call();
  out.Offer("reasoning_effort", call.reasoning.effort);
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
