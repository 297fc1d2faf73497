#pragma once

// The tags of calls that are written like XML, in the order of the text. What they mean, and which
// of them are only text inside a value, is for the reader to say.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
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

struct CallTags {
  std::vector<CallTag> tags;
  std::size_t text_end = 0;  // behind it, the end of the text has left only a part of a tag
  bool mended = false;       // a tag was not written as it is meant
};

using IsToolName = std::function<bool(std::string_view)>;

// The tags of `form` (one of kFunctionTags, kArgPairs, kInvokeTags) in `body`, which they refer to.
CallTags FindTags(CallForm form, std::string_view body, const IsToolName& is_tool);

// How much of `body` stands before a tag that its end has cut, when the word of that tag is one of
// `words`, or a part of one; all of it when no tag was cut.
std::size_t EndBeforeCutTag(std::string_view body, std::span<const std::string_view> words);

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
