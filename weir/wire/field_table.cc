#include "weir/wire/field_table.h"

#include <algorithm>

namespace weir::wire {
namespace {

constexpr Version kAlways{};

constexpr FieldSince kFields[] = {
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

}  // namespace

const FieldSince* FindField(std::string_view key) {
  const auto row = std::ranges::find(kFields, key, &FieldSince::key);
  return row == std::end(kFields) ? nullptr : row;
}

}  // namespace weir::wire
