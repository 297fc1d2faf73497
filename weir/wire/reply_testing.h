#pragma once

// For the test and the fuzz target of replies: both ways of decoding must give the same.

#include <algorithm>

#include "weir/model/reply.h"

namespace weir::wire {

inline bool SameTop(const model::TopToken& a, const model::TopToken& b) {
  return a.text == b.text && a.logprob == b.logprob && a.bytes == b.bytes;
}

inline bool SameToken(const model::Token& a, const model::Token& b) {
  return a.text == b.text && a.logprob == b.logprob && a.bytes == b.bytes && a.id == b.id &&
         a.text_offset == b.text_offset && std::ranges::equal(a.top, b.top, SameTop);
}

inline bool SameChoice(const model::Choice& a, const model::Choice& b) {
  return a.index == b.index && a.text == b.text && a.reasoning == b.reasoning &&
         a.refusal == b.refusal && a.tool_calls == b.tool_calls &&
         std::ranges::equal(a.tokens, b.tokens, SameToken) && a.token_ids == b.token_ids &&
         a.prompt_logprobs == b.prompt_logprobs && a.finish == b.finish &&
         a.finish_text == b.finish_text && a.stop_reason == b.stop_reason && a.extra == b.extra;
}

inline bool SameUsage(const model::Usage& a, const model::Usage& b) {
  return a.prompt_tokens == b.prompt_tokens && a.completion_tokens == b.completion_tokens &&
         a.total_tokens == b.total_tokens && a.cached_tokens == b.cached_tokens &&
         a.reasoning_tokens == b.reasoning_tokens && a.extra == b.extra;
}

// In everything that a body can say.
inline bool SameReply(const model::Reply& a, const model::Reply& b) {
  return a.info.id == b.info.id && a.info.model == b.info.model &&
         a.info.created == b.info.created &&
         a.info.system_fingerprint == b.info.system_fingerprint &&
         std::ranges::equal(a.choices, b.choices, SameChoice) && SameUsage(a.usage, b.usage) &&
         a.prompt_logprobs == b.prompt_logprobs && a.prompt_token_ids == b.prompt_token_ids &&
         a.extra == b.extra;
}

}  // namespace weir::wire
