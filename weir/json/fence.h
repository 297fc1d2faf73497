#pragma once

// Markdown fences around a text: models put them around JSON and code, prompts put them around
// documents.

#include <optional>
#include <string>
#include <string_view>

namespace weir::json {

// `text` between two lines of backticks, more of them than stand in a row anywhere inside. `info`
// is the word behind the first ("json"); backticks and line breaks are left out of it. For every
// text and every info, StripFence(WrapFence(text, info)) == text, byte for byte.
std::string WrapFence(std::string_view text, std::string_view info = {});

// The first fenced block of a text.
struct Fenced {
  std::string_view info;     // "json"; empty if there is none
  std::string_view content;  // without the line breaks that belong to the fence
  bool closed = false;       // false: the text ended first, and the content goes to its end
};

// A fence begins at the start of a line, with blanks before it or not, and is three or more ` or ~.
// It ends at the next line that has nothing but at least as many of the same. Taken as well, since
// models write them: a block on one line (```json {"a":1} ```), and an end that stands behind the
// last line of the content. Prose before and after the block does not matter, but a text that
// starts with '{' or '[' is a document itself: fences inside it are its own.
std::optional<Fenced> FindFence(std::string_view text);

// The content of the first fenced block; the whole text, unchanged, when there is none. Takes off
// one pair of fences, never two.
std::string_view StripFence(std::string_view text);

}  // namespace weir::json
