#include <string>
#include <vector>

#include "weir/base/text.h"
#include "weir/schema/grammar.h"
#include "weir/schema/grammar_reader.h"

namespace weir::schema {
namespace {

class GbnfParser {
 public:
  GbnfParser(std::string_view text, const GrammarOptions& options) : in_(text, options, false) {}

  Result<Grammar> Run() {
    WEIR_CHECK(in_.CheckText());
    in_.SkipBlanks();
    while (!in_.AtEnd()) {
      const std::size_t begin = in_.at();
      const std::string_view name = in_.TakeName(true);
      in_.SkipBlanks();
      if (name.empty() || !in_.Take("::=")) {
        return in_.Wrong(begin, "here must stand a definition, name ::= ...");
      }
      in_.SkipBlanks();
      WEIR_TRY(const std::uint32_t root, Alternatives(0));
      WEIR_CHECK(in_.Define(name, begin, root));
      if (!in_.AtEnd() && !AtDefinition()) {
        return in_.Wrong(in_.at(), StrCat("'", in_.Peek(), "' does not belong here"));
      }
    }
    return in_.Finish("root");
  }

 private:
  // A rule ends where the next one begins, whatever the lines are.
  bool AtDefinition() {
    const std::size_t begin = in_.at();
    const bool name = !in_.TakeName(true).empty();
    in_.SkipBlanks();
    const bool found = name && in_.Take("::=");
    in_.GoTo(begin);
    return found;
  }

  Result<std::uint32_t> Alternatives(std::size_t depth) {
    WEIR_CHECK(in_.CheckDepth(depth));
    std::vector<std::uint32_t> alternatives;
    do {
      in_.SkipBlanks();
      WEIR_TRY(alternatives.emplace_back(), Sequence(depth));
    } while (in_.Take("|"));
    return in_.body.AddAlternate(std::move(alternatives));
  }

  Result<std::uint32_t> Sequence(std::size_t depth) {
    std::vector<std::uint32_t> parts;
    while (!in_.AtEnd() && in_.Peek() != '|' && in_.Peek() != ')' && !AtDefinition()) {
      WEIR_TRY(const std::uint32_t atom, Atom(depth));
      in_.SkipBlanks();
      WEIR_TRY(parts.emplace_back(), Repeated(atom));
    }
    return in_.body.AddConcat(std::move(parts));
  }

  Result<std::uint32_t> Repeated(std::uint32_t atom) {
    for (int stacked = 0;; ++stacked) {
      const std::size_t begin = in_.at();
      std::uint32_t min = 0;
      std::uint32_t max = kNoLimit;
      if (in_.Take("+")) {
        min = 1;
      } else if (in_.Take("?")) {
        max = 1;
      } else if (in_.Take("{")) {
        WEIR_CHECK(in_.TakeBraces(min, max));
      } else if (!in_.Take("*")) {
        return atom;
      }
      if (stacked == 8) return in_.Wrong(begin, "too many repetitions of the same thing");
      atom = in_.body.AddRepeat(atom, min, max);
      in_.SkipBlanks();
    }
  }

  Result<std::uint32_t> Atom(std::size_t depth) {
    const std::size_t begin = in_.at();
    const char c = in_.Peek();
    if (c == '"' || c == '\'') return Literal(c);
    if (c == '[') return Class();
    if (in_.Take(".")) return in_.body.AddClass({.set = CodeSet::All()});
    if (in_.Take("(")) {
      if (in_.Peek() == '=') return in_.Wrong(begin, "look-ahead (=...) is not taken here");
      WEIR_TRY(const std::uint32_t inner, Alternatives(depth + 1));
      if (!in_.Take(")")) return in_.Wrong(begin, "this '(' is never closed");
      return inner;
    }
    if (c == '<') return in_.Wrong(begin, "tokens by name or number are not taken here");
    const std::string_view name = in_.TakeName(true);
    if (name.empty()) return in_.Wrong(begin, StrCat("'", c, "' does not belong here"));
    if (in_.Peek() == '(')
      return in_.Wrong(begin, StrCat("macros like ", name, "() are not taken here"));
    return in_.body.Add({.kind = RegexNode::Kind::kRule, .index = in_.Rule(name, begin)});
  }

  Result<char32_t> Char() {
    if (in_.Take("\\")) return in_.TakeEscape();
    return in_.TakeChar();
  }

  Result<std::uint32_t> Literal(char quote) {
    const std::size_t begin = in_.at();
    in_.TakeChar();
    std::vector<std::uint32_t> chars;
    while (in_.Peek() != quote) {
      if (in_.AtEnd() || in_.Peek() == '\n')
        return in_.Wrong(begin, "this literal is never closed");
      WEIR_TRY(const char32_t c, Char());
      chars.push_back(in_.body.AddChar(c));
    }
    in_.TakeChar();
    return in_.body.AddConcat(std::move(chars));
  }

  Result<std::uint32_t> Class() {
    const std::size_t begin = in_.at();
    in_.TakeChar();
    CharClass out{.negated = in_.Take("^")};
    std::vector<CodeRange> ranges;
    while (in_.Peek() != ']') {
      if (in_.AtEnd() || in_.Peek() == '\n') return in_.Wrong(begin, "this '[' is never closed");
      const std::size_t at = in_.at();
      WEIR_TRY(const char32_t low, Char());
      char32_t high = low;
      if (in_.Peek() == '-' && in_.Peek(1) != ']' && in_.Peek(1) != '\0') {
        in_.TakeChar();
        WEIR_TRY(high, Char());
        if (high < low) return in_.Wrong(at, "this range runs backwards");
      }
      ranges.push_back({low, high});
    }
    in_.TakeChar();
    out.set = CodeSet(std::move(ranges));
    return in_.body.AddClass(std::move(out));
  }

  internal::GrammarReader in_;
};

}  // namespace

Result<Grammar> ParseGbnf(std::string_view text, const GrammarOptions& options) {
  return GbnfParser(text, options).Run();
}

}  // namespace weir::schema
