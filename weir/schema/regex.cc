#include "weir/schema/regex.h"

#include <algorithm>
#include <optional>
#include <set>

#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::schema {
namespace {

using Kind = RegexNode::Kind;

// Recursive descent. A method that returns false has set error_ already.
class Parser {
 public:
  Parser(Regex& regex, std::string_view text, const RegexOptions& options)
      : regex_(regex), text_(text), options_(options) {}

  Result<void> Run() {
    if (!ParseAlternatives(regex_.root, 0)) return Fail(*std::move(error_));
    if (at_ < text_.size()) {  // only a ')' stops the alternatives early
      Invalid(at_, "a ')' without its '('");
      return Fail(*std::move(error_));
    }
    for (const auto& [offset, number] : numbered_references_) {
      if (number > groups_) {
        Invalid(offset, StrCat("\\", number, ", but there is no group of that number"));
        return Fail(*std::move(error_));
      }
    }
    for (const auto& [offset, name] : named_references_) {
      if (!names_.contains(name)) {
        Invalid(offset, StrCat("\\k<", name, ">, but there is no group of that name"));
        return Fail(*std::move(error_));
      }
    }
    if (unsupported_) return Fail(*std::move(unsupported_));
    return {};
  }

 private:
  bool Invalid(std::size_t offset, std::string_view what) {
    error_ = Error{.code = Code::kInvalidPattern,
                   .message = StrCat("the expression is wrong at offset ", offset, ": ", what)};
    return false;
  }

  // Reading goes on after this: a later mistake in the spelling is the better answer.
  void Unsupported(std::size_t offset, std::string_view what) {
    if (unsupported_) return;
    unsupported_ = Error{.code = Code::kUnsupportedPattern,
                         .message = StrCat("the expression asks at offset ", offset, " for ", what,
                                           "; write it without")};
  }

  bool More() const { return at_ < text_.size(); }
  char Here() const { return text_[at_]; }
  bool Is(char c) const { return More() && Here() == c; }
  bool Starts(std::string_view prefix) const { return text_.substr(at_).starts_with(prefix); }
  bool Take(std::string_view prefix) {
    if (!Starts(prefix)) return false;
    at_ += prefix.size();
    return true;
  }

  char32_t TakeChar() {
    const auto c = DecodeUtf8(text_.substr(at_));
    at_ += c.length;
    return c.code_point;
  }

  std::uint32_t Literal(char32_t c) {
    if (!options_.ignore_case) return regex_.AddChar(c);
    return regex_.AddClass({.set = FoldAscii(CodeSet({{c, c}}))});
  }

  bool ParseAlternatives(std::uint32_t& out, std::size_t depth) {
    std::vector<std::uint32_t> alternatives(1);
    if (!ParseSequence(alternatives.back(), depth)) return false;
    while (Take("|")) {
      if (!ParseSequence(alternatives.emplace_back(), depth)) return false;
    }
    out = regex_.AddAlternate(std::move(alternatives));
    return true;
  }

  bool ParseSequence(std::uint32_t& out, std::size_t depth) {
    std::vector<std::uint32_t> parts;
    while (More() && Here() != '|' && Here() != ')') {
      const std::size_t begin = at_;
      std::uint32_t part = 0;
      bool repeatable = true;
      if (!ParseTerm(part, repeatable, depth)) return false;
      if (!ParseQuantifier(part, repeatable, begin)) return false;
      parts.push_back(part);
    }
    out = regex_.AddConcat(std::move(parts));
    return true;
  }

  bool ParseTerm(std::uint32_t& out, bool& repeatable, std::size_t depth) {
    const std::size_t begin = at_;
    switch (Here()) {
      case '^':
      case '$':
        repeatable = false;
        out = regex_.Add({.kind = Here() == '^' ? Kind::kBegin : Kind::kEnd});
        ++at_;
        return true;
      case '(':
        return ParseGroup(out, repeatable, depth + 1);
      case '[':
        return ParseClass(out);
      case '\\':
        return ParseEscape(out, repeatable);
      case '.': {
        ++at_;
        out = regex_.AddClass({.set = options_.dot_all ? CodeSet() : LineSet(), .negated = true});
        return true;
      }
      case '*':
      case '+':
      case '?':
        return Invalid(begin, "nothing stands before this repetition");
      case '{': {
        std::uint32_t min = 0;
        std::uint32_t max = 0;
        if (TakeBraces(min, max)) return Invalid(begin, "nothing stands before this repetition");
        break;
      }
      default:
        break;
    }
    out = Literal(TakeChar());
    return true;
  }

  bool ParseGroup(std::uint32_t& out, bool& repeatable, std::size_t depth) {
    const std::size_t begin = at_;
    if (depth > options_.max_depth) {
      Unsupported(begin, StrCat("more than ", options_.max_depth, " groups inside each other"));
      return Fatal();
    }
    ++at_;
    if (Take("?=") || Take("?!")) {
      Unsupported(begin, "a look ahead");
      repeatable = true;  // Annex B
    } else if (Take("?<=") || Take("?<!")) {
      Unsupported(begin, "a look behind");
      repeatable = false;
    } else if (Take("?<")) {
      if (!ParseGroupName(begin)) return false;
      ++groups_;
    } else if (Is('?') && !Take("?:")) {
      return Invalid(begin, "no such kind of group in ECMA-262 (flags inside are not part of it)");
    } else if (text_[at_ - 1] == '(') {
      ++groups_;
    }
    if (!ParseAlternatives(out, depth)) return false;
    if (!Take(")")) return Invalid(begin, "this '(' is never closed");
    return true;
  }

  bool Fatal() {
    error_ = std::move(unsupported_);
    return false;
  }

  bool TakeName(std::string& name) {
    const std::size_t end = text_.find('>', at_);
    if (end == text_.npos || end == at_) return false;
    const std::string_view text = text_.substr(at_, end - at_);
    for (const char c : text) {
      const bool ascii = static_cast<unsigned char>(c) < 0x80;
      if (ascii && !IsLetter(c) && !IsDigit(c) && c != '_' && c != '$') return false;
    }
    if (IsDigit(text.front())) return false;
    name = text;
    at_ = end + 1;
    return true;
  }

  bool ParseGroupName(std::size_t begin) {
    std::string name;
    if (!TakeName(name)) return Invalid(begin, "a group name is a word followed by '>'");
    if (!names_.insert(name).second) return Invalid(begin, StrCat("a second group <", name, ">"));
    return true;
  }

  // At "{": takes {n}, {n,} or {n,m} and nothing else.
  bool TakeBraces(std::uint32_t& min, std::uint32_t& max) {
    std::size_t at = at_ + 1;
    const auto number = [&](std::uint32_t& out) {
      const std::size_t begin = at;
      std::uint64_t value = 0;
      for (; at < text_.size() && IsDigit(text_[at]); ++at) {
        value = std::min<std::uint64_t>(value * 10 + static_cast<std::uint64_t>(text_[at] - '0'),
                                        kNoLimit - 1);
      }
      out = static_cast<std::uint32_t>(value);
      return at > begin;
    };
    const auto is = [&](char c) { return at < text_.size() && text_[at] == c; };
    if (!number(min)) return false;
    max = min;
    if (is(',')) {
      ++at;
      if (!number(max)) max = kNoLimit;
    }
    if (!is('}')) return false;
    at_ = at + 1;
    return true;
  }

  bool ParseQuantifier(std::uint32_t& part, bool repeatable, std::size_t begin) {
    const std::size_t at = at_;
    std::uint32_t min = 0;
    std::uint32_t max = kNoLimit;
    if (Take("+")) {
      min = 1;
    } else if (Take("?")) {
      max = 1;
    } else if (!Take("*") && (!Is('{') || !TakeBraces(min, max))) {
      return true;
    }
    Take("?");  // lazy or greedy: the same texts match
    if (!repeatable) return Invalid(begin, "a repetition of something that takes no character");
    if (min > max) return Invalid(at, "the numbers of this repetition are in the wrong order");
    if (min > options_.max_repeat || (max != kNoLimit && max > options_.max_repeat)) {
      Unsupported(at, StrCat("more than ", options_.max_repeat, " repetitions"));
      return Fatal();
    }
    part = regex_.AddRepeat(part, min, max);
    return true;
  }

  bool ParseEscape(std::uint32_t& out, bool& repeatable) {
    const std::size_t begin = at_++;
    if (!More()) return Invalid(begin, "a '\\' at the very end");
    const char c = Here();
    if (c == 'b' || c == 'B') {
      ++at_;
      repeatable = false;
      out = regex_.Add({.kind = c == 'b' ? Kind::kWordBoundary : Kind::kNotWordBoundary});
      return true;
    }
    if (c >= '1' && c <= '9') {
      std::uint32_t number = 0;
      for (; More() && IsDigit(Here()); ++at_) {
        number = std::min<std::uint32_t>(number * 10 + static_cast<std::uint32_t>(Here() - '0'),
                                         1'000'000);
      }
      numbered_references_.emplace_back(begin, number);
      Unsupported(begin, "a back reference");
      return true;
    }
    if (c == 'k') {
      std::string name;
      ++at_;
      if (!Take("<") || !TakeName(name)) return Invalid(begin, "\\k needs <name>");
      named_references_.emplace_back(begin, std::move(name));
      Unsupported(begin, "a back reference");
      return true;
    }
    CharClass found;
    std::optional<char32_t> single;
    if (!ParseClassEscape(found, single, begin)) return false;
    out = single ? Literal(*single) : AddFolded(std::move(found));
    return true;
  }

  std::uint32_t AddFolded(CharClass found) {
    if (options_.ignore_case) {
      found.set =
          FoldAscii(found.properties.empty() ? found.set : Resolve({found.set, found.properties}));
      found.properties.clear();
    }
    return regex_.AddClass(std::move(found));
  }

  // What may stand behind a '\' inside and outside of brackets: one character, or a set that is
  // added to `out`.
  bool ParseClassEscape(CharClass& out, std::optional<char32_t>& single, std::size_t begin) {
    const char c = Here();
    switch (c) {
      case 'd':
        return TakeSet(out, DigitSet());
      case 'D':
        return TakeSet(out, DigitSet().Complement());
      case 'w':
        return TakeSet(out, WordSet());
      case 'W':
        return TakeSet(out, WordSet().Complement());
      case 's':
        return TakeSet(out, SpaceSet());
      case 'S':
        return TakeSet(out, SpaceSet().Complement());
      case 'p':
      case 'P':
        return ParseProperty(out, c == 'P', begin);
      default:
        break;
    }
    constexpr std::string_view kNames = "tnvfr";
    constexpr std::string_view kValues = "\t\n\v\f\r";
    if (const std::size_t i = kNames.find(c); i != kNames.npos) {
      ++at_;
      single = static_cast<char32_t>(kValues[i]);
      return true;
    }
    if (c == 'c') {
      if (at_ + 1 >= text_.size() || !IsLetter(text_[at_ + 1])) {
        return Invalid(begin, "\\c needs a letter");
      }
      single = static_cast<char32_t>(text_[at_ + 1] & 0x1F);
      at_ += 2;
      return true;
    }
    if (c == 'x' || c == 'u') return ParseHex(single, begin);
    if (c == '0' && (at_ + 1 >= text_.size() || !IsDigit(text_[at_ + 1]))) {
      ++at_;
      single = 0;
      return true;
    }
    if (IsDigit(c)) return Invalid(begin, "an octal escape; write \\xHH");
    if (IsLetter(c)) return Invalid(begin, StrCat("\\", c, " is no escape of ECMA-262"));
    single = TakeChar();
    return true;
  }

  bool TakeSet(CharClass& out, const CodeSet& set) {
    ++at_;
    out.set = Union(out.set, set);
    return true;
  }

  bool ParseProperty(CharClass& out, bool negated, std::size_t begin) {
    ++at_;
    const std::size_t end = Is('{') ? text_.find('}', at_) : text_.npos;
    if (end == text_.npos) return Invalid(begin, "\\p needs {name}");
    const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    for (const char c : name) {
      if (!IsLetter(c) && !IsDigit(c) && c != '_' && c != '=') {
        return Invalid(begin, "\\p needs {name}");
      }
    }
    if (name.empty()) return Invalid(begin, "\\p needs {name}");
    if (!AddProperty(out, name, negated)) {
      Unsupported(begin, StrCat("the Unicode property '", name, "', which is not known here"));
    }
    return true;
  }

  std::optional<char32_t> HexDigits(std::size_t at, std::size_t count) const {
    if (at + count > text_.size()) return std::nullopt;
    char32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const int digit = HexValue(text_[at + i]);
      if (digit < 0) return std::nullopt;
      value = value << 4 | static_cast<char32_t>(digit);
    }
    return value;
  }

  bool ParseHex(std::optional<char32_t>& single, std::size_t begin) {
    const bool is_x = Here() == 'x';
    ++at_;
    if (!is_x && Take("{")) {
      char32_t value = 0;
      const std::size_t first = at_;
      for (; More() && HexValue(Here()) >= 0 && value <= kLastCodePoint; ++at_) {
        value = value << 4 | static_cast<char32_t>(HexValue(Here()));
      }
      if (at_ == first || value > kLastCodePoint || !Take("}")) {
        return Invalid(begin, "\\u{...} needs a code point in hex");
      }
      single = value;
      return true;
    }
    single = HexDigits(at_, is_x ? 2 : 4);
    if (!single) return Invalid(begin, is_x ? "\\x needs two hex digits" : "\\u needs four");
    at_ += is_x ? 2 : 4;
    if (*single >= 0xD800 && *single < 0xDC00 && Starts("\\u")) {
      const auto low = HexDigits(at_ + 2, 4);
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        single = 0x10000 + ((*single - 0xD800) << 10) + (*low - 0xDC00);
        at_ += 6;
      }
    }
    return true;
  }

  // One end of a range: a character, or a set that is added at once.
  bool ParseClassAtom(CharClass& out, std::optional<char32_t>& single) {
    const std::size_t begin = at_;
    if (!Is('\\')) {
      single = TakeChar();
      return true;
    }
    ++at_;
    if (!More()) return Invalid(begin, "a '\\' at the very end");
    if (Take("b")) {
      single = '\b';
      return true;
    }
    return ParseClassEscape(out, single, begin);
  }

  bool ParseClass(std::uint32_t& out) {
    const std::size_t begin = at_++;
    CharClass found{.negated = Take("^")};
    std::vector<CodeRange> ranges;
    while (More() && Here() != ']') {
      const std::size_t first_at = at_;
      std::optional<char32_t> first;
      if (!ParseClassAtom(found, first)) return false;
      if (first) ranges.push_back({*first, *first});
      if (!Is('-') || at_ + 1 >= text_.size() || text_[at_ + 1] == ']') continue;
      ++at_;
      std::optional<char32_t> last;
      if (!ParseClassAtom(found, last)) return false;
      if (first && last) {
        if (*first > *last) return Invalid(first_at, "this range runs backwards");
        ranges.push_back({*first, *last});
        continue;
      }
      ranges.push_back({'-', '-'});  // Annex B: next to a set it is only a dash
      if (last) ranges.push_back({*last, *last});
    }
    if (!Take("]")) return Invalid(begin, "this '[' is never closed");
    found.set = Union(found.set, CodeSet(std::move(ranges)));
    out = AddFolded(std::move(found));
    return true;
  }

  Regex& regex_;
  std::string_view text_;
  const RegexOptions& options_;
  std::size_t at_ = 0;
  std::uint32_t groups_ = 0;
  std::set<std::string> names_;
  std::vector<std::pair<std::size_t, std::uint32_t>> numbered_references_;
  std::vector<std::pair<std::size_t, std::string>> named_references_;
  std::optional<Error> error_;
  std::optional<Error> unsupported_;
};

}  // namespace

std::uint32_t Regex::Add(RegexNode node) {
  nodes.push_back(std::move(node));
  return static_cast<std::uint32_t>(nodes.size() - 1);
}

std::uint32_t Regex::AddClass(CharClass char_class) {
  // Near neighbours are often the same: [a-z][a-z], or the letters of a word.
  const std::size_t oldest = classes.size() > 16 ? classes.size() - 16 : 0;
  std::size_t found = classes.size();
  while (found > oldest && !(classes[found - 1] == char_class)) --found;
  if (found == oldest) {
    classes.push_back(std::move(char_class));
    found = classes.size();
  }
  return Add({.kind = Kind::kClass, .index = static_cast<std::uint32_t>(found - 1)});
}

std::uint32_t Regex::AddChar(char32_t c) { return AddClass({.set = CodeSet({{c, c}})}); }

std::uint32_t Regex::AddText(std::string_view utf8) {
  std::vector<std::uint32_t> parts;
  while (!utf8.empty()) {
    const auto c = DecodeUtf8(utf8);
    parts.push_back(AddChar(c.code_point));
    utf8.remove_prefix(c.length);
  }
  return AddConcat(std::move(parts));
}

std::uint32_t Regex::AddConcat(std::vector<std::uint32_t> children) {
  if (children.size() == 1) return children.front();
  return Add({.kind = Kind::kConcat, .children = std::move(children)});
}

std::uint32_t Regex::AddAlternate(std::vector<std::uint32_t> children) {
  if (children.size() == 1) return children.front();
  return Add({.kind = Kind::kAlternate, .children = std::move(children)});
}

std::uint32_t Regex::AddRepeat(std::uint32_t child, std::uint32_t min, std::uint32_t max) {
  return Add({.kind = Kind::kRepeat, .min = min, .max = max, .children = {child}});
}

CodeSet FoldAscii(const CodeSet& set) {
  std::vector<CodeRange> all = set.ranges();
  for (char32_t c = 'a'; c <= 'z'; ++c) {
    const char32_t upper = c - 'a' + 'A';
    if (set.Contains(c) || set.Contains(upper)) {
      all.push_back({c, c});
      all.push_back({upper, upper});
    }
  }
  return CodeSet(std::move(all));
}

Result<void> ParseRegexInto(Regex& regex, std::string_view ecma, const RegexOptions& options) {
  if (ecma.size() > options.max_bytes) {
    return Fail(Code::kUnsupportedPattern,
                StrCat("the expression has ", ecma.size(), " bytes and the limit is ",
                       options.max_bytes, "; raise max_bytes or shorten it"));
  }
  if (!IsUtf8(ecma)) {
    return Fail(Code::kInvalidPattern, "the expression is not valid UTF-8; encode it so");
  }
  return Parser(regex, ecma, options).Run();
}

Result<Regex> ParseRegex(std::string_view ecma, const RegexOptions& options) {
  Regex regex;
  WEIR_CHECK(ParseRegexInto(regex, ecma, options));
  return regex;
}

}  // namespace weir::schema
