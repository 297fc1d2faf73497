#pragma once

// Cuts a text for the tests of byte machines: an outcome must not depend on where the network cut.

#include <cstddef>
#include <string_view>
#include <vector>

namespace weir::http {

using Pieces = std::vector<std::string_view>;

// `text` in pieces of `step` bytes.
inline Pieces CutEvery(std::string_view text, std::size_t step) {
  Pieces pieces;
  for (std::size_t i = 0; i < text.size(); i += step) pieces.push_back(text.substr(i, step));
  return pieces;
}

// Calls `check` with the text whole, byte by byte, in threes, and in two parts at every place.
template <class Check>
void ForEveryCut(std::string_view text, Check check) {
  check(Pieces{text});
  check(CutEvery(text, 1));
  check(CutEvery(text, 3));
  for (std::size_t i = 1; i < text.size(); ++i) {
    check(Pieces{text.substr(0, i), text.substr(i)});
  }
}

}  // namespace weir::http
