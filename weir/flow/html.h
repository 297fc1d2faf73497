#pragma once

// Pieces of HTML and SVG.

#include <string>
#include <string_view>

#include "weir/base/text.h"

namespace weir::flow {

// Text for any place in a page, between tags or in quotation marks: what has a meaning in HTML is
// escaped; controls, and bytes that are no UTF-8, become U+FFFD.
std::string Escaped(std::string_view text);

// A length or a place in a drawing, to a tenth of a pixel.
std::string Px(double number);

}  // namespace weir::flow
