#include "weir/flow/units_scanner.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/flow/units_language.h"

namespace weir::flow {
namespace {

constexpr std::size_t kLongestDelimiter = 255;  // hashes of Rust, a word of C++

bool IsPair(char a, char b) {
  constexpr std::string_view kBeforeEqual = "+-*/%&|^!<>=";
  if (b == '=') return kBeforeEqual.contains(a);
  return (a == '=' && b == '>') || (a == '-' && b == '>') || (a == ':' && b == ':') ||
         (a == '&' && b == '&') || (a == '|' && b == '|');
}

Directive DirectiveAt(std::string_view line) {
  line.remove_prefix(1);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  std::size_t size = 0;
  while (size < line.size() && IsLetter(line[size])) ++size;
  const std::string_view word = line.substr(0, size);
  if (word == "if" || word == "ifdef" || word == "ifndef") return Directive::kIf;
  if (word.starts_with("el")) return Directive::kElse;  // else, elif, elifdef, elifndef
  return word == "endif" ? Directive::kEnd : Directive::kNone;
}

}  // namespace

std::optional<Token> TokenScanner::Next() {
  SkipBlank();
  if (at_ >= text_.size()) return std::nullopt;
  const std::size_t begin = at_;
  const char c = text_[at_];
  if (c == '#' && new_line_ && c_like()) {
    Token token = Make(begin, 1);
    token.directive = DirectiveAt(Rest());
    SkipDirective();
    return token;
  }
  std::size_t size = 1;
  if (SkipRaw()) {
    last_ = '"';
    Token token = Make(begin, 1);
    new_line_ = false;
    return token;
  }
  if (c == '"') {
    SkipQuoted(c, Is(Language::kRust));
  } else if (c == '\'') {
    SkipQuoted(c, false);
  } else if (c == '`' && Is(Language::kScript)) {
    SkipTemplate();
  } else if (c == '/' && BeginsPattern()) {
    SkipPattern();
  } else if (IsWordByte(c)) {
    while (at_ < text_.size() &&
           (IsWordByte(text_[at_]) ||
            (c_like() && text_[at_] == '\'' && c >= '0' && c <= '9' && IsWordByte(At(at_ + 1))))) {
      ++at_;
    }
    size = at_ - begin;
  } else {
    size = IsPair(c, At(at_ + 1)) ? 2 : 1;
    at_ += size;
  }
  last_ = c;
  Token token = Make(begin, size);
  new_line_ = false;
  return token;
}

Token TokenScanner::Make(std::size_t begin, std::size_t size) const {
  return {.text = text_.substr(begin, size),
          .begin = begin,
          .first_in_line = new_line_,
          .directive = Directive::kNone,
          .group_name = {}};
}

void TokenScanner::SkipTo(std::string_view end) {
  const std::size_t found = text_.find(end, at_);
  at_ = found == std::string_view::npos ? text_.size() : found + end.size();
}

void TokenScanner::SkipBlank() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n') {
      new_line_ = true;
      ++at_;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
      ++at_;
    } else if (Rest().starts_with("//")) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (Rest().starts_with("/*")) {
      at_ += 2;
      SkipTo("*/");
    } else if (c == '#' && new_line_ && c_like()) {
      if (DirectiveAt(Rest()) != Directive::kNone) return;
      SkipDirective();
    } else {
      return;
    }
  }
}

// A directive goes on behind a backslash.
void TokenScanner::SkipDirective() {
  do {
    SkipTo("\n");
  } while (at_ >= 2 && at_ < text_.size() &&
           (text_[at_ - 2] == '\\' || text_.substr(at_ - 2).starts_with("\r\n")) &&
           (text_[at_ - 2] == '\\' || (at_ >= 3 && text_[at_ - 3] == '\\')));
  new_line_ = true;
}

// R"x(...)x" of C++, r#"..."# of Rust, `...` of Go.
bool TokenScanner::SkipRaw() {
  const std::string_view rest = Rest();
  if (Is(Language::kGo) && rest[0] == '`') {
    ++at_;
    SkipTo("`");
    return true;
  }
  if (Is(Language::kCpp) && rest.starts_with("R\"")) {
    const std::size_t open = rest.substr(0, kLongestDelimiter).find('(');
    if (open == std::string_view::npos) return false;
    at_ += open + 1;
    SkipTo(StrCat(")", rest.substr(2, open - 2), "\""));
    return true;
  }
  if (Is(Language::kRust) && (rest.starts_with("r\"") || rest.starts_with("r#"))) {
    std::size_t hashes = 1;
    while (hashes < kLongestDelimiter && At(at_ + hashes) == '#') ++hashes;
    if (At(at_ + hashes) != '"') return false;
    at_ += hashes + 1;
    SkipTo(StrCat("\"", std::string(hashes - 1, '#')));
    return true;
  }
  return false;
}

void TokenScanner::SkipQuoted(char quote, bool over_lines) {
  // A lifetime of Rust has no second mark.
  const bool lifetime = Is(Language::kRust) && quote == '\'' && At(at_ + 1) != '\\' &&
                        At(at_ + 2) != '\'' && IsWordByte(At(at_ + 1));
  ++at_;
  if (lifetime) return;
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '\\') {
      ++at_;
    } else if (c == quote) {
      ++at_;
      break;
    } else if (c == '\n' && !over_lines) {
      break;
    }
  }
  at_ = std::min(at_, text_.size());
}

// `text ${code} text`: the code may have braces and templates of its own.
void TokenScanner::SkipTemplate() {
  std::string open = "`";  // what is open: ` and {
  for (++at_; at_ < text_.size() && !open.empty(); ++at_) {
    const char c = text_[at_];
    const bool words = open.back() == '`';
    if (c == '\\') {
      ++at_;
    } else if (c == '`') {
      if (words) {
        open.pop_back();
      } else {
        open += '`';
      }
    } else if (words && c == '$' && At(at_ + 1) == '{') {
      open += '{';
      ++at_;
    } else if (!words && c == '{') {
      open += '{';
    } else if (!words && c == '}') {
      open.pop_back();
    }
  }
  at_ = std::min(at_, text_.size());
}

// Whether a slash begins a pattern and divides nothing: no value stands before it.
bool TokenScanner::BeginsPattern() const {
  if (!Is(Language::kScript)) return false;
  constexpr std::string_view kBehindValues = ")]}\"'`";
  return last_ == '\0' || (!IsWordByte(last_) && !kBehindValues.contains(last_));
}

void TokenScanner::SkipPattern() {
  bool in_class = false;
  for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
    const char c = text_[at_];
    if (c == '\\') {
      ++at_;
    } else if (c == '[') {
      in_class = true;
    } else if (c == ']') {
      in_class = false;
    } else if (c == '/' && !in_class) {
      ++at_;
      break;
    }
  }
  at_ = std::min(at_, text_.size());
}

}  // namespace weir::flow
