#include "weir/schema/grammar_reader.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::schema::internal {
namespace {

bool IsWord(char c) { return IsDigit(c) || IsLetter(c) || c == '_'; }

}  // namespace

Result<void> GrammarReader::CheckText() const {
  if (text_.size() > options_.max_bytes) {
    return Fail(Code::kInvalidGrammar,
                StrCat("the grammar has ", text_.size(), " bytes and the limit is ",
                       options_.max_bytes, "; raise max_bytes or shorten it"));
  }
  if (!IsUtf8(text_)) {
    return Fail(Code::kInvalidGrammar, "the grammar is not valid UTF-8; encode it so");
  }
  return {};
}

bool GrammarReader::Take(std::string_view word) {
  if (!text_.substr(std::min(at_, text_.size())).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

void GrammarReader::SkipBlanks() {
  while (!AtEnd()) {
    const char c = Peek();
    if (c == '#' || (slash_comments_ && c == '/' && Peek(1) == '/')) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      ++at_;
    } else {
      return;
    }
  }
}

char32_t GrammarReader::TakeChar() {
  const auto c = DecodeUtf8(text_.substr(at_));
  at_ += c.length;
  return c.code_point;
}

std::string_view GrammarReader::TakeName(bool dashes) {
  const std::size_t begin = at_;
  const auto inner = [&] {  // a dot at the end is no part of a name, but "any character"
    return dashes && at_ > begin && (Peek() == '-' || (Peek() == '.' && IsWord(Peek(1))));
  };
  while (IsWord(Peek()) || inner()) ++at_;
  return text_.substr(begin, at_ - begin);
}

std::optional<std::uint32_t> GrammarReader::TakeNumber() {
  if (!IsDigit(Peek())) return std::nullopt;
  std::uint32_t value = 0;
  for (; IsDigit(Peek()); ++at_) {
    value = std::min(value * 10 + static_cast<std::uint32_t>(Peek() - '0'), 100'000'000u);
  }
  return value;
}

Result<char32_t> GrammarReader::TakeEscape() {
  const std::size_t begin = at_ - 1;
  const char c = Peek();
  constexpr std::string_view kNames = "nrtbfva0";
  constexpr std::string_view kValues("\n\r\t\b\f\v\a\0", 8);
  if (const std::size_t i = kNames.find(c); c != '\0' && i != kNames.npos) {
    ++at_;
    return static_cast<unsigned char>(kValues[i]);
  }
  const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits > 0) {
    ++at_;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      const char digit = Peek();
      if (!IsDigit(digit) && (digit | 0x20) < 'a') return Wrong(begin, "a hex escape too short");
      if ((digit | 0x20) > 'f') return Wrong(begin, "a hex escape too short");
      value = value << 4 |
              static_cast<unsigned>(IsDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    if (value > kLastCodePoint || (value >= 0xD800 && value < 0xE000)) {
      return Wrong(begin, "an escape that is no Unicode character");
    }
    return static_cast<char32_t>(value);
  }
  if (AtEnd() || IsWord(c)) return Wrong(begin, StrCat("the unknown escape \\", c));
  return TakeChar();
}

Result<void> GrammarReader::TakeBraces(std::uint32_t& min, std::uint32_t& max) {
  const std::size_t begin = at_ - 1;
  SkipBlanks();
  const auto first = TakeNumber();
  if (!first) return Wrong(begin, "a '{' that is not followed by a number");
  min = *first;
  max = min;
  SkipBlanks();
  if (Take(",")) {
    SkipBlanks();
    max = TakeNumber().value_or(kNoLimit);
    SkipBlanks();
  }
  if (!Take("}")) return Wrong(begin, "a repetition without its '}'");
  return CheckRepeat(begin, min, max);
}

Result<void> GrammarReader::CheckRepeat(std::size_t at, std::uint32_t min,
                                        std::uint32_t max) const {
  if (min > max) return Wrong(at, "a repetition whose numbers are in the wrong order");
  const std::uint32_t largest = max == kNoLimit ? min : max;
  if (largest <= options_.max_repeat) return {};
  return Wrong(at, StrCat("more than ", options_.max_repeat, " repetitions (max_repeat)"));
}

Result<void> GrammarReader::CheckDepth(std::size_t depth) const {
  if (depth <= options_.max_depth) return {};
  return Wrong(at_, StrCat("more than ", options_.max_depth, " brackets inside each other"));
}

std::unexpected<Error> GrammarReader::Wrong(std::size_t at, std::string_view what) const {
  const std::string_view before = text_.substr(0, std::min(at, text_.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = before.size() - (newline == before.npos ? 0 : newline + 1) + 1;
  return Fail(Code::kInvalidGrammar,
              StrCat("the grammar cannot be read: line ", line, ", column ", column, ": ", what));
}

std::uint32_t GrammarReader::Rule(std::string_view name, std::size_t at) {
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) return found->second;
  const auto index = static_cast<std::uint32_t>(rules_.size());
  rules_.push_back({.name = std::string(name), .first_use = at});
  by_name_.emplace(name, index);
  return index;
}

Result<void> GrammarReader::Define(std::string_view name, std::size_t at, std::uint32_t root) {
  RuleState& rule = rules_[Rule(name, at)];
  if (rule.defined) return Wrong(at, StrCat("a second definition of '", name, "'"));
  rule.defined = true;
  rule.root = root;
  return {};
}

std::uint32_t GrammarReader::AddUnnamed(std::uint32_t root) {
  rules_.push_back({.name = {}, .first_use = at_, .root = root, .defined = true});
  return static_cast<std::uint32_t>(rules_.size() - 1);
}

Result<Grammar> GrammarReader::Finish(std::string_view start) {
  if (rules_.size() > options_.max_rules) {
    return Fail(Code::kInvalidGrammar,
                StrCat("the grammar has ", rules_.size(), " rules and the limit is ",
                       options_.max_rules, "; raise max_rules or shorten it"));
  }
  Grammar out;
  for (RuleState& rule : rules_) {
    if (!rule.defined) {
      std::vector<std::string> names;
      for (const RuleState& other : rules_) {
        if (other.defined && !other.name.empty()) names.push_back(other.name);
      }
      const auto nearest = Nearest(rule.name, names);
      return Wrong(rule.first_use,
                   StrCat("'", rule.name, "' is used but nowhere defined",
                          nearest ? StrCat("; did you mean '", *nearest, "'?") : std::string()));
    }
    out.rules.push_back({.name = std::move(rule.name), .root = rule.root});
  }
  const auto found = by_name_.find(start);
  if (found == by_name_.end()) {
    return Fail(Code::kInvalidGrammar,
                StrCat("the grammar has no rule '", start, "' to begin with; add one"));
  }
  out.start = found->second;
  out.body = std::move(body);
  return out;
}

}  // namespace weir::schema::internal
