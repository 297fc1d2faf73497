#pragma once

// What the lenient reader sees of its text: white space and comments, strings in any quotation
// marks, bare words, and what lies around the documents. It knows which containers are open, but
// not what becomes of the values.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/text.h"
#include "weir/json/lenient.h"

namespace weir::json::internal {

// Where a value or key stands.
enum class Place : std::uint8_t { kRoot, kItem, kMember, kKey };

enum class Quote : std::uint8_t {
  kNone,
  kDouble,
  kSingle,
  kSmartDouble,
  kSmartSingle,
  kBacktick,
  kEscaped,       // \" where a string begins
  kEntity,        // &quot; in a text that was prepared for HTML
  kSingleEntity,  // &#39;
};

struct QuoteMark {
  Quote quote = Quote::kNone;
  std::size_t length = 0;
};

// Whether a string that `opened` began may end with `mark`.
inline bool Ends(Quote opened, Quote mark) {
  if (opened == mark) return true;
  if (opened == Quote::kSmartDouble) return mark == Quote::kDouble;
  if (opened == Quote::kSmartSingle) return mark == Quote::kSingle;
  if (opened == Quote::kBacktick) return mark == Quote::kSingle || mark == Quote::kSmartSingle;
  return opened == Quote::kEscaped && mark == Quote::kDouble;
}

// The offset of the first mark, backslash or control character; `high` gathers whether bytes
// beyond ASCII were passed.
inline std::size_t PlainEnd(std::string_view text, std::size_t at, char mark, bool& high) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kTops = 0x8080808080808080;
  const std::uint64_t marks = kOnes * static_cast<unsigned char>(mark);
  std::uint64_t seen = 0;
  while (at + 8 <= text.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    const std::uint64_t quote = word ^ marks;
    const std::uint64_t slash = word ^ (kOnes * '\\');
    const std::uint64_t hits =
        ((word - kOnes * 0x20) & ~word) | ((quote - kOnes) & ~quote) | ((slash - kOnes) & ~slash);
    if ((hits & kTops) != 0) break;
    seen |= word;
    at += 8;
  }
  high = high || (seen & kTops) != 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || text[at] == mark || text[at] == '\\') break;
    high = high || byte >= 0x80;
    ++at;
  }
  return at;
}

// A container that is open.
struct Frame {
  bool object = false;
  bool began = true;  // its begin event was sent; objects wait for what follows the first key
  bool transparent = false;  // parentheses around one value: no event of its own
  char closer = ']';
  bool after_value = false;  // a value stands before this place, and no comma after it
  std::size_t comma_at = std::string_view::npos;  // where a comma stands before this place
  bool value_next = false;                        // a key and its colon stand before this place
  bool any = false;                               // it holds something already
  bool doubled = false;                           // its bracket stood there twice
  bool array_last = false;                        // of an array: its last item is one
  std::size_t column = 0;     // of the first key; 0 where no line begins with it
  std::size_t first_key = 0;  // hash of the first key; of an array: of its last item's
};

// The marks of Chinese and Japanese text, behind a key or value.
inline constexpr std::string_view kWideColon = "\xEF\xBC\x9A";
inline constexpr std::string_view kHtmlComment = "<!--";
inline constexpr std::string_view kWideComma = "\xEF\xBC\x8C";

inline constexpr std::size_t kKeyWindow = 256;  // of a look ahead at a key

inline bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
inline bool IsCloser(char c) { return c == '}' || c == ']'; }
// Characters of names: letters, digits, "_", "$" and everything beyond ASCII.
inline bool IsWord(char c) {
  return IsLetter(c) || IsDigit(c) || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

class LenientScanner {
 public:
  LenientScanner(std::string_view text, const LenientOptions& options, RepairReport& report)
      : text_(text), options_(options), report_(report), credit_(4 * text.size() + 65536) {}

 protected:
  void Note(RepairKind kind, std::size_t offset) {
    ++report_.count;
    if (report_.repairs.size() < options_.max_repairs) report_.repairs.push_back({kind, offset});
  }

  std::size_t size() const { return text_.size(); }
  bool AtEnd() const { return at_ >= text_.size(); }
  // The byte there; 0 behind the end.
  char At(std::size_t place) const { return place < text_.size() ? text_[place] : '\0'; }
  bool StartsAt(std::size_t place, std::string_view word) const {
    return place < text_.size() && text_.substr(place, word.size()) == word;
  }

  // The first place from `place` on that holds no white space, for looking ahead.
  std::size_t After(std::size_t place) const {
    while (place < text_.size() && IsBlank(text_[place])) ++place;
    if (place >= text_.size()) return place;
    const char c = text_[place];
    const bool odd = static_cast<unsigned char>(c) >= 0x80 || (escaped_layout_ && c == '\\');
    return odd ? AfterOddSpace(place) : place;
  }

  // The length of what stands there for a colon; 0 when nothing does. "=" and "=>" count once such
  // a separator was met, for in text they mean many things.
  std::size_t ColonLength(std::size_t place) const {
    const char c = At(place);
    if (c == ':') return 1;
    if (c == '\xEF') return StartsAt(place, kWideColon) ? kWideColon.size() : 0;
    if (c != '=' || !odd_separators_ || At(place + 1) == '=') return 0;
    return At(place + 1) == '>' ? 2 : 1;
  }

  // The marks around a key that Markdown prints in bold: **"a"**: 1.
  std::size_t BoldLength(std::size_t place) const { return StartsAt(place, "**") ? 2 : 0; }

  // The same of a comma.
  std::size_t CommaLength(std::size_t place) const {
    const char c = At(place);
    if (c == ',') return 1;
    return c == '\xEF' && StartsAt(place, kWideComma) ? kWideComma.size() : 0;
  }

  // Moves over white space and comments, and notes what is not JSON about them.
  void SkipSpace() {
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
    if (at_ == text_.size()) return;
    const char c = text_[at_];
    if (c == '/' || c == '#' || c == '<' || c == '\\' || static_cast<unsigned char>(c) >= 0x80)
      SkipOddSpace();
  }

  // Takes `cost` bytes of the looking ahead that the size of the text allows; false when it is used
  // up. Looks that are not bounded by themselves must ask.
  bool Afford(std::size_t cost) {
    if (cost > credit_) return false;
    credit_ -= cost;
    return true;
  }

  // The place of the mark that ends the string at at_, when that string holds nothing but plain
  // ASCII; else 0.
  std::size_t PlainStringEnd() const {
    bool high = false;
    const std::size_t end = PlainEnd(text_, at_ + 1, '"', high);
    return !high && At(end) == '"' && end > at_ + 1 ? end : 0;
  }

  // lenient_string.cc

  QuoteMark QuoteAt(std::size_t place) const;
  // Reads the string or key that begins at at_, which is a quotation mark. The view is good until
  // the next call.
  std::string_view ReadString(Place place);

  // lenient_look.cc

  bool KeyFollows(std::size_t place) const;
  bool QuotedKeyFollows(std::size_t place) const;
  bool WordsAreKey(std::size_t place) const;
  bool ItemFollows(std::size_t place) const;
  bool WholeItemFollows(std::size_t place) const;
  bool WholeItemFits(std::size_t place) const;
  bool KeyAndValueFollow(std::size_t place) const;
  bool BareItemFollows(std::size_t place) const;
  bool WordsAreItem(std::size_t place) const;
  bool ValueStarts(std::size_t place) const;
  bool SurelyValue(std::size_t place) const;
  bool LiteralFollows(std::size_t place, std::size_t* end) const;
  bool LiteralEndsMember(std::size_t place) const;
  bool SemicolonSeparates(Place place, std::size_t after) const;
  bool ClosersFit(Place place, std::size_t closers, Quote quote);
  bool Fits(std::size_t depth, std::size_t next);
  bool ParenthesisCloses(std::size_t place);
  bool MembersStay(std::size_t comma);
  bool GoesOnRather(std::size_t depth, std::size_t other, std::size_t comma);
  bool RootGoesOn(Place place, std::size_t behind, Quote quote);
  std::size_t MembersEnd(std::size_t place);
  bool ClosersMatch(std::size_t depth, std::size_t place, std::size_t* behind);
  static std::size_t Hash(std::string_view key);
  std::size_t HashOfKeyAt(std::size_t place) const;
  std::size_t OuterObject();
  std::size_t OuterGoesOn(std::size_t place);
  std::size_t ColumnOf(std::size_t place) const;
  bool LacksClosers();
  std::size_t OuterColumn();
  bool IsKeyOfOuter(std::size_t key);
  std::size_t BareKeyOfOuter();
  bool FitsAfter(std::size_t depth, std::size_t place) const;
  bool RowLacksOpener(std::size_t place);
  bool ListLacksOpener(std::size_t place);
  bool ListEndsWithoutOpener(std::size_t place);
  bool ItemLacksOpener(std::size_t place);

  // lenient_layout.cc

  std::size_t EllipsisLength(std::size_t place) const;
  std::size_t PrefixLength(std::size_t place) const;
  bool CallFollows(std::size_t place) const;
  std::size_t ArrowArrayAt(std::size_t place) const;
  // Whether the parentheses that open at `place` hold several values, one or none, or no values.
  enum class Inside : std::uint8_t { kText, kOne, kSeveral };
  Inside LookInto(std::size_t place);
  std::size_t BulletLength(std::size_t place) const;
  bool LineBeginsAt(std::size_t place) const;
  std::size_t BehindLayout(std::size_t place) const;
  std::size_t StrayLineEnd(std::size_t place, bool object) const;

  // lenient_word.cc

  // Whether a literal that seems to end at `end` is not the beginning of some longer text.
  bool LiteralEnds(Place place, std::size_t end) {
    const char c = At(end);
    if (end >= size() || IsCloser(c) || c == '\n' || c == ')') return true;
    if (c == ',' && (place != Place::kMember || At(end + 1) == '"')) return true;
    return LiteralEndsBefore(place, end);
  }
  // What a bare word is.
  struct Word {
    enum class Kind : std::uint8_t { kNull, kTrue, kFalse, kNumber, kString, kEllipsis } kind;
    std::string_view text;  // of a number or string; good until the next call
  };
  Word ReadWord(Place place);
  std::size_t LostOpener(Place place, std::size_t word);
  std::string_view ReadBareKey();
  static std::size_t NumberLength(std::string_view text);

  // lenient_outside.cc

  // Finds the first document. False when there is none: then error_ says why.
  bool FindFirst();
  // Behind a document: moves to the next one. False when there is none.
  bool FindNext();
  // Behind the opening marks of a fence, its info string and white space.
  std::size_t SkipFence(std::size_t fence) const;

  const std::string_view text_;
  const LenientOptions& options_;
  RepairReport& report_;
  std::size_t at_ = 0;
  std::vector<Frame> frames_;
  bool text_before_ = false;     // text that is not part of a document was dropped before it
  bool bare_text_ = false;       // there is no document: the text itself is the value
  bool escaped_layout_ = false;  // line breaks outside strings may be written \n
  bool odd_separators_ = false;  // "=", "=>" or ";" stood for a colon or comma
  bool doubled_braces_ = false;  // all of them, as in a template
  bool string_cut_ = false;      // the string just read was ended by the end of the text
  std::string error_;

 private:
  struct Span {
    std::size_t begin = 0;       // of the content
    std::size_t end = 0;         // of the content
    std::size_t after = 0;       // where reading goes on
    std::size_t inner = 0;       // quotation marks inside
    std::size_t last_inner = 0;  // behind the last of them
    std::size_t counted = 0;     // brackets were counted up to here
    std::size_t open = 0;        // brackets opened inside
    std::size_t piece_end = 0;   // of a piece of JSON inside: no mark before it ends the string
    Quote quote = Quote::kNone;  // that began it
    bool closed = true;          // by a quotation mark
    bool first_inner = false;    // one stands at the very beginning
    bool special = false;        // escapes, control characters or unusual quotation marks
    bool high = false;           // bytes beyond ASCII
  };
  enum class Verdict : std::uint8_t { kCloses, kInside, kEndedBefore };

  bool MarkAt(std::size_t place) const;
  std::size_t NextMarkEnd(std::size_t place) const;
  template <typename Ends>
  std::size_t FindOutsideStrings(std::size_t place, Ends ends);
  std::size_t NextBracket(std::size_t place);

  void SkipOddSpace();
  bool SkipComment();
  bool HashBeginsValue();
  std::size_t OddSpace(std::size_t place) const;
  std::size_t AfterOddSpace(std::size_t place) const;

  void OpenQuote(QuoteMark mark);
  std::size_t NextMark(std::size_t from, Quote quote, std::size_t& length, Span& span) const;
  Span FindEnd(Place place, std::size_t begin, Quote quote);
  Span FindTriple(std::size_t begin);
  Verdict Judge(Place place, std::size_t begin, std::size_t mark, std::size_t length, Span& span);
  Verdict JudgeKey(std::size_t begin, std::size_t mark, std::size_t length, Span& span);
  bool ClosesBeforeComma(Place place, std::size_t after, std::size_t inner);
  bool ClosesBeforeQuote(Place place, std::size_t mark_end, std::size_t next,
                         std::size_t inner) const;
  bool StringGoesOnAt(std::size_t mark_end, std::size_t next) const;
  bool ClosesBeforeWord(Place place, std::size_t next) const;
  bool InsideBraces(std::size_t mark, Span& span) const;
  std::size_t PieceEnd(Place place, std::size_t begin, std::size_t mark);
  std::size_t BehindClosers(std::size_t place, std::size_t depth, char quote);
  std::size_t OpenBrackets(std::size_t begin, std::size_t end);
  bool PieceGoesOn(Place place, std::size_t begin, std::size_t mark);
  bool StringEndsBehind(Place place, std::size_t from, char quote) const;
  bool SmartEndFollows(Place place, std::size_t from) const;
  bool ValueSurelyEnds(Place place, std::size_t behind) const;
  std::size_t PlainEndBefore(std::size_t mark, const Span& span) const;
  void EndWithoutMark(Span& span);
  bool DoublesLastMark(const Span& span);
  void DropEscapedMark(std::size_t begin, Span& span);
  bool EndedBefore(Place place, std::size_t begin, std::size_t mark, Span& span);
  void EndAtEndOfText(Place place, std::size_t begin, Span& span);
  std::size_t StripClosers(std::size_t begin, std::size_t end, std::size_t& depth);
  void AppendContent(std::string_view content, std::size_t offset, Quote quote, Place place);
  void AppendPlain(std::string_view text, std::size_t offset, bool high);
  std::size_t AppendEscape(std::string_view content, std::size_t i, std::size_t offset,
                           Place place);

  bool LiteralEndsBefore(Place place, std::size_t end);
  Word WithoutOpener(std::size_t begin, std::size_t end);
  Word Classify(std::string_view word, std::size_t offset, Place place);
  bool MendNumber(std::string_view word);
  std::size_t RootWordEnd(std::size_t* after) const;
  bool MemberWordEnds(std::size_t end) const;
  bool WideCommaSeparates(Place place, std::size_t comma) const;
  bool CallCloses(std::size_t place, std::size_t open);
  bool BracketsCloseInText(std::size_t place, std::size_t open);
  std::size_t WordEnd(Place place, std::size_t* after);

  bool SkipReasoning();
  std::size_t FindDocument(std::size_t from);
  std::size_t FindFenced(std::size_t from) const;
  std::size_t FindBracket(std::size_t from) const;
  bool IsSketch(std::size_t place) const;
  bool IsSketchInSentence(std::size_t place) const;
  bool IsPlaceholder(std::size_t place) const;
  std::size_t LabelEnd() const;
  std::size_t WrappedDocument(std::size_t mark) const;
  bool BeginsInMarks(std::size_t mark, std::size_t document);
  std::size_t MarkedDocument() const;
  bool BeginsBehindText(std::size_t document);
  bool LineIsLiteral(std::size_t place) const;
  bool ObjectBegins(std::size_t place) const;
  bool ArrayBegins(std::size_t place, bool in_text) const;
  bool LoneItemIsAnswer(std::size_t place) const;

  std::size_t credit_;
  std::string scratch_;
  std::string joined_;
  enum class Balance : std::uint8_t { kUnknown, kLacksClosers, kFits } balance_ = Balance::kUnknown;
  std::size_t last_closer_ = 0;     // behind the last character that is no layout; 0: not known yet
  std::size_t no_opener_lost_ = 0;  // no bare word before this place lost its first mark
  bool fenced_ = false;             // only what stands in fences is read
  bool bare_keys_ = false;          // keys without quotation marks were met
  bool wrapped_ = false;            // quotation marks stand around the document
  bool no_triple_end_ = false;      // no """ follows any more
};

}  // namespace weir::json::internal
