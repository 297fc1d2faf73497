// Looking ahead: what the text at a place would be. Every look is bounded, or paid for.

#include <algorithm>
#include <array>

#include "weir/base/text.h"
#include "weir/json/lenient_scanner.h"

namespace weir::json::internal {
namespace {

constexpr std::size_t kItemWindow = 512;
constexpr std::size_t kLiteralWindow = 512;  // numbers have digits

constexpr std::size_t kWordsWindow = 64;
constexpr std::string_view kNoKey = "\n{}[]()#\\;";

constexpr std::array<std::string_view, 13> kLiterals = {
    "true",  "false", "null", "True", "False",    "None",     "TRUE",
    "FALSE", "NULL",  "NaN",  "Null", "Infinity", "undefined"};

}  // namespace

// The length of the JSON number at the front; 0 if there is none.
std::size_t LenientScanner::NumberLength(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t before = i;
    while (i < text.size() && IsDigit(text[i])) ++i;
    return i > before;
  };
  if (text.starts_with('-')) ++i;
  if (i < text.size() && text[i] == '0') {
    ++i;
  } else if (!digits()) {
    return 0;
  }
  std::size_t end = i;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digits()) return end;
    end = i;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits()) end = i;
  }
  return end;
}

// Whether a number or constant stands there, whole or cut off by the end; `end` is behind it.
bool LenientScanner::LiteralFollows(std::size_t place, std::size_t* end) const {
  std::size_t i = place;
  const std::size_t last = std::min(size(), place + kLiteralWindow);
  while (i < last && (IsWord(text_[i]) || text_[i] == '-' || text_[i] == '+' || text_[i] == '.') &&
         CommaLength(i) == 0) {
    ++i;
  }
  const std::string_view word = text_.substr(place, i - place);
  if (word.empty()) return false;
  *end = i;
  const std::size_t number = NumberLength(word);
  if (number == word.size() || std::ranges::find(kLiterals, word) != kLiterals.end()) return true;
  // What the end of the text has cut off.
  if (i < size()) return false;
  const bool cut = number > 0 && word.find_first_not_of(".eE+-", number) == word.npos;
  return cut || std::ranges::any_of(kLiterals, [&](auto name) { return name.starts_with(word); });
}

bool LenientScanner::ValueStarts(std::size_t place) const {
  if (place >= size()) return true;
  const char c = text_[place];
  std::size_t end = 0;
  return c == '{' || c == '[' || QuoteAt(place).quote != Quote::kNone ||
         LiteralFollows(place, &end);
}

// Whether a number or constant stands there and the member ends behind it.
bool LenientScanner::LiteralEndsMember(std::size_t place) const {
  std::size_t end = 0;
  if (!LiteralFollows(place, &end)) return false;
  const char c = At(After(end));
  return c == ',' || IsCloser(c) || At(end) == '\n';
}

// Whether a key in quotation marks and its colon stand there.
bool LenientScanner::QuotedKeyFollows(std::size_t place) const {
  place += BoldLength(place);
  const QuoteMark open = QuoteAt(place);
  if (open.quote == Quote::kNone) return false;
  const std::size_t begin = place + open.length;
  if (begin < size() && (IsBlank(text_[begin]) || text_[begin] == ',' || text_[begin] == ':')) {
    return false;
  }
  const std::size_t last = std::min(size(), begin + kKeyWindow);
  for (std::size_t i = begin; i < last && text_[i] != '\n'; ++i) {
    if (text_[i] == '\\' && open.quote != Quote::kEscaped) {
      ++i;
      continue;
    }
    const QuoteMark mark = QuoteAt(i);
    if (mark.quote == Quote::kSingle && i > begin && IsWord(text_[i - 1]) && IsWord(At(i + 1))) {
      continue;
    }
    if (mark.quote != Quote::kNone && Ends(open.quote, mark.quote)) {
      const std::size_t end = i + mark.length;
      return ColonLength(After(end + BoldLength(end))) != 0;
    }
  }
  return false;
}

// Whether the bytes beyond ASCII there are a quotation mark, a colon or a comma.
bool LenientScanner::MarkAt(std::size_t place) const {
  const char c = text_[place];
  if (c == '\xEF') return ColonLength(place) + CommaLength(place) != 0;
  return (c == '\xE2' || c == '\xC2') && QuoteAt(place).quote != Quote::kNone;
}

// Whether a key stands there, in quotation marks or without, perhaps with one of them missing.
bool LenientScanner::KeyFollows(std::size_t place) const {
  place += BoldLength(place);
  const QuoteMark open = QuoteAt(place);
  std::size_t i = place + open.length;
  const std::size_t last = std::min(size(), i + kKeyWindow);
  while (i < last && (IsWord(text_[i]) || text_[i] == '-' || text_[i] == '.') && !MarkAt(i)) ++i;
  const bool word = i > place + open.length;
  QuoteMark close = QuoteAt(i);
  if (close.quote == Quote::kEscaped && open.quote != Quote::kEscaped) close = {};
  const bool apostrophe = !Ends(open.quote, close.quote) || IsWord(At(i + close.length));
  if (open.quote != Quote::kNone && apostrophe && QuotedKeyFollows(place))
    return true;  // "it's": 1

  const std::size_t next = After(i + close.length + BoldLength(i + close.length));
  if (word && ColonLength(next) != 0) {
    const bool half = open.quote != Quote::kNone && close.quote == Quote::kNone;
    return text_.substr(next, 3) != "://" && !(half && WholeItemFollows(place));
  }
  if (open.quote == Quote::kNone) {
    if (word && i >= size()) return bare_keys_ && !IsDigit(text_[place]);
    if (!word || next == i || IsDigit(text_[place])) return false;
    const bool value = At(next) == '{' || At(next) == '[' || LiteralEndsMember(next);
    return (bare_keys_ && value) || QuotedKeyFollows(next);
  }
  if (word && close.quote != Quote::kNone) {
    const char c = At(next);  // of the value, when the colon is missing
    const bool apart = next > i + close.length;
    if (!apart && QuoteAt(next).quote == open.quote) {
      return ColonLength(After(next + open.length)) != 0;  // "a"": 1
    }
    return next >= size() || IsDigit(c) || c == '{' || c == '[' || (apart && ValueStarts(next));
  }
  return QuotedKeyFollows(place);
}

// Whether several words there are a key: its last mark and a colon stand behind them, or, where
// keys have no marks, a colon and a value.
bool LenientScanner::WordsAreKey(std::size_t place) const {
  const std::size_t last = std::min(size(), place + kWordsWindow);
  std::size_t i = place;
  while (i < last && kNoKey.find(text_[i]) == kNoKey.npos && QuoteAt(i).quote == Quote::kNone &&
         ColonLength(i) + CommaLength(i) == 0) {
    ++i;
  }
  if (i == place || i == last || IsBlank(text_[i - 1])) return false;
  if (const QuoteMark mark = QuoteAt(i); mark.quote != Quote::kNone) {
    return ColonLength(After(i + mark.length)) != 0;
  }
  const std::size_t colon = ColonLength(i);
  return bare_keys_ && colon != 0 && ValueStarts(After(i + colon));
}

// Behind the mark that may end the string at `place`; 0 when there is none, and the size of the
// text when it is too far away to see.
std::size_t LenientScanner::NextMarkEnd(std::size_t place) const {
  const QuoteMark open = QuoteAt(place);
  const std::size_t last = std::min(size(), place + open.length + kItemWindow);
  for (std::size_t i = place + open.length; i < last; ++i) {
    if (text_[i] == '\\' && open.quote != Quote::kEscaped) {
      ++i;
      continue;
    }
    const QuoteMark mark = QuoteAt(i);
    if (mark.quote != Quote::kNone && Ends(open.quote, mark.quote)) return i + mark.length;
  }
  return last < size() ? size() : 0;
}

// Whether the quotation mark there begins a string that is followed by what may follow an item.
bool LenientScanner::WholeItemFollows(std::size_t place) const {
  const std::size_t end = NextMarkEnd(place);
  const std::size_t next = After(end);
  return end != 0 && (next >= size() || At(next) == ',' || IsCloser(At(next)));
}

// The same, and what stands behind its comma is no text.
bool LenientScanner::WholeItemFits(std::size_t place) const {
  const std::size_t next = After(NextMarkEnd(place));
  return WholeItemFollows(place) && (At(next) != ',' || FitsAfter(frames_.size(), next + 1));
}

// Whether a quoted key stands there, and its value is no bare text.
bool LenientScanner::KeyAndValueFollow(std::size_t place) const {
  if (!KeyFollows(place)) return false;
  const std::size_t colon = After(NextMarkEnd(place));
  return bare_keys_ || ColonLength(colon) == 0 || ValueStarts(After(colon + ColonLength(colon)));
}

// The same, when a comma may be missing too.
bool LenientScanner::ItemFollows(std::size_t place) const {
  if (WholeItemFollows(place)) return true;
  const std::size_t end = NextMarkEnd(place);
  const std::size_t next = After(end);
  return end != 0 && next > end && next < size() && SurelyValue(next);
}

// Whether a value starts there, and what a bracket holds is one too.
bool LenientScanner::SurelyValue(std::size_t place) const {
  if (!ValueStarts(place)) return false;
  if (At(place) != '{' && At(place) != '[') return true;
  const std::size_t first = After(place + 1);
  return IsCloser(At(first)) || (At(place) == '{' ? KeyFollows(first) : ValueStarts(first));
}

// Whether what stands behind a comma, with `depth` containers open, fits there.
bool LenientScanner::FitsAfter(std::size_t depth, std::size_t place) const {
  std::size_t next = After(place);
  while (At(next) == ',') next = After(next + 1);
  if (depth == 0 || next >= size() || IsCloser(At(next)) || At(next) == '/' || At(next) == '#' ||
      EllipsisLength(next) != 0 || StartsAt(next, kHtmlComment) ||
      At(next) == frames_[depth - 1].closer) {
    return true;
  }
  if (frames_[depth - 1].object) {
    return QuoteAt(next).quote != Quote::kNone || KeyFollows(next) ||
           ((At(next) == '[' || At(next) == '{') && ValueStarts(After(next + 1))) ||
           StrayLineEnd(next, true) != 0;
  }
  return ValueStarts(next) || CallFollows(next) || StrayLineEnd(next, false) != 0;
}

// Whether a semicolon, behind which `after` is, stands for a comma: a key or an item follows it, or
// the end.
bool LenientScanner::SemicolonSeparates(Place place, std::size_t after) const {
  const std::size_t next = After(after);
  const char c = At(next);
  if (next >= size() || IsCloser(c) || c == ',' || c == ';') return true;
  if (StartsAt(next, "//") || StartsAt(next, "/*")) return true;
  if (place == Place::kMember) return KeyFollows(next);
  if (QuoteAt(next).quote == Quote::kNone) return ValueStarts(next);
  const std::size_t end = NextMarkEnd(next);
  return end != 0 && (At(After(end)) == ';' || WholeItemFollows(next));
}

// Whether a string may end before a comma; `after` is behind it. `inner` marks stood inside so far:
// when their number is odd, this one is probably the partner of the last.
bool LenientScanner::ClosesBeforeComma(Place place, std::size_t after, std::size_t inner) {
  const std::size_t next = After(after);
  if (next >= size()) return true;
  const char c = text_[next];
  const bool even = inner % 2 == 0;
  if (IsCloser(c) || c == ',' || (c == '/' && (At(next + 1) == '/' || At(next + 1) == '*')) ||
      c == '#' || EllipsisLength(next) != 0 || StartsAt(next, kHtmlComment) ||
      (fenced_ && StartsAt(next, "```"))) {
    return true;
  }
  const bool quoted = QuoteAt(next).quote != Quote::kNone;
  if (c == '{' || c == '[') {
    const std::size_t first = After(next + 1);
    if (place == Place::kMember) {
      return QuoteAt(first).quote != Quote::kNone || At(first) == '{';
    }
    if (IsCloser(At(first)) || ValueStarts(first)) return true;
    if (!even || place == Place::kRoot) return false;
    if (StartsAt(first, "//") || StartsAt(first, "/*") || At(first) == '#') return true;
    return EllipsisLength(first) != 0 || (c == '{' ? KeyFollows(first) : BareItemFollows(first));
  }
  if (place == Place::kMember) {
    if (quoted && !even) return KeyAndValueFollow(next);
    if (quoted) return c == '"' || KeyFollows(next) || NextMarkEnd(next) == 0;
    if (even && StrayLineEnd(next, true) != 0) return true;
    std::size_t end = 0;
    if (even && LiteralFollows(next, &end)) return ListLacksOpener(next) || KeyFollows(next);
    return (even || bare_keys_) && (KeyFollows(next) || (inner == 0 && WordsAreKey(next)));
  }
  if (quoted) return even || (place == Place::kItem && ItemFollows(next));
  std::size_t end = 0;
  if (LiteralFollows(next, &end)) {
    const std::size_t behind = After(end);
    if (behind >= size() || At(behind) == ',' || IsCloser(At(behind))) return true;
    const bool line_begins = text_.substr(after, next - after).find('\n') != text_.npos;
    if (even && IsDigit(c) && line_begins) return true;  // 5 km, on a line of its own
    if (behind > end) return false;                      // else 12:30
  }
  if (!even || place == Place::kRoot) return false;
  if (LostOpener(place, next) != 0 || BareItemFollows(next)) return true;
  return inner == 0 && WordsAreItem(next);
}

// Whether two or three words there are an item, for a whole string is the next one.
bool LenientScanner::WordsAreItem(std::size_t place) const {
  const std::string_view words = text_.substr(place, kWordsWindow);
  const std::size_t comma = words.find_first_of(",:;.!?()[]{}\"'\n");
  if (comma == words.npos || words[comma] != ',') return false;
  const std::size_t next = After(place + comma + 1);
  return std::ranges::count(words.substr(0, comma), ' ') < 3 && At(next) == '"' &&
         WholeItemFollows(next);
}

// Whether a call or a few words without marks stand there, as the item of a list.
bool LenientScanner::BareItemFollows(std::size_t place) const {
  if (CallFollows(place) || PrefixLength(place) != 0 || BulletLength(place) != 0) return true;
  if (place + 1 == size() && (At(place) == '-' || At(place) == '/')) return true;
  const std::string_view word = text_.substr(place, 64);
  const std::size_t stop = word.find_first_of(",]}\"\n");
  if (stop == word.npos || word[stop] == '"') return false;
  return word[stop] != ',' || word.substr(0, stop).find(' ') == word.npos;
}

// When the words at `word` are a string that lost its first mark: the place of its last one, else
// 0. That mark is the only one on the line up to there, and what follows a value follows it.
std::size_t LenientScanner::LostOpener(Place place, std::size_t word) {
  if (word < no_opener_lost_) return 0;
  const std::size_t last = std::min(size(), word + kItemWindow);
  std::size_t i = word;
  while (i < last && text_[i] != '\n' && text_[i] != '{' && text_[i] != '"') {
    i += text_[i] == '\\' ? 2 : 1;
  }
  no_opener_lost_ = i;
  if (i == word || At(i) != '"' || IsBlank(text_[i - 1]) || text_[i - 1] == ',' ||
      text_[i - 1] == ':') {
    return 0;
  }
  const std::size_t next = After(i + 1);
  const std::size_t behind = After(next + 1);
  const bool lost =
      next >= size() || IsCloser(At(next)) ||
      (At(next) == ',' && (place == Place::kItem || KeyFollows(behind) || IsCloser(At(behind))));
  if (lost) no_opener_lost_ = 0;
  return lost ? i : 0;
}

// Whether a string ends before another quotation mark, at `next`: a comma is missing between them,
// unless the other one looks like the end of the string.
bool LenientScanner::ClosesBeforeQuote(Place place, std::size_t mark_end, std::size_t next,
                                       std::size_t inner) const {
  const QuoteMark other = QuoteAt(next);
  const std::size_t behind = After(next + other.length);
  const char c = At(behind);
  if (behind >= size()) return next > mark_end;
  if (c == ',' || c == ':' || IsCloser(c)) return false;
  const bool new_line = text_.substr(mark_end, next - mark_end).find('\n') != text_.npos;
  if (new_line && inner % 2 == 0 && place != Place::kRoot && NextMarkEnd(next) == 0) return true;
  if (place == Place::kMember) {
    return KeyFollows(next) || (inner % 2 == 0 && StringGoesOnAt(mark_end, next));
  }
  if (place == Place::kRoot) return next > mark_end;
  // The key of an object around the array, which lost its bracket.
  const bool outer_key = inner % 2 == 0 && frames_.size() > 1 && QuotedKeyFollows(next);
  return outer_key || ItemFollows(next);
}

// When the mark at `mark`, inside the string that begins at `begin`, is the first of a piece of
// JSON like {"a": "b", "c": 1}: where that ends, if the string surely ends behind it. Else 0.
std::size_t LenientScanner::PieceEnd(Place place, std::size_t begin, std::size_t mark) {
  std::size_t opener = mark;
  while (opener > begin && mark - opener < 64 && IsBlank(text_[opener - 1])) --opener;
  if (opener == begin || QuoteAt(mark).length != 1) return 0;
  const char bracket = text_[--opener];
  if (bracket == '{' ? !QuotedKeyFollows(mark) : bracket != '[' || !WholeItemFollows(mark))
    return 0;
  const std::size_t end = BehindClosers(opener, 0, text_[mark]);
  return end != 0 && StringEndsBehind(place, end, text_[mark]) ? end : 0;
}

// Behind the brackets that close what opens from `place` on, and `depth` others; strings in `quote`
// are passed over. 0 when the text ends before.
std::size_t LenientScanner::BehindClosers(std::size_t place, std::size_t depth, char quote) {
  bool quoted = false;
  for (std::size_t i = place; i < size(); ++i) {
    if (!Afford(1)) return 0;
    const char c = text_[i];
    if (c == '\\') {
      ++i;
    } else if (c == quote) {
      quoted = !quoted;
    } else if (quoted) {
      continue;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (IsCloser(c)) {
      if (depth <= 1) return i + 1;
      --depth;
    }
  }
  return 0;
}

// How many brackets that [begin, end) opens it leaves open.
std::size_t LenientScanner::OpenBrackets(std::size_t begin, std::size_t end) {
  std::size_t open = 0;
  if (!Afford(end - begin)) return 0;
  for (const char c : text_.substr(begin, end - begin)) {
    if (c == '{' || c == '[') ++open;
    if (IsCloser(c) && open > 0) --open;
  }
  return open;
}

// Whether the mark at `mark` stands in a piece of JSON or code of the string that begins at
// `begin`: its brackets are closed further on, and then the string ends.
bool LenientScanner::PieceGoesOn(Place place, std::size_t begin, std::size_t mark) {
  if (QuoteAt(mark).length != 1) return false;
  const std::size_t open = OpenBrackets(begin, mark);
  if (open == 0) return false;
  const std::size_t end = BehindClosers(mark, open, text_[mark]);
  return end != 0 && StringEndsBehind(place, end, text_[mark]);
}

// Whether a mark like `quote` stands at `place` or later on the line that surely ends a string.
bool LenientScanner::StringEndsBehind(Place place, std::size_t from, char quote) const {
  const std::size_t last = std::min(size(), from + kItemWindow);
  for (std::size_t i = from; i < last && text_[i] != '\n'; ++i) {
    if (text_[i] == '\\') {
      ++i;
    } else if (text_[i] == quote) {
      return ValueSurelyEnds(place, i + 1);
    }
  }
  return false;
}

// Whether a closing smart mark that ends a string or key follows, and no opening one before it.
bool LenientScanner::SmartEndFollows(Place place, std::size_t from) const {
  const std::size_t last = std::min(size(), from + kItemWindow);
  for (std::size_t i = from; i < last && text_[i] != '\n'; ++i) {
    if (QuoteAt(i).quote != Quote::kSmartDouble) continue;
    if (!StartsAt(i, "\xE2\x80\x9D")) return false;
    return place == Place::kKey ? ColonLength(After(i + 3)) != 0 : ValueSurelyEnds(place, i + 3);
  }
  return false;
}

// Whether the text at `place` can follow a value: a comma with a key or item behind it, a closer,
// or the end.
bool LenientScanner::ValueSurelyEnds(Place place, std::size_t behind) const {
  std::size_t next = After(behind);
  if (next >= size() || IsCloser(At(next))) return true;
  if (CommaLength(next) == 0) return false;
  next = After(next + CommaLength(next));
  return IsCloser(At(next)) || (place == Place::kMember ? KeyFollows(next) : ValueStarts(next));
}

// Whether the string that ends before `mark_end` goes on with the one at `next`, on a line of its
// own, as Python joins them.
bool LenientScanner::StringGoesOnAt(std::size_t mark_end, std::size_t next) const {
  const auto new_line = [&](std::size_t from, std::size_t to) {
    return text_.substr(from, to - from).find('\n') != text_.npos;
  };
  if (QuoteAt(next).length != 1 || !new_line(mark_end, next)) return false;
  const std::size_t end = NextMarkEnd(next);
  if (end == 0 || end >= size()) return false;
  const std::size_t behind = After(end);
  return At(behind) == ',' || IsCloser(At(behind)) ||
         (At(behind) == At(next) && new_line(end, behind));
}

// Whether a string ends before a bare word: a comma is missing between them.
bool LenientScanner::ClosesBeforeWord(Place place, std::size_t next) const {
  if (place == Place::kRoot) return false;
  std::size_t end = 0;
  if (LiteralFollows(next, &end)) {
    const std::size_t behind = After(end);
    if (behind >= size() || At(behind) == ',' || IsCloser(At(behind))) return true;
    if (place == Place::kItem && behind > end) return SurelyValue(behind);
  }
  if (At(next) == '{' || At(next) == '[') return place == Place::kItem;
  return place == Place::kMember && KeyFollows(next);
}

}  // namespace weir::json::internal
