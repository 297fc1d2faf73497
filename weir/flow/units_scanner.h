#pragma once

// The words and signs of a language with braces, without comments and most preprocessor lines.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/flow/units.h"

namespace weir::flow {

// Lines that choose between texts; those of other preprocessor lines are left out.
enum class Directive : std::uint8_t { kNone, kIf, kElse, kEnd };

struct Token {
  std::string_view text;  // a word, a sign, or the quotation mark that a string began with
  std::size_t begin = 0;
  bool first_in_line = false;
  Directive directive = Directive::kNone;  // C and C++
  std::string group_name;                  // of `(`: the words inside, filled in by the reader
};

class TokenScanner {
 public:
  TokenScanner(std::string_view text, Language language) : text_(text), language_(language) {}

  std::optional<Token> Next();

 private:
  bool Is(Language language) const { return language_ == language; }
  bool c_like() const { return Is(Language::kC) || Is(Language::kCpp); }
  char At(std::size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  std::string_view Rest() const { return text_.substr(at_); }
  void SkipTo(std::string_view end);  // behind it, or to the end of the text

  void SkipBlank();
  void SkipDirective();
  bool SkipRaw();
  void SkipQuoted(char quote, bool over_lines);
  void SkipTemplate();
  void SkipPattern();
  bool BeginsPattern() const;
  Token Make(std::size_t begin, std::size_t size) const;

  const std::string_view text_;
  const Language language_;
  std::size_t at_ = 0;
  bool new_line_ = true;
  char last_ = '\0';  // the first character of the last token
};

}  // namespace weir::flow
