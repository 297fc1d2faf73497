#include "weir/cli/markdown/character.h"

#include <clocale>
#include <utility>

#include <wchar.h>

#include "weir/base/utf8.h"

namespace weir::cli {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool TurnsDirection(char32_t c) {
  return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

// The picture of a control character: U+2400 for NUL and so on.
void AppendPicture(std::string& out, char32_t picture) {
  out += '\xE2';
  out += '\x90';
  out += static_cast<char>(0x80 + (picture - 0x2400));
}

}  // namespace

Utf8Character DecodeCharacter(std::string_view text) {
  const Utf8Char c = DecodeUtf8(text);
  if (c.valid) return {.code_point = c.code_point, .length = c.length};
  const auto lead = static_cast<unsigned char>(text.front());
  const bool begins_one = lead >= 0xC2 && lead <= 0xF4;
  if (begins_one && c.length == text.size()) return {.length = c.length, .incomplete = true};
  return {};
}

// The width is the C library's, which terminals ask too; it needs a locale that knows Unicode, and
// the program's own may be any.
int CharacterWidth(char32_t code_point) {
  if (code_point < 0x300) return 1;
  static const locale_t kUnicode = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (kUnicode == nullptr) return 1;
  const locale_t before = ::uselocale(kUnicode);
  const int width = ::wcwidth(static_cast<wchar_t>(code_point));
  ::uselocale(before);
  const bool newer_emoji = width < 0 && code_point >= 0x1F000 && code_point < 0x1FB00;
  if (newer_emoji) return 2;
  return width < 0 ? 1 : width;
}

int TextWidth(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Utf8Character next = DecodeCharacter(text);
    width += CharacterWidth(next.code_point);
    text.remove_prefix(next.length);
  }
  return width;
}

void TextCleaner::Feed(std::string_view bytes, std::string& out) {
  std::string joined;
  if (!rest_.empty()) {
    joined = std::exchange(rest_, {});
    joined += bytes;
    bytes = joined;
  }
  while (!bytes.empty()) {
    const Utf8Character next = DecodeCharacter(bytes);
    if (next.incomplete) {
      rest_ = bytes;
      return;
    }
    Take(next.code_point, bytes.substr(0, next.length), out);
    bytes.remove_prefix(next.length);
  }
}

void TextCleaner::Finish(std::string& out) {
  for (std::size_t i = 0; i < rest_.size(); ++i) Take(0xFFFD, kReplacement, out);
  rest_.clear();
  if (std::exchange(after_return_, false)) AppendPicture(out, 0x240D);
}

void TextCleaner::Take(char32_t code_point, std::string_view bytes, std::string& out) {
  if (std::exchange(after_return_, false) && code_point != '\n') AppendPicture(out, 0x240D);
  if (code_point == '\r') {
    after_return_ = true;
  } else if (code_point < 0x20 && code_point != '\n' && code_point != '\t') {
    AppendPicture(out, 0x2400 + code_point);
  } else if (code_point == 0x7F) {
    AppendPicture(out, 0x2421);
  } else if (code_point == 0x2028 || code_point == 0x2029) {
    out += ' ';
  } else if (code_point == 0xFFFD || (code_point >= 0x80 && code_point < 0xA0) ||
             TurnsDirection(code_point)) {
    out += kReplacement;
  } else {
    out += bytes;
  }
}

}  // namespace weir::cli
