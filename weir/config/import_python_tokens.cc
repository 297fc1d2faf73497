#include "weir/config/import_python_tokens.h"

#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::config {
namespace {

bool StartsName(char c) { return IsLetter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

class Tokenizer {
 public:
  Tokenizer(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  Result<std::vector<PythonToken>> Run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        if (open_.empty()) fresh_ = true;
        Step();
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
        Step();
      } else if (c == '\\' && Next() == '\n') {
        Step();
        Step();
      } else if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') Step();
      } else {
        WEIR_CHECK(One());
      }
    }
    if (!open_.empty()) {
      return At(open_.back().mark, StrCat("the ", open_.back().text, " is never closed"));
    }
    Add(PythonKind::kEnd, "", mark_);
    tokens_.back().starts_line = true;
    return std::move(tokens_);
  }

 private:
  char Next(std::size_t ahead = 1) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void Step() {
    const char c = text_[at_++];
    if (c == '\n') {
      ++mark_.line;
      mark_.column = 1;
    } else if (!IsInsideUtf8(c)) {
      ++mark_.column;
    }
  }

  std::unexpected<Error> At(json::Mark mark, std::string_view what) const {
    return Fail(Code::kConfigError, StrCat(json::FormatMark(file_, mark), ": ", what));
  }

  void Add(PythonKind kind, std::string text, json::Mark mark) {
    tokens_.push_back({.kind = kind, .text = std::move(text), .mark = mark, .starts_line = fresh_});
    fresh_ = false;
  }

  Result<void> One() {
    const json::Mark mark = mark_;
    const char c = text_[at_];
    if (c == '"' || c == '\'') return Text("", mark);
    if (StartsName(c)) {
      const std::size_t begin = at_;
      while (at_ < text_.size() && (StartsName(text_[at_]) || IsDigit(text_[at_]))) Step();
      const std::string_view name = text_.substr(begin, at_ - begin);
      const bool quoted = at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'');
      if (quoted && name.size() <= 2) return Text(ToLower(name), mark);
      Add(PythonKind::kName, std::string(name), mark);
    } else if (IsDigit(c) || (c == '.' && IsDigit(Next()))) {
      const std::size_t begin = at_;
      while (at_ < text_.size() && InNumber()) Step();
      Add(PythonKind::kNumber, std::string(text_.substr(begin, at_ - begin)), mark);
    } else {
      Step();
      Brackets(c, mark);
      Add(PythonKind::kSign, std::string(1, c), mark);
    }
    return {};
  }

  bool InNumber() const {
    const char c = text_[at_];
    if (StartsName(c) || IsDigit(c) || c == '.') return true;
    return (c == '-' || c == '+') && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
  }

  void Brackets(char c, json::Mark mark) {
    if (c == '(' || c == '[' || c == '{') {
      // The bracket itself still belongs to the statement.
      open_.push_back({.kind = PythonKind::kSign, .text = std::string(1, c), .mark = mark});
    } else if ((c == ')' || c == ']' || c == '}') && !open_.empty()) {
      open_.pop_back();
    }
  }

  Result<void> Text(std::string_view prefix, json::Mark mark) {
    const char quote = text_[at_];
    const bool tripled = Next() == quote && Next(2) == quote;
    const std::size_t width = tripled ? 3 : 1;
    for (std::size_t i = 0; i < width; ++i) Step();
    const std::string end(width, quote);
    const bool raw = prefix.contains('r');
    std::string value;
    while (true) {
      if (at_ >= text_.size() || (!tripled && text_[at_] == '\n')) {
        return At(mark, "this text is never closed; add the quotation mark");
      }
      if (text_.substr(at_).starts_with(end)) break;
      if (text_[at_] == '\\' && !raw && at_ + 1 < text_.size()) {
        Escape(value);
      } else {
        value += text_[at_];
        Step();
      }
    }
    for (std::size_t i = 0; i < width; ++i) Step();
    const bool computed = prefix.contains('f') && value.contains('{');
    Add(computed ? PythonKind::kComputedText : PythonKind::kText, std::move(value), mark);
    return {};
  }

  void Escape(std::string& value) {
    Step();
    const char c = text_[at_];
    constexpr std::string_view kFrom = "nrt0\\'\"";
    constexpr std::string_view kTo("\n\r\t\0\\'\"", 7);
    const std::size_t known = kFrom.find(c);
    if (known != kFrom.npos) {
      value += kTo[known];
    } else if (c != '\n') {
      value += '\\';
      value += c;
    }
    Step();
  }

  std::string_view text_;
  std::string_view file_;
  std::size_t at_ = 0;
  json::Mark mark_;
  bool fresh_ = true;
  std::vector<PythonToken> open_;
  std::vector<PythonToken> tokens_;
};

}  // namespace

Result<std::vector<PythonToken>> PythonTokens(std::string_view text, std::string_view file) {
  return Tokenizer(text, file).Run();
}

}  // namespace weir::config
