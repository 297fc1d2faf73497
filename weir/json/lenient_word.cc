// Words without quotation marks: constants, numbers in the spellings of other languages, and text.

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <system_error>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/lenient_scanner.h"

namespace weir::json::internal {
namespace {

enum class Constant : std::uint8_t { kNull, kTrue, kFalse };

struct NamedConstant {
  std::string_view name;
  Constant constant;
};

constexpr std::array<NamedConstant, 23> kConstants = {{
    {"true", Constant::kTrue},     {"false", Constant::kFalse},    {"null", Constant::kNull},
    {"True", Constant::kTrue},     {"False", Constant::kFalse},    {"Null", Constant::kNull},
    {"TRUE", Constant::kTrue},     {"FALSE", Constant::kFalse},    {"NULL", Constant::kNull},
    {"None", Constant::kNull},     {"undefined", Constant::kNull}, {"NaN", Constant::kNull},
    {"Infinity", Constant::kNull}, {"-Infinity", Constant::kNull}, {"+Infinity", Constant::kNull},
    {"nan", Constant::kNull},      {"inf", Constant::kNull},       {"-inf", Constant::kNull},
    {"-NaN", Constant::kNull},     {"Inf", Constant::kNull},       {"-Inf", Constant::kNull},
    {"nil", Constant::kNull},      {"NONE", Constant::kNull},
}};
constexpr std::size_t kOfJson = 3;       // the first ones need no mending
constexpr std::size_t kEverywhere = 15;  // the others are words where nothing says it is data

std::string_view TrimBack(std::string_view text) {
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// An integer written with 0x, 0o or 0b.
std::optional<std::string> OtherBase(std::string_view word) {
  const bool negative = word.starts_with('-');
  if (negative) word.remove_prefix(1);
  if (word.size() < 3 || word[0] != '0') return std::nullopt;
  const char letter = static_cast<char>(word[1] | 0x20);
  const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
  if (base == 0) return std::nullopt;
  std::uint64_t value = 0;
  const char* const end = word.data() + word.size();
  const auto parsed = std::from_chars(word.data() + 2, end, value, base);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return StrCat(negative ? "-" : "", static_cast<unsigned long long>(value));
}

}  // namespace

// Leaves the number that `word` spells in joined_; false when it is none.
bool LenientScanner::MendNumber(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  // 10L and 10n: long numbers of other languages.
  if (word.size() > 1 && (word.back() == 'L' || word.back() == 'n') &&
      NumberLength(word) == word.size() - 1) {
    word.remove_suffix(1);
  }
  if (word.empty() || word.size() > 400) return false;
  if (std::optional<std::string> integer = OtherBase(word)) {
    joined_ = std::move(*integer);
    return true;
  }
  joined_.clear();
  bool digits = false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    const bool next_digit = i + 1 < word.size() && IsDigit(word[i + 1]);
    if (c == '_') {
      if (i == 0 || !IsDigit(word[i - 1]) || !next_digit) return false;
      continue;
    }
    if (c == '.' && (joined_.empty() || joined_ == "-") && next_digit) joined_ += '0';
    joined_ += c;
    if (c == '.' && !next_digit) {
      if (!digits) return false;
      joined_ += '0';
    }
    digits = digits || IsDigit(c);
  }
  const char last = joined_.back();
  if (digits && (last == 'e' || last == 'E' || last == '+' || last == '-')) joined_ += '0';
  return NumberLength(joined_) == joined_.size();
}

// The rest of LiteralEnds().
bool LenientScanner::LiteralEndsBefore(Place place, std::size_t end) {
  const char c = At(end);
  if (c == ',') {
    const std::size_t next = After(end + 1);
    if (At(next) == '"') return true;
    const bool value = ValueStarts(next) || IsDigit(At(next));
    return !value || EllipsisLength(next) != 0 || KeyFollows(next) || ListLacksOpener(next);
  }
  if (c == ';') return SemicolonSeparates(place, end + 1);
  if (CommaLength(end) != 0) return true;
  if (const QuoteMark mark = QuoteAt(end); mark.quote != Quote::kNone) {
    // 1"b": 2
    if (place == Place::kMember) return QuotedKeyFollows(end);
    const char first = At(end + mark.length);
    return !IsBlank(first) && first != ',' && WholeItemFollows(end);
  }
  if (!IsBlank(c)) return c == '/' && (At(end + 1) == '/' || At(end + 1) == '*');
  const std::size_t next = After(end);
  const char first = At(next);
  std::size_t other = 0;
  if (next >= size() || first == ',' || first == '/' || first == '#' || IsCloser(first) ||
      first == '{' || first == '[' || QuoteAt(next).quote != Quote::kNone || first == ')' ||
      EllipsisLength(next) != 0 || text_.substr(end, next - end).find('\n') != text_.npos) {
    return true;
  }
  if (place == Place::kMember) return KeyFollows(next);
  return IsDigit(first) || first == '-' || LiteralFollows(next, &other);
}

LenientScanner::Word LenientScanner::ReadWord(Place place) {
  const std::size_t begin = at_;
  const std::size_t dots = StartsAt(at_, "...") || StartsAt(at_, "\xE2\x80\xA6") ? 3 : 0;
  if (dots != 0 && place != Place::kRoot) {
    const std::size_t next = After(at_ + dots);
    const char c = At(next);
    if (next >= size() || c == ',' || c == '/' || IsCloser(c) || next > at_ + dots) {
      at_ += dots;
      Note(RepairKind::kEllipsis, begin);
      return {Word::Kind::kEllipsis, {}};
    }
  }
  const std::size_t mark = place == Place::kRoot ? 0 : LostOpener(place, begin);
  if (mark != 0) {
    at_ = mark + 1;
    return WithoutOpener(begin, mark);
  }
  std::size_t after = 0;
  const std::size_t end = WordEnd(place, &after);
  at_ = std::max(after, begin + 1);
  if (after > end && QuoteAt(end).quote != Quote::kNone) {
    return WithoutOpener(begin, end);
  }
  return Classify(TrimBack(text_.substr(begin, std::max(end, begin) - begin)), begin, place);
}

// The string [begin, end), which lost its first mark.
LenientScanner::Word LenientScanner::WithoutOpener(std::size_t begin, std::size_t end) {
  Note(RepairKind::kMissingQuote, begin);
  scratch_.clear();
  string_cut_ = false;
  AppendContent(text_.substr(begin, end - begin), begin, Quote::kDouble, Place::kItem);
  return {Word::Kind::kString, scratch_};
}

LenientScanner::Word LenientScanner::Classify(std::string_view word, std::size_t offset,
                                              Place place) {
  using Kind = Word::Kind;
  const auto constant = [&](Constant which) {
    if (which == Constant::kNull) return Word{Kind::kNull, {}};
    return Word{which == Constant::kTrue ? Kind::kTrue : Kind::kFalse, {}};
  };
  const std::size_t known = place == Place::kRoot ? kEverywhere : kConstants.size();
  for (std::size_t i = 0; i < known; ++i) {
    if (kConstants[i].name != word) continue;
    if (i >= kOfJson) Note(RepairKind::kConstant, offset);
    return constant(kConstants[i].constant);
  }
  if (!word.empty() && NumberLength(word) == word.size()) return {Kind::kNumber, word};
  if ((word == "-" || word == "/") && AtEnd() && place != Place::kRoot)
    return {Kind::kEllipsis, {}};
  if (MendNumber(word)) {
    Note(RepairKind::kNumber, offset);
    string_cut_ = AtEnd() && !IsDigit(word.back()) && word.back() != '.';
    return {Kind::kNumber, joined_};
  }
  // The end cut it off; elsewhere three letters of a constant are no other word.
  if ((AtEnd() || word.size() > 2) && place != Place::kRoot && !word.empty()) {
    for (const NamedConstant& whole : std::span(kConstants).first(AtEnd() ? 6 : kOfJson)) {
      if (!whole.name.starts_with(word)) continue;
      Note(RepairKind::kConstant, offset);
      return constant(whole.constant);
    }
  }
  Note(RepairKind::kUnquotedString, offset);
  scratch_.clear();
  string_cut_ = false;
  if (place == Place::kRoot) {
    AppendPlain(word, offset, true);
  } else {
    AppendContent(word, offset, Quote::kDouble, place);
  }
  return {Kind::kString, scratch_};
}

// Without a container: the rest of the line or, when there are several words, of the text.
std::size_t LenientScanner::RootWordEnd(std::size_t* after) const {
  const std::size_t line = std::min(text_.find('\n', at_), size());
  const std::string_view word = TrimBack(text_.substr(at_, line - at_));
  const bool one_word = word.find_first_of(" \t") == word.npos;
  *after = one_word || !bare_text_ ? line : size();
  std::size_t end = *after;
  while (end > at_ + 1 && (IsBlank(text_[end - 1]) || text_[end - 1] == ',' ||
                           (text_[end - 1] == ';' && !bare_text_))) {
    --end;
  }
  *after = std::min(end, *after);
  return end;
}

// Whether the brackets that are open at `place` close on this line, and no value ends there.
bool LenientScanner::BracketsCloseInText(std::size_t place, std::size_t open) {
  for (std::size_t i = place; i < size() && text_[i] != '\n'; ++i) {
    if (!Afford(1)) return false;
    if (text_[i] == '{' || text_[i] == '[') ++open;
    if (!IsCloser(text_[i]) || --open > 0) continue;
    const std::size_t next = After(i + 1);
    return next < size() && At(next) != ',' && !IsCloser(At(next));
  }
  return false;
}

// Whether the parentheses that are open at `place` close on this line, where an item ends.
bool LenientScanner::CallCloses(std::size_t place, std::size_t open) {
  for (std::size_t i = place; open > 0 && i < size() && text_[i] != '\n'; ++i) {
    if (!Afford(1)) return false;
    if (text_[i] == '(') ++open;
    if (text_[i] != ')' || --open > 0) continue;
    const std::size_t next = After(i + 1);
    return At(next) == ',' || IsCloser(At(next));
  }
  return false;
}

// Whether the words from at_ on, the value of a member, end before the comma or line break at
// `end`.
bool LenientScanner::MemberWordEnds(std::size_t end) const {
  const char c = text_[end];
  const std::size_t next = After(c == '\n' ? end : end + 1);
  const char first = At(next);
  if (next >= size() || IsCloser(first) || first == ',' || first == '{' || StartsAt(next, "//") ||
      StartsAt(next, "/*") || first == '#' || c == '\\' || KeyFollows(next)) {
    return true;
  }
  // A whole number or constant, and no text that goes on.
  std::size_t literal = 0;
  return QuoteAt(next).quote != Quote::kNone && LiteralFollows(at_, &literal) &&
         After(literal) >= end;
}

// Whether the full-width comma at `comma` ends the words of a value: a key or a string follows.
bool LenientScanner::WideCommaSeparates(Place place, std::size_t comma) const {
  if (CommaLength(comma) == 0) return false;
  const std::size_t next = After(comma + kWideComma.size());
  return place == Place::kMember ? QuotedKeyFollows(next)
                                 : QuoteAt(next).quote != Quote::kNone && WholeItemFollows(next);
}

// Where the word at at_ ends, and where reading goes on behind it.
std::size_t LenientScanner::WordEnd(Place place, std::size_t* after) {
  std::size_t round = 0;
  std::size_t square = 0;
  std::size_t curly = 0;
  bool smart_open = false;
  bool open_inside = false;  // a plain mark that waits for its partner
  bool call = false;
  if (place == Place::kRoot) return RootWordEnd(after);
  const auto stop = [&](std::size_t end) { return *after = end; };
  for (std::size_t i = at_; i < size(); ++i) {
    const char c = text_[i];
    if (c == '\xEF' && WideCommaSeparates(place, i)) return stop(i);
    if (IsWord(c) && c != '\xE2') continue;
    if (c == '\n' || c == ',' || (escaped_layout_ && c == '\\' && At(i + 1) == 'n')) {
      if (place == Place::kItem && call && CallCloses(i, round)) continue;
      if (place == Place::kItem) return stop(i);
      if (c == ',' && curly + square > 0 && BracketsCloseInText(i, curly + square)) continue;
      if (MemberWordEnds(i)) return stop(i);
    } else if (c == ';') {
      const bool sure = odd_separators_ || KeyFollows(After(i + 1));
      if (sure && SemicolonSeparates(place, i + 1)) return stop(i);
    } else if (c == '(') {
      ++round;
      call = call || (i > at_ && IsWord(text_[i - 1]));
    } else if (c == '[') {
      ++square;
    } else if (c == '{') {
      ++curly;
    } else if (c == ')') {
      if (round == 0 && frames_.back().closer == ')') return stop(i);
      if (round > 0) --round;
    } else if (c == ']') {
      if (square == 0) return stop(i);
      --square;
    } else if (c == '}') {
      if (curly == 0) return stop(i);
      --curly;
    } else if (StartsAt(i, "```") ||
               (i > at_ && IsBlank(text_[i - 1]) &&
                (StartsAt(i, "//") || StartsAt(i, "/*") || StartsAt(i, "# ")))) {
      return stop(i);
    } else if (const QuoteMark mark = QuoteAt(i);
               mark.quote == Quote::kDouble || mark.quote == Quote::kSmartDouble) {
      smart_open = mark.quote == Quote::kSmartDouble && !smart_open;
      if (mark.quote == Quote::kSmartDouble && !smart_open) continue;
      const std::size_t next = After(i + mark.length);
      const bool ends = next >= size() || At(next) == ',' || IsCloser(At(next));
      if (ends && !open_inside) {
        *after = i + mark.length;
        return i;
      }
      const bool begins = place == Place::kItem ? ItemFollows(i) : QuotedKeyFollows(i);
      if (i > at_ && IsBlank(text_[i - 1]) && begins) return stop(i);
      if (mark.quote == Quote::kDouble) open_inside = !open_inside;
    }
  }
  return stop(size());
}

// Reads a key without a quotation mark at its front.
std::string_view LenientScanner::ReadBareKey() {
  const std::size_t begin = at_;
  while (at_ < size()) {
    const char c = text_[at_];
    if (c == '\xEF' && MarkAt(at_)) break;
    if (!IsWord(c) || c == '\xE2' || c == '\xC2') {
      if (c == ':' || c == '=' || c == ',' || c == '\n' || c == '{' || c == '[' || IsCloser(c)) {
        break;
      }
      if (c == '/' && (At(at_ + 1) == '/' || At(at_ + 1) == '*')) break;
      if (c != '\'' && QuoteAt(at_).quote != Quote::kNone) break;
      if (c == '\'' && At(After(at_ + 1)) == ':') break;
      if (IsBlank(c) && LiteralEndsMember(After(at_))) break;
    }
    ++at_;
  }
  const std::string_view key = TrimBack(text_.substr(begin, at_ - begin));
  const QuoteMark mark = QuoteAt(at_);
  const char behind = At(After(at_ + mark.length));
  if (mark.quote != Quote::kNone && (behind == ':' || behind == '=')) {
    Note(RepairKind::kMissingQuote, begin);
    at_ += mark.length;
  } else {
    Note(RepairKind::kUnquotedKey, begin);
    bare_keys_ = true;
  }
  if (at_ == begin) ++at_;
  if (IsUtf8(key)) return key;
  scratch_.clear();
  AppendPlain(key, begin, true);
  return scratch_;
}

}  // namespace weir::json::internal
