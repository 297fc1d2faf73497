#pragma once

// The simulator's tokenizer: one rule for prompts and for what it writes. A token is a piece of a
// word of at most six bytes (whole characters), with the blank before it; up to three digits; equal
// punctuation marks; a run of white space. English comes to about four bytes a token.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace weir::sim {

// The end of the token that starts at `start`, which is inside `text`. Characters stay whole.
std::size_t TokenEnd(std::string_view text, std::size_t start);

// Appends where each token of `text` ends, counted from `start`, to `ends`.
void CutTokens(std::string_view text, std::size_t start, std::vector<std::uint32_t>& ends);

std::int64_t CountTokens(std::string_view text);

// The id of a token: decided by its text, below kVocabulary.
std::int64_t TokenId(std::string_view token);

inline constexpr std::int64_t kVocabulary = 151'643;
// The token that ends an answer. It counts and has an id, but is no part of the text.
inline constexpr std::int64_t kEndToken = kVocabulary;
inline constexpr std::string_view kEndTokenText = "<|im_end|>";

}  // namespace weir::sim
