// Looking ahead at what is no JSON around values: ellipses, the prefixes and calls of programs, the
// marks of lists and lines of prose. Every look is bounded, or paid for.

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/lenient_scanner.h"

namespace weir::json::internal {
namespace {

constexpr std::size_t kLineLooked = 512;
constexpr std::size_t kParenthesesWindow = 4096;

}  // namespace

// The length of the ellipsis there, also of one in brackets; 0 when there is none.
std::size_t LenientScanner::EllipsisLength(std::size_t place) const {
  const std::size_t bracket = At(place) == '[' ? 1 : 0;
  const bool dots = StartsAt(place + bracket, "...");
  if (!dots && !StartsAt(place + bracket, "\xE2\x80\xA6")) return 0;
  if (bracket == 0) return 3;
  return At(place + 4) == ']' ? 5 : 0;
}

// The length of the letters before a Python string like f"x"; 0 when no whole string follows them.
std::size_t LenientScanner::PrefixLength(std::size_t place) const {
  std::size_t i = place;
  while (i < place + 2 && std::string_view("bBfFrRuU").find(At(i)) != std::string_view::npos) ++i;
  if (i == place || (At(i) != '"' && At(i) != '\'')) return 0;
  return WholeItemFollows(i) ? i - place : 0;
}

// Whether a call stands there, like f(x) or new Date("x").
bool LenientScanner::CallFollows(std::size_t place) const {
  if (StartsAt(place, "new ")) place += 4;
  const std::size_t last = std::min(size(), place + kKeyWindow);
  std::size_t i = place;
  while (i < last && (IsWord(text_[i]) || text_[i] == '.')) ++i;
  return i > place && At(i) == '(' && ValueStarts(After(i + 1));
}

// The length of what opens an array of PHP with keys, like ['a' => 1] or array('a' => 1); else 0.
std::size_t LenientScanner::ArrowArrayAt(std::size_t place) const {
  constexpr std::string_view kArray = "array(";
  const std::size_t opener = At(place) == '[' ? 1 : StartsAt(place, kArray) ? kArray.size() : 0;
  if (opener == 0) return 0;
  const std::size_t key = After(place + opener);
  if (QuoteAt(key).quote == Quote::kNone) return 0;
  const std::size_t end = NextMarkEnd(key);
  return end != 0 && StartsAt(After(end), "=>") ? opener : 0;
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
  const bool ends = next >= size() || c == ',' || c == ')' || c == ';' || c == '`' || IsCloser(c) ||
                    text_.substr(i, next - i).find('\n') != std::string_view::npos;
  if (!ends) return Inside::kText;
  return commas != 0 || After(place + 1) == i ? Inside::kSeveral : Inside::kOne;
}

// The length of the mark of a list in Markdown that begins a line, when a whole value follows it on
// that line: - "x" or 1. "x". Else 0.
std::size_t LenientScanner::BulletLength(std::size_t place) const {
  std::size_t i = place;
  if (At(i) == '-' || At(i) == '*') {
    ++i;
  } else {
    while (IsDigit(At(i)) && i < place + 3) ++i;
    if (i == place || At(i) != '.') return 0;
    ++i;
  }
  if (At(i) != ' ') return 0;
  ++i;
  const bool value = At(i) == '{' || At(i) == '[' || QuoteAt(i).quote != Quote::kNone;
  return value && LineBeginsAt(place) ? i - place : 0;
}

// Behind the mark of a list or the line of prose before an item at `place`; 0 when none is there.
std::size_t LenientScanner::BehindLayout(std::size_t place) const {
  if (IsLetter(text_[place])) return StrayLineEnd(place, false);
  const std::size_t bullet = BulletLength(place);
  return bullet != 0 ? place + bullet : 0;
}

// Whether nothing but blanks stands before `place` on its line, which is not the first.
bool LenientScanner::LineBeginsAt(std::size_t place) const {
  std::size_t begin = place;
  while (begin > 0 && place - begin < kKeyWindow && IsBlank(text_[begin - 1])) {
    if (text_[--begin] == '\n') return true;
  }
  return false;
}

// When nothing of a document is on the line at `place`, where only blanks stand before it, and the
// next one begins with a key: the place of that key. Else 0. In an array a colon ends the line and
// an object follows it.
std::size_t LenientScanner::StrayLineEnd(std::size_t place, bool object) const {
  if (!LineBeginsAt(place)) return 0;
  std::string_view line = text_.substr(place, kLineLooked);
  const std::size_t end = line.find('\n');
  if (end == line.npos) return 0;
  line = Trim(line.substr(0, end));
  if (line.empty() || line.find_first_of("\"'`{}[]#") != line.npos || line.back() == ',') return 0;
  if (!object && line.back() != ':') return 0;
  if (line.starts_with("//") || line.starts_with("/*")) return 0;
  if (line.find(':') < line.size() - 1 || KeyFollows(place)) return 0;  // rather a member
  const std::size_t next = After(place + end);
  if (!object) return line.back() == ':' && At(next) == '{' ? next : 0;
  return QuotedKeyFollows(next) ? next : 0;
}

}  // namespace weir::json::internal
