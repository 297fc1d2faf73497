#pragma once

// The markup inside a block: emphasis, code, links.

#include <string_view>
#include <vector>

#include "weir/cli/markdown/rows.h"

namespace weir::cli {

enum class Ending : std::uint8_t {
  kOpen,  // more text may come: marks without a partner are taken to get one
  kOver,  // they are text
};

// Backslash escapes, `code`, *emphasis*, **strong**, ~~struck~~, [links](url), images and
// <addresses>. Line feeds are kept. Never fails; time is linear in the text but for a small factor.
std::vector<Span> ParseInline(std::string_view text, Ending ending);

}  // namespace weir::cli
