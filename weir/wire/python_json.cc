#include <algorithm>
#include <vector>

#include "weir/base/utf8.h"
#include "weir/wire/python_text.h"

namespace weir::wire {
namespace {

// Walks a text as Python's decoder does. Without recursion, so that depth costs only memory.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  std::optional<PythonJsonFault> Run() {
    SkipBlanks();
    bool more = Value();
    while (more && !open_.empty()) more = open_.back() == '{' ? ObjectStep() : ArrayStep();
    if (!fault_) {
      SkipBlanks();
      if (at_ < text_.size()) Fail("Extra data", at_);
    }
    return fault_;
  }

 private:
  bool Fail(std::string_view message, std::size_t at) {
    const std::string_view before = text_.substr(0, std::min(at, text_.size()));
    fault_ = PythonJsonFault{message, CountCharacters(before)};
    return false;
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void SkipBlanks() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").contains(text_[at_])) ++at_;
  }

  // One scalar, or the opening of a container.
  bool Value() {
    const char c = Peek();
    if (c == '"') return String();
    if (c == '{' || c == '[') {
      open_.push_back(c);
      first_ = true;
      ++at_;
      return true;
    }
    for (const std::string_view word : {"null", "true", "false", "NaN", "Infinity", "-Infinity"}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return true;
    }
    return Number();
  }

  std::size_t Digits(std::size_t at) const {
    while (at < text_.size() && text_[at] >= '0' && text_[at] <= '9') ++at;
    return at;
  }

  bool Number() {
    const std::size_t start = Peek() == '-' ? at_ + 1 : at_;
    std::size_t end = Digits(start);
    if (end == start) return Fail("Expecting value", at_);
    if (text_[start] == '0') end = start + 1;  // what follows is read as extra data
    if (end < text_.size() && text_[end] == '.' && Digits(end + 1) > end + 1) {
      end = Digits(end + 1);
    }
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      std::size_t digits = end + 1;
      if (digits < text_.size() && (text_[digits] == '+' || text_[digits] == '-')) ++digits;
      if (Digits(digits) > digits) end = Digits(digits);
    }
    at_ = end;
    return true;
  }

  bool Escape(std::size_t at, std::size_t start) {
    if (at >= text_.size()) return Fail("Unterminated string starting at", start);
    if (text_[at] != 'u') {
      return std::string_view("\"\\/bfnrt").contains(text_[at]) || Fail("Invalid \\escape", at - 1);
    }
    const std::string_view hex = text_.substr(std::min(at + 1, text_.size())).substr(0, 4);
    const bool good = hex.size() == 4 && std::ranges::all_of(hex, [](char c) {
                        return std::string_view("0123456789abcdefABCDEF").contains(c);
                      });
    return good || Fail("Invalid \\uXXXX escape", at);
  }

  bool String() {
    const std::size_t start = at_;
    for (std::size_t at = start + 1; at < text_.size(); ++at) {
      const char c = text_[at];
      if (c == '"') {
        at_ = at + 1;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return Fail("Invalid control character at", at);
      if (c == '\\' && !Escape(++at, start)) return false;
    }
    return Fail("Unterminated string starting at", start);
  }

  void Close() {
    open_.pop_back();
    first_ = false;
    ++at_;
  }

  bool ArrayStep() {
    SkipBlanks();
    if (Peek() == ']') {
      Close();
      return true;
    }
    if (!first_) {
      if (Peek() != ',') return Fail("Expecting ',' delimiter", at_);
      ++at_;
      SkipBlanks();
    }
    first_ = false;
    return Value();
  }

  bool ObjectStep() {
    SkipBlanks();
    if (Peek() == '}') {
      Close();
      return true;
    }
    if (!first_) {
      if (Peek() != ',') return Fail("Expecting ',' delimiter", at_);
      ++at_;
      SkipBlanks();
    }
    first_ = false;
    if (Peek() != '"') return Fail("Expecting property name enclosed in double quotes", at_);
    if (!String()) return false;
    SkipBlanks();
    if (Peek() != ':') return Fail("Expecting ':' delimiter", at_);
    ++at_;
    SkipBlanks();
    return Value();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool first_ = false;  // nothing stands in the innermost container yet
  std::vector<char> open_;
  std::optional<PythonJsonFault> fault_;
};

}  // namespace

std::optional<PythonJsonFault> FindPythonJsonFault(std::string_view text) {
  return Walker(text).Run();
}

}  // namespace weir::wire
