#pragma once

// Small string work that the standard library lacks.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

// One argument of StrCat: text as it is, numbers in their shortest exact form.
class Piece {
 public:
  Piece(std::string_view text) : text_(text) {}
  Piece(const std::string& text) : text_(text) {}
  Piece(const char* text) : text_(text) {}
  Piece(char c) : text_(buffer_, 1) { buffer_[0] = c; }
  Piece(int value) : Piece(static_cast<long long>(value)) {}
  Piece(long value) : Piece(static_cast<long long>(value)) {}
  Piece(long long value);
  Piece(unsigned value) : Piece(static_cast<unsigned long long>(value)) {}
  Piece(unsigned long value) : Piece(static_cast<unsigned long long>(value)) {}
  Piece(unsigned long long value);
  Piece(double value);
  Piece(bool value) : text_(value ? "true" : "false") {}

  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;

  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
  char buffer_[32];
};

void AppendPieces(std::string& out, std::span<const Piece* const> pieces);

template <class... Args>
void StrAppend(std::string& out, const Args&... args) {
  [&]<class... P>(const P&... pieces) {
    const Piece* const list[] = {&pieces...};
    AppendPieces(out, list);
  }(Piece(args)...);
}

template <class... Args>
std::string StrCat(const Args&... args) {
  std::string out;
  StrAppend(out, args...);
  return out;
}

// ASCII only.
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
// What a hexadecimal digit stands for; -1 for any other character.
constexpr int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
constexpr bool IsHexDigit(char c) { return HexValue(c) >= 0; }
constexpr bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

inline constexpr std::string_view kHexDigits = "0123456789abcdef";
inline constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // of UTF-8

std::string_view Trim(std::string_view text);  // ASCII white space at both ends
std::vector<std::string_view> Split(std::string_view text, char separator);
std::string Join(std::span<const std::string> parts, std::string_view separator);
std::string ToLower(std::string_view text);                     // ASCII only
bool EqualsIgnoreCase(std::string_view a, std::string_view b);  // ASCII only

// Whole-text conversions: nothing before, nothing after, no overflow.
std::optional<std::int64_t> ParseInt(std::string_view text);
std::optional<std::uint64_t> ParseUint(std::string_view text);
std::optional<double> ParseDouble(std::string_view text);  // finite values only

// "1 row", "2 rows". `count` is a whole number; without `many` it is `one` and an s.
std::string CountOf(const Piece& count, std::string_view one, std::string_view many = {});
// The 16 hexadecimal digits of a number.
std::string HexText(std::uint64_t number);
// Cut for people and logs: "first part… (truncated 123 chars)".
std::string Truncate(std::string_view text, std::size_t max_bytes);

// The candidate nearest to `word`, if it is near enough to be what was meant.
std::optional<std::string> Nearest(std::string_view word, std::span<const std::string> candidates);

std::string Base64Encode(std::string_view bytes);
std::optional<std::string> Base64Decode(std::string_view text);  // padded, standard alphabet

// "250ms", "10s", "2m": as a person would say it in a message.
std::string FormatMillis(std::int64_t millis);

}  // namespace weir
