#pragma once

// Characters of a model's text, as a terminal may be given them. A model must not move the cursor,
// change colours, set titles or turn the reading direction: what would is shown, not done.

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::cli {

struct Utf8Character {
  char32_t code_point = 0xFFFD;
  std::size_t length = 1;   // bytes; of a bad sequence, those to step over
  bool incomplete = false;  // the text ends inside it, and more may come
};

// The character at the front of `text`, which is not empty. Bad bytes are U+FFFD each.
Utf8Character DecodeCharacter(std::string_view text);

// Columns on a terminal: 0 (combining marks), 1 or 2 (East Asian wide, emoji).
int CharacterWidth(char32_t code_point);
int TextWidth(std::string_view text);

// Makes any bytes harmless: UTF-8 comes out, with line feeds and tabs as the only controls. Escapes
// and other controls become visible signs, bad bytes and direction marks U+FFFD, CR LF a line feed.
// Where the bytes are cut makes no difference.
class TextCleaner {
 public:
  void Feed(std::string_view bytes, std::string& out);
  void Finish(std::string& out);  // the text is over: what is left of a character is bad

 private:
  void Take(char32_t code_point, std::string_view bytes, std::string& out);

  std::string rest_;  // the beginning of a character
  bool after_return_ = false;
};

}  // namespace weir::cli
