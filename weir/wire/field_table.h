#pragma once

// Which request field which server has: vLLM since a version, OpenAI in some of its APIs. Older
// versions of vLLM ignore in silence what they do not know; OpenAI refuses it.

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <utility>

#include "weir/model/call.h"
#include "weir/wire/dialect.h"

namespace weir::wire {

inline constexpr Version kAlways{};
inline constexpr Version kNever{INT_MAX, 0, 0};

enum class IfMissing : std::uint8_t {
  kDrop,  // a hint: the answer is the same without it
  kFail,  // the answer would be another one
};

// Sets of APIs, as sums.
inline constexpr unsigned kNoApi = 0;
inline constexpr unsigned kInChat = 1;
inline constexpr unsigned kInCompletions = 2;
inline constexpr unsigned kInResponses = 4;

struct FieldSince {
  std::string_view key;
  std::array<Version, 3> vllm;  // chat, completions, responses; kNever: that API does not have it
  unsigned openai;              // the APIs of OpenAI that have it
  IfMissing missing;

  // A version of the server that has the field; later ones have it too.
  constexpr Version For(ServerKind kind, model::Api api) const {
    const auto place = static_cast<std::size_t>(std::to_underlying(api));
    if (kind != ServerKind::kOpenAi) return vllm[place];
    return (openai >> place & 1U) != 0 ? kAlways : kNever;
  }
};
static_assert(std::to_underlying(model::Api::kChat) == 0 &&
              std::to_underlying(model::Api::kCompletions) == 1 &&
              std::to_underlying(model::Api::kResponses) == 2);

// What the Responses API of vLLM took over from chat, it took over late: the sampling parameters
// came with 0.16, the rest is only counted on in the version that was read.
inline constexpr Version kResponsesSampling{0, 16, 0};
inline constexpr Version kResponsesLatest{0, 28, 0};
inline constexpr Version kTopLevelStructuralTag{0, 8, 5};

inline constexpr FieldSince kFields[] = {
    {"tools", {kAlways, kNever, kAlways}, kInChat + kInResponses, IfMissing::kFail},
    {"parallel_tool_calls", {kAlways, kNever, kAlways}, kInChat + kInResponses, IfMissing::kFail},
    {"echo", {kNever, kAlways, kNever}, kInCompletions, IfMissing::kFail},
    {"suffix", {kNever, {0, 31, 0}, kNever}, kInCompletions, IfMissing::kFail},
    {"min_tokens", {kAlways, kAlways, kNever}, kNoApi, IfMissing::kFail},
    {"top_k", {kAlways, kAlways, kAlways}, kNoApi, IfMissing::kFail},
    {"min_p", {kAlways, kAlways, kNever}, kNoApi, IfMissing::kFail},
    {"frequency_penalty",
     {kAlways, kAlways, kResponsesLatest},
     kInChat + kInCompletions,
     IfMissing::kFail},
    {"presence_penalty",
     {kAlways, kAlways, kResponsesLatest},
     kInChat + kInCompletions,
     IfMissing::kFail},
    {"repetition_penalty", {kAlways, kAlways, kResponsesSampling}, kNoApi, IfMissing::kFail},
    {"seed", {kAlways, kAlways, kResponsesSampling}, kInChat + kInCompletions, IfMissing::kFail},
    {"n", {kAlways, kAlways, kNever}, kInChat + kInCompletions, IfMissing::kFail},
    {"best_of", {kAlways, kAlways, kNever}, kInCompletions, IfMissing::kFail},
    {"use_beam_search", {kAlways, kAlways, kNever}, kNoApi, IfMissing::kFail},
    {"stop", {kAlways, kAlways, kResponsesSampling}, kInChat + kInCompletions, IfMissing::kFail},
    {"stop_token_ids", {kAlways, kAlways, kNever}, kNoApi, IfMissing::kFail},
    {"include_stop_str_in_output", {kAlways, kAlways, kResponsesLatest}, kNoApi, IfMissing::kFail},
    {"ignore_eos", {kAlways, kAlways, kResponsesSampling}, kNoApi, IfMissing::kFail},
    {"bad_words", {{{0, 9, 2}, {0, 26, 0}, kNever}}, kNoApi, IfMissing::kFail},
    {"allowed_token_ids", {{{0, 9, 2}, kAlways, kNever}}, kNoApi, IfMissing::kFail},
    {"logit_bias", {kAlways, kAlways, {0, 12, 0}}, kInChat + kInCompletions, IfMissing::kFail},
    {"skip_special_tokens", {kAlways, kAlways, {0, 12, 0}}, kNoApi, IfMissing::kFail},
    {"spaces_between_special_tokens", {kAlways, kAlways, kNever}, kNoApi, IfMissing::kFail},
    {"truncate_prompt_tokens", {kAlways, kAlways, kNever}, kNoApi, IfMissing::kFail},
    {"truncation_side", {{{0, 23, 0}, {0, 23, 0}, kNever}}, kNoApi, IfMissing::kFail},
    {"prompt_logprobs", {kAlways, kAlways, kNever}, kNoApi, IfMissing::kFail},
    {"return_token_ids", {{{0, 10, 2}, {0, 10, 2}, kNever}}, kNoApi, IfMissing::kDrop},
    {"return_tokens_as_token_ids", {{{0, 8, 0}, {0, 8, 0}, kNever}}, kNoApi, IfMissing::kDrop},
    {"repetition_detection", {{{0, 19, 0}, {0, 19, 0}, kNever}}, kNoApi, IfMissing::kFail},
    {"reasoning_effort", {{{0, 10, 1}, kNever, kAlways}}, kInChat + kInResponses, IfMissing::kDrop},
    {"include_reasoning", {{{0, 10, 1}, kNever, kResponsesLatest}}, kNoApi, IfMissing::kDrop},
    {"thinking_token_budget", {{{0, 19, 0}, {0, 23, 0}, kNever}}, kNoApi, IfMissing::kFail},
    {"add_generation_prompt", {kAlways, kNever, kNever}, kNoApi, IfMissing::kFail},
    {"continue_final_message", {kAlways, kNever, kNever}, kNoApi, IfMissing::kFail},
    {"add_special_tokens", {kAlways, kAlways, kNever}, kNoApi, IfMissing::kFail},
    {"chat_template", {kAlways, kNever, kNever}, kNoApi, IfMissing::kFail},
    {"chat_template_kwargs", {kAlways, kNever, kResponsesLatest}, kNoApi, IfMissing::kFail},
    {"documents", {kAlways, kNever, kNever}, kNoApi, IfMissing::kFail},
    {"mm_processor_kwargs", {{{0, 7, 0}, kNever, {0, 12, 0}}}, kNoApi, IfMissing::kFail},
    {"priority", {kAlways, kAlways, kAlways}, kNoApi, IfMissing::kDrop},
    {"request_id", {kAlways, {0, 10, 1}, kAlways}, kNoApi, IfMissing::kDrop},
    {"session_id", {{{0, 28, 0}, {0, 28, 0}, kResponsesLatest}}, kNoApi, IfMissing::kDrop},
    {"cache_salt", {{{0, 9, 2}, {0, 9, 2}, kAlways}}, kNoApi, IfMissing::kFail},
    {"kv_transfer_params", {{{0, 9, 2}, {0, 9, 2}, kResponsesLatest}}, kNoApi, IfMissing::kFail},
    {"vllm_xargs", {{{0, 9, 2}, {0, 9, 2}, kResponsesSampling}}, kNoApi, IfMissing::kFail},
};

// The row of a field; null for those that every server has in every API.
constexpr const FieldSince* FindField(std::string_view key) {
  const auto* const row = std::ranges::find(kFields, key, &FieldSince::key);
  return row == std::end(kFields) ? nullptr : row;
}

}  // namespace weir::wire
