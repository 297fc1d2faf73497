#include "weir/sim/language/word_split.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace weir::sim {
namespace {

enum class ByteKind : std::uint8_t { kLetter, kDigit, kSpace, kPunctuation };

constexpr std::size_t kMostDigits = 3;

constexpr std::array<ByteKind, 256> kByteKinds = [] {
  std::array<ByteKind, 256> kinds{};
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    kinds[static_cast<std::size_t>(c)] = letter                 ? ByteKind::kLetter
                                         : c >= '0' && c <= '9' ? ByteKind::kDigit
                                         : space                ? ByteKind::kSpace
                                                                : ByteKind::kPunctuation;
  }
  return kinds;
}();

ByteKind KindOf(char c) { return kByteKinds[static_cast<unsigned char>(c)]; }

std::size_t EndOfLetters(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    if (KindOf(text[at]) != ByteKind::kLetter) {
      const bool joins =
          text[at] == '\'' && at + 1 < text.size() && KindOf(text[at + 1]) == ByteKind::kLetter;
      if (!joins) break;
    }
    ++at;
  }
  return at;
}

std::size_t EndOfPunctuation(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    if (KindOf(text[at]) != ByteKind::kPunctuation) {
      const bool joins =
          text[at] == ' ' && at + 1 < text.size() && KindOf(text[at + 1]) == ByteKind::kPunctuation;
      if (!joins) break;
    }
    ++at;
  }
  return at;
}

}  // namespace

std::size_t WordSize(std::string_view text) {
  const bool more = text.size() > kLongestWord;
  const char after = more ? text[kLongestWord] : '\0';
  text = text.substr(0, kLongestWord);

  const std::size_t start =
      text[0] == ' ' && text.size() > 1 && KindOf(text[1]) != ByteKind::kSpace ? 1 : 0;
  switch (KindOf(text[start])) {
    case ByteKind::kLetter:
      return EndOfLetters(text, start + 1);
    case ByteKind::kPunctuation:
      return EndOfPunctuation(text, start + 1);
    case ByteKind::kDigit: {
      std::size_t end = start + 1;
      const std::size_t limit = std::min(text.size(), start + kMostDigits);
      while (end < limit && KindOf(text[end]) == ByteKind::kDigit) ++end;
      return end;
    }
    case ByteKind::kSpace:
      break;
  }
  std::size_t end = 1;
  while (end < text.size() && KindOf(text[end]) == ByteKind::kSpace) ++end;
  // The last blank leads the next word, if there is one.
  const bool word_follows = end < text.size() || (more && KindOf(after) != ByteKind::kSpace);
  return word_follows && end > 1 && text[end - 1] == ' ' ? end - 1 : end;
}

}  // namespace weir::sim
