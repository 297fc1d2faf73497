#pragma once

// UTF-8, one character at a time: read, for code that must go on after a bad one, written, counted,
// and cut where no character is torn.

#include <cstddef>
#include <string>
#include <string_view>

namespace weir {

struct Utf8Char {
  char32_t code_point = 0xFFFD;
  std::size_t length = 1;  // bytes to step over; of a bad sequence, the part that looked right
  bool valid = false;
};

// Decodes the character at the front of `text`, which is not empty. Surrogates, overlong forms and
// what lies above U+10FFFF are bad.
inline Utf8Char DecodeUtf8(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1, true};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t code_point = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
    if (byte < low || byte > high) return {0xFFFD, i, false};
    code_point = code_point << 6 | (byte & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  return {code_point, length, true};
}

// Appends a character; what is no character is written all the same.
void AppendUtf8(std::string& out, char32_t c);

// Whether a byte stands inside a character, behind its first one.
constexpr bool IsInsideUtf8(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

bool IsUtf8(std::string_view text);
// Characters of UTF-8, or what stands in the place of one.
std::size_t CountCharacters(std::string_view text);

// Where the character of that number begins, counted from 0; the end of the text behind the last.
std::size_t OffsetOfCharacter(std::string_view text, std::size_t number);

// The longest prefix, and the longest suffix, of at most `max_bytes` that cuts no character in two.
std::string_view Utf8Prefix(std::string_view text, std::size_t max_bytes);
std::string_view Utf8Suffix(std::string_view text, std::size_t max_bytes);

// Bytes that are not UTF-8, and NUL, become U+FFFD.
std::string ToUtf8(std::string_view bytes);

}  // namespace weir
