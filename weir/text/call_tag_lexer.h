#pragma once

// The tags of calls that are written like XML, in the order of the text. What they mean, and which
// of them are only text inside a value, is for the reader to say.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "weir/text/call_forms.h"

namespace weir::text {

enum class TagKind : std::uint8_t { kOpenCall, kCloseCall, kOpenValue, kCloseValue, kWrapper };

struct CallTag {
  TagKind kind;
  std::size_t begin;
  std::size_t end;
  std::string_view name;  // of the tool or the parameter
  std::string_view type;  // what the tag says about its value: "string" is text, another is JSON
};

// The tags of `form` (one of kFunctionTags, kArgPairs, kInvokeTags) in `body`, which they refer to.
std::vector<CallTag> FindTags(CallForm form, std::string_view body);

// What MiniMax M3 writes before every tag.
inline constexpr std::string_view kMiniMaxMark = "]<]minimax[>[";

// One tag of plain angle brackets. `word` is its name with any prefix, `attributes` what follows.
struct AngleTag {
  bool closing = false;
  bool closed = false;  // <a/>
  std::string_view word;
  std::string_view attributes;
  std::size_t end = 0;
};

// The tag whose '<' is at `at`; nullopt when what stands there is none.
std::optional<AngleTag> ReadAngleTag(std::string_view body, std::size_t at);
// The value of an attribute, without quotes; empty when there is none.
std::string_view Attribute(std::string_view attributes, std::string_view key);

}  // namespace weir::text
