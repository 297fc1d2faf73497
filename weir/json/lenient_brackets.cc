// What the brackets further on tell about those that are missing or too many. Every look is
// bounded, or paid for.

#include <algorithm>
#include <functional>

#include "weir/json/lenient_scanner.h"

namespace weir::json::internal {
namespace {

constexpr std::size_t kLineWindow = 512;
constexpr std::size_t kColumns = 256;
constexpr std::size_t kListWindow = 4096;

}  // namespace

// Whether the closers behind a value may be meant to close what is open; `quote` began the value.
bool LenientScanner::ClosersFit(Place place, std::size_t closers, Quote quote) {
  std::size_t depth = frames_.size();
  bool wrong = false;
  std::size_t next = closers;
  std::size_t behind = closers;
  for (; IsCloser(At(next)); next = After(behind)) {
    if (!Afford(1)) return true;
    std::size_t match = depth;
    while (match > 0 && frames_[match - 1].closer != text_[next]) --match;
    if (match != depth) {
      wrong = true;
      if (!Afford(depth)) return true;
    }
    depth = match > 0 ? match - 1 : depth - (depth > 0 ? 1 : 0);
    behind = next + 1;
  }
  if (next >= size()) return true;
  const char c = text_[next];
  if (c == ';') return FitsAfter(depth, next + 1);
  if (const std::size_t comma = CommaLength(next)) {
    if (FitsAfter(depth, next + comma)) return true;
    // A stray word among items: the bracket stands on a line of its own.
    return !frames_[depth - 1].object && ColumnOf(closers) != 0;
  }
  if (wrong) return false;
  if (text_.substr(behind, next - behind).find('\n') != std::string_view::npos) return true;
  if (depth == 0) return !RootGoesOn(place, next, quote);
  if (QuoteAt(next).quote != Quote::kNone) {
    return frames_[depth - 1].object ? KeyFollows(next) : next > behind && ItemFollows(next);
  }
  return c == '{' || c == '[' || c == '/' || c == '#' || c == ')' || EllipsisLength(next) != 0;
}

// Whether what stands at `next`, closers and then something else, goes on where `depth` containers
// are open.
bool LenientScanner::Fits(std::size_t depth, std::size_t next) {
  for (; IsCloser(At(next)); next = After(next + 1)) {
    if (depth == 0 || frames_[depth - 1].closer != text_[next] || !Afford(1)) return false;
    --depth;
  }
  if (next >= size()) return depth == 0;
  if (text_[next] != ',') return true;
  if (depth == 0) return false;
  const std::size_t after = After(next + 1);
  if (frames_[depth - 1].object) return KeyFollows(after) || IsCloser(At(after));
  return !QuotedKeyFollows(after);
}

// Whether the parenthesis at `place`, which nothing opened, stands for a bracket.
bool LenientScanner::ParenthesisCloses(std::size_t place) {
  const std::size_t next = After(place + 1);
  if (next < size() && At(next) != ',' && !IsCloser(At(next))) return false;
  const std::size_t depth = frames_.size();
  return Fits(depth - 1, next) && (!Fits(depth, next) || GoesOnRather(depth - 1, depth, next));
}

// Whether the members behind the comma at `comma` are of the innermost object and not of the one
// around: only then the closers behind them are right.
bool LenientScanner::MembersStay(std::size_t comma) {
  if (At(comma) != ',' || !frames_.back().object) return false;
  const std::size_t end = MembersEnd(comma + 1);
  std::size_t behind = 0;
  return ClosersMatch(frames_.size(), end, &behind) &&
         !ClosersMatch(frames_.size() - 1, end, &behind);
}

// Whether the closers behind the comma at `comma` are those of `depth` open containers, where those
// of `other` would not do.
bool LenientScanner::GoesOnRather(std::size_t depth, std::size_t other, std::size_t comma) {
  for (std::size_t steps = 0; steps < 4 && At(comma) == ','; ++steps) {
    const std::size_t end = MembersEnd(comma + 1);
    std::size_t behind = 0;
    const bool other_fits = ClosersMatch(other, end, &behind);
    const bool fits = ClosersMatch(depth, end, &behind);
    if (!fits || !other_fits) return fits;
    const std::size_t closers =
        static_cast<std::size_t>(std::ranges::count_if(text_.substr(end, behind - end), IsCloser));
    depth -= closers;
    other -= closers;
    comma = behind;
  }
  return false;
}

// Whether the words at `behind`, which closers seem to cut off from the document, are text of a
// string of it: the string's last mark stands on this line, and the text ends with the right
// closer.
bool LenientScanner::RootGoesOn(Place place, std::size_t behind, Quote quote) {
  const char c = At(behind);
  std::size_t from = behind;
  // A mark at a closer, as in "}" of a text, is not yet the last one.
  if (QuoteAt(from).quote == quote && IsCloser(text_[from - 1])) from += QuoteAt(from).length;
  if (c == '{' || c == '[' || c == '<' || QuoteAt(from).quote == quote) return false;
  if (last_closer_ == 0) last_closer_ = text_.find_last_not_of(" \t\r\n`;") + 1;
  if (last_closer_ <= behind || text_[last_closer_ - 1] != frames_.front().closer) return false;
  const std::size_t last = std::min(size(), from + kLineWindow);
  for (std::size_t i = from; i < last && text_[i] != '\n'; ++i) {
    const QuoteMark mark = QuoteAt(i);
    if (text_[i] == '\\') {
      ++i;
    } else if (mark.quote != Quote::kNone && Ends(quote, mark.quote)) {
      return ValueSurelyEnds(place, i + mark.length);
    }
  }
  return false;
}

// Whether a value in an array of arrays, at `place`, begins a row that lost its bracket.
bool LenientScanner::RowLacksOpener(std::size_t place) {
  const std::size_t end = NextBracket(place);
  if (At(end) != ']') return false;
  const std::size_t next = After(end + 1);
  return At(next) == ']' || (At(next) == ',' && At(After(next + 1)) == '[');
}

// Whether the list of values at `place`, in an object, ends with a bracket that nothing opened.
bool LenientScanner::ListLacksOpener(std::size_t place) {
  if (KeyFollows(place) || !ValueStarts(place)) return false;
  if (At(place) != '{' && At(place) != '[') return At(NextBracket(place)) == ']';
  // An object here is rather the next item, where the one that is open lost its closer.
  if (frames_.size() > 1 && !frames_[frames_.size() - 2].object) return false;
  const std::size_t end = MembersEnd(place);
  return At(end) == ']' && ValueSurelyEnds(Place::kMember, end + 1);
}

// Whether the values at `place` are the last ones of a list whose bracket ends the text.
bool LenientScanner::ListEndsWithoutOpener(std::size_t place) {
  if (!ValueStarts(place)) return false;
  const std::size_t end = MembersEnd(place);
  return At(end) == ']' && After(end + 1) >= size();
}

// Whether the members at `place` are of an object in the innermost array, and not of the one around
// it: their closer and the next fit only that.
bool LenientScanner::ItemLacksOpener(std::size_t place) {
  const std::size_t end = MembersEnd(place);
  if (At(end) != '}') return false;
  const std::size_t next = After(end + 1);
  std::size_t behind = 0;
  if (ClosersMatch(frames_.size(), next, &behind)) return true;
  // More items may follow, where the object around is no item itself.
  if (At(next) != ',' || (frames_.size() > 2 && !frames_[frames_.size() - 3].object)) return false;
  return ValueStarts(After(next + 1)) && ClosersMatch(frames_.size(), MembersEnd(next), &behind);
}

// The first place outside of strings where `ends` says so; the size of the text when it is too far.
template <typename Ends>
std::size_t LenientScanner::FindOutsideStrings(std::size_t place, Ends ends) {
  const std::size_t last = std::min(size(), place + kListWindow);
  char quote = 0;
  for (std::size_t i = place; i < last; ++i) {
    if (!Afford(1)) break;
    const char c = text_[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (ends(c)) {
      return i;
    }
  }
  return size();
}

// The first bracket or colon.
std::size_t LenientScanner::NextBracket(std::size_t place) {
  return FindOutsideStrings(place,
                            [](char c) { return c == '{' || c == '[' || c == ':' || IsCloser(c); });
}

// The closer behind the members at `place`, of the object that holds them; the size of the text
// when it is too far.
std::size_t LenientScanner::MembersEnd(std::size_t place) {
  std::size_t depth = 0;
  return FindOutsideStrings(place, [&depth](char c) {
    if (c == '{' || c == '[') ++depth;
    return IsCloser(c) && depth-- == 0;
  });
}

// Whether the closers at `place` are the very ones that `depth` open containers need, and what
// stands at `behind` them goes on there.
bool LenientScanner::ClosersMatch(std::size_t depth, std::size_t place, std::size_t* behind) {
  if (!IsCloser(At(place))) return false;
  std::size_t next = place;
  for (; IsCloser(At(next)); next = After(next + 1)) {
    if (!Afford(1) || depth == 0 || frames_[depth - 1].closer != text_[next]) return false;
    --depth;
  }
  *behind = next;
  if (depth == 0 || next >= size()) return depth == 0 && At(next) != ',';
  return At(next) == ',' && FitsAfter(depth, next + 1);
}

std::size_t LenientScanner::Hash(std::string_view key) {
  return std::hash<std::string_view>()(key.substr(0, 64)) | 1;
}

std::size_t LenientScanner::HashOfKeyAt(std::size_t place) const {
  const QuoteMark mark = QuoteAt(place);
  const std::string_view rest = text_.substr(std::min(place + mark.length, size()), kKeyWindow);
  if (mark.quote != Quote::kNone) return Hash(rest.substr(0, rest.find(text_[place])));
  return Hash(rest.substr(0, std::ranges::find_if_not(rest, IsWord) - rest.begin()));
}

// How many containers are open down to the innermost object around the one on top; 0 if none is.
std::size_t LenientScanner::OuterObject() {
  std::size_t depth = frames_.size() - 1;
  for (; depth > 0 && !frames_[depth - 1].object; --depth) {
    if (!Afford(1)) return 0;
  }
  return depth;
}

// The same when the members at `place` are of that object: the brackets behind them would be the
// right ones. Else 0.
std::size_t LenientScanner::OuterGoesOn(std::size_t place) {
  std::size_t behind = 0;
  const std::size_t outer = OuterObject();
  return outer != 0 && ClosersMatch(outer, MembersEnd(place), &behind) ? outer : 0;
}

// The same for a key without quotation marks that stands where an item belongs.
std::size_t LenientScanner::BareKeyOfOuter() {
  const bool key =
      bare_keys_ && !IsDigit(text_[at_]) && QuoteAt(at_).quote == Quote::kNone && KeyFollows(at_);
  return key ? OuterGoesOn(at_) : 0;
}

// Whether the key behind an object in an array is one of the object around the array, which lost
// its bracket, and not one of the inner object.
bool LenientScanner::IsKeyOfOuter(std::size_t key) {
  const std::size_t outer = OuterObject();
  if (outer == 0) return false;
  const std::size_t end = MembersEnd(key);
  std::size_t behind = 0;
  if (!ClosersMatch(outer, end, &behind)) return false;
  if (!ClosersMatch(frames_.size(), end, &behind)) return true;
  // The brackets would do for both, but the next object begins like the one around.
  const std::size_t next = After(behind + 1);
  return At(behind) == ',' && At(next) == '{' &&
         HashOfKeyAt(After(next + 1)) == frames_[outer - 1].first_key;
}

// How many blanks stand before `place` on its line; 0 when other things do.
std::size_t LenientScanner::ColumnOf(std::size_t place) const {
  std::size_t begin = place;
  while (begin > 0 && place - begin < kColumns && text_[begin - 1] == ' ') --begin;
  return begin > 0 && text_[begin - 1] == '\n' ? place - begin : 0;
}

// Whether the text ends inside its brackets.
bool LenientScanner::LacksClosers() {
  if (balance_ != Balance::kUnknown) return balance_ == Balance::kLacksClosers;
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < size(); ++i) {
    const char c = text_[i];
    if (c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '{' || c == '[')) {
      ++depth;
    } else if (!quoted && IsCloser(c) && depth > 0) {
      --depth;
    }
  }
  balance_ = depth > 0 ? Balance::kLacksClosers : Balance::kFits;
  return depth > 0;
}

// When a closer is missing and the key at at_ stands in the column of the keys of an object further
// out: how many containers are open down to that. Else 0.
std::size_t LenientScanner::OuterColumn() {
  const std::size_t own = frames_.back().column;
  if (!frames_.back().any || (at_ > own && text_[at_ - own - 1] == '\n')) return 0;
  const std::size_t column = ColumnOf(at_);
  if (column == 0 || column >= own) return 0;
  for (std::size_t depth = frames_.size() - 1; depth > 0 && Afford(1); --depth) {
    const Frame& frame = frames_[depth - 1];
    if (frame.object && frame.column == column) return LacksClosers() ? depth : 0;
    if (frame.column != 0 && frame.column < column) return 0;
  }
  return 0;
}

}  // namespace weir::json::internal
