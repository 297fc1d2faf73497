// Python: logical lines, and how far they are indented.

#include <utility>

#include "weir/base/text.h"
#include "weir/flow/units_language.h"

namespace weir::flow {
namespace {

constexpr std::size_t kTab = 8;

bool TakeWord(std::string_view& line, std::string_view word) {
  if (!line.starts_with(word)) return false;
  if (line.size() > word.size() && IsWordByte(line[word.size()])) return false;
  line = line.substr(word.size());
  while (!line.empty() && (line[0] == ' ' || line[0] == '\t')) line.remove_prefix(1);
  return true;
}

std::string_view NameIn(std::string_view line) {
  std::size_t end = 0;
  while (end < line.size() && IsWordByte(line[end])) ++end;
  return line.substr(0, end);
}

class PythonReader {
 public:
  explicit PythonReader(std::string_view text) : text_(text) {}

  std::vector<Unit> Read() && {
    while (at_ < text_.size()) Line();
    CloseTo(0);
    return std::move(units_).Take();
  }

 private:
  struct Open {
    std::size_t indent = 0;
    std::string name;
  };

  // A logical line, however many lines it takes.
  void Line() {
    const std::size_t start = at_;
    const std::size_t indent = Indent();
    const char first = at_ < text_.size() ? text_[at_] : '\n';
    if (first == '\n' || first == '\r' || first == '#') return SkipLine();
    std::string_view rest = text_.substr(at_, text_.find('\n', at_) - at_);
    // What stands further out is not what a decorator was for.
    if (indent < decorated_indent_) decorated_ = kNowhere;
    if (first == '@') {
      CloseTo(indent);
      if (decorated_ == kNowhere) {
        decorated_ = start;
        decorated_indent_ = indent;
      }
      return SkipCode();
    }
    CloseTo(indent);
    const std::size_t begin = decorated_ == kNowhere ? start : decorated_;
    decorated_ = kNowhere;
    const bool is_class = TakeWord(rest, "class");
    if (!is_class) TakeWord(rest, "async");
    const bool is_function = !is_class && TakeWord(rest, "def");
    const std::string_view name = is_class || is_function ? NameIn(rest) : std::string_view();
    if (!name.empty()) {
      const bool method = units_.kind() == UnitKind::kClass;
      const UnitKind function = method ? UnitKind::kMethod : UnitKind::kFunction;
      std::string whole = open_.empty() ? std::string(name) : StrCat(open_.back().name, ".", name);
      units_.Open(whole, is_class ? UnitKind::kClass : function, begin);
      open_.push_back({.indent = indent, .name = std::move(whole)});
    }
    SkipCode();
  }

  std::size_t Indent() {
    std::size_t indent = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == ' ') {
        ++indent;
      } else if (c == '\t') {
        indent = (indent / kTab + 1) * kTab;
      } else if (c != '\f') {
        break;
      }
    }
    return indent;
  }

  // Ends what is not less indented.
  void CloseTo(std::size_t indent) {
    while (!open_.empty() && open_.back().indent >= indent) {
      units_.Close(code_end_);
      open_.pop_back();
    }
  }

  void SkipLine() {
    const std::size_t end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
  }

  // To the end of the logical line: brackets and strings go on over lines.
  void SkipCode() {
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        const std::size_t end = text_.find('\n', at_);
        at_ = end == std::string_view::npos ? text_.size() : end;
        continue;
      }
      if (c == '\n') {
        ++at_;
        if (depth <= 0 || StartsDefinition()) return;
        continue;
      }
      if (c == '\\') {
        at_ += at_ + 2 < text_.size() && text_.substr(at_ + 1, 2) == "\r\n" ? 3 : 2;
        at_ = std::min(at_, text_.size());
        continue;
      }
      if (c == '"' || c == '\'') {
        SkipString(c);
      } else {
        if (c == '(' || c == '[' || c == '{') ++depth;
        if (c == ')' || c == ']' || c == '}') --depth;
        ++at_;
      }
      if (c != ' ' && c != '\t' && c != '\r') code_end_ = at_;
    }
  }

  // Whether a bracket was forgotten: these words stand in no expression.
  bool StartsDefinition() const {
    std::size_t start = at_;
    while (start < text_.size() && (text_[start] == ' ' || text_[start] == '\t')) ++start;
    std::string_view rest = text_.substr(start, 200);
    if (TakeWord(rest, "async")) return TakeWord(rest, "def");
    return TakeWord(rest, "def") || TakeWord(rest, "class");
  }

  void SkipString(char quote) {
    const bool triple =
        text_.size() - at_ >= 3 && text_[at_ + 1] == quote && text_[at_ + 2] == quote;
    at_ += triple ? 3 : 1;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\\') {
        ++at_;
      } else if (!triple && (c == quote || c == '\n')) {
        if (c == quote) ++at_;
        break;
      } else if (triple &&
                 text_.substr(at_, 3).find_first_not_of(quote) == std::string_view::npos &&
                 text_.size() - at_ >= 3) {
        at_ += 3;
        break;
      }
    }
    at_ = std::min(at_, text_.size());
  }

  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

  const std::string_view text_;
  std::size_t at_ = 0;
  std::size_t code_end_ = 0;  // behind the last character that is code
  std::size_t decorated_ = kNowhere;
  std::size_t decorated_indent_ = 0;
  std::vector<Open> open_;
  UnitStack units_;
};

}  // namespace

std::vector<Unit> PythonUnits(std::string_view text) { return PythonReader(text).Read(); }

}  // namespace weir::flow
