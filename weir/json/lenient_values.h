#pragma once

// The values of a lenient document: strings, numbers and words, calls and parentheses, and arrays
// and objects that lost the bracket before their first value.

#include <cstddef>
#include <string>
#include <string_view>

#include "weir/json/lenient_machine.h"

namespace weir::json::internal {

template <class Sink>
void LenientMachine<Sink>::Value(Place place) {
  const char c = text_[at_];
  std::size_t length = 0;
  if (c == '"') return String(place);
  if (c == '{') return OpenObject();
  if (c == '[') {
    const bool arrows = odd_separators_ || At(After(at_ + 1)) == '\'';
    if (arrows && ArrowArrayAt(at_) != 0) return OpenArrowArray();
    ++at_;
    sink_.BeginArray();
    return Push({});
  }
  if (place == Place::kRoot) return OtherValue(place);
  if (c == '-' || IsDigit(c)) {
    length = NumberLength(text_.substr(at_, 1024));
    if (length == 0 || !LiteralEnds(place, at_ + length)) return OtherValue(place);
    if (place == Place::kMember && At(at_ + length) == ',') {
      OpenListBefore(place, After(at_ + length + 1), at_);
    }
    sink_.Number(text_.substr(at_, length));
  } else if (c == 't' && StartsAt(at_, "true") && LiteralEnds(place, at_ + 4)) {
    length = 4;
    sink_.Bool(true);
  } else if (c == 'f' && StartsAt(at_, "false") && LiteralEnds(place, at_ + 5)) {
    length = 5;
    sink_.Bool(false);
  } else if (c == 'n' && StartsAt(at_, "null") && LiteralEnds(place, at_ + 4)) {
    length = 4;
    sink_.Null();
  } else {
    return OtherValue(place);
  }
  at_ += length;
  frames_.back().any = true;
}

template <class Sink>
void LenientMachine<Sink>::OpenObject() {
  ++at_;
  Push({.object = true, .began = false, .closer = '}'});
}

template <class Sink>
void LenientMachine<Sink>::OtherValue(Place place) {
  const char c = text_[at_];
  if (const std::size_t value = place == Place::kItem ? BehindLayout(at_) : 0) {
    Note(RepairKind::kStrayText, at_);
    at_ = value;
    return Value(place);
  }
  if (StartsAt(at_, "```") && ValueStarts(SkipFence(at_)) && SkipFence(at_) < size()) {
    Note(RepairKind::kFence, at_);
    at_ = SkipFence(at_);
    return Value(place);
  }
  if (QuoteAt(at_).quote != Quote::kNone) return String(place);
  if (const std::size_t prefix = place == Place::kRoot ? 0 : PrefixLength(at_)) {
    Note(RepairKind::kStrayText, at_);
    at_ += prefix;
    return String(place);
  }
  if (c == '(') {
    const Inside inside = LookInto(at_);
    if (inside != Inside::kText) return OpenParentheses(inside);
  }
  if (ArrowArrayAt(at_) != 0) return OpenArrowArray();
  if (!bare_text_ && IsWord(c) && OpenCall()) return;
  const Word word = ReadWord(place);
  if (word.kind == Word::Kind::kEllipsis) {
    if (place == Place::kItem) frames_.back().after_value = false;
    if (place != Place::kMember) return;
    Note(RepairKind::kMissingValue, at_);
  }
  if (!frames_.empty()) frames_.back().any = true;
  switch (word.kind) {
    case Word::Kind::kEllipsis:
    case Word::Kind::kNull:
      return sink_.Null();
    case Word::Kind::kTrue:
      return sink_.Bool(true);
    case Word::Kind::kFalse:
      return sink_.Bool(false);
    case Word::Kind::kNumber:
      return sink_.Number(word.text);
    case Word::Kind::kString:
      return sink_.String(word.text);
  }
}

template <class Sink>
void LenientMachine<Sink>::OpenParentheses(Inside inside) {
  Note(RepairKind::kParentheses, at_++);
  if (inside == Inside::kSeveral) sink_.BeginArray();
  Push({.transparent = inside == Inside::kOne, .closer = ')'});
}

// ['a' => 1], as PHP prints an object.
template <class Sink>
void LenientMachine<Sink>::OpenArrowArray() {
  const bool square = text_[at_] == '[';
  Note(square ? RepairKind::kWrongCloser : RepairKind::kCall, at_);
  at_ += ArrowArrayAt(at_);
  Push({.object = true, .began = false, .closer = square ? ']' : ')'});
}

// ObjectId("1"): the name is dropped, its one argument is the value.
template <class Sink>
bool LenientMachine<Sink>::OpenCall() {
  std::size_t name = at_ + (StartsAt(at_, "new ") ? 4 : 0);
  while (name < size() && (IsWord(text_[name]) || text_[name] == '.')) ++name;
  if (At(name) != '(' || LookInto(name) != Inside::kOne || !ValueStarts(After(name + 1))) {
    return false;
  }
  Note(RepairKind::kCall, at_);
  at_ = name + 1;
  Push({.transparent = true, .closer = ')'});
  return true;
}

// The common case of a string: plain text, and behind it what surely follows a value here.
template <class Sink>
bool LenientMachine<Sink>::PlainString(Place place) {
  const std::size_t end = PlainStringEnd();
  if (end == 0 || place == Place::kRoot) return false;
  const std::size_t next = end + 1;
  const char c = At(next);
  if (c == ',') {
    const std::size_t after = After(next + 1);
    if (At(after) != '"') return false;
    if (place == Place::kMember && !KeySurelyAt(after)) return false;
  } else if (c == '\n') {
    if (At(After(next)) != frames_.back().closer) return false;
  } else {
    const char first = At(After(next + 2));
    const bool goes_on =
        At(next + 1) == '\n' || (At(next + 1) == ',' && (first == '"' || first == '{'));
    if (c != frames_.back().closer || !goes_on) return false;
  }
  frames_.back().any = true;
  sink_.String(text_.substr(at_ + 1, end - at_ - 1));
  at_ = next;
  return true;
}

template <class Sink>
bool LenientMachine<Sink>::PlainKey() {
  const std::size_t end = PlainStringEnd();
  if (end == 0 || At(end + 1) != ':') return false;
  if (frames_.back().after_value) Note(RepairKind::kMissingComma, at_);
  const std::string_view key = text_.substr(at_ + 1, end - at_ - 1);
  at_ = end + (At(end + 2) == ' ' ? 3 : 2);
  AddKey(key);
  return true;
}

template <class Sink>
void LenientMachine<Sink>::String(Place place) {
  if (text_[at_] == '"' && PlainString(place)) return;
  const std::size_t begin = at_;
  const std::string_view text = ReadString(place);
  const std::size_t next = After(at_);
  const char c = At(next);
  const std::size_t colon = ColonLength(next);
  if (colon != 0 && !string_cut_ && ValueStarts(After(next + colon))) {
    return KeyWithoutOpener(text, begin, next + colon);
  }
  if (string_cut_ && text.empty() && place == Place::kItem) return;  // nothing of it has come
  if (!frames_.empty()) frames_.back().any = true;
  if (c == ',' && place != Place::kItem) OpenListBefore(place, After(next + 1), begin);
  sink_.String(text);
}

// Before the event of a value: opens the array that it begins, when that has lost its bracket.
// `after` is behind the comma that follows the value.
template <class Sink>
void LenientMachine<Sink>::OpenListBefore(Place place, std::size_t after, std::size_t begin) {
  if (KeySurelyAt(after)) return;
  if (place == Place::kRoot ? !ListEndsWithoutOpener(after) : !ListLacksOpener(after)) return;
  Note(RepairKind::kMissingOpener, begin);
  sink_.BeginArray();
  Push({.after_value = true, .any = true});
}

// The common case of a key, looked at without all the others.
template <class Sink>
bool LenientMachine<Sink>::KeySurelyAt(std::size_t place) const {
  if (At(place) != '"') return false;
  const std::size_t end = text_.find('"', place + 1);
  return end != text_.npos && At(end + 1) == ':';
}

// A string with a colon behind it where no key belongs: a bracket is missing before it.
template <class Sink>
void LenientMachine<Sink>::KeyWithoutOpener(std::string_view key, std::size_t begin,
                                            std::size_t value) {
  at_ = value;
  if (!frames_.empty() && !frames_.back().object && frames_.back().any &&
      frames_.back().first_key != Hash(key)) {
    const std::size_t outer = !InObject()              ? OuterGoesOn(value)
                              : ItemLacksOpener(value) ? 0
                                                       : frames_.size() - 1;
    if (outer != 0) {
      CloseDownTo(outer, begin);
      return AddKey(key);
    }
  }
  Note(RepairKind::kMissingOpener, begin);
  Push({.object = true, .began = false, .closer = '}'});
  AddKey(key);
}

}  // namespace weir::json::internal
