// Strings of the lenient reader. The question is always whether a quotation mark ends its string;
// docs/json-repair.md has the rule in words, lenient_look.cc the looks at what follows.

#include <algorithm>
#include <array>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/lenient_scanner.h"

namespace weir::json::internal {
namespace {

struct NamedMark {
  std::string_view bytes;
  Quote quote;
};

// What stands for the two quotation marks of ASCII.
constexpr std::array<NamedMark, 13> kMarks = {{
    {"\xE2\x80\x9C", Quote::kSmartDouble},  // U+201C
    {"\xE2\x80\x9D", Quote::kSmartDouble},  // U+201D
    {"\xE2\x80\x9E", Quote::kSmartDouble},  // U+201E
    {"\xE2\x80\x9F", Quote::kSmartDouble},  // U+201F
    {"\xE2\x80\x98", Quote::kSmartSingle},  // U+2018
    {"\xE2\x80\x99", Quote::kSmartSingle},  // U+2019
    {"\xE2\x80\x9A", Quote::kSmartSingle},  // U+201A
    {"\xE2\x80\x9B", Quote::kSmartSingle},  // U+201B
    {"\xC2\xB4", Quote::kBacktick},         // U+00B4
    {"&quot;", Quote::kEntity},
    {"&#34;", Quote::kEntity},
    {"&#39;", Quote::kSingleEntity},
    {"&apos;", Quote::kSingleEntity},
}};

// Whether `content`, which `quote` began, ends with another mark that stands in it only once, if
// apostrophes do not count.
bool EndsWithLoneMark(std::string_view content, Quote quote) {
  if (content.size() < 2) return false;
  const char mark = content.back();
  if ((mark != '"' || quote == Quote::kDouble) && (mark != '\'' || quote == Quote::kSingle)) {
    return false;
  }
  for (std::size_t i = 0; i + 1 < content.size(); ++i) {
    if (content[i] == '\\') {
      ++i;
      continue;
    }
    const bool apostrophe =
        mark == '\'' && i > 0 && IsWord(content[i - 1]) && IsWord(content[i + 1]);
    if (content[i] == mark && !apostrophe) return false;
  }
  return content[content.size() - 2] != '\\' && !IsBlank(content[content.size() - 2]);
}

constexpr std::string_view kKeyStops = "\n:,";

// How many marks have a backslash.
std::size_t EscapedMarks(std::string_view content) {
  std::size_t marks = 0;
  for (std::size_t i = 0; i + 1 < content.size(); ++i) {
    if (content[i] != '\\') continue;
    ++i;
    if (content[i] == '"') ++marks;
  }
  return marks;
}

}  // namespace

QuoteMark LenientScanner::QuoteAt(std::size_t place) const {
  const char c = At(place);
  if (c == '"') return {Quote::kDouble, 1};
  if (c == '\'') return {Quote::kSingle, 1};
  if (c == '`') return {Quote::kBacktick, 1};
  if (c == '\\' && At(place + 1) == '"') return {Quote::kEscaped, 2};
  if (c != '\xE2' && c != '\xC2' && c != '&') return {};
  for (const NamedMark& mark : kMarks) {
    if (StartsAt(place, mark.bytes)) return {mark.quote, mark.bytes.size()};
  }
  return {};
}

void LenientScanner::OpenQuote(QuoteMark mark) {
  switch (mark.quote) {
    case Quote::kSingle:
      return Note(RepairKind::kSingleQuotes, at_);
    case Quote::kSmartDouble:
    case Quote::kSmartSingle:
      return Note(RepairKind::kSmartQuotes, at_);
    case Quote::kBacktick:
      return Note(RepairKind::kBacktickQuotes, at_);
    case Quote::kEntity:
    case Quote::kSingleEntity:
      return Note(RepairKind::kEscapedQuotes, at_);
    case Quote::kEscaped:
      escaped_layout_ = true;
      return Note(RepairKind::kEscapedQuotes, at_);
    case Quote::kNone:
    case Quote::kDouble:
      return;
  }
}

std::string_view LenientScanner::ReadString(Place place) {
  string_cut_ = false;
  std::string_view whole;
  for (bool first = true;; first = false) {
    const std::size_t open = at_;
    const QuoteMark mark = QuoteAt(at_);
    OpenQuote(mark);
    const bool triple =
        mark.length == 1 && At(open + 1) == At(open) && At(open + 2) == At(open) && !no_triple_end_;
    Span span;
    if (triple) span = FindTriple(open + 3);
    if (!triple || no_triple_end_) span = FindEnd(place, open + mark.length, mark.quote);
    at_ = span.after;
    std::string_view piece = text_.substr(span.begin, span.end - span.begin);
    if (span.special && !string_cut_ && piece.ends_with('\n') &&
        (place == Place::kKey || piece.find("```") != piece.npos)) {
      piece.remove_suffix(piece.ends_with("\r\n") ? 2 : 1);
      Note(RepairKind::kLineBreakAtEnd, span.begin + piece.size());
    }
    if (span.special || (span.high && !IsUtf8(piece))) {
      scratch_.clear();
      AppendContent(piece, span.begin, mark.quote, place);
      piece = scratch_;
    }
    if (!first) {
      joined_ += piece;
      whole = joined_;
    } else {
      whole = piece;
    }
    std::size_t plus = After(at_);
    if (StartsAt(plus, "/*")) plus = After(std::min(text_.find("*/", plus + 2), size() - 2) + 2);
    if (place == Place::kKey) return whole;
    const bool adjacent = place == Place::kMember && StringGoesOnAt(at_, plus);
    if (!adjacent && At(plus) != '+') return whole;
    const std::size_t before = at_;
    at_ = plus + (adjacent ? 0 : 1);
    SkipSpace();
    if (QuoteAt(at_).quote == Quote::kNone) {
      at_ = before;
      return whole;
    }
    Note(RepairKind::kConcatenation, plus);
    if (first) joined_ = whole;
  }
}

LenientScanner::Span LenientScanner::FindTriple(std::size_t begin) {
  const std::string_view marks = text_.substr(begin - 3, 3);
  const std::size_t end = text_.find(marks, begin);
  if (end == text_.npos) {
    no_triple_end_ = true;
    return {};
  }
  Note(RepairKind::kTripleQuotes, begin - 3);
  return {.begin = begin, .end = end, .after = end + 3, .special = true};
}

// The next place where a string opened by `quote` could end; the size of the text if there is none.
std::size_t LenientScanner::NextMark(std::size_t from, Quote quote, std::size_t& length,
                                     Span& span) const {
  if (quote == Quote::kDouble || quote == Quote::kSingle) {
    const char mark = quote == Quote::kDouble ? '"' : '\'';
    length = 1;
    while (true) {
      from = PlainEnd(text_, from, mark, span.high);
      if (from >= text_.size()) return text_.size();
      if (text_[from] == mark) return from;
      span.special = true;
      from += text_[from] == '\\' ? 2 : 1;
    }
  }
  span.special = true;
  while (from < text_.size()) {
    const QuoteMark mark = QuoteAt(from);
    if (mark.quote != Quote::kNone && Ends(quote, mark.quote)) {
      length = mark.length;
      return from;
    }
    if (text_[from] != '\\') {
      ++from;
    } else if (quote == Quote::kEscaped) {
      while (from < text_.size() && text_[from] == '\\') ++from;
      ++from;
    } else {
      from += 2;
    }
  }
  return text_.size();
}

LenientScanner::Span LenientScanner::FindEnd(Place place, std::size_t begin, Quote quote) {
  Span span;
  span.begin = span.counted = begin;
  span.quote = quote;
  std::size_t from = begin;
  while (true) {
    std::size_t length = 0;
    const std::size_t mark = NextMark(from, quote, length, span);
    if (mark >= size()) {
      EndAtEndOfText(place, begin, span);
      break;
    }
    const bool smart_goes_on =
        quote == Quote::kSmartDouble && text_[mark] == '"' && SmartEndFollows(place, mark + length);
    const bool inside = mark < span.piece_end || smart_goes_on;
    const Verdict verdict = inside                 ? Verdict::kInside
                            : place == Place::kKey ? JudgeKey(begin, mark, length, span)
                                                   : Judge(place, begin, mark, length, span);
    if (verdict == Verdict::kCloses) {
      span.end = mark;
      span.after = mark + length;
      break;
    }
    if (verdict == Verdict::kEndedBefore) break;
    if (const std::size_t end =
            span.inner == 0 && place == Place::kMember ? PlainEndBefore(mark, span) : 0) {
      span.end = end;
      span.after = end + 1;
      break;
    }
    span.first_inner = span.first_inner || mark == begin;
    span.last_inner = mark + length;
    ++span.inner;
    if (place != Place::kKey && mark > span.piece_end) {
      span.piece_end = std::max(span.piece_end, PieceEnd(place, begin, mark));
    }
    from = mark + length;
  }
  if (!span.closed && !string_cut_) EndWithoutMark(span);
  if (span.inner != 0) {
    const bool glued = span.inner == 1 && span.last_inner == span.end && span.closed;
    const bool doubled_end = span.inner == 2 && span.last_inner == span.end;
    const bool plain_inside = quote == Quote::kSmartDouble && At(begin) == '"';
    if (span.first_inner && !plain_inside && (span.inner == 1 || doubled_end)) {
      Note(RepairKind::kDoubledQuotes, begin - 1);
      ++span.begin;
      if (doubled_end) --span.end;
    } else if (glued && DoublesLastMark(span)) {
      Note(RepairKind::kDoubledQuotes, span.end);
      span.end -= QuoteAt(span.end).length;
    } else {
      Note(RepairKind::kUnescapedQuote, span.last_inner - 1);
    }
  }
  return span;
}

// When the string that a single mark began ends with the first double one in it, as in 'x", "b": 2:
// the place of that. Else 0.
std::size_t LenientScanner::PlainEndBefore(std::size_t mark, const Span& span) const {
  if (span.quote != Quote::kSingle) return 0;
  const std::string_view window = text_.substr(span.begin, std::min(mark - span.begin, kKeyWindow));
  const std::size_t end = window.find('"');
  if (end == window.npos || end == 0 || IsBlank(window[end - 1]) || window[end - 1] == '\\')
    return 0;
  const std::size_t comma = After(span.begin + end + 1);
  const std::size_t key = After(comma + 1);
  return At(comma) == ',' && At(key) == '"' && QuotedKeyFollows(key) ? span.begin + end : 0;
}

// A string without its last mark may have ended with one of another kind, which has no partner.
void LenientScanner::EndWithoutMark(Span& span) {
  constexpr std::string_view kClosing = "\xE2\x80\x9D";
  const std::string_view content = text_.substr(span.begin, span.end - span.begin);
  const bool smart = span.quote == Quote::kDouble && content.ends_with(kClosing) &&
                     Afford(content.size()) && content.find("\xE2\x80\x9C") == content.npos;
  if (smart) {
    Note(RepairKind::kSmartQuotes, span.end);
    span.end -= kClosing.size();
    return;
  }
  Note(RepairKind::kMissingQuote, span.end);
  if (EndsWithLoneMark(content, span.quote)) --span.end;
}

// Whether the one mark inside, right before the last, is that mark again: no partner stands before
// it, and no number of inches.
bool LenientScanner::DoublesLastMark(const Span& span) {
  const std::string_view content = text_.substr(span.begin, span.end - span.begin);
  if (content.size() < 2 || IsDigit(content[content.size() - 2])) return false;
  return Afford(content.size()) && EscapedMarks(content) % 2 == 0;
}

LenientScanner::Verdict LenientScanner::JudgeKey(std::size_t begin, std::size_t mark,
                                                 std::size_t length, Span& span) {
  const std::size_t next = After(mark + length);
  const char c = At(next);
  if (ColonLength(next) != 0 || c == '=' || next >= size()) return Verdict::kCloses;
  const std::string_view content = text_.substr(begin, mark - begin);
  const std::size_t colon = content.find_first_of(odd_separators_ ? ":=" : ":");
  const bool item = c == ',' && !frames_.back().any && WholeItemFollows(After(next + 1));
  if (colon != content.npos && !item && Afford(content.size())) {
    if (colon > 0 && colon + 1 == content.size() && ValueStarts(next) &&
        (next > mark + length || At(next) == '{' || At(next) == '[' || LiteralEndsMember(next))) {
      span.end = begin + colon;  // "a:" 1
      span.after = mark + length;
      return Verdict::kEndedBefore;
    }
    span.end = span.after = begin + colon;
    span.closed = false;
    return Verdict::kEndedBefore;
  }
  if (c == ',' || IsCloser(c)) return Verdict::kCloses;
  const QuoteMark other = QuoteAt(next);
  if (other.quote != Quote::kNone) {
    const bool ends_key = At(After(next + other.length)) == ':';
    return next == mark + length && ends_key ? Verdict::kInside : Verdict::kCloses;
  }
  // A word: part of the key when such a mark with a colon follows on this line.
  const std::size_t last = std::min(size(), next + 128);
  for (std::size_t i = next; i < last && kKeyStops.find(text_[i]) == kKeyStops.npos; ++i) {
    const QuoteMark end = QuoteAt(i);
    if (end.quote == Quote::kNone || !Ends(span.quote, end.quote)) continue;
    const std::size_t behind = i + end.length;
    const QuoteMark doubled = QuoteAt(behind);
    const bool twice = doubled.quote != Quote::kNone && Ends(span.quote, doubled.quote);
    const bool key = At(After(behind + (twice ? doubled.length : 0))) == ':';
    return key ? Verdict::kInside : Verdict::kCloses;
  }
  return Verdict::kCloses;
}

LenientScanner::Verdict LenientScanner::Judge(Place place, std::size_t begin, std::size_t mark,
                                              std::size_t length, Span& span) {
  const std::size_t mark_end = mark + length;
  const std::size_t next = After(mark_end);
  if (next >= size()) return Verdict::kCloses;
  const char c = text_[next];
  bool closes = false;
  switch (c) {
    case ',':
      closes = !InsideBraces(mark, span) && ClosesBeforeComma(place, next + 1, span.inner);
      break;
    case '}':
    case ']':
      closes =
          place != Place::kRoot && !InsideBraces(mark, span) && ClosersFit(place, next, span.quote);
      break;
    case '\xEF':
      closes =
          StartsAt(next, kWideComma) && !InsideBraces(mark, span) && ValueSurelyEnds(place, next);
      [[fallthrough]];
    case ':':
    case '=':
      closes = closes || (span.inner == 0 && mark != begin && ColonLength(next) != 0 &&
                          ValueStarts(After(next + ColonLength(next))));
      break;
    case ')':
      closes = !frames_.empty() &&
               (frames_.back().closer == ')' || (span.inner % 2 == 0 && ParenthesisCloses(next)));
      break;
    case '+':
      closes = span.inner % 2 == 0 &&
               (QuoteAt(After(next + 1)).quote != Quote::kNone || At(After(next + 1)) == '/');
      break;
    case '/':
      closes = At(next + 1) == '*' || At(next + 1) == '/';
      break;
    case '#':
      closes = next > mark_end;
      break;
    case '<':
      closes = next > mark_end && StartsAt(next, kHtmlComment);
      break;
    case ';':
      closes = place == Place::kRoot || (span.inner % 2 == 0 && !InsideBraces(mark, span) &&
                                         SemicolonSeparates(place, next + 1));
      break;
    case '\\':
      closes =
          escaped_layout_ && (At(next + 1) == 'n' || At(next + 1) == 'r' || At(next + 1) == 't');
      break;
    case '.':
    case '\xE2':
      closes = EllipsisLength(next) != 0 && IsCloser(At(After(next + 3)));
      break;
    default:
      break;
  }
  if (closes || StartsAt(next, "```")) return Verdict::kCloses;
  if (EndedBefore(place, begin, mark, span)) return Verdict::kEndedBefore;
  if (QuoteAt(next).quote != Quote::kNone && c != '\\') {
    closes = ClosesBeforeQuote(place, mark_end, next, span.inner);
  } else if (next > mark_end) {
    closes = ClosesBeforeWord(place, next);
  }
  return closes ? Verdict::kCloses : Verdict::kInside;
}

// Whether the string holds a piece of JSON, like {"a": "b"}, that goes on at `mark`.
bool LenientScanner::InsideBraces(std::size_t mark, Span& span) const {
  if (span.inner == 0) return false;
  for (; span.counted < mark; ++span.counted) {
    const char c = text_[span.counted];
    if (c == '{' || c == '[') ++span.open;
    if (IsCloser(c) && span.open > 0) --span.open;
  }
  return span.open > 0;
}

// Whether a string lost its mark before the one at `mark`, which then begins the next string.
bool LenientScanner::EndedBefore(Place place, std::size_t begin, std::size_t mark, Span& span) {
  const std::size_t shortest = mark > begin + 1024 ? mark - 1024 : begin;
  bool new_line = false;
  std::size_t end = mark;
  const auto skip_back = [&] {
    while (end > shortest) {
      if (IsBlank(text_[end - 1])) {
        new_line = new_line || text_[end - 1] == '\n';
        --end;
      } else if (end >= shortest + 4 && text_.substr(end - 2, 2) == "*/") {
        const std::size_t open = text_.substr(shortest, end - 3 - shortest).rfind("/*");
        if (open == text_.npos) return;
        end = shortest + open;
      } else {
        return;
      }
    }
  };
  skip_back();
  if (end == shortest) return false;
  char opener = 0;
  while (end > shortest && (text_[end - 1] == '{' || text_[end - 1] == '[')) {
    if (opener == 0) opener = text_[end - 1];
    --end;
    skip_back();
  }
  if (end == shortest) return false;
  const char before = text_[end - 1];
  const bool wide = end >= shortest + 3 && CommaLength(end - 3) == 3;
  const bool comma = before == ',' || wide;
  if (before == '+' && opener == 0 && (end < mark || (end > 2 && text_[end - 2] == '/'))) {
    if (!WholeItemFollows(mark)) return false;
  } else if (!comma && (opener != 0 || !new_line)) {
    return false;
  }
  if (comma || before == '+') end -= wide ? 3 : 1;
  skip_back();
  if (end <= begin) return false;
  std::size_t depth = frames_.size();
  std::size_t stripped = StripClosers(begin, end, depth);
  if (before != '+') {
    if (depth == 0) {
      // Brackets that would end the document are text, for it goes on.
      stripped = end;
      depth = frames_.size();
    }
    if (depth == 0) return false;
    const bool object = opener != 0 ? opener == '{' : frames_[depth - 1].object;
    if (opener == '{' && frames_[depth - 1].object) return false;
    const bool key = QuotedKeyFollows(mark) && (span.inner == 0 || KeyAndValueFollow(mark));
    if (object ? !key : (place == Place::kRoot || !WholeItemFits(mark))) {
      return false;
    }
    if (!comma && !object) return false;
  }
  if (PieceGoesOn(place, begin, mark)) return false;
  span.end = span.after = stripped;
  span.closed = false;
  DropEscapedMark(begin, span);
  return true;
}

// "C:\Users\": the backslash before the last mark escapes nothing, unless that mark has a partner.
void LenientScanner::DropEscapedMark(std::size_t begin, Span& span) {
  const std::string_view content = text_.substr(begin, span.end - begin);
  if (!content.ends_with("\\\"") || content.ends_with("\\\\\"") || !Afford(content.size())) return;
  if (span.quote == Quote::kEscaped || EscapedMarks(content) % 2 == 0) return;
  --span.end;
  span.closed = true;
}

// Walks back over the closers at the end of [begin, end) that close what is open around the
// string, and not what was opened inside it. Returns where the content ends then; `depth` becomes
// the number of containers that stay open.
std::size_t LenientScanner::StripClosers(std::size_t begin, std::size_t end, std::size_t& depth) {
  std::size_t last = end;
  while (last > begin && IsBlank(text_[last - 1])) --last;
  if (last == begin || !IsCloser(text_[last - 1]) || !Afford(end - begin)) return end;
  std::ptrdiff_t own = 0;
  for (const char c : text_.substr(begin, last - begin)) {
    if (c == '{' || c == '[') ++own;
    if (IsCloser(c)) --own;
  }
  // The places of the closers at the end, the last one first.
  std::vector<std::size_t> closers;
  while (own < 0 && closers.size() < depth && last > begin && IsCloser(text_[last - 1])) {
    closers.push_back(--last);
    while (last > begin && IsBlank(text_[last - 1])) --last;
    ++own;
  }
  // As many of them as close the innermost containers in their order.
  for (; !closers.empty(); closers.pop_back()) {
    const std::size_t count = closers.size();
    bool match = Afford(count);
    for (std::size_t i = 0; match && i < count; ++i) {
      match = text_[closers[i]] == frames_[depth - count + i].closer;
    }
    if (!match) continue;
    depth -= count;
    std::size_t content = closers.back();
    while (content > begin && IsBlank(text_[content - 1])) --content;
    return content;
  }
  return end;
}

void LenientScanner::EndAtEndOfText(Place place, std::size_t begin, Span& span) {
  span.closed = false;
  std::size_t end = size();
  while (end > begin && IsBlank(text_[end - 1])) --end;
  if (end >= begin + 3 && text_.substr(end - 3, 3) == "```") end -= 3;
  while (end > begin && IsBlank(text_[end - 1])) --end;

  if (Afford(2 * (size() - begin))) {
    if (place == Place::kKey) {
      const std::size_t colon = text_.find_first_of(odd_separators_ ? ":=" : ":", begin);
      if (colon < end) {
        span.end = span.after = colon;
        while (span.end > begin && IsBlank(text_[span.end - 1])) --span.end;
        return;
      }
    }
    std::size_t depth = frames_.size();
    std::size_t stripped = StripClosers(begin, end, depth);
    for (std::size_t line = text_.find('\n', begin); stripped == end && line < end;
         line = text_.find('\n', line + 1)) {
      depth = frames_.size();
      const std::size_t before = StripClosers(begin, line, depth);
      if (before == line && !IsCloser(At(After(line)))) continue;
      stripped = before;
      while (stripped > begin && IsBlank(text_[stripped - 1])) --stripped;
    }
    if (stripped < end) {
      span.end = span.after = stripped;
      DropEscapedMark(begin, span);
      if (place != Place::kMember) return;
      for (std::size_t comma = text_.find(',', begin); comma < stripped;
           comma = text_.find(',', comma + 1)) {
        if (!KeyFollows(After(comma + 1)) || OpenBrackets(begin, comma) != 0) continue;
        span.end = span.after = comma;
        return;
      }
      return;
    }
  }
  string_cut_ = true;
  span.end = fenced_ ? std::max(end, begin) : size();
  span.after = size();
}

}  // namespace weir::json::internal
