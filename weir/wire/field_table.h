#pragma once

// In which version of vLLM which request field appeared. Older servers ignore it in silence.

#include <algorithm>
#include <climits>
#include <iterator>
#include <string_view>

#include "weir/model/call.h"
#include "weir/wire/dialect.h"

namespace weir::wire {

inline constexpr Version kNever{INT_MAX, 0, 0};

enum class IfMissing : std::uint8_t {
  kDrop,  // a hint: the answer is the same without it
  kFail,  // the answer would be another one
};

struct FieldSince {
  std::string_view key;
  Version chat;         // kNever: that API does not have it
  Version completions;  // the same
  IfMissing missing;

  // The Responses API has the fields of chat; it came later than most of them.
  Version For(model::Api api) const { return api == model::Api::kCompletions ? completions : chat; }
};

inline constexpr Version kAlways{};

inline constexpr FieldSince kFields[] = {
    {"tools", kAlways, kNever, IfMissing::kFail},
    {"parallel_tool_calls", kAlways, kNever, IfMissing::kFail},
    {"echo", kNever, kAlways, IfMissing::kFail},
    {"suffix", kNever, {0, 31, 0}, IfMissing::kFail},
    {"bad_words", {0, 9, 2}, {0, 9, 2}, IfMissing::kFail},
    {"allowed_token_ids", {0, 9, 2}, kAlways, IfMissing::kFail},
    {"truncation_side", {0, 23, 0}, {0, 23, 0}, IfMissing::kFail},
    {"return_token_ids", {0, 10, 2}, {0, 10, 2}, IfMissing::kDrop},
    {"return_tokens_as_token_ids", {0, 8, 0}, {0, 8, 0}, IfMissing::kDrop},
    {"repetition_detection", {0, 19, 0}, {0, 19, 0}, IfMissing::kFail},
    {"reasoning_effort", {0, 10, 1}, kNever, IfMissing::kDrop},
    {"include_reasoning", {0, 10, 1}, kNever, IfMissing::kDrop},
    {"thinking_token_budget", {0, 19, 0}, {0, 23, 0}, IfMissing::kFail},
    {"add_generation_prompt", kAlways, kNever, IfMissing::kFail},
    {"continue_final_message", kAlways, kNever, IfMissing::kFail},
    {"chat_template", kAlways, kNever, IfMissing::kFail},
    {"chat_template_kwargs", kAlways, kNever, IfMissing::kFail},
    {"documents", kAlways, kNever, IfMissing::kFail},
    {"mm_processor_kwargs", {0, 7, 0}, kNever, IfMissing::kFail},
    {"request_id", kAlways, {0, 10, 1}, IfMissing::kDrop},
    {"session_id", {0, 28, 0}, {0, 28, 0}, IfMissing::kDrop},
    {"cache_salt", {0, 9, 2}, {0, 9, 2}, IfMissing::kFail},
    {"kv_transfer_params", {0, 9, 2}, {0, 9, 2}, IfMissing::kFail},
    {"vllm_xargs", {0, 9, 2}, {0, 9, 2}, IfMissing::kFail},
};

// The row of a field; null for those that have always been there.
constexpr const FieldSince* FindField(std::string_view key) {
  const auto* const row = std::ranges::find(kFields, key, &FieldSince::key);
  return row == std::end(kFields) ? nullptr : row;
}

}  // namespace weir::wire
