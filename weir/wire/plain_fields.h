#pragma once

// What whole replies and chunks have in common on their short way. What returns false has found
// that the value belongs to no such field: the handler bails.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "weir/base/counts.h"
#include "weir/model/reply.h"
#include "weir/wire/plain_walk.h"

namespace weir::wire {

// A count or an index as servers write it: digits.
inline bool PlainInt(std::string_view text, std::int64_t& value) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ptr == end && parsed.ec == std::errc();
}

// Assigns only what is new: the chunks of one stream repeat themselves.
inline void Note(std::string_view value, std::string& known) {
  if (known != value) known = value;
}

inline bool PlainText(Key key, std::string_view text, model::ReplyInfo& info) {
  switch (key) {
    case Key::kId:
      Note(text, info.id);
      return true;
    case Key::kModel:
      Note(text, info.model);
      return true;
    case Key::kFingerprint:
      Note(text, info.system_fingerprint);
      return true;
    case Key::kObject:
      return text != "error";
    case Key::kRole:
    case Key::kType:
      return true;
    default:
      return false;
  }
}

// `out` is a choice or a delta.
template <class Answer>
void SetFinish(std::string_view text, Answer& out) {
  if (text.empty()) return;
  out.finish = model::ParseFinish(text);
  out.finish_text = text;
}

// False for a key that is none of a usage. A number that cannot be a count is left out, as
// CountOf() does.
inline bool PlainCount(Key key, std::int64_t value, model::Usage& usage) {
  const std::optional<std::int64_t> count = IsCount(value) ? std::optional(value) : std::nullopt;
  switch (key) {
    case Key::kPromptTokens:
      usage.prompt_tokens = count;
      return true;
    case Key::kCompletionTokens:
      usage.completion_tokens = count;
      return true;
    case Key::kTotalTokens:
      usage.total_tokens = count;
      return true;
    case Key::kCachedTokens:
      usage.cached_tokens = count;
      return true;
    case Key::kReasoningTokens:
      usage.reasoning_tokens = count;
      return true;
    default:
      return false;
  }
}

}  // namespace weir::wire
