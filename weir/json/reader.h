#pragma once

// The strict reader: RFC 8259 and nothing else. No comments, no trailing commas, no NaN, no byte
// order mark, no text after the value, no invalid UTF-8 and no half surrogate.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weir/base/limits.h"
#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::json {

enum class DuplicateKeys : std::uint8_t {
  kKeep,    // kept in order; View::has_duplicate_keys() tells
  kReject,  // an error
};

struct ReadOptions {
  // Arrays and objects inside each other. Never more than kDeepest, whatever stands here.
  std::size_t max_depth = limits::kJsonDepth;
  std::size_t max_bytes = limits::kReplyBodyBytes;  // of the text
  DuplicateKeys duplicate_keys = DuplicateKeys::kKeep;
};

// The parser under the reader recurses; this keeps it inside a thread's stack.
inline constexpr std::size_t kDeepest = 4096;

// Reads one document. Numbers keep their source text. Fails with kInvalidJson; the message has
// line, column and byte offset of the first thing that is wrong, and says what was expected there.
Result<Value> Read(std::string_view text, const ReadOptions& options = {});

}  // namespace weir::json
