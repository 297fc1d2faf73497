#pragma once

// The structure of a lenient document: which container a value belongs to, and what becomes of
// brackets, commas and colons that are missing, wrong or too many. `Sink` has the events of Builder
// and Writer.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "weir/json/lenient_scanner.h"

namespace weir::json::internal {

template <class Sink>
class LenientMachine : LenientScanner {
 public:
  LenientMachine(std::string_view text, const LenientOptions& options, RepairReport& report,
                 Sink& sink)
      : LenientScanner(text, options, report), sink_(sink) {}

  // Sends the events of all documents, one after the other. Returns how many there were; 0 when the
  // text is refused, error() says why.
  std::size_t Run() {
    if (!FindFirst()) return 0;
    std::size_t documents = 0;
    do {
      if (++documents == 2) Note(RepairKind::kSeveralDocuments, at_);
      Value(Place::kRoot);
      while (!frames_.empty() && error_.empty()) Step();
      if (!error_.empty()) return 0;
      if (string_cut_) CutOff();
    } while (FindNext());
    if (!report_.complete && text_before_ && options_.strictness != Strictness::kSalvage) {
      error_ =
          "a document stands in text and was cut off; strictness `salvage` takes what is there";
      return 0;
    }
    return documents;
  }

  const std::string& error() const { return error_; }
  std::size_t offset() const { return at_; }

 private:
  void Step() {
    SkipSpace();
    if (AtEnd()) return CloseAll();
    if (text_[at_] == '`' && StartsAt(at_, "```") && FenceEndsHere()) return;
    frames_.back().object ? Member() : Item();
  }

  // Behind a value that stood in a fence of its own, or at the end of a fence around a document
  // that was cut off.
  bool FenceEndsHere() {
    const Frame& top = frames_.back();
    const std::size_t inside = SkipFence(at_);
    const bool opens = At(inside) == '{' || At(inside) == '[';
    const bool awaits = top.value_next || (top.object ? !top.any : !top.after_value);
    if (awaits && opens) return false;
    std::size_t next = at_;
    while (At(next) == '`') ++next;
    const bool quotes = top.value_next && next < size() && Afford(size() - next) &&
                        text_.find("```", next) != text_.npos;
    if (quotes) return false;
    next = After(next);
    Note(RepairKind::kFence, at_);
    if (At(next) != ',' && !IsCloser(At(next))) {
      CloseAll();
    } else {
      at_ = next;
    }
    return true;
  }

  // Whether the innermost container is a member of an object.
  bool InObject() const { return frames_.size() > 1 && frames_[frames_.size() - 2].object; }

  // Whether a semicolon at at_ stands between two values, as a comma should.
  bool SemicolonSeparates() const {
    return At(at_) == ';' && (frames_.back().after_value || odd_separators_);
  }

  void Comma() {
    Frame& top = frames_.back();
    if (!top.after_value) Note(RepairKind::kExtraComma, at_);
    if (top.after_value) top.comma_at = at_;
    if (text_[at_] == ';') {
      odd_separators_ = true;
      if (top.after_value && !IsCloser(At(After(at_ + 1)))) Note(RepairKind::kMissingComma, at_);
    }
    const std::size_t length = CommaLength(at_);
    if (length > 1 && top.after_value) Note(RepairKind::kMissingComma, at_);
    top.after_value = false;
    at_ += std::max<std::size_t>(length, 1);
  }

  void Item() {
    Frame& top = frames_.back();
    const char c = text_[at_];
    if (c == top.closer) return EndArray();
    if (top.transparent && top.after_value) {
      Note(RepairKind::kMissingCloser, at_);
      return Close();
    }
    if (CommaLength(at_) != 0 || SemicolonSeparates()) return Comma();
    if (IsCloser(c)) return WrongCloser(c);
    if (c == ')') return StrayParenthesis();
    if (c == ':') {
      Note(RepairKind::kExtraColon, at_++);
      return;
    }
    if (const std::size_t outer = BareKeyOfOuter()) {
      if (top.after_value) Note(RepairKind::kMissingComma, at_);
      top.comma_at = std::string_view::npos;
      CloseDownTo(outer, at_);
      frames_.back().after_value = false;
      return;
    }
    if (top.after_value && EllipsisLength(at_) == 0) Note(RepairKind::kMissingComma, at_);
    const bool after_array = top.array_last;
    top.comma_at = std::string_view::npos;
    top.after_value = true;
    top.array_last = c == '[';
    if (after_array && c != '[' && c != '{' && InObject() && RowLacksOpener(at_)) {
      Note(RepairKind::kMissingOpener, at_);
      top.array_last = true;
      top.any = true;
      sink_.BeginArray();
      Push({});
      return;
    }
    Value(Place::kItem);
  }

  void EndArray() {
    const std::size_t next = After(at_ + 1);
    if (text_[at_] == ']' && At(next) == ',' && InObject() && At(After(next + 1)) == '[') {
      // {"a": [1], [2]}: the array goes on.
      Note(RepairKind::kExtraCloser, at_);
      Note(RepairKind::kExtraOpener, After(next + 1));
      at_ = After(next + 1) + 1;
      frames_.back().after_value = false;
      return;
    }
    if (frames_.size() == 1 && At(next) == ',' && ListEndsWithoutOpener(After(next + 1))) {
      Note(RepairKind::kExtraCloser, at_++);
      return;
    }
    ++at_;
    Close();
  }

  void Member() {
    Frame& top = frames_.back();
    const char c = text_[at_];
    if (top.value_next) {
      if (c == ':') {
        Note(RepairKind::kExtraColon, at_++);
        return;
      }
      top.value_next = false;
      top.after_value = true;
      if (c != ',' && c != ';' && !IsCloser(c)) return Value(Place::kMember);
      Note(RepairKind::kMissingValue, at_);
      return sink_.Null();
    }
    if (c == top.closer) return EndObject();
    switch (c) {
      case ',':
        return Comma();
      case ';':
        if (SemicolonSeparates()) return Comma();
        break;
      case '}':
      case ']':
        return WrongCloser(c);
      case ')':
        if (frames_.size() > 1 && frames_[frames_.size() - 2].closer == ')') {
          Note(RepairKind::kMissingCloser, at_);
          return Close();
        }
        return StrayParenthesis();
      case ':':
      case '=':
        Note(RepairKind::kExtraColon, at_++);
        return;
      case '\xEF':
        if (CommaLength(at_) != 0) return Comma();
        break;
      case '.':
      case '\xE2':
        if (EllipsisLength(at_) != 0) return Ellipsis();
        break;
      case '[':
        if (EllipsisLength(at_) != 0) return Ellipsis();
        return OpenerForKey();
      case '{':
        return OpenerForKey();
      case '`':
        if (!top.any && StartsAt(at_, "```")) return FenceForKey();
        break;
      default:
        break;
    }
    KeyOrStrayLine();
  }

  // A key, perhaps one of an object further out, or a line of prose before the next key.
  void KeyOrStrayLine() {
    Frame& top = frames_.back();
    if (const std::size_t outer = top.column == 0 ? 0 : OuterColumn()) {
      if (top.after_value) Note(RepairKind::kMissingComma, at_);
      top.comma_at = std::string_view::npos;
      CloseDownTo(outer, at_);
      frames_.back().after_value = false;
    }
    if (const std::size_t next = text_[at_] == '"' ? 0 : StrayLineEnd(at_, true)) {
      Note(RepairKind::kStrayText, at_);
      at_ = next;
      return;
    }
    Key();
  }

  void StrayParenthesis() {
    const bool closes = ParenthesisCloses(at_);
    Note(closes ? RepairKind::kWrongCloser : RepairKind::kExtraCloser, at_++);
    if (closes) Close();
  }

  void Ellipsis() {
    Note(RepairKind::kEllipsis, at_);
    at_ += EllipsisLength(at_);
    frames_.back().comma_at = std::string_view::npos;
  }

  void EndObject() {
    const Frame& top = frames_.back();
    const bool root = frames_.size() == 1;
    std::size_t comma = After(at_ + 1);
    while (root && IsCloser(At(comma))) comma = After(comma + 1);
    if (At(comma) == ',' && !InObject() && top.any) {
      // {"a": 1}, "b": 2}: the bracket came too early, unless another object begins like this one.
      const std::size_t key = After(comma + 1);
      if (QuoteAt(key).quote != Quote::kNone && (root ? KeyFollows(key) : QuotedKeyFollows(key)) &&
          (root || HashOfKeyAt(key) != top.first_key) && !IsKeyOfOuter(key)) {
        for (; at_ < comma; at_ = After(at_ + 1)) Note(RepairKind::kExtraCloser, at_);
        return;
      }
    }
    ++at_;
    if (top.doubled && At(at_) == '}' && !root &&
        (doubled_braces_ || Fits(frames_.size() - 1, After(at_ + 1)))) {
      Note(RepairKind::kExtraCloser, at_++);
    }
    Close();
  }

  void OpenerForKey() {
    Frame& top = frames_.back();
    const bool in_array = frames_.size() > 1 && !frames_[frames_.size() - 2].object &&
                          !frames_[frames_.size() - 2].transparent;
    const std::size_t next = After(at_ + 1);
    const bool doubled = !top.any && text_[at_] == '{' &&
                         (ValueStarts(next) || (doubled_braces_ && At(next) == '}'));
    if (in_array && text_[at_] == '{' && !doubled) {
      Note(RepairKind::kMissingCloser, at_);
      return Close();
    }
    top.doubled = doubled;
    doubled_braces_ = doubled_braces_ || (doubled && !InObject());
    Note(RepairKind::kExtraOpener, at_++);
  }

  // {```json {"a": 1} ```}: the outer bracket is dropped.
  void FenceForKey() {
    Note(RepairKind::kExtraOpener, at_);
    Note(RepairKind::kFence, at_);
    at_ = SkipFence(at_);
    frames_.pop_back();
    if (AtEnd()) return;
    Value(frames_.empty() ? Place::kRoot : frames_.back().object ? Place::kMember : Place::kItem);
  }

  void Key() {
    if (!frames_.back().any) frames_.back().column = ColumnOf(at_);
    if (text_[at_] == '"' && PlainKey()) return;
    const bool quoted = QuoteAt(at_ + BoldLength(at_)).quote != Quote::kNone;
    const std::size_t bold = quoted ? BoldLength(at_) : 0;
    if (bold != 0) Note(RepairKind::kStrayText, at_);
    at_ += bold;
    Frame& top = frames_.back();
    const std::size_t begin = at_;
    const bool bare = QuoteAt(at_).quote == Quote::kNone;
    if (top.after_value && !bare) Note(RepairKind::kMissingComma, at_);
    const std::string_view key = bare ? ReadBareKey() : ReadString(Place::kKey);
    if (bold != 0) at_ += BoldLength(at_);
    SkipSpace();
    if (string_cut_ && key.empty()) return;  // nothing of it has come
    const char c = At(at_);
    if (bare && (QuotedKeyFollows(at_) || ((c == '}' || AtEnd()) && top.after_value))) {
      Note(RepairKind::kStrayText, begin);
      return;
    }
    if (top.after_value && bare) Note(RepairKind::kMissingComma, begin);
    const bool number = bare && NumberLength(key) == key.size();
    if (!top.any && ((c == ',' && !AtEnd()) || (c == '}' && number))) return BecomeSet(key, number);
    odd_separators_ = odd_separators_ || c == '=';
    const bool assigns = StartsAt(at_, ":=") && IsBlank(At(at_ + 2));
    if ((c != ':' && c != ',' && !AtEnd() && !IsCloser(c)) || assigns) {
      Note(RepairKind::kMissingColon, at_);
    }
    at_ += assigns || StartsAt(at_, "->") ? 2 : ColonLength(at_);
    AddKey(key);
  }

  void AddKey(std::string_view key) {
    Frame& top = frames_.back();
    if (!top.began) sink_.BeginObject();
    if (!top.any) top.first_key = Hash(key);
    top.began = true;
    top.any = true;
    top.comma_at = std::string_view::npos;
    top.after_value = false;
    top.value_next = true;
    sink_.Key(key);
  }

  void BecomeSet(std::string_view key, bool number) {
    Frame& top = frames_.back();
    Note(RepairKind::kSet, at_);
    top.object = false;
    top.began = true;
    top.any = true;
    top.after_value = true;
    sink_.BeginArray();
    number ? sink_.Number(key) : sink_.String(key);
  }

  // "]" where "}" was expected, or the other way round.
  void WrongCloser(char c) {
    std::size_t match = frames_.size();
    while (match > 0 && frames_[match - 1].closer != c) --match;
    const std::size_t next = After(at_ + 1);
    const std::size_t depth = frames_.size() - 1;
    const bool typo = Fits(depth, next);
    const bool early = match > 0 && Fits(match - 1, next);
    const bool extra = Fits(frames_.size(), next) && (!typo || MembersStay(next));
    if (extra && (!early || GoesOnRather(frames_.size(), match - 1, next))) {
      Note(RepairKind::kExtraCloser, at_++);
      return;
    }
    if (match == 0 || (typo && (!early || GoesOnRather(depth, match - 1, next)))) {
      Note(RepairKind::kWrongCloser, at_++);
      return Close();
    }
    CloseDownTo(match, at_);
    // The container that matches is on top now and sees the bracket again.
  }

  // lenient_values.h

  void Value(Place place);
  void OpenObject();
  void OtherValue(Place place);
  void OpenParentheses(Inside inside);
  void OpenArrowArray();
  bool OpenCall();
  bool PlainString(Place place);
  bool PlainKey();
  void String(Place place);
  void OpenListBefore(Place place, std::size_t after, std::size_t begin);
  bool KeySurelyAt(std::size_t place) const;
  void KeyWithoutOpener(std::string_view key, std::size_t begin, std::size_t value);

  void Push(Frame frame) {
    if (!frames_.empty()) frames_.back().any = true;
    frames_.push_back(frame);
    if (frames_.size() > options_.max_depth) {
      error_ = "arrays and objects are nested deeper than the limit (max_depth)";
    }
  }

  // Ends the innermost container. Its closing bracket, if there is one, was skipped.
  void Close() {
    const Frame top = frames_.back();
    frames_.pop_back();
    if (top.value_next) {
      Note(RepairKind::kMissingValue, at_);
      sink_.Null();
    }
    const bool dangling = top.comma_at != std::string_view::npos && !top.after_value;
    if (dangling && !cut_) Note(RepairKind::kExtraComma, top.comma_at);
    if (!top.began) sink_.BeginObject();
    if (top.object) {
      sink_.EndObject();
    } else if (!top.transparent) {
      sink_.EndArray();
    } else if (!top.any) {
      Note(RepairKind::kMissingValue, at_);
      sink_.Null();
    }
    if (frames_.empty()) return;
    Frame& around = frames_.back();
    around.after_value = true;
    around.comma_at = std::string_view::npos;
    around.value_next = false;
    if (top.object) around.first_key = around.object ? around.first_key : top.first_key;
  }

  // Where brackets are missing, at `place`.
  void CloseDownTo(std::size_t depth, std::size_t place) {
    while (frames_.size() > depth) {
      Note(RepairKind::kMissingCloser, place);
      Close();
    }
  }

  void CutOff() {
    string_cut_ = false;
    report_.complete = false;
    Note(RepairKind::kCutOff, size());
  }

  void CloseAll() {
    CutOff();
    cut_ = true;
    while (!frames_.empty()) Close();
    cut_ = false;
  }

  Sink& sink_;
  bool cut_ = false;  // the containers are closed because the text ended
};

}  // namespace weir::json::internal
