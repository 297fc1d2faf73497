#include "weir/text/template_lexer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::text::tmpl {
namespace {

bool StartsName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::string_view TrimLeft(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kWhiteSpace), text.size()));
  return text;
}

std::string_view TrimRight(std::string_view text) {
  return text.substr(0, text.find_last_not_of(kWhiteSpace) + 1);
}

class Lexer {
 public:
  explicit Lexer(const Source& source) : source_(source), text_(source.text) {}

  Result<std::vector<Token>> Template() {
    while (at_ < text_.size()) {
      WEIR_CHECK(TextAndMark());
    }
    Push(TokenKind::kEnd, text_.size(), text_.size());
    return std::move(tokens_);
  }

  Result<std::vector<Token>> Expression() {
    while (true) {
      SkipBlanks();
      if (at_ >= text_.size()) break;
      WEIR_CHECK(Word());
    }
    Push(TokenKind::kEnd, text_.size(), text_.size());
    return std::move(tokens_);
  }

 private:
  void Push(TokenKind kind, std::size_t begin, std::size_t end) {
    tokens_.push_back({.kind = kind,
                       .offset = static_cast<std::uint32_t>(begin),
                       .text = text_.substr(begin, end - begin)});
  }

  char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  bool Follows(std::string_view word) const { return text_.substr(at_).starts_with(word); }

  void SkipBlanks() { at_ = std::min(text_.find_first_not_of(kWhiteSpace, at_), text_.size()); }

  std::size_t FindMark() const {
    std::size_t mark = text_.find('{', at_);
    for (; mark != text_.npos; mark = text_.find('{', mark + 1)) {
      const char next = mark + 1 < text_.size() ? text_[mark + 1] : '\0';
      if (next == '{' || next == '%' || next == '#') return mark;
    }
    return text_.size();
  }

  void PushText(std::size_t begin, std::size_t end, bool trim_right) {
    std::string_view text = text_.substr(begin, end - begin);
    if (std::exchange(trim_next_, false)) text = TrimLeft(text);
    if (trim_right) text = TrimRight(text);
    if (text.empty()) return;
    Push(TokenKind::kText, begin, begin);
    tokens_.back().text = text;
  }

  Result<void> TextAndMark() {
    const std::size_t mark = FindMark();
    PushText(at_, mark, mark + 2 < text_.size() && text_[mark + 2] == '-');
    at_ = mark;
    if (mark == text_.size()) return {};
    const char kind = text_[mark + 1];
    at_ += 2;
    if (Peek() == '-') ++at_;
    if (Peek() == '+' && kind != '#') {
      return source_.Fail(at_, "`+` after a delimiter changes nothing here; take it away");
    }
    if (kind == '#') return Comment(mark);
    if (kind == '%' && SkipRawTag()) return Raw(mark);
    const bool print = kind == '{';
    Push(print ? TokenKind::kPrintOpen : TokenKind::kTagOpen, mark, at_);
    return Inside(mark, print);
  }

  Result<void> Comment(std::size_t open) {
    const std::size_t end = text_.find("#}", at_);
    if (end == text_.npos) {
      return source_.Fail(open, "the comment that starts here has no end; write `#}` behind it");
    }
    trim_next_ = end > at_ && text_[end - 1] == '-';
    at_ = end + 2;
    return {};
  }

  // Steps over `word` and the end of its tag, when that is what stands here.
  bool SkipTag(std::string_view word) {
    const std::size_t before = at_;
    SkipBlanks();
    if (Follows(word)) {
      at_ += word.size();
      SkipBlanks();
      const bool trim = Peek() == '-';
      if (trim) ++at_;
      if (Follows("%}")) {
        at_ += 2;
        trim_next_ = trim;
        return true;
      }
    }
    at_ = before;
    return false;
  }

  bool SkipRawTag() { return SkipTag("raw"); }

  Result<void> Raw(std::size_t open) {
    const std::size_t begin = at_;
    const bool trim_first = trim_next_;
    for (std::size_t mark = text_.find("{%", at_); mark != text_.npos;
         mark = text_.find("{%", mark + 1)) {
      at_ = mark + 2;
      const bool trim = Peek() == '-';
      if (trim) ++at_;
      if (!SkipTag("endraw")) continue;
      const bool trim_after = std::exchange(trim_next_, trim_first);
      PushText(begin, mark, trim);
      trim_next_ = trim_after;
      return {};
    }
    return source_.Fail(open, "`{% raw %}` has no end; write `{% endraw %}` behind it");
  }

  // The words up to the closing delimiter.
  Result<void> Inside(std::size_t open, bool print) {
    const std::string_view close = print ? "}}" : "%}";
    brackets_ = 0;
    while (true) {
      SkipBlanks();
      if (at_ >= text_.size()) break;
      const bool trim = brackets_ == 0 && Peek() == '-' && text_.substr(at_ + 1, 2) == close;
      if (brackets_ == 0 && (trim || Follows(close))) {
        const std::size_t begin = at_;
        at_ += trim ? 3 : 2;
        trim_next_ = trim;
        Push(print ? TokenKind::kPrintClose : TokenKind::kTagClose, begin, at_);
        return {};
      }
      WEIR_CHECK(Word());
    }
    return source_.Fail(open, StrCat("`", print ? "{{" : "{%",
                                     "` is opened here and never closed; ", "write `", close,
                                     "` behind it, or {% raw %} around a text "
                                     "that holds braces"));
  }

  Result<void> Word() {
    const char c = Peek();
    if (StartsName(c)) {
      const std::size_t begin = at_;
      while (at_ < text_.size() && (StartsName(text_[at_]) || IsDigit(text_[at_]))) ++at_;
      Push(TokenKind::kName, begin, at_);
      return {};
    }
    if (IsDigit(c)) return Number();
    if (c == '"' || c == '\'') return String();
    return Sign();
  }

  void SkipDigits() {
    while (IsDigit(Peek())) ++at_;
  }

  Result<void> Number() {
    const std::size_t begin = at_;
    // After a dot a number is the place of an item: rows.0.1 is not rows and 0.1.
    const bool index = !tokens_.empty() && tokens_.back().IsSign(".");
    SkipDigits();
    if (!index && Peek() == '.' && IsDigit(Peek(1))) {
      ++at_;
      SkipDigits();
    }
    const bool sign = Peek(1) == '+' || Peek(1) == '-';
    if (!index && (Peek() | 0x20) == 'e' && IsDigit(Peek(sign ? 2 : 1))) {
      at_ += sign ? 2 : 1;
      SkipDigits();
    }
    if (StartsName(Peek())) return source_.Fail(begin, "a number runs into a name here");
    if (text_[begin] == '0' && at_ > begin + 1 && IsDigit(text_[begin + 1])) {
      return source_.Fail(begin, "a number does not start with 0; take the zero away");
    }
    Push(TokenKind::kNumber, begin, at_);
    return {};
  }

  Result<void> String() {
    const std::size_t begin = at_;
    const char quote = text_[at_++];
    std::string value;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == quote) {
        ++at_;
        Push(TokenKind::kString, begin, at_);
        tokens_.back().value = std::move(value);
        return {};
      }
      if (c == '\\') {
        WEIR_CHECK(Escape(value));
      } else {
        value += c;
        ++at_;
      }
    }
    return source_.Fail(
        begin, StrCat("the text that starts here has no end; write ", quote, " behind it"));
  }

  Result<void> Escape(std::string& value) {
    const std::size_t begin = at_;
    constexpr std::string_view kNames = "nrtbf\\/'\"";
    constexpr std::string_view kMeanings = "\n\r\t\b\f\\/'\"";
    const char name = Peek(1);
    at_ += 2;
    if (const auto found = kNames.find(name); name != '\0' && found != kNames.npos) {
      value += kMeanings[found];
      return {};
    }
    if (name == 'x') {
      const std::optional<unsigned> code = Hex(2);
      if (code) AppendUtf8(value, *code);
      if (code) return {};
    }
    if (name == 'u') {
      std::optional<unsigned> code = Hex(4);
      if (code && *code >= 0xD800 && *code < 0xDC00 && Follows("\\u")) {
        at_ += 2;
        const std::optional<unsigned> low = Hex(4);
        const bool pair = low && *low >= 0xDC00 && *low < 0xE000;
        code = pair ? std::optional(0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00))
                    : std::nullopt;
      }
      const bool half = code && *code >= 0xD800 && *code < 0xE000;
      if (code && !half) AppendUtf8(value, *code);
      if (code && !half) return {};
    }
    return source_.Fail(begin,
                        "this is no escape; there are \\n \\r \\t \\b \\f \\\\ \\/ \\' \\\" \\xHH "
                        "and \\uHHHH, and a backslash is \\\\");
  }

  std::optional<unsigned> Hex(std::size_t digits) {
    unsigned value = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      const int digit = HexValue(Peek());
      if (digit < 0) return std::nullopt;
      value = value << 4 | static_cast<unsigned>(digit);
    }
    return value;
  }

  Result<void> Sign() {
    for (const std::string_view sign : {"==", "!=", "<=", ">=", "//"}) {
      if (!Follows(sign)) continue;
      Push(TokenKind::kSign, at_, at_ + 2);
      at_ += 2;
      return {};
    }
    for (const auto& [sign, advice] : {std::pair{"&&", "write `and`"},
                                       {"||", "write `or`"},
                                       {"**", "powers are not supported; write the product"},
                                       {"!", "write `not`"}}) {
      if (Follows(sign)) {
        return source_.Fail(at_, StrCat("`", sign, "` is not of this language; ", advice));
      }
    }
    const char c = Peek();
    if (std::string_view("+-*/%~()[]{},:.|=<>").find(c) == std::string_view::npos) {
      return source_.Fail(
          at_, StrCat("a character that means nothing in an expression: `", Shown(c), "`"));
    }
    if (c == '(' || c == '[' || c == '{') ++brackets_;
    if ((c == ')' || c == ']' || c == '}') && brackets_ > 0) --brackets_;
    Push(TokenKind::kSign, at_, at_ + 1);
    ++at_;
    return {};
  }

  static std::string Shown(char c) {
    if (c >= 0x20 && c < 0x7F) return std::string(1, c);
    return StrCat("byte ", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }

  const Source& source_;
  const std::string_view text_;
  std::size_t at_ = 0;
  std::size_t brackets_ = 0;  // open inside this delimiter, where `}}` closes objects
  bool trim_next_ = false;    // the last delimiter takes the white space after it
  std::vector<Token> tokens_;
};

}  // namespace

Source::Place Source::At(std::size_t offset, std::size_t from, Place place) const {
  for (const char c : std::string_view(text).substr(from, offset - from)) {
    if (c == '\n') {
      ++place.line;
      place.column = 1;
    } else if (!IsInsideUtf8(c)) {
      ++place.column;
    }
  }
  return place;
}

std::unexpected<Error> Source::Fail(std::size_t offset, std::string_view sentence) const {
  const Place place = At(offset);
  return weir::Fail(Code::kInvalidRequest,
                    StrCat(name, ":", place.line, ":", place.column, ": ", sentence));
}

Result<std::vector<Token>> LexTemplate(const Source& source) { return Lexer(source).Template(); }

Result<std::vector<Token>> LexExpression(const Source& source) {
  if (weir::Trim(source.text).starts_with("{{")) {
    return source.Fail(0, "an expression stands alone here; write it without {{ and }}");
  }
  return Lexer(source).Expression();
}

std::string Describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end";
    case TokenKind::kText:
      return "text";
    default:
      return StrCat("`", Truncate(token.text, 40), "`");
  }
}

}  // namespace weir::text::tmpl
