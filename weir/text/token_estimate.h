#pragma once

// How many tokens a text has, without the tokenizer of the model: good enough for a budget, not for
// counting. Words, groups of digits, runs of punctuation and characters of Chinese are weighed as
// vocabularies of 100,000 to 200,000 entries, which nearly all models have today, cut them.
//
// Measured on 0.4 to 40 kB of each kind, estimate against count, for two vocabularies of that size
// (cl100k, the ancestor of Llama 3's and Qwen's, and o200k) and for the simulator's, which is small
// and makes more tokens of everything:
//
//                               cl100k         o200k     simulator
//   English prose                -4 %          -3 %         -14 %
//   English with tables          -4 %          -4 %   -28 to -33 %
//   C++, Python, JavaScript   +6 to +11 %   +6 to +11 %   -35 to -46 %
//   JSON, tools               +6 to +8 %       +6 %       0 to -19 %
//   JSON full of hash sums      -18 %         -17 %         -43 %
//   numbers                      -5 %          -5 %         -38 %
//   Chinese, Japanese        -20 to -28 %      +4 %   -65 to -69 %
//   Russian                     -29 %         +21 %         -66 %
//   French, German              -17 %          -7 %         -47 %

#include <cstdint>
#include <optional>
#include <string_view>

#include "weir/model/call.h"

namespace weir::text {

// An image or another medium counts as that many; what it really has depends on its size.
inline constexpr std::int64_t kMediumTokens = 800;

// Bytes that are not UTF-8 count as characters of their own.
std::int64_t EstimateTokens(std::string_view text);

// The prompt of a call: its messages with what a chat template puts around them, its tools, its
// documents; or its prompt.
std::int64_t EstimateTokens(const model::Call& call);

// What EstimateTokens() does not exceed, known without reading the texts. Unset with tools or
// documents, which would have to be written for it.
std::optional<std::int64_t> EstimateAtMost(const model::Call& call);

// A number that the prompt does not exceed with any byte-level vocabulary, however unusual its
// text. Unset when that cannot be said: with media, documents or a chat template of the call's own.
std::optional<std::int64_t> MostTokens(const model::Call& call);

}  // namespace weir::text
