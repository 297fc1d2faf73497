#pragma once

// Where one word ends and the next begins. Pieces are learned and applied within words, so that the
// time to encode a text is linear in it.

#include <cstddef>
#include <string_view>

namespace weir::sim {

inline constexpr std::size_t kLongestWord = 32;  // bytes

// The size of the word that `text` (not empty) begins with, at most kLongestWord. A word is a run
// of letters (with the apostrophes between them; all bytes above ASCII count as letters), up to
// three digits, a run of punctuation, or white space. The first three may have one leading blank,
// and a single blank within punctuation belongs to it: `": "` is one word.
std::size_t WordSize(std::string_view text);

}  // namespace weir::sim
