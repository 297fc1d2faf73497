#include "weir/json/scanner.h"

#include "weir/base/utf8.h"
#include "weir/json/escapes.h"
#include "weir/json/plain_text.h"

namespace weir::json {
namespace {

using internal::SkipPlain;

constexpr std::size_t kUsualText = 256;  // a text with escapes is an answer's, seldom a short one

// Behind the character of UTF-8 at `at`; null when it is a bad one.
const char* SkipUtf8(const char* at, const char* end) {
  const std::string_view rest(at, static_cast<std::size_t>(end - at));
  const Utf8Char character = DecodeUtf8(rest);
  return character.valid ? at + character.length : nullptr;
}

bool IsHigh(char32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLow(char32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

}  // namespace

bool Cursor::ReadLongText(std::string_view& text) {
  const char* const from = at_;
  for (;;) {
    at_ = SkipPlain(at_, end_);
    if (at_ == end_) return false;
    if (*at_ == '"') {
      text = {from, static_cast<std::size_t>(at_ - from)};
      ++at_;
      return true;
    }
    if (*at_ == '\\') return ReadEscaped(from, text);
    const char* const next = SkipUtf8(at_, end_);
    if (next == nullptr || static_cast<unsigned char>(*at_) < 0x20) return false;
    at_ = next;
  }
}

// The rest of a text that begins at `from` and has its first escape here.
bool Cursor::ReadEscaped(const char* from, std::string_view& text) {
  const auto so_far = static_cast<std::size_t>(at_ - from);
  unescaped_.clear();
  unescaped_.reserve(std::min(2 * so_far + kUsualText, static_cast<std::size_t>(end_ - from)));
  unescaped_.append(from, at_);
  while (at_ != end_) {
    const char* const plain = at_;
    at_ = SkipPlain(at_, end_);
    unescaped_.append(plain, at_);
    if (at_ == end_) return false;
    if (*at_ == '"') {
      text = unescaped_;
      ++at_;
      return true;
    }
    if (*at_ == '\\') {
      ++at_;
      if (!ReadEscape()) return false;
      continue;
    }
    const char* const next = SkipUtf8(at_, end_);
    if (next == nullptr || static_cast<unsigned char>(*at_) < 0x20) return false;
    unescaped_.append(at_, next);
    at_ = next;
  }
  return false;
}

bool Cursor::ReadEscape() {
  if (at_ == end_) return false;
  if (const char meaning = internal::PlainEscape(*at_); meaning != '\0') {
    ++at_;
    unescaped_ += meaning;
    return true;
  }
  char32_t unit = 0;
  if (!ReadHex(unit) || IsLow(unit)) return false;
  if (IsHigh(unit)) {
    char32_t low = 0;
    if (at_ == end_ || *at_ != '\\') return false;
    ++at_;
    if (!ReadHex(low) || !IsLow(low)) return false;
    unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
  }
  AppendUtf8(unescaped_, unit);
  return true;
}

// `uXXXX`.
bool Cursor::ReadHex(char32_t& unit) {
  if (end_ - at_ < 5 || *at_ != 'u') return false;
  for (int i = 1; i <= 4; ++i) {
    const char c = at_[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return false;
    unit = unit << 4 | static_cast<char32_t>(digit);
  }
  at_ += 5;
  return true;
}

bool Cursor::SkipDigits() {
  const char* const before = at_;
  while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
  return at_ != before;
}

bool Cursor::ReadNumber(std::string_view& text) {
  const char* const from = at_;
  const auto next_is = [this](char a, char b) { return at_ != end_ && (*at_ == a || *at_ == b); };
  if (next_is('-', '-')) ++at_;
  if (next_is('0', '0')) {
    ++at_;
  } else if (!SkipDigits()) {
    return false;
  }
  if (next_is('.', '.')) {
    ++at_;
    if (!SkipDigits()) return false;
  }
  if (next_is('e', 'E')) {
    ++at_;
    if (next_is('+', '-')) ++at_;
    if (!SkipDigits()) return false;
  }
  text = {from, static_cast<std::size_t>(at_ - from)};
  return true;
}

}  // namespace weir::json
