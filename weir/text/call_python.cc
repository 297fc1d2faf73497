// Calls in the manner of Python: [f(a=1, b='x'), g()].

#include <cstddef>
#include <optional>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/text/call_list.h"
#include "weir/text/call_values.h"
#include "weir/text/python_literal.h"

namespace weir::text {
namespace {

class PythonCalls {
 public:
  PythonCalls(std::string_view text, CallList& list)
      : text_(text), list_(list), literal_(text, list) {}

  void Read() {
    SkipFence();
    for (;;) {
      Skip();
      while (At(',') || At(';') || At('[') || At(']')) {
        in_list_ = in_list_ || At('[');
        list_ended_ = list_ended_ || At(']');
        ++at_;
        Skip();
      }
      if (at_ == text_.size()) break;
      const bool fence = text_.substr(at_).starts_with("```");
      if (!fence && (ReadCall() || SkipWords())) continue;
      if (!fence && !list_.empty()) {
        list_.Note(StrCat("left out: ", Truncate(text_.substr(at_), 80)));
      }
      // One word behind calls that are in no list may be the name of the next, cut.
      const bool words = !in_list_ && text_.find_first_of(kWhiteSpace, at_) != text_.npos;
      if (fence || list_ended_ || words) list_.EndAt(fence ? at_ + 3 : at_);
      break;
    }
    if (list_.empty()) list_.Refuse("no name with arguments in parentheses");
  }

 private:
  bool At(char c) const { return at_ < text_.size() && text_[at_] == c; }
  void Skip() { at_ = literal_.SkipSpace(at_); }

  // Calls that stand on lines of their own may have words between them.
  bool SkipWords() {
    if (list_.empty() || in_list_) return false;
    for (std::size_t line = text_.find('\n', at_); line != text_.npos;
         line = text_.find('\n', line + 1)) {
      if (!literal_.StartsCall(line + 1)) continue;
      list_.Note(StrCat("left out: ", Truncate(Trim(text_.substr(at_, line - at_)), 80)));
      at_ = line + 1;
      return true;
    }
    return false;
  }

  void SkipFence() {
    Skip();
    if (!text_.substr(at_).starts_with("```")) return;
    const std::size_t line = text_.find('\n', at_);
    at_ = line == text_.npos ? at_ + 3 : line;
  }

  bool ReadCall() {
    const std::size_t begin = at_;
    if (!IsNameStart(text_[at_])) return false;
    while (at_ < text_.size() && (IsNameByte(text_[at_]) || At('.') || At('-'))) ++at_;
    const std::string_view name = list_.PlainName(text_.substr(begin, at_ - begin));
    Skip();
    const model::ToolSpec* const tool = list_.Tool(name);
    Arguments arguments(list_);
    if (!At('(') || !ReadArguments(tool, arguments) ||
        (tool == nullptr && arguments.empty() && !in_list_)) {
      at_ = begin;
      return false;
    }
    list_.Add(name, arguments.Text());
    return true;
  }

  bool ReadArguments(const model::ToolSpec* tool, Arguments& arguments) {
    const Wanted wanted = Wanted::ArgumentsOf(tool);
    const std::vector<std::string_view> names = wanted.PropertyNames();
    std::size_t position = 0;
    for (++at_;;) {
      Skip();
      if (at_ == text_.size()) {
        list_.Note("the text ended inside the call: what was open is closed");
        return true;
      }
      if (At(')')) {
        ++at_;
        return true;
      }
      if (At(']')) {
        list_.Note("a parenthesis was missing behind the arguments");
        return true;
      }
      if (literal_.IsCutWord(at_)) {
        at_ = text_.size();
        continue;
      }
      if (At(',')) {
        ++at_;
        continue;
      }
      if (text_.substr(at_).starts_with("**")) at_ += 2;
      const std::string_view key = literal_.ReadKeyword(at_);
      if (!key.empty()) {
        Skip();
        if (literal_.IsCutConstant(at_)) at_ = text_.size();
        if (at_ < text_.size()) arguments.Set(key, ReadValue(wanted.Property(key), key));
        continue;
      }
      if (TakeDict(wanted, arguments)) continue;
      if (!arguments.empty() && position == 0 && literal_.StartsCall(at_)) {
        list_.Note("a parenthesis was missing behind the arguments");
        return true;
      }
      while (position < names.size() && arguments.Has(names[position])) ++position;
      if (position == names.size()) {
        list_.Refuse("an argument without a name, and no parameter that it could be");
        return false;
      }
      const std::string_view name = names[position++];
      list_.Note(StrCat("an argument without a name is \"", Truncate(name, 80),
                        "\" by the order of the tool's parameters"));
      arguments.Set(name, ReadValue(wanted.Property(name), name));
    }
  }

  // f({"a": 1}) and f(**{"a": 1}): the keys say which parameters are meant.
  bool TakeDict(const Wanted& wanted, Arguments& arguments) {
    if (!At('{')) return false;
    std::size_t at = at_;
    std::string json;
    if (!literal_.Read(at, json, PythonLiteral::Place::kArgument)) return false;
    const auto dict = json::Read(json);
    if (!dict || !dict->IsObject() || dict->empty()) return false;
    for (const json::Member member : dict->members()) {
      if (!wanted.knows(member.key)) return false;
    }
    for (const json::Member member : dict->members()) {
      arguments.Set(member.key, json::Write(member.value));
    }
    list_.Note("the arguments stood in a dict");
    at_ = at;
    return true;
  }

  std::string ReadValue(const Wanted& wanted, std::string_view key) {
    std::string json;
    std::size_t at = at_;
    if (literal_.Read(at, json, PythonLiteral::Place::kArgument) && Ends(at)) {
      at_ = at;
      return json;
    }
    const std::size_t begin = at_;
    at_ = ExpressionEnd();
    const std::string_view expression = Trim(text_.substr(begin, at_ - begin));
    list_.Note(StrCat("\"", Truncate(key, 80), "\" was no literal and is taken as it stands"));
    return BendText(expression, wanted, key, list_);
  }

  // Whether an argument may end here. A forgotten comma before the next keyword is no reason not
  // to.
  bool Ends(std::size_t at) {
    at = literal_.SkipSpace(at);
    if (at == text_.size() || std::string_view(",)]").contains(text_[at])) return true;
    if (literal_.ReadKeyword(at).empty()) return false;
    list_.Note("a comma was missing between arguments");
    return true;
  }

  // The comma or parenthesis that ends an argument which is no literal.
  std::size_t ExpressionEnd() const {
    std::size_t depth = 0;
    char quote = '\0';
    for (std::size_t i = at_; i < text_.size(); ++i) {
      const char c = text_[i];
      if (quote != '\0') {
        if (c == '\\') ++i;
        if (c == quote) quote = '\0';
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '(' || c == '[' || c == '{') {
        ++depth;
      } else if (depth == 0 && (c == ',' || c == ')' || c == ']')) {
        return i;
      } else if (depth > 0 && (c == ')' || c == ']' || c == '}')) {
        --depth;
      }
    }
    return text_.size();
  }

  std::string_view text_;
  CallList& list_;
  PythonLiteral literal_;
  std::size_t at_ = 0;
  bool in_list_ = false;
  bool list_ended_ = false;
};

}  // namespace

void ReadPythonCalls(std::string_view body, CallList& list) { PythonCalls(body, list).Read(); }

}  // namespace weir::text
