#include "weir/config/sampling_keys.h"

#include "weir/base/text.h"

namespace weir::config {

void DescribeSampling(Visitor& v, model::Sampling& sampling) {
  constexpr Range kProbability{.least = 0, .most = 1, .above = true};
  v.Field({"max_tokens", {}, "most tokens to write", AtLeast(1)}, sampling.max_tokens);
  v.Field({"min_tokens", {}, "no end before that many", AtLeast(0)}, sampling.min_tokens);
  v.Field({"temperature", {}, "0 is greedy", Within(0, 2)}, sampling.temperature);
  v.Field({"top_p", {}, "nucleus: the likeliest tokens that make up this much", kProbability},
          sampling.top_p);
  v.Field({"top_k", {}, "the best k tokens only; 0 or -1: all", AtLeast(-1)}, sampling.top_k);
  v.Field({"min_p", {}, "leaves out tokens that much less likely than the best", Within(0, 1)},
          sampling.min_p);
  v.Field({"frequency_penalty", {}, "against words that came often", Within(-2, 2)},
          sampling.frequency_penalty);
  v.Field({"presence_penalty", {}, "against words that came at all", Within(-2, 2)},
          sampling.presence_penalty);
  v.Field({"repetition_penalty", {}, "above 1: against repetition, prompt included", Above(0)},
          sampling.repetition_penalty);
  v.Field({"seed", {}, "of the sampling; -1: none"}, sampling.seed);
  v.Field({"stop", {}, "texts that end the answer"}, sampling.stop);
  v.Field({"logprobs", {}, "log-probabilities of the best N tokens", AtLeast(-1)},
          sampling.logprobs);
  v.Field({"prompt_logprobs",
           {},
           "the same for the prompt; the server then reuses no prefix",
           AtLeast(-1)},
          sampling.prompt_logprobs);
  v.Field({"skip_special_tokens", {}, "leaves special tokens out of the text"},
          sampling.skip_special_tokens);
  if (v.reads() && sampling.min_tokens && sampling.max_tokens &&
      *sampling.min_tokens > *sampling.max_tokens) {
    v.Problem("min_tokens", StrCat("must not be above max_tokens, which is ", *sampling.max_tokens,
                                   ", got ", *sampling.min_tokens));
  }
}

}  // namespace weir::config
