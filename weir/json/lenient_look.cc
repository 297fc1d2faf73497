// Looking ahead: what the text at a place would be. Every look is bounded, or paid for.

#include <algorithm>
#include <array>
#include <functional>

#include "weir/json/lenient_scanner.h"

namespace weir::json::internal {
namespace {

constexpr std::size_t kKeyWindow = 256;
constexpr std::size_t kItemWindow = 512;
constexpr std::size_t kLiteralWindow = 512;  // numbers have digits
constexpr std::size_t kParenthesesWindow = 4096;

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
  while (i < last && (IsWord(text_[i]) || text_[i] == '-' || text_[i] == '+' || text_[i] == '.')) {
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
    if (mark.quote != Quote::kNone && Ends(open.quote, mark.quote)) {
      return ColonLength(After(i + mark.length)) != 0;
    }
  }
  return false;
}

// Whether a key stands there, in quotation marks or without, perhaps with one of them missing.
bool LenientScanner::KeyFollows(std::size_t place) const {
  const QuoteMark open = QuoteAt(place);
  std::size_t i = place + open.length;
  const std::size_t last = std::min(size(), i + kKeyWindow);
  while (i < last && (IsWord(text_[i]) || text_[i] == '-' || text_[i] == '.')) ++i;
  const bool word = i > place + open.length;
  QuoteMark close = QuoteAt(i);
  if (close.quote == Quote::kEscaped && open.quote != Quote::kEscaped) close = {};
  const std::size_t next = After(i + close.length);
  if (word && ColonLength(next) != 0) return text_.substr(next, 3) != "://";
  if (open.quote == Quote::kNone) {
    if (!word || next == i || IsDigit(text_[place])) return false;
    const bool value = At(next) == '{' || At(next) == '[' || LiteralEndsMember(next);
    return (bare_keys_ && value) || QuotedKeyFollows(next);
  }
  if (word && close.quote != Quote::kNone) {
    const char c = At(next);  // of the value, when the colon is missing
    return next >= size() || QuoteAt(next).quote != Quote::kNone || IsDigit(c) || c == '{' ||
           c == '[' || (next > i + close.length && ValueStarts(next));
  }
  return QuotedKeyFollows(place);
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

// The same, when a comma may be missing too.
bool LenientScanner::ItemFollows(std::size_t place) const {
  if (WholeItemFollows(place)) return true;
  const std::size_t end = NextMarkEnd(place);
  const std::size_t next = After(end);
  std::size_t behind = 0;
  return end != 0 && next > end &&
         (QuoteAt(next).quote != Quote::kNone || LiteralFollows(next, &behind));
}

// Whether what stands behind a comma, with `depth` containers open, fits there.
bool LenientScanner::FitsAfter(std::size_t depth, std::size_t place) const {
  std::size_t next = After(place);
  while (At(next) == ',') next = After(next + 1);
  if (depth == 0 || next >= size() || IsCloser(At(next)) || At(next) == '/' || At(next) == '#') {
    return true;
  }
  if (frames_[depth - 1].object) {
    return QuoteAt(next).quote != Quote::kNone || KeyFollows(next) ||
           ((At(next) == '[' || At(next) == '{') && ValueStarts(After(next + 1)));
  }
  return ValueStarts(next);
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

// Whether the closers at `place` may be meant to close what is open.
bool LenientScanner::ClosersFit(std::size_t place) {
  std::size_t depth = frames_.size();
  bool wrong = false;
  std::size_t next = place;
  std::size_t behind = place;
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
  if (c == ',' || c == ';') return FitsAfter(depth, next + 1);
  if (wrong) return false;
  if (depth == 0 || text_.substr(behind, next - behind).find('\n') != std::string_view::npos) {
    return true;
  }
  return c == '{' || c == '[' || c == '/' || c == '#' || c == ')' ||
         QuoteAt(next).quote != Quote::kNone;
}

// Whether a string may end before a comma; `after` is behind it. `inner` marks stood inside so far:
// when their number is odd, this one is probably the partner of the last.
bool LenientScanner::ClosesBeforeComma(Place place, std::size_t after, std::size_t inner) {
  const std::size_t next = After(after);
  if (next >= size()) return true;
  const char c = text_[next];
  const bool even = inner % 2 == 0;
  if (IsCloser(c) || c == ',' || (c == '/' && (At(next + 1) == '/' || At(next + 1) == '*')) ||
      c == '#' || StartsAt(next, "...")) {
    return true;
  }
  const bool quoted = QuoteAt(next).quote != Quote::kNone;
  if (c == '{' || c == '[') {
    const std::size_t first = After(next + 1);
    return place != Place::kMember ? IsCloser(At(first)) || ValueStarts(first)
                                   : QuoteAt(first).quote != Quote::kNone || At(first) == '{';
  }
  if (place == Place::kMember) {
    if (quoted) return (even && c == '"') || KeyFollows(next);
    return (even || bare_keys_) && KeyFollows(next);
  }
  if (quoted) return even || (place == Place::kItem && ItemFollows(next));
  std::size_t end = 0;
  if (LiteralFollows(next, &end)) {
    const std::size_t behind = After(end);
    return behind >= size() || At(behind) == ',' || IsCloser(At(behind));
  }
  if (!even || place == Place::kRoot) return false;
  if (LostOpener(place, next) != 0) return true;
  const std::string_view word = text_.substr(next, 64);
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
bool LenientScanner::ClosesBeforeQuote(Place place, std::size_t mark_end, std::size_t next) const {
  const QuoteMark other = QuoteAt(next);
  const std::size_t behind = After(next + other.length);
  const char c = At(behind);
  if (behind >= size()) return next > mark_end;
  if (c == ',' || c == ':' || IsCloser(c)) return false;
  if (place == Place::kMember) return KeyFollows(next);
  return place == Place::kRoot ? next > mark_end : ItemFollows(next);
}

// Whether a string ends before a bare word: a comma is missing between them.
bool LenientScanner::ClosesBeforeWord(Place place, std::size_t next) const {
  if (place == Place::kRoot) return false;
  std::size_t end = 0;
  if (LiteralFollows(next, &end)) {
    const std::size_t behind = After(end);
    if (behind >= size() || At(behind) == ',' || IsCloser(At(behind))) return true;
    std::size_t other = 0;
    if (place == Place::kItem && behind > end) {
      return QuoteAt(behind).quote != Quote::kNone || LiteralFollows(behind, &other);
    }
  }
  if (At(next) == '{' || At(next) == '[') return place == Place::kItem;
  return place == Place::kMember && KeyFollows(next);
}

LenientScanner::Inside LenientScanner::LookInto(std::size_t place) {
  const std::size_t last = std::min(size(), place + kParenthesesWindow);
  std::size_t depth = 0;
  std::size_t commas = 0;
  std::size_t i = place;
  char quote = 0;
  for (; i < last; ++i) {
    if (!Afford(1)) return Inside::kText;
    const char c = text_[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    if (c == ',' && depth == 1) ++commas;
    if (c == '(' || c == '[' || c == '{') ++depth;
    if ((c == ')' || IsCloser(c)) && --depth == 0) break;
  }
  if (i >= last) return commas != 0 ? Inside::kSeveral : Inside::kOne;
  if (text_[i] != ')') return Inside::kText;
  const std::size_t next = After(i + 1);
  const char c = At(next);
  const bool ends = next >= size() || c == ',' || c == ')' || c == ';' || IsCloser(c) ||
                    text_.substr(i, next - i).find('\n') != std::string_view::npos;
  if (!ends) return Inside::kText;
  return commas != 0 || After(place + 1) == i ? Inside::kSeveral : Inside::kOne;
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
  return !KeyFollows(place) && ValueStarts(place) && At(NextBracket(place)) == ']';
}

// The first bracket that is not in a string; the size of the text when it is too far.
std::size_t LenientScanner::NextBracket(std::size_t place) {
  const std::size_t last = std::min(size(), place + kParenthesesWindow);
  char quote = 0;
  for (std::size_t i = place; i < last; ++i) {
    if (!Afford(1)) break;
    const char c = text_[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '{' || c == '[' || c == ':' || IsCloser(c)) {
      return i;
    }
  }
  return size();
}

// The closer behind the members at `place`, of the object that holds them; the size of the text
// when it is too far.
std::size_t LenientScanner::MembersEnd(std::size_t place) {
  const std::size_t last = std::min(size(), place + kParenthesesWindow);
  std::size_t depth = 0;
  char quote = 0;
  for (std::size_t i = place; i < last; ++i) {
    if (!Afford(1)) break;
    const char c = text_[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (IsCloser(c) && depth-- == 0) {
      return i;
    }
  }
  return size();
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

}  // namespace weir::json::internal
