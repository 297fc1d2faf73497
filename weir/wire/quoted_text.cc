#include "weir/wire/quoted_text.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::wire {
namespace {

constexpr std::size_t kEscape = 2;         // \n
constexpr std::size_t kUnit = 6;           // \u00e4
constexpr std::size_t kPair = 2 * kUnit;   // \ud83d\ude00
constexpr std::size_t kMostBlanks = 4096;  // before the string; more are text

bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

bool IsHighSurrogate(std::string_view unit) {
  const auto is = [&](std::size_t i, std::string_view set) {
    return set.find(unit[i]) != set.npos;
  };
  return is(2, "dD") && is(3, "89abAB");
}

// How long the sequence is that begins so, as far as can be told.
std::size_t LengthOf(std::string_view begun) {
  if (begun.size() < kEscape) return kEscape;
  if (begun[1] != 'u') return kEscape;
  if (begun.size() < kUnit || !IsHighSurrogate(begun)) return kUnit;
  constexpr std::string_view kSecond = "\\u";
  const std::string_view second = begun.substr(kUnit, kSecond.size());
  return kSecond.starts_with(second) ? kPair : kUnit;
}

// The characters of escape sequences; as they came if they are none.
std::string Decoded(std::string_view escapes) {
  const auto read = json::Read(StrCat("\"", escapes, "\""));
  return std::string(read ? read->StringOr("") : escapes);
}

}  // namespace

std::string QuotedText::Feed(std::string_view bytes) {
  std::string out;
  while (place_ == Place::kBefore && !bytes.empty()) {
    const char c = bytes.front();
    if (c == '"') {
      place_ = Place::kInside;
      held_.clear();
      bytes.remove_prefix(1);
    } else if (IsBlank(c) && held_.size() < kMostBlanks) {
      held_ += c;
      bytes.remove_prefix(1);
    } else {
      place_ = Place::kBehind;
      out = std::exchange(held_, {});
    }
  }
  while (place_ == Place::kInside && !bytes.empty()) TakeInside(bytes, out);
  if (place_ == Place::kBehind) out += bytes;
  return out;
}

// A run of plain bytes, or one byte of an escape sequence, or the end of the string.
void QuotedText::TakeInside(std::string_view& bytes, std::string& out) {
  if (held_.empty()) {
    const std::size_t run = std::min(bytes.find_first_of("\"\\"), bytes.size());
    out += bytes.substr(0, run);
    bytes.remove_prefix(run);
    if (bytes.empty()) return;
    if (bytes.front() == '"') {
      place_ = Place::kBehind;
    } else {
      held_ = '\\';
    }
    bytes.remove_prefix(1);
    return;
  }
  // What does not go on a pair is looked at anew.
  const bool ends_unit = held_.size() >= kUnit && LengthOf(held_ + bytes.front()) == kUnit;
  if (ends_unit) {
    out += Decoded(held_.substr(0, kUnit));
    std::string rest = held_.substr(kUnit);
    held_.clear();
    for (std::string_view left = rest; !left.empty() && place_ == Place::kInside;) {
      TakeInside(left, out);
    }
    return;
  }
  held_ += bytes.front();
  bytes.remove_prefix(1);
  if (held_.size() < LengthOf(held_)) return;
  out += Decoded(held_);
  held_.clear();
}

std::string QuotedText::Finish() {
  const bool inside = place_ == Place::kInside;
  place_ = Place::kBehind;
  const std::string held = std::exchange(held_, {});
  return inside && held.size() == kUnit ? Decoded(held) : held;
}

std::string Unquoted(std::string_view text) {
  QuotedText quoted;
  std::string out = quoted.Feed(text);
  return out + quoted.Finish();
}

}  // namespace weir::wire
