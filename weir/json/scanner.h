#pragma once

// The strict grammar of RFC 8259 as events, for who wants the values without a tree. Include it in
// sources only: it is a template.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/json/plain_text.h"
#include "weir/json/reader.h"

namespace weir::json {

// The texts and numbers of a document; what is in it that needs no handler.
class Cursor {
 public:
  // How far the last scan came.
  std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }

 protected:
  void Begin(std::string_view document) {
    begin_ = at_ = document.data();
    end_ = begin_ + document.size();
  }

  // The next byte that is no whitespace, not consumed; 0 at the end.
  char Peek() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
    return at_ == end_ ? '\0' : *at_;
  }

  // Each consumes what it names and returns false when the text is not that. ReadText begins behind
  // the opening quotation mark.
  bool ReadText(std::string_view& text) {
    const char* const end = internal::SkipShort(at_, end_);
    if (end == end_ || *end != '"') return ReadLongText(text);
    text = {at_, static_cast<std::size_t>(end - at_)};
    at_ = end + 1;
    return true;
  }
  bool ReadNumber(std::string_view& text);
  bool ReadWord(std::string_view word) {
    const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    if (!rest.starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  const char* begin_ = nullptr;
  const char* at_ = nullptr;
  const char* end_ = nullptr;

 private:
  bool ReadLongText(std::string_view& text);
  bool ReadEscaped(const char* from, std::string_view& text);
  bool ReadEscape();
  bool ReadHex(char32_t& unit);
  bool SkipDigits();

  std::string unescaped_;
};

// Drives a Handler over one whole document. The handler has
//   bool Null(), Bool(bool), Number(text), String(text), Key(text),
//        BeginObject(), EndObject(), BeginArray(), EndArray()
// and stops the scan by returning false. Numbers come as they are written. A text without escapes
// lies inside the document; another one is good until the next event. One scanner may scan many
// documents, and keeps its memory.
class Scanner : public Cursor {
 public:
  enum class End : std::uint8_t {
    kWhole,    // one document, and nothing after it
    kStopped,  // by the handler
    kWrong,    // no JSON, or deeper than allowed
  };

  explicit Scanner(std::size_t max_depth = limits::kJsonDepth)
      : max_depth_(std::min(max_depth, kDeepest)) {}

  template <class Handler>
  End Scan(std::string_view document, Handler& handler);

 private:
  enum class Step : std::uint8_t { kValue, kOpened, kStopped, kWrong };

  static Step Told(bool go_on) { return go_on ? Step::kValue : Step::kStopped; }
  static End EndOf(Step step) { return step == Step::kStopped ? End::kStopped : End::kWrong; }

  bool in_object() const { return (objects_[depth_ / 64] >> (depth_ % 64) & 1) != 0; }
  bool Enter(bool object) {
    if (depth_ == max_depth_) return false;
    ++depth_;
    const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
    std::uint64_t& word = objects_[depth_ / 64];
    word = object ? word | bit : word & ~bit;
    return true;
  }

  // A value, or the beginning of one.
  template <class Handler>
  Step ReadValue(Handler& handler);
  // A member's name and its colon.
  template <class Handler>
  Step ReadKey(Handler& handler);
  // What may stand behind a value: closing brackets, then a comma or the end of the document.
  // kValue: another value must come.
  template <class Handler>
  Step Leave(Handler& handler);

  const std::size_t max_depth_;
  std::size_t depth_ = 0;
  std::array<std::uint64_t, kDeepest / 64 + 1> objects_;  // by depth, a bit: is it an object?
};

template <class Handler>
Scanner::End Scanner::Scan(std::string_view document, Handler& handler) {
  Begin(document);
  depth_ = 0;
  for (;;) {
    Step step = ReadValue(handler);
    if (step == Step::kOpened) {
      const bool object = in_object();
      if (Peek() != (object ? '}' : ']')) {
        step = object ? ReadKey(handler) : Step::kValue;
        if (step != Step::kValue) return EndOf(step);
        continue;
      }
    } else if (step != Step::kValue) {
      return EndOf(step);
    }
    step = Leave(handler);
    if (step == Step::kStopped) return End::kStopped;
    if (step == Step::kWrong) return depth_ == 0 && at_ == end_ ? End::kWhole : End::kWrong;
  }
}

template <class Handler>
Scanner::Step Scanner::ReadValue(Handler& handler) {
  std::string_view text;
  switch (Peek()) {
    case '"':
      ++at_;
      return ReadText(text) ? Told(handler.String(text)) : Step::kWrong;
    case '{':
      ++at_;
      if (!Enter(true)) return Step::kWrong;
      return handler.BeginObject() ? Step::kOpened : Step::kStopped;
    case '[':
      ++at_;
      if (!Enter(false)) return Step::kWrong;
      return handler.BeginArray() ? Step::kOpened : Step::kStopped;
    case 'n':
      return ReadWord("null") ? Told(handler.Null()) : Step::kWrong;
    case 't':
      return ReadWord("true") ? Told(handler.Bool(true)) : Step::kWrong;
    case 'f':
      return ReadWord("false") ? Told(handler.Bool(false)) : Step::kWrong;
    default:
      return ReadNumber(text) ? Told(handler.Number(text)) : Step::kWrong;
  }
}

template <class Handler>
Scanner::Step Scanner::ReadKey(Handler& handler) {
  std::string_view key;
  if (Peek() != '"') return Step::kWrong;
  ++at_;
  if (!ReadText(key)) return Step::kWrong;
  if (!handler.Key(key)) return Step::kStopped;
  if (Peek() != ':') return Step::kWrong;
  ++at_;
  return Step::kValue;
}

template <class Handler>
Scanner::Step Scanner::Leave(Handler& handler) {
  while (depth_ > 0) {
    const bool object = in_object();
    const char next = Peek();
    if (next == ',') {
      ++at_;
      return object ? ReadKey(handler) : Step::kValue;
    }
    if (next != (object ? '}' : ']')) return Step::kWrong;
    ++at_;
    --depth_;
    if (!(object ? handler.EndObject() : handler.EndArray())) return Step::kStopped;
  }
  Peek();
  return Step::kWrong;  // the document ends here, or should
}

}  // namespace weir::json
