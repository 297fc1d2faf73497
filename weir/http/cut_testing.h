#pragma once

// Cuts a text for the tests of byte machines: an outcome must not depend on where the network cut.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

using Pieces = std::vector<std::string_view>;

// `text` in pieces of `step` bytes.
Pieces CutEvery(std::string_view text, std::size_t step);

// Calls `check` with the text whole, byte by byte, in threes, and in two parts at every place.
void ForEveryCut(std::string_view text, const std::function<void(const Pieces&)>& check);

}  // namespace weir::http
