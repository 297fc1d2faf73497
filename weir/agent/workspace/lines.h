#pragma once

// A text as its lines, each with its own end of line; only the last one may have none.

#include <string>
#include <string_view>
#include <vector>

namespace weir::agent {

std::vector<std::string_view> LinesOf(std::string_view text);

// How many there are.
std::size_t CountLines(std::string_view text);

// Appends an end of line unless `text` is empty or has one.
void EndLine(std::string& text);

}  // namespace weir::agent
