// What lies around the documents: comments and odd white space, fences, reasoning, prose.

#include <algorithm>
#include <array>

#include "weir/base/text.h"
#include "weir/json/lenient_scanner.h"

namespace weir::json::internal {
namespace {

constexpr std::string_view kFence = "```";

struct Tag {
  std::string_view open;
  std::string_view close;
};

constexpr std::array<Tag, 8> kReasoningTags = {{
    {"<think>", "</think>"},
    {"<thinking>", "</thinking>"},
    {"<reasoning>", "</reasoning>"},
    {"<thought>", "</thought>"},
    {"<reflection>", "</reflection>"},
    {"[THINK]", "[/THINK]"},
    {"◁think▷", "◁/think▷"},
    {"<|channel|>analysis<|message|>", "<|channel|>final<|message|>"},
}};

constexpr std::array<std::string_view, 9> kOddSpaces = {
    "\xC2\xA0",      // no-break space
    "\xC2\x85",      // next line
    "\xE1\x9A\x80",  // ogham space mark
    "\xE1\xA0\x8E",  // Mongolian vowel separator
    "\xE2\x80\xAF",  // narrow no-break space
    "\xE2\x81\x9F",  // mathematical space
    "\xE2\x81\xA0",  // word joiner
    "\xE3\x80\x80",  // ideographic space
    "\xEF\xBB\xBF",  // byte order mark
};

// Values of an object that only shows what its members are.
constexpr std::array<std::string_view, 19> kTypeWords = {
    "value", "val",     "string", "str",  "int",   "integer", "number", "num",  "float", "double",
    "bool",  "boolean", "object", "dict", "array", "list",    "date",   "type", "any"};

std::string_view TrimMarks(std::string_view value) {
  value = Trim(value);
  const bool quoted = value.size() > 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

bool IsFenceInfo(char c) { return IsWord(c) || c == '+' || c == '-' || c == '.' || c == '#'; }

}  // namespace

// The length of a blank that JSON does not know; 0 if there is none.
std::size_t LenientScanner::OddSpace(std::size_t place) const {
  const char c = At(place);
  if (c == '\\') {
    const char letter = At(place + 1);
    return letter == 'n' || letter == 't' || letter == 'r' ? 2 : 0;
  }
  if (static_cast<unsigned char>(c) < 0x80) return 0;
  for (const std::string_view space : kOddSpaces) {
    if (StartsAt(place, space)) return space.size();
  }
  // U+2000 to U+200D, and the two separators U+2028 and U+2029.
  if (!StartsAt(place, "\xE2\x80")) return 0;
  const auto last = static_cast<unsigned char>(At(place + 2));
  return (last >= 0x80 && last <= 0x8D) || last == 0xA8 || last == 0xA9 ? 3 : 0;
}

std::size_t LenientScanner::AfterOddSpace(std::size_t place) const {
  for (std::size_t odd = OddSpace(place); odd != 0; odd = OddSpace(place)) {
    place += odd;
    while (place < text_.size() && IsBlank(text_[place])) ++place;
  }
  return place;
}

bool LenientScanner::SkipComment() {
  const std::size_t begin = at_;
  if (StartsAt(at_, "/*") || StartsAt(at_, kHtmlComment)) {
    const std::string_view close = At(at_) == '/' ? "*/" : "-->";
    const std::size_t end = text_.find(close, at_ + 2);
    at_ = end == text_.npos ? size() : end + close.size();
  } else if (StartsAt(at_, "//") || (At(at_) == '#' && !HashBeginsValue())) {
    at_ = std::min(text_.find('\n', at_), size());
  } else {
    return false;
  }
  Note(RepairKind::kComment, begin);
  return true;
}

// Whether the number sign at at_ begins a value, such as a color: that of a member behind which the
// document goes on, or one on the last line, where a comment would take the closers.
bool LenientScanner::HashBeginsValue() {
  if (frames_.empty() || !IsWord(At(at_ + 1))) return false;
  const Frame& top = frames_.back();
  if (top.object ? !top.value_next : top.after_value) return false;
  std::size_t end = at_ + 1;
  while (end < size() && end < at_ + kKeyWindow && IsWord(text_[end])) ++end;
  const QuoteMark mark = QuoteAt(end);
  const std::size_t next = After(end + mark.length);
  const bool ends = At(next) == ',' || IsCloser(At(next));
  if (top.object) {
    return ends && (IsCloser(At(next)) || KeyFollows(After(next + 1)));
  }
  return ends && Afford(size() - at_) && text_.find('\n', at_) == text_.npos;
}

void LenientScanner::SkipOddSpace() {
  bool noted = false;
  while (!AtEnd()) {
    const std::size_t odd = OddSpace(at_);
    if (odd != 0) {
      const bool escape = text_[at_] == '\\';
      if (!noted) Note(escape ? RepairKind::kEscapedQuotes : RepairKind::kSpecialSpace, at_);
      noted = true;
      escaped_layout_ = escaped_layout_ || escape;
      at_ += odd;
    } else if (IsBlank(text_[at_])) {
      ++at_;
    } else if (!SkipComment()) {
      return;
    }
  }
}

bool LenientScanner::ObjectBegins(std::size_t place) const {
  std::size_t next = After(place + 1);
  if (At(next) == ',') next = After(next + 1);
  const char c = At(next);
  return next >= size() || c == '}' || QuoteAt(next).quote != Quote::kNone ||
         StartsAt(next, "//") || StartsAt(next, "/*") || StartsAt(next, "...") || c == '#' ||
         KeyFollows(next);
}

// Whether the brackets there are no citation, checkbox or type, though they hold at most one item:
// they stand behind a colon or an equals sign, or it is no whole number and ends its line.
bool LenientScanner::LoneItemIsAnswer(std::size_t place) const {
  if (place > 0 && (IsWord(text_[place - 1]) || text_[place - 1] == ')')) return false;
  std::size_t end = place + 1;
  if (At(end) != ']' && !LiteralFollows(end, &end)) return false;
  if (At(end) != ']' || At(end + 1) == '(' || At(end + 1) == ':') return false;
  std::size_t before = place;
  while (before > 0 && place - before < 8 && text_[before - 1] == ' ') --before;
  if (before > 0 && (text_[before - 1] == ':' || text_[before - 1] == '=')) return true;
  const std::string_view item = text_.substr(place + 1, end - place - 1);
  if (!item.empty() && std::ranges::all_of(item, IsDigit)) return false;
  const std::string_view rest = text_.substr(end + 1, 64);
  return Trim(rest.substr(0, rest.find('\n'))).find_first_not_of(".;!`*") == rest.npos;
}

// `in_text`: words stand before it, so that more must speak for an array than a bracket.
bool LenientScanner::ArrayBegins(std::size_t place, bool in_text) const {
  const std::size_t next = After(place + 1);
  if (!in_text || next >= size()) return true;
  const char c = text_[next];
  if (c == '{') return ObjectBegins(next);
  if (c == '[') return ValueStarts(After(next + 1));
  if (At(place + 1) == '\n' && ValueStarts(next)) return true;
  if (QuoteAt(next).quote != Quote::kNone) return true;
  const std::size_t line = place == 0 ? 0 : text_.find_last_not_of(" \t", place - 1);
  const bool line_starts = place == 0 || line == text_.npos || text_[line] == '\n';
  return line_starts && (c == ']' || ValueStarts(next)) && At(next + 1) != '(';
}

// Finds a bracket in prose that begins a document. When there is none that surely does, an array
// of several words or numbers will do, or one that holds the answer of a sentence.
std::size_t LenientScanner::FindBracket(std::size_t from) const {
  std::size_t likely = text_.npos;
  std::size_t sketch = text_.npos;
  for (std::size_t i = text_.find_first_of("{[", from); i != text_.npos;
       i = text_.find_first_of("{[", i + 1)) {
    if (IsSketch(i) || IsSketchInSentence(i)) {
      sketch = std::min(sketch, i);
      continue;
    }
    if (text_[i] == '[' && i >= 8 && StartsAt(i - 8, "<![CDATA")) continue;
    if (text_[i] == '{' ? ObjectBegins(i) : ArrayBegins(i, true)) return i;
    if (likely != text_.npos || text_[i] == '{') continue;
    if (LoneItemIsAnswer(i)) {
      likely = i;
      continue;
    }
    const std::string_view inside = text_.substr(i + 1, 256);
    const std::size_t end = inside.find_first_of("[]{}\n");
    if (end == inside.npos || inside[end] != ']' || At(i + 2 + end) == '(') continue;
    if (inside.substr(0, end).find(',') != inside.npos) likely = i;
  }
  return std::min(likely, sketch);
}

// Whether the braces there stand for any object, as in {"type": ...} or {...}.
bool LenientScanner::IsSketch(std::size_t place) const {
  if (text_[place] != '{') return false;
  const std::string_view inside = text_.substr(place + 1, 64);
  const std::size_t end = inside.find_first_of("{}[],\n");
  if (end == inside.npos || inside[end] != '}') return false;
  const std::string_view words = Trim(inside.substr(0, end));
  return words.ends_with("...") || words.ends_with("\xE2\x80\xA6");
}

// Whether braces inside of a line of prose stand for an object: they are empty and the sentence
// goes on, or their values are names of types.
bool LenientScanner::IsSketchInSentence(std::size_t place) const {
  if (text_[place] != '{') return false;
  const std::size_t before = place == 0 ? text_.npos : text_.find_last_not_of(" \t", place - 1);
  if (before == text_.npos || text_[before] == '\n') return false;
  std::string_view inside = text_.substr(place + 1, 128);
  const std::size_t end = inside.find_first_of("{}[]\n");
  if (end == inside.npos || inside[end] != '}') return false;
  const std::size_t behind = place + end + 2;
  inside = Trim(inside.substr(0, end));
  if (inside.empty())
    return At(behind) == ' ' && IsLetter(At(behind + 1)) && IsLetter(text_[before]);
  while (!inside.empty()) {
    const std::size_t comma = std::min(inside.find(','), inside.size());
    const std::string_view member = inside.substr(0, comma);
    const std::size_t colon = member.find(':');
    if (colon == member.npos) return false;
    const std::string_view value = TrimMarks(member.substr(colon + 1));
    const bool angles = value.size() > 2 && value.front() == '<' && value.back() == '>';
    if (!angles && std::ranges::find(kTypeWords, value) == kTypeWords.end()) return false;
    inside.remove_prefix(std::min(comma + 1, inside.size()));
  }
  return true;
}

// Whether words in braces begin the text and name something, as in {Note} or {% if x %}, where a
// document follows.
bool LenientScanner::IsPlaceholder(std::size_t place) const {
  const std::string_view inside = text_.substr(place + 1, 64);
  const std::size_t end = inside.find_first_of("{}[]:,\"'\n");
  if (end == inside.npos || inside[end] != '}' || Trim(inside.substr(0, end)).empty()) return false;
  const std::size_t next = After(place + end + 2);
  return next < size() && FindBracket(next) != text_.npos;
}

std::size_t LenientScanner::SkipFence(std::size_t fence) const {
  std::size_t i = fence;
  while (At(i) == '`') ++i;
  while (i < size() && IsFenceInfo(text_[i])) ++i;
  const std::size_t next = After(i);
  if (At(next) == '{' || At(next) == '[') return next;
  // More words, such as title="x.json", go to the end of the line.
  const std::string_view line = text_.substr(i, 128);
  const std::size_t end = line.find_first_of("\n{[(`");
  if (i == fence || end == line.npos || line[end] != '\n') return next;
  const std::size_t below = After(i + end);
  return At(below) == '{' || At(below) == '[' ? below : next;
}

// Behind a label like [INFO] or [1] that begins the text: words stand in it and something else
// behind it. 0 when there is none.
std::size_t LenientScanner::LabelEnd() const {
  const std::string_view line = text_.substr(at_, 128);
  const std::size_t end = line.find_first_of("]\n,\"'`{[", 1);
  if (line[0] != '[' || end == line.npos || line[end] != ']') return 0;
  const std::string_view words = Trim(line.substr(1, end - 1));
  const std::size_t behind = at_ + end + 1;
  const std::size_t next = After(behind);
  std::size_t literal = 0;
  if (words.empty() || next >= size() || IsCloser(At(next)) || At(next) == ',') return 0;
  if (!LiteralFollows(After(at_ + 1), &literal)) return behind;
  const bool same_line = text_.substr(behind, next - behind).find('\n') == text_.npos;
  return same_line && IsLetter(At(next)) && !ValueStarts(next) ? behind : 0;
}

// The document that begins behind the quotation marks at `mark`, one or three, which stand behind
// it again; npos when there is none.
std::size_t LenientScanner::WrappedDocument(std::size_t mark) const {
  const char c = At(mark);
  if (c != '"' && c != '\'') return text_.npos;
  const std::size_t length = At(mark + 1) == c && At(mark + 2) == c ? 3 : 1;
  std::size_t place = After(mark + length);
  if (StartsAt(place, "json") && IsBlank(At(place + 4))) place = After(place + 4);
  const std::size_t first = After(place + 1);
  const bool object = At(place) == '{' && QuoteAt(first).quote != Quote::kNone && KeyFollows(first);
  if (!object && (At(place) != '[' || !ValueStarts(first))) return text_.npos;
  // Were it a string, the next mark of its kind would have a backslash.
  const std::size_t last = text_.find_last_not_of(" \t\r\n;)");
  const std::size_t inside = text_.find_first_of("\"\\", first);
  const bool holds_marks = inside < last && text_[inside] == '"' &&
                           (At(place) == '{' || At(first) == '{' || inside == first);
  if (length == 1 && c == '"' && !holds_marks) return text_.npos;
  const bool closed = last != text_.npos && text_[last] == c &&
                      IsCloser(At(text_.find_last_not_of("'\" \t\r\n;)")));
  return closed ? place : text_.npos;
}

// The document that begins behind single backticks, or behind the name of a variable; npos when
// there is none.
std::size_t LenientScanner::MarkedDocument() const {
  std::size_t place = at_;
  if (At(place) == '`') {
    place += At(place + 1) == '`' ? 2 : 1;
    if (StartsAt(place, "json") && IsBlank(At(place + 4))) place = After(place + 4);
    if (IsLetter(At(place)) && CallFollows(place)) return place;
  } else {
    const std::size_t name = NextMarkEnd(at_);
    place = After(name);
    if (name == 0 || At(place) != '=') return text_.npos;
    place = After(place + 1);
  }
  const char c = At(place);
  if (c == '{') return ObjectBegins(place) ? place : text_.npos;
  return c == '[' && ValueStarts(After(place + 1)) ? place : text_.npos;
}

// Finds a document in a fence; npos when no fence holds one.
std::size_t LenientScanner::FindFenced(std::size_t from) const {
  for (std::size_t fence = text_.find(kFence, from); fence != text_.npos;) {
    const std::size_t inside = SkipFence(fence);
    const char c = At(inside);
    if ((c == '{' && ObjectBegins(inside)) || c == '[' || c == '(' || c == '"') return inside;
    const std::size_t close = text_.find(kFence, inside);
    if (close == text_.npos) return close;
    // The mark may close this block or, when this one was the end of another, open the next.
    const std::size_t next = SkipFence(close);
    const bool opens = At(next) == '{' || At(next) == '[';
    fence = opens ? close : text_.find(kFence, close + kFence.size());
  }
  return text_.npos;
}

std::size_t LenientScanner::FindDocument(std::size_t from) {
  const std::size_t inside = FindFenced(from);
  if (inside != text_.npos) {
    // A fence in a document that begins before it is text.
    const std::size_t bracket = FindBracket(from);
    const bool around = bracket < inside && BehindClosers(bracket, 0, '"') > inside;
    if (around) return bracket;
    fenced_ = true;
    Note(RepairKind::kFence, inside);
    return inside;
  }
  return FindBracket(from);
}

// Whether nothing but one string, number or constant stands on the line.
bool LenientScanner::LineIsLiteral(std::size_t place) const {
  std::string_view line = text_.substr(place, 512);
  line = Trim(line.substr(0, line.find('\n')));
  std::size_t end = 0;
  if (LiteralFollows(place, &end)) {
    const std::size_t length = end - place;
    return length == line.size() || line.substr(length).find_first_not_of(" \t,;") == line.npos;
  }
  if (bare_text_) return line.find_first_of(" \t") == line.npos;
  return line.size() >= 2 && line.front() == '"' && line.find('"', 1) == line.size() - 1;
}

// Moves over the reasoning in front of an answer, also when its opening tag was part of the prompt.
bool LenientScanner::SkipReasoning() {
  for (const Tag& tag : kReasoningTags) {
    if (!StartsAt(at_, tag.open)) continue;
    Note(RepairKind::kReasoning, at_);
    const std::size_t close = text_.find(tag.close, at_);
    if (close != text_.npos) {
      at_ = close + tag.close.size();
      return true;
    }
    if (!Afford(size() - at_)) return false;
    if (options_.strictness == Strictness::kSalvage) {
      at_ += tag.open.size();
      return true;
    }
    error_ = StrCat("the reasoning that begins with ", tag.open, " never ends");
    return false;
  }
  const char c = At(at_);
  if (c == '{' || c == '[' || c == '"' || c == '`') return false;
  for (const Tag& tag : kReasoningTags) {
    if (!Afford((size() - at_) / 4)) return false;
    const std::size_t close = text_.find(tag.close, at_);
    if (close == text_.npos) continue;
    Note(RepairKind::kReasoning, at_);
    at_ = close + tag.close.size();
    return true;
  }
  return false;
}

bool LenientScanner::BeginsBehindText(std::size_t document) {
  const std::string_view words = Trim(text_.substr(at_, document - at_));
  Note(RepairKind::kTextBefore, at_);
  text_before_ = words != "json" && words != "JSON" && words != "JSON:";
  at_ = document;
  return true;
}

// The same of one in quotation marks, as in the code of a program.
bool LenientScanner::BeginsInMarks(std::size_t mark, std::size_t document) {
  const bool triple = At(mark + 1) == At(mark);
  Note(triple                ? RepairKind::kTripleQuotes
       : text_[mark] == '\'' ? RepairKind::kSingleQuotes
                             : RepairKind::kUnescapedQuote,
       mark);
  wrapped_ = true;
  at_ = document;
  return true;
}

bool LenientScanner::FindFirst() {
  SkipSpace();
  while (SkipReasoning()) SkipSpace();
  if (!error_.empty()) return false;
  SkipSpace();
  if (StartsAt(at_, kFence)) {
    const std::size_t inside = FindFenced(at_);
    if (inside != text_.npos) {
      Note(RepairKind::kFence, at_);
      fenced_ = true;
      at_ = inside;
      return true;
    }
    Note(RepairKind::kFence, at_);
    at_ = SkipFence(at_);
  }
  if (AtEnd()) {
    error_ = "there is nothing in the text that could be a document";
    return false;
  }
  const char c = text_[at_];
  if (ArrowArrayAt(at_) != 0) {
    odd_separators_ = true;
    return true;
  }
  const std::size_t label = LabelEnd();
  if (label != 0) {
    const std::size_t document = FindDocument(label);
    if (document != text_.npos) return BeginsBehindText(document);
  }
  if (QuoteAt(at_).quote != Quote::kNone) {
    const std::size_t wrapped = WrappedDocument(at_);
    if (wrapped != text_.npos) return BeginsInMarks(at_, wrapped);
    const std::size_t document = MarkedDocument();
    if (document != text_.npos && c != '`') return BeginsBehindText(document);
    if (document != text_.npos) {
      Note(RepairKind::kFence, at_);
      at_ = document;
      return true;
    }
  }
  if ((c == '{' && !IsPlaceholder(at_) &&
       (ObjectBegins(at_) || StartsAt(After(at_ + 1), kFence) || Trim(text_).ends_with('}'))) ||
      (c == '[' && ArrayBegins(at_, false)) || QuoteAt(at_).quote != Quote::kNone ||
      LineIsLiteral(at_)) {
    return true;
  }
  if (c == '(' && LookInto(at_) != Inside::kText) return true;
  std::size_t word = at_;
  while (word < size() && (IsWord(text_[word]) || text_[word] == '.')) ++word;
  if (word > at_ && At(word) == '(' && LookInto(word) == Inside::kOne &&
      ValueStarts(After(word + 1))) {
    const std::size_t mark = After(word + 1);
    const std::size_t wrapped = WrappedDocument(mark);
    if (wrapped == text_.npos) return true;
    Note(RepairKind::kCall, at_);
    return BeginsInMarks(mark, wrapped);
  }
  const std::size_t document = FindDocument(at_);
  if (document != text_.npos) return BeginsBehindText(document);
  if (c == '{' || c == '[') return true;
  bare_text_ = true;
  const bool any = std::ranges::any_of(text_.substr(at_), IsWord);
  if (!any) error_ = "there is nothing in the text that could be a document";
  return any;
}

bool LenientScanner::FindNext() {
  bool apart = false;  // a comma or a line break stands before this place
  while (true) {
    const std::size_t before = at_;
    SkipSpace();
    apart = apart || text_.substr(before, at_ - before).find('\n') != std::string_view::npos;
    if (AtEnd()) return false;
    if (wrapped_ && text_.find_first_not_of("'\" \t\r\n;)", at_) == text_.npos) return false;
    const char c = text_[at_];
    if (IsCloser(c) || c == ')' || c == ';' || c == ',') {
      const bool comma = c == ',' || c == ';';
      Note(comma ? RepairKind::kExtraComma : RepairKind::kExtraCloser, at_);
      apart = apart || c == ',';
      ++at_;
    } else if (c == '`' && text_.find_first_not_of("` \t\r\n", at_) == text_.npos) {
      if (!fenced_) Note(RepairKind::kFence, at_);
      return false;
    } else if (StartsAt(at_, kFence)) {
      if (!fenced_) Note(RepairKind::kFence, at_);
      while (At(at_) == '`') ++at_;
      if (!fenced_) continue;
      const std::size_t next = FindFenced(at_);
      if (next == text_.npos) {
        if (Trim(text_.substr(at_)).find_first_not_of('`') != std::string_view::npos) {
          Note(RepairKind::kTextAfter, at_);
        }
        return false;
      }
      at_ = next;
      return true;
    } else if ((c == '{' && ObjectBegins(at_)) || (c == '[' && ArrayBegins(at_, !apart)) ||
               (apart && LineIsLiteral(at_))) {
      return true;
    } else {
      Note(RepairKind::kTextAfter, at_);
      const std::size_t fence = fenced_ ? text_.find(kFence, at_) : text_.npos;
      std::size_t next = fence;
      if (!fenced_) {
        next = FindBracket(at_);
        if (next != text_.npos && text_[next] == '[' && !ArrayBegins(next, true)) return false;
        if (next != text_.npos && (IsSketch(next) || IsSketchInSentence(next))) return false;
      }
      if (next == text_.npos) return false;
      at_ = next;
      if (!fenced_) return true;
    }
  }
}

}  // namespace weir::json::internal
