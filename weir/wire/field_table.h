#pragma once

// In which version of vLLM which request field appeared. Older servers ignore it in silence.

#include <climits>
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

  Version For(model::Api api) const { return api == model::Api::kChat ? chat : completions; }
};

// The row of a field; null for those that have always been there.
const FieldSince* FindField(std::string_view key);

}  // namespace weir::wire
