// Calls of the Gemma family: call:f{k:<escape>v<escape>,n:1}, where a mark stands at both ends of a
// text.

#include <algorithm>
#include <cstddef>

#include "weir/base/text.h"
#include "weir/json/lenient.h"
#include "weir/text/call_list.h"
#include "weir/text/call_values.h"

namespace weir::text {
namespace {

constexpr std::string_view kTextMarks[] = {"<escape>", "<|\"|>"};
constexpr std::size_t kMaxKey = 256;

bool IsKeyByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
}

class BracesCalls {
 public:
  BracesCalls(std::string_view text, CallList& list) : text_(text), list_(list) {}

  void Read() {
    for (;;) {
      Skip(" ,;");
      if (Rest().empty()) break;
      if (!ReadCall()) {
        if (!list_.empty()) {
          list_.Note(StrCat("left out: ", Truncate(Rest(), 80)));
          list_.EndAt(at_);
        }
        break;
      }
    }
    if (list_.empty()) list_.Refuse("no name with arguments in braces");
  }

 private:
  std::string_view Rest() const { return text_.substr(at_); }
  bool At(char c) const { return at_ < text_.size() && text_[at_] == c; }
  void Skip(std::string_view also = "") {
    while (at_ < text_.size() && (kWhiteSpace.contains(text_[at_]) || also.contains(text_[at_])))
      ++at_;
  }

  std::string_view Word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && at_ - begin < kMaxKey && IsKeyByte(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  bool ReadCall() {
    const std::size_t begin = at_;
    if (ReadNamed()) return true;
    at_ = begin;
    return false;
  }

  bool ReadNamed() {
    std::string_view name = Word();
    Skip();
    if (name == "call" && At(':')) {
      ++at_;
      Skip();
      name = Word();
      Skip();
    }
    name = list_.PlainName(name);
    if (name.empty()) return false;
    const model::ToolSpec* const tool = list_.Tool(name);
    if (!At('{')) {
      if (tool == nullptr || !Rest().empty()) return false;
      list_.Add(name, "{}");
      return true;
    }
    list_.Add(name, ReadObject(Wanted::ArgumentsOf(tool), 0));
    return true;
  }

  std::string ReadObject(const Wanted& wanted, std::size_t depth) {
    ++at_;
    Arguments object(list_);
    for (;;) {
      Skip(",");
      if (Rest().empty()) NoteCut();
      if (Rest().empty() || At('}') || At(']')) break;
      const std::size_t begin = at_;
      const std::string key = ReadKey();
      Skip();
      if (At(':') || At('=')) {
        ++at_;
      } else if (key.empty() || Rest().empty()) {
        if (Rest().empty()) {
          NoteCut();
          break;
        }
        at_ = std::max(at_, begin + 1);
        list_.Note("left out: a part of the arguments without a key");
        continue;
      }
      Skip();
      if (CutAtValue()) break;
      object.Set(key, ReadValue(wanted.Property(key), key, depth + 1, '}'));
    }
    Close('}');
    return object.Text();
  }

  std::string ReadArray(const Wanted& wanted, std::string_view key, std::size_t depth) {
    ++at_;
    std::string out = "[";
    for (;;) {
      Skip(",");
      if (Rest().empty()) NoteCut();
      if (Rest().empty() || At(']') || At('}') || CutAtValue()) break;
      std::string item = ReadValue(wanted.Item(), key, depth + 1, ']');
      if (out.size() > 1) out += ',';
      out += item;
    }
    Close(']');
    return out + "]";
  }

  // Whether a value never came: the text ends here, or in the mark that opens one.
  bool CutAtValue() {
    if (!WithoutPartOfMark(Rest()).empty()) return false;
    NoteCut();
    at_ = text_.size();
    return true;
  }

  static std::string_view WithoutPartOfMark(std::string_view text) {
    for (const std::string_view mark : kTextMarks) text = WithoutPartOf(text, mark);
    return text;
  }

  void Close(char bracket) {
    if (At(bracket)) {
      ++at_;
    } else if (!Rest().empty()) {
      list_.Note("a bracket was not closed");
    }
  }

  std::string ReadKey() {
    if (const std::string_view mark = TextMark(); !mark.empty()) {
      at_ += mark.size();
      const std::size_t end = std::min(text_.find(mark, at_), text_.size());
      const std::string key(text_.substr(at_, end - at_));
      at_ = std::min(end + mark.size(), text_.size());
      return key;
    }
    if (At('"') || At('\'')) {
      const std::size_t begin = at_ + 1;
      const std::size_t end = std::min(text_.find(text_[at_], begin), text_.size());
      at_ = std::min(end + 1, text_.size());
      return std::string(text_.substr(begin, end - begin));
    }
    return std::string(Word());
  }

  std::string_view TextMark() const {
    for (const std::string_view mark : kTextMarks) {
      if (Rest().starts_with(mark)) return mark;
    }
    return {};
  }

  std::string ReadValue(const Wanted& wanted, std::string_view key, std::size_t depth, char end) {
    if (const std::string_view mark = TextMark(); !mark.empty()) {
      const std::string_view text = MarkedText(mark);
      const bool text_fits = (wanted.kinds() & Wanted::kText) != 0;
      return text_fits ? Quoted(text) : BendText(text, wanted, key, list_);
    }
    if (depth < kMaxDepth && At('{')) return ReadObject(wanted, depth);
    if (depth < kMaxDepth && At('[')) return ReadArray(wanted, key, depth);
    if (At('"') || At('\'')) {
      list_.Note("a text stood in plain quotes");
      return PlainQuotes(wanted, key);
    }
    const std::string_view bare = Trim(BareText(end));
    return BendText(bare, wanted, key, list_);
  }

  // When what follows the closing mark cannot follow a text, the closing mark was forgotten and
  // this one opens the next text.
  std::string_view MarkedText(std::string_view mark) {
    at_ += mark.size();
    const std::size_t begin = at_;
    const std::size_t end = text_.find(mark, begin);
    if (end == text_.npos) {
      NoteCut();
      at_ = text_.size();
      std::string_view text = text_.substr(begin);
      if (!text.ends_with('}')) return WithoutPartOf(text, mark);
      while (text.ends_with('}')) text.remove_suffix(1);
      return text;
    }
    const std::size_t next = text_.find_first_not_of(kWhiteSpace, end + mark.size());
    const std::string_view text = text_.substr(begin, end - begin);
    const bool ends = next == text_.npos || std::string_view(",}]:").contains(text_[next]);
    if (const std::size_t comma = ends ? text.npos : KeyBehindComma(text); comma != text.npos) {
      list_.Note("a text had no closing mark");
      at_ = begin + comma;
      return text.substr(0, comma);
    }
    at_ = end + mark.size();
    return text;
  }

  // The comma in a text that ends with ",key:"; npos when it does not.
  static std::size_t KeyBehindComma(std::string_view text) {
    if (!text.ends_with(':')) return text.npos;
    std::size_t at = text.size() - 1;
    while (at > 0 && IsKeyByte(text[at - 1]) && text.size() - at < kMaxKey) --at;
    return at > 0 && text[at - 1] == ',' && at + 1 < text.size() ? at - 1 : text.npos;
  }

  std::string PlainQuotes(const Wanted& wanted, std::string_view key) {
    const char quote = text_[at_];
    const std::size_t begin = at_++;
    while (at_ < text_.size() && text_[at_] != quote) at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
    const std::string_view written = text_.substr(begin, at_ - begin);
    const auto mended = json::ReadLenient(written, {.max_depth = kMaxDepth});
    const auto text = mended ? mended->value.AsString() : std::nullopt;
    const std::string_view value = text.value_or(written);
    return (wanted.kinds() & Wanted::kText) != 0 ? Quoted(value)
                                                 : BendText(value, wanted, key, list_);
  }

  // Up to the end of the container, or a comma that another key, whole or cut, or item follows.
  std::string_view BareText(char end) {
    const std::size_t begin = at_;
    for (; at_ < text_.size() && text_[at_] != '}' && text_[at_] != ']'; ++at_) {
      if (text_[at_] != ',') continue;
      if (end == ']') break;
      BracesCalls next(text_, list_);
      next.at_ = at_ + 1;
      next.Skip();
      if (next.Rest().empty() || next.At('}') || next.At('"') || !next.TextMark().empty()) break;
      const bool named = !next.Word().empty();
      next.Skip();
      if (named && (next.Rest().empty() || next.At(':'))) break;
    }
    return text_.substr(begin, at_ - begin);
  }

  void NoteCut() { list_.Note("the text ended inside the call: what was open is closed"); }

  std::string_view text_;
  CallList& list_;
  std::size_t at_ = 0;
};

}  // namespace

void ReadBracesCalls(std::string_view body, CallList& list) { BracesCalls(body, list).Read(); }

}  // namespace weir::text
