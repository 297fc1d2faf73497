#include "weir/json/syntax_error.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::json {
namespace {

std::string Hex(unsigned char byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  return {'0', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

class SyntaxScanner {
 public:
  SyntaxScanner(std::string_view text, std::size_t max_depth)
      : text_(text), max_depth_(max_depth) {}

  std::optional<SyntaxError> Run() {
    if (text_.starts_with(kByteOrderMark)) {
      Wrong("the text starts with a byte order mark; save it as UTF-8 without one");
    }
    while (!error_ && next_ != Next::kNothing) {
      SkipSpace();
      Step();
    }
    SkipSpace();
    if (!error_ && !AtEnd()) Wrong(StrCat("expected nothing after the document, found ", Found()));
    return std::move(error_);
  }

 private:
  enum class Next { kValue, kValueOrEnd, kKey, kKeyOrEnd, kColon, kCommaOrEnd, kNothing };

  void Step() {
    const char c = AtEnd() ? '\0' : text_[at_];
    switch (next_) {
      case Next::kValueOrEnd:
        if (c == ']') return Close();
        return Value(c);
      case Next::kValue:
        return Value(c);
      case Next::kKeyOrEnd:
        if (c == '}') return Close();
        [[fallthrough]];
      case Next::kKey:
        if (c != '"') return Unexpected();
        String();
        next_ = Next::kColon;
        return;
      case Next::kColon:
        if (c != ':') return Unexpected();
        ++at_;
        next_ = Next::kValue;
        return;
      case Next::kCommaOrEnd:
        if (c == (in_object_.back() ? '}' : ']')) return Close();
        if (c != ',') return Unexpected();
        ++at_;
        next_ = in_object_.back() ? Next::kKey : Next::kValue;
        return;
      case Next::kNothing:
        return;
    }
  }

  void Value(char c) {
    if (c == '{' || c == '[') return Open(c == '{');
    if (c == '"') {
      String();
    } else if (c == '-' || IsDigit(c)) {
      Number();
    } else if (!Literal("null") && !Literal("true") && !Literal("false")) {
      return Unexpected();
    }
    Finished();
  }

  void Open(bool object) {
    if (in_object_.size() >= max_depth_) {
      return Wrong(StrCat("more than ", max_depth_, " arrays and objects inside each other"));
    }
    ++at_;
    in_object_.push_back(object);
    next_ = object ? Next::kKeyOrEnd : Next::kValueOrEnd;
  }

  void Close() {
    ++at_;
    in_object_.pop_back();
    Finished();
  }

  void Finished() { next_ = in_object_.empty() ? Next::kNothing : Next::kCommaOrEnd; }

  bool Literal(std::string_view word) {
    std::size_t same = 0;
    const std::string_view rest = text_.substr(at_);
    while (same < word.size() && same < rest.size() && rest[same] == word[same]) ++same;
    if (same == 0) return false;
    at_ += same;
    if (same < word.size()) Wrong(StrCat("expected the word ", word, ", found ", Found()));
    return true;
  }

  void Digits(std::string_view where) {
    if (AtEnd() || !IsDigit(text_[at_])) {
      return Wrong(StrCat("expected a digit ", where, ", found ", Found()));
    }
    while (!AtEnd() && IsDigit(text_[at_])) ++at_;
  }

  bool Skip(std::string_view any_of) {
    if (AtEnd() || !any_of.contains(text_[at_])) return false;
    ++at_;
    return true;
  }

  void Number() {
    const bool negative = Skip("-");
    if (Skip("0")) {
      if (!AtEnd() && IsDigit(text_[at_])) return Wrong("a number may not start with a zero");
    } else {
      Digits(negative ? "after the minus sign" : "");
    }
    if (!error_ && Skip(".")) Digits("after the decimal point");
    if (!error_ && Skip("eE")) {
      Skip("+-");
      Digits("in the exponent");
    }
  }

  void String() {
    ++at_;
    while (!error_) {
      if (AtEnd()) return Wrong("the text ends inside a string; expected a closing '\"'");
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return;
      }
      if (c == '\\') {
        Escape();
      } else if (static_cast<unsigned char>(c) < 0x20) {
        Wrong(StrCat("a string may not hold ", Found(), "; write it as an escape"));
      } else {
        const Utf8Char character = DecodeUtf8(text_.substr(at_));
        if (!character.valid) return Wrong(StrCat("invalid UTF-8 at ", Found()));
        at_ += character.length;
      }
    }
  }

  void Escape() {
    const std::size_t start = at_++;
    if (Skip("\"\\/bfnrt")) return;
    if (!Skip("u")) return Wrong(StrCat("expected an escape such as \\n, found ", Found()));
    const unsigned unit = HexDigits();
    if (error_ || unit < 0xD800 || unit > 0xDFFF) return;
    const std::size_t second = at_;
    if (unit <= 0xDBFF && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      const unsigned low = HexDigits();
      if (error_ || (low >= 0xDC00 && low <= 0xDFFF)) return;
      at_ = second;
    }
    at_ = start;
    Wrong(StrCat("the escape ", text_.substr(start, 6), " is one half of a surrogate pair"));
  }

  unsigned HexDigits() {
    unsigned unit = 0;
    for (int i = 0; i < 4; ++i) {
      if (AtEnd() || !IsHexDigit(text_[at_])) {
        Wrong(StrCat("expected four hexadecimal digits after \\u, found ", Found()));
        return 0;
      }
      const char c = text_[at_++];
      unit = unit * 16 + static_cast<unsigned>(IsDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return unit;
  }

  void Unexpected() {
    const std::string_view rest = text_.substr(at_);
    std::string_view hint;
    if (rest.starts_with("NaN") || rest.starts_with("Infinity")) {
      hint = "; JSON has no NaN and no Infinity";
    } else if (rest.starts_with('\'')) {
      hint = "; JSON strings stand in double quotes";
    } else if (rest.starts_with("//") || rest.starts_with("/*")) {
      hint = "; JSON has no comments";
    } else if ((next_ == Next::kValue && rest.starts_with(']')) ||
               (next_ == Next::kKey && rest.starts_with('}'))) {
      hint = "; no comma may stand after the last one";
    }
    Wrong(StrCat("expected ", Expected(), ", found ", Found(), hint));
  }

  std::string_view Expected() const {
    switch (next_) {
      case Next::kValueOrEnd:
        return "a value or ']'";
      case Next::kKey:
        return "a member name in double quotes";
      case Next::kKeyOrEnd:
        return "a member name in double quotes or '}'";
      case Next::kColon:
        return "':' after the member name";
      case Next::kCommaOrEnd:
        return in_object_.back() ? "',' or '}'" : "',' or ']'";
      default:
        return "a value";
    }
  }

  std::string Found() const {
    if (AtEnd()) return "the end of the text";
    const auto byte = static_cast<unsigned char>(text_[at_]);
    if (byte < 0x20 || byte == 0x7F) return StrCat("the control character ", Hex(byte));
    if (byte < 0x80) return StrCat("'", text_[at_], "'");
    const Utf8Char character = DecodeUtf8(text_.substr(at_));
    if (!character.valid) return StrCat("the byte ", Hex(byte));
    return StrCat("'", text_.substr(at_, character.length), "'");
  }

  void SkipSpace() {
    while (!error_ && !AtEnd() && std::string_view(" \t\r\n").contains(text_[at_])) ++at_;
  }
  bool AtEnd() const { return at_ == text_.size(); }
  void Wrong(std::string what) {
    if (!error_) error_ = {at_, std::move(what)};
  }

  const std::string_view text_;
  const std::size_t max_depth_;
  std::size_t at_ = 0;
  Next next_ = Next::kValue;
  std::vector<bool> in_object_;
  std::optional<SyntaxError> error_;
};

}  // namespace

std::optional<SyntaxError> FindSyntaxError(std::string_view text, std::size_t max_depth) {
  return SyntaxScanner(text, max_depth).Run();
}

std::string Place(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::string_view line_start = before.substr(before.rfind('\n') + 1);
  const std::size_t column = 1 + CountCharacters(line_start);
  return StrCat("line ", line, ", column ", column, " (byte ", offset, ")");
}

}  // namespace weir::json
