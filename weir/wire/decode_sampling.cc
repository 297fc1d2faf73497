#include "weir/base/text.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/python_text.h"
#include "weir/wire/request_reader.h"

namespace weir::wire {
namespace {

using model::Sampling;

template <class T>
struct Field {
  std::string_view key;
  std::optional<T> Sampling::* member;
  Null null = Null::kAllowed;
};

constexpr Field<std::int64_t> kInts[] = {
    {"min_tokens", &Sampling::min_tokens, Null::kRefused},
    {"top_k", &Sampling::top_k},
    {"seed", &Sampling::seed},
    {"truncate_prompt_tokens", &Sampling::truncate_prompt_tokens},
    {"prompt_logprobs", &Sampling::prompt_logprobs},
};

constexpr Field<double> kDoubles[] = {
    {"temperature", &Sampling::temperature},
    {"top_p", &Sampling::top_p},
    {"min_p", &Sampling::min_p},
    {"frequency_penalty", &Sampling::frequency_penalty},
    {"presence_penalty", &Sampling::presence_penalty},
    {"repetition_penalty", &Sampling::repetition_penalty},
    {"length_penalty", &Sampling::length_penalty, Null::kRefused},
};

constexpr Field<bool> kBools[] = {
    {"include_stop_str_in_output", &Sampling::include_stop_in_output, Null::kRefused},
    {"ignore_eos", &Sampling::ignore_eos, Null::kRefused},
    {"skip_special_tokens", &Sampling::skip_special_tokens, Null::kRefused},
    {"spaces_between_special_tokens", &Sampling::spaces_between_special_tokens, Null::kRefused},
    {"return_token_ids", &Sampling::return_token_ids},
    {"return_tokens_as_token_ids", &Sampling::return_tokens_as_token_ids},
};

void ReadMaxTokens(RequestReader& in, Sampling& sampling) {
  in.Read("max_tokens", sampling.max_tokens);
  if (!in.chat()) return;
  in.Read("max_completion_tokens", sampling.max_tokens);
  sampling.max_completion_tokens = IsSet(in.body().Find("max_completion_tokens"));
}

// A beam search counts its beams with n, in old versions with best_of.
void ReadCandidates(RequestReader& in, Sampling& sampling) {
  in.Read("n", sampling.n, in.chat() ? Null::kAllowed : Null::kRefused);
  if (in.dialect().has_best_of) in.Read("best_of", sampling.best_of);
  std::optional<bool> beam;
  in.Read("use_beam_search", beam, Null::kRefused);
  if (!beam.value_or(false)) return;
  const std::optional<std::int64_t> width =
      in.dialect().beam_width_is_n ? sampling.n : sampling.best_of;
  sampling.beam_width = width.value_or(1);
  sampling.n.reset();
  sampling.best_of.reset();
}

// How many log-probabilities are wanted; -1, all of them, came with 0.11, and only for some.
void CheckCount(RequestReader& in, std::string_view key, const std::optional<std::int64_t>& count) {
  constexpr Version kAllByMinusOne{0, 11, 0};
  const bool all = key != "logprobs" && in.dialect().version >= kAllByMinusOne;
  if (in.dialect().kind != ServerKind::kVllm) return;
  if (!count || *count >= 0 || (all && *count == -1)) return;
  in.Refuse(StrCat("`", key, "` must be a positive value", all ? " or -1." : "."), key,
            StrCat(*count));
}

void CheckPromptLogprobs(RequestReader& in, const Sampling& sampling) {
  const std::int64_t wanted = sampling.prompt_logprobs.value_or(0);
  if (in.body().Find("stream").BoolOr(false) && (wanted > 0 || wanted == -1)) {
    in.Refuse("`prompt_logprobs` are not available when `stream=True`.", "prompt_logprobs");
  }
  CheckCount(in, "prompt_logprobs", sampling.prompt_logprobs);
}

void ReadLogprobs(RequestReader& in, Sampling& sampling) {
  CheckPromptLogprobs(in, sampling);
  if (!in.chat()) {
    in.Read("logprobs", sampling.logprobs);
    CheckCount(in, "logprobs", sampling.logprobs);
    return;
  }
  std::optional<bool> wanted;
  std::optional<std::int64_t> top;
  in.Read("logprobs", wanted);
  in.Read("top_logprobs", top);
  CheckCount(in, "top_logprobs", top);
  const bool nulled =
      in.dialect().kind == ServerKind::kVllm && !top && in.body().Find("top_logprobs").exists();
  if (nulled) return;  // vLLM takes the null for "none at all", whatever `logprobs` says
  if (wanted.value_or(false)) {
    sampling.logprobs = top.value_or(0);
  } else if (top.value_or(0) != 0) {
    in.Refuse("when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs");
  }
}

// "<name> must be <range>, got <value>."
void CheckRange(RequestReader& in, std::string_view name, const std::optional<double>& value,
                double low, double high, std::string_view range, std::string_view param) {
  if (!value || (*value >= low && *value <= high)) return;
  in.RefuseLate(StrCat(name, " must be ", range, ", got ", PythonFloat(*value), "."), param,
                PythonFloat(*value));
}

}  // namespace

void ReadStop(RequestReader& in, Sampling& sampling) {
  const json::View stop = in.Take("stop");
  if (stop.IsString()) {
    sampling.stop.push_back(StringOf(stop));
  } else if (stop.IsArray()) {
    sampling.stop = StringsOf(stop);
    if (sampling.stop.size() == stop.size()) return;
    if (in.dialect().kind == ServerKind::kVllm) {
      in.Complain("string_type", "stop.str", "Input should be a valid string", stop);
    }
    for (std::size_t i = 0; i < stop.size(); ++i) {
      if (stop[i].IsString()) continue;
      in.Complain("string_type", StrCat("stop.list[str].", i), "Input should be a valid string",
                  stop[i]);
    }
  } else if (IsSet(stop)) {
    in.Complain("string_type", "stop.str", "Input should be a valid string", stop);
    in.Complain("list_type", "stop.list[str]", "Input should be a valid list", stop);
  }
}

void ReadLogitBias(RequestReader& in, Sampling& sampling) {
  const json::View bias = in.Take("logit_bias");
  if (IsSet(bias) && !bias.IsObject()) {
    in.Complain("dict_type", "logit_bias", "Input should be a valid dictionary", bias);
  }
  for (const json::Member member : bias.members()) {
    if (const std::optional<double> value = member.value.AsDouble()) {
      sampling.logit_bias[std::string(member.key)] = *value;
    } else {
      in.Complain("float_type", StrCat("logit_bias.", member.key), "Input should be a valid number",
                  member.value);
    }
  }
}

void ReadSampling(RequestReader& in, model::Call& call) {
  Sampling& sampling = call.sampling;
  ReadMaxTokens(in, sampling);
  for (const auto& field : kInts) in.Read(field.key, sampling.*field.member, field.null);
  for (const auto& field : kDoubles) in.Read(field.key, sampling.*field.member, field.null);
  for (const auto& field : kBools) in.Read(field.key, sampling.*field.member, field.null);
  ReadCandidates(in, sampling);
  ReadStop(in, sampling);
  in.Read("stop_token_ids", sampling.stop_token_ids);
  in.Read("bad_words", sampling.bad_words);
  in.Read("allowed_token_ids", sampling.allowed_token_ids);
  ReadLogitBias(in, sampling);
  const bool vllm = in.dialect().kind == ServerKind::kVllm;
  std::string side;
  in.Read("truncation_side", side);
  if (side == "left" || side == "right") {
    sampling.truncation_side = side;
  } else if (!side.empty() && vllm) {
    in.Complain("literal_error", "truncation_side", "Input should be 'left' or 'right'",
                in.body().Find("truncation_side"));
  }
  if (sampling.truncate_prompt_tokens.value_or(0) < -1 && vllm) {
    in.Complain("greater_than_equal", "truncate_prompt_tokens",
                "Input should be greater than or equal to -1",
                in.body().Find("truncate_prompt_tokens"), "{'ge': -1}");
  }
  ReadLogprobs(in, sampling);
  in.ReadObject("repetition_detection", sampling.repetition_detection);
}

void CheckSampling(RequestReader& in, const model::Call& call) {
  constexpr Version kTemperatureCapped{0, 24, 0};
  constexpr double kNoLimit = 1e308;
  const Sampling& sampling = call.sampling;
  CheckRange(in, "temperature", sampling.temperature, 0, kNoLimit, "non-negative", "temperature");
  if (in.dialect().version >= kTemperatureCapped) {
    CheckRange(in, "temperature", sampling.temperature, 0, 2, "in [0, 2]", "temperature");
  }
  CheckRange(in, "top_p", sampling.top_p, 5e-324, 1, "in (0, 1]", "top_p");
  CheckRange(in, "presence_penalty", sampling.presence_penalty, -2, 2, "in [-2, 2]", "");
  CheckRange(in, "frequency_penalty", sampling.frequency_penalty, -2, 2, "in [-2, 2]", "");
  CheckRange(in, "min_p", sampling.min_p, 0, 1, "in [0, 1]", "");
  const bool vllm = in.dialect().kind == ServerKind::kVllm;
  if (vllm && sampling.repetition_penalty && !(*sampling.repetition_penalty > 0)) {
    in.RefuseLate(StrCat("repetition_penalty must be greater than zero, got ",
                         PythonFloat(*sampling.repetition_penalty), "."));
  }
  if (sampling.top_k && *sampling.top_k < -1) {
    in.RefuseLate(StrCat("top_k must be 0 (disable), or at least 1, got ", *sampling.top_k, "."));
  }
  const bool may_be_empty = call.api == model::Api::kCompletions && call.echo == true;
  if (sampling.max_tokens && *sampling.max_tokens < (may_be_empty ? 0 : 1)) {
    in.RefuseLate(StrCat("max_tokens must be at least 1, got ", *sampling.max_tokens, "."),
                  "max_tokens", StrCat(*sampling.max_tokens));
  }
  if (sampling.n && *sampling.n < 1) {
    in.RefuseLate(StrCat("n must be at least 1, got ", *sampling.n, "."), "n", StrCat(*sampling.n));
  }
  if (sampling.n.value_or(1) > 1 && sampling.temperature && *sampling.temperature < 1e-5) {
    in.RefuseLate(StrCat("n must be 1 when using greedy sampling, got ", *sampling.n, "."));
  }
}

}  // namespace weir::wire
