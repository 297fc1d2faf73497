#include "weir/model/sampling_fields.h"

#include "weir/base/text.h"

namespace weir::model {
namespace {

constexpr double kMostBias = 100;

constexpr SamplingField kSamplingFields[] = {
    {"max_tokens", &Sampling::max_tokens, "most tokens to write", 1},
    {"min_tokens", &Sampling::min_tokens, "no end before that many", 0},
    {"temperature", &Sampling::temperature, "0 is greedy", 0, 2},
    {"top_p", &Sampling::top_p, "nucleus: the likeliest tokens that make up this much", 0, 1, true},
    {"top_k", &Sampling::top_k, "the best k tokens only; 0 or -1: all", -1},
    {"min_p", &Sampling::min_p, "leaves out tokens that much less likely than the best", 0, 1},
    {"frequency_penalty", &Sampling::frequency_penalty, "against words that came often", -2, 2},
    {"presence_penalty", &Sampling::presence_penalty, "against words that came at all", -2, 2},
    {"repetition_penalty", &Sampling::repetition_penalty,
     "above 1: against repetition, prompt included", 0, std::nullopt, true},
    {"length_penalty", &Sampling::length_penalty, "of beam search: above 1 for longer answers"},
    {"seed", &Sampling::seed, "of the sampling; -1: none"},
    {"n", &Sampling::n, "candidates to return", 1},
    {"best_of", &Sampling::best_of, "candidates to write, the best of which is returned", 1},
    {"beam_width", &Sampling::beam_width, "beam search with this many beams", 1},
    {"logprobs", &Sampling::logprobs, "log-probabilities of the best N tokens", 0},
    {"prompt_logprobs", &Sampling::prompt_logprobs,
     "the same for the prompt; the server then reuses no prefix", -1},
    {"truncate_prompt_tokens", &Sampling::truncate_prompt_tokens,
     "keeps that many tokens of the prompt; -1: what fits", -1},
    {"ignore_eos", &Sampling::ignore_eos, "goes on behind the end of the answer, to max_tokens"},
    {"include_stop_in_output", &Sampling::include_stop_in_output,
     "leaves the stop text in the answer"},
    {"skip_special_tokens", &Sampling::skip_special_tokens,
     "leaves special tokens out of the text"},
};

}  // namespace

std::span<const SamplingField> SamplingFields() { return kSamplingFields; }

Result<void> ValidateBias(const std::map<std::string, double>& bias) {
  for (const auto& [token, value] : bias) {
    if (value >= -kMostBias && value <= kMostBias) continue;
    return Fail(Code::kInvalidRequest,
                StrCat("logit_bias of ", token, " must be in [-100, 100], got ", value));
  }
  return {};
}

Result<void> ValidateFields(json::View fields) {
  if (!fields.IsObject()) return {};
  Sampling sampling;
  for (const SamplingField& field : kSamplingFields) {
    const json::View value = fields.Find(field.name);
    if (const auto* whole = std::get_if<0>(&field.field)) {
      sampling.*(*whole) = value.AsInt64();
    } else if (const auto* number = std::get_if<1>(&field.field)) {
      sampling.*(*number) = value.AsDouble();
    }
  }
  WEIR_CHECK(sampling.Validate());
  std::map<std::string, double> bias;
  for (const json::Member member : fields.Find("logit_bias").members()) {
    if (const auto value = member.value.AsDouble()) bias.emplace(member.key, *value);
  }
  return ValidateBias(bias);
}

}  // namespace weir::model
