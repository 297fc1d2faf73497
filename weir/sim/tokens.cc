#include "weir/sim/tokens.h"

#include <algorithm>
#include <array>

#include "weir/base/random.h"

namespace weir::sim {
namespace {

constexpr std::size_t kWordPiece = 6;
constexpr std::size_t kDigits = 3;
constexpr std::size_t kSameMark = 4;

enum class Class : std::uint8_t { kLetter, kDigit, kBlank, kMark };

// Bytes of characters outside ASCII count as letters.
constexpr std::array<Class, 256> kClasses = [] {
  std::array<Class, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
    const bool digit = c >= '0' && c <= '9';
    classes[static_cast<std::size_t>(c)] = letter     ? Class::kLetter
                                           : digit    ? Class::kDigit
                                           : c == ' ' ? Class::kBlank
                                                      : Class::kMark;
  }
  return classes;
}();

Class ClassOf(char c) { return kClasses[static_cast<unsigned char>(c)]; }

std::size_t RunEnd(std::string_view text, std::size_t from, Class its_class) {
  while (from < text.size() && ClassOf(text[from]) == its_class) ++from;
  return from;
}

bool InsideCharacter(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

// Long words fall into pieces of about the same size.
std::size_t WordPieceEnd(std::string_view text, std::size_t word) {
  const std::size_t size = RunEnd(text, word, Class::kLetter) - word;
  const std::size_t pieces = (size + kWordPiece - 1) / kWordPiece;
  std::size_t end = word + (size + pieces - 1) / pieces;
  while (InsideCharacter(text, end)) ++end;
  return end;
}

}  // namespace

std::size_t TokenEnd(std::string_view text, std::size_t start) {
  std::size_t at = start;
  if (text[at] == ' ') {
    const std::size_t end = RunEnd(text, at, Class::kBlank);
    if (end == text.size()) return end;
    if (end - at > 1) return end - 1;  // the last blank belongs to what follows
    ++at;
  }
  switch (ClassOf(text[at])) {
    case Class::kLetter:
      return WordPieceEnd(text, at);
    case Class::kDigit:
      return std::min(RunEnd(text, at, Class::kDigit), at + kDigits);
    default: {
      std::size_t end = at + 1;
      while (end < text.size() && text[end] == text[at] && end - at < kSameMark) ++end;
      return end;
    }
  }
}

void CutTokens(std::string_view text, std::size_t start, std::vector<std::uint32_t>& ends) {
  while (start < text.size()) {
    start = TokenEnd(text, start);
    ends.push_back(static_cast<std::uint32_t>(start));
  }
}

std::int64_t CountTokens(std::string_view text) {
  std::int64_t count = 0;
  for (std::size_t at = 0; at < text.size(); at = TokenEnd(text, at)) ++count;
  return count;
}

std::int64_t TokenId(std::string_view token) {
  const std::uint64_t hash = StableHash(token.data(), token.size());
  return static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(kVocabulary));
}

}  // namespace weir::sim
