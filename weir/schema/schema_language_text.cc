#include "weir/schema/schema_language_text.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/writer.h"

namespace weir::schema::internal {
namespace {

std::u32string Decode(std::string_view text) {
  std::u32string out;
  while (!text.empty()) {
    const auto c = DecodeUtf8(text);
    out += c.code_point;
    text.remove_prefix(c.length);
  }
  return out;
}

std::uint64_t Magnitude(std::int64_t value) {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

// Numbers of other lengths are written with an exponent anyway.
constexpr std::string_view kExponent = "-?(0|[1-9][0-9]*)(\\.[0-9]+)?[eE][+-]?[0-9]+";

}  // namespace

JsonText::Node JsonText::Call(std::uint32_t rule) {
  return body().Add({.kind = RegexNode::Kind::kRule, .index = rule});
}

std::uint32_t JsonText::NewRule(std::string name) {
  grammar_.rules.push_back({.name = std::move(name)});
  return static_cast<std::uint32_t>(grammar_.rules.size() - 1);
}

JsonText::Node JsonText::Shared(Node node) {
  const std::uint32_t rule = NewRule({});
  SetRule(rule, node);
  return Call(rule);
}

JsonText::Node JsonText::Pattern(std::string_view ecma) {
  if (!ParseRegexInto(body(), ecma, {})) return Nothing();
  return body().root;
}

JsonText::Node JsonText::Space() {
  if (options_.whitespace == SchemaTextOptions::Whitespace::kCompact) return Empty();
  return Pattern("[ \\t\\r\\n]*");
}

JsonText::Node JsonText::Comma() { return Concat({Space(), Text(","), Space()}); }

JsonText::Node JsonText::Member(Node key, Node value) {
  return Concat({key, Space(), Text(":"), Space(), value});
}

JsonText::Node JsonText::Braced(char open, Node inside, char close) {
  return Concat({Text({&open, 1}), Space(), inside, Space(), Text({&close, 1})});
}

JsonText::Node JsonText::AnyValue() {
  if (!any_value_) {
    any_value_ = NewRule("any");
    const Node value = Call(*any_value_);
    const auto list = [&](Node item) {
      const Node more = body().AddRepeat(Concat({Comma(), item}), 0, kNoLimit);
      return Maybe(Concat({item, more, Space()}));
    };
    const auto braced = [&](std::string_view open, Node item, std::string_view close) {
      return Concat({Text(open), Space(), list(item), Text(close)});
    };
    const Node member = Member(AnyString(), value);
    SetRule(*any_value_, Either({AnyString(), AnyNumber(), Text("true"), Text("false"),
                                 Text("null"), braced("[", value, "]"), braced("{", member, "}")}));
  }
  return Call(*any_value_);
}

JsonText::Node JsonText::AnyInteger() {
  const Node plain = Pattern("-?(0|[1-9][0-9]*)");
  if (!options_.every_spelling) return plain;
  return Either({Concat({plain, Pattern("(\\.0+)?")}), Pattern(kExponent)});
}

JsonText::Node JsonText::DigitRange(char low, char high) {
  return body().AddClass(
      {.set = CodeSet({{static_cast<char32_t>(low), static_cast<char32_t>(high)}})});
}

JsonText::Node JsonText::AnyDigits(std::size_t min, std::uint32_t max) {
  return body().AddRepeat(DigitRange('0', '9'), static_cast<std::uint32_t>(min), max);
}

// The numbers between two of the same length.
JsonText::Node JsonText::Digits(std::string_view low, std::string_view high) {
  if (low.empty()) return Empty();
  const std::size_t rest = low.size() - 1;
  const auto all = [&] { return AnyDigits(rest, static_cast<std::uint32_t>(rest)); };
  const std::string zeros(rest, '0');
  const std::string nines(rest, '9');
  if (low.front() == high.front()) {
    return Concat({DigitRange(low.front(), low.front()), Digits(low.substr(1), high.substr(1))});
  }
  std::vector<Node> ways;
  char first = low.front();
  char last = high.front();
  if (low.substr(1) != zeros) {
    ways.push_back(Concat({DigitRange(first, first), Digits(low.substr(1), nines)}));
    ++first;
  }
  if (high.substr(1) != nines) {
    ways.push_back(Concat({DigitRange(last, last), Digits(zeros, high.substr(1))}));
    --last;
  }
  if (first <= last) ways.push_back(Concat({DigitRange(first, last), all()}));
  return Either(std::move(ways));
}

JsonText::Node JsonText::Natural(std::uint64_t low, std::optional<std::uint64_t> high) {
  std::vector<Node> ways;
  std::string from = StrCat(low);
  const std::string to = high ? StrCat(*high) : std::string(from.size(), '9');
  while (from.size() < to.size()) {
    ways.push_back(Digits(from, std::string(from.size(), '9')));
    from = "1" + std::string(from.size(), '0');
  }
  ways.push_back(Digits(from, to));
  if (!high) {
    ways.push_back(Concat({DigitRange('1', '9'), AnyDigits(from.size(), kNoLimit)}));
  }
  return Either(std::move(ways));
}

JsonText::Node JsonText::Integer(std::optional<std::int64_t> low,
                                 std::optional<std::int64_t> high) {
  if (!low && !high) return AnyInteger();
  std::vector<Node> ways;
  if (!low || !high || *low <= *high) {
    if (!low || *low < 0) {  // the negative ones, by magnitude
      const std::uint64_t least = high && *high < 0 ? Magnitude(*high) : 1;
      std::optional<std::uint64_t> most;
      if (low) most = Magnitude(*low);
      ways.push_back(Concat({Text("-"), Natural(least, most)}));
    }
    if (!high || *high >= 0) {
      const std::uint64_t least = low && *low > 0 ? Magnitude(*low) : 0;
      std::optional<std::uint64_t> most;
      if (high) most = Magnitude(*high);
      ways.push_back(Natural(least, most));
      if (least == 0) ways.push_back(Text("-0"));
    }
  }
  const Node plain = Either(std::move(ways));
  if (!options_.every_spelling) return plain;
  return Either({Concat({plain, Pattern("(\\.0+)?")}), Pattern(kExponent)});
}

JsonText::Node JsonText::Number(std::string_view literal) {
  if (!options_.every_spelling) return Text(literal);
  std::vector<Node> ways = {Text(literal), Pattern(kExponent)};
  if (literal.find_first_of("eE") != literal.npos) {
    ways.push_back(AnyNumber());  // whatever it is when it is written out
  } else {
    const std::size_t dot = literal.find('.');
    std::string_view digits = literal;
    while (dot != literal.npos && digits.ends_with('0')) digits.remove_suffix(1);
    if (digits.ends_with('.')) digits.remove_suffix(1);
    const bool fraction = digits.find('.') != digits.npos;
    ways.push_back(Concat({Text(digits), Pattern(fraction ? "0*" : "(\\.0+)?")}));
    if (digits == "0" || digits == "-0") ways.push_back(Pattern("-?0(\\.0+)?"));
  }
  return Either(std::move(ways));
}

JsonText::Node JsonText::Quoted(Node content) {
  const std::uint32_t rule = NewRule({});
  grammar_.rules[rule].root = content;
  grammar_.rules[rule].spelling = Spelling::kJsonString;
  return Concat({Text("\""), Call(rule), Text("\"")});
}

JsonText::Node JsonText::AnyChars() { return body().AddRepeat(Char(), 0, kNoLimit); }

JsonText::Node JsonText::String(std::string_view value) {
  if (options_.every_spelling) return Quoted(Text(value));
  std::string text;
  json::AppendQuoted(text, value);
  return Text(text);
}

// What does not complete any of the words, which share their first `depth` characters.
JsonText::Node JsonText::Except(std::span<const std::u32string> sorted, std::size_t depth) {
  std::vector<Node> ways;
  std::vector<CodeRange> firsts;
  std::size_t begin = 0;
  if (sorted.front().size() == depth) {
    ++begin;
  } else {
    ways.push_back(Empty());
  }
  while (begin < sorted.size()) {
    const char32_t c = sorted[begin][depth];
    std::size_t end = begin + 1;
    while (end < sorted.size() && sorted[end][depth] == c) ++end;
    firsts.push_back({c, c});
    const Node rest = Except(sorted.subspan(begin, end - begin), depth + 1);
    ways.push_back(Concat({body().AddChar(c), rest}));
    begin = end;
  }
  const Node other = body().AddClass({.set = CodeSet(std::move(firsts)), .negated = true});
  ways.push_back(Concat({other, AnyChars()}));
  return Either(std::move(ways));
}

JsonText::Node JsonText::StringsExcept(std::span<const std::string> values) {
  std::vector<std::u32string> words;
  for (const std::string& value : values) words.push_back(Decode(value));
  std::ranges::sort(words);
  const auto same = std::ranges::unique(words);
  words.erase(same.begin(), same.end());
  return words.empty() ? AnyString() : Quoted(Except(words, 0));
}

}  // namespace weir::schema::internal
