#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/text.h"
#include "weir/schema/grammar.h"
#include "weir/schema/grammar_reader.h"
#include "weir/schema/lark_common.h"

namespace weir::schema {
namespace {

using Kind = RegexNode::Kind;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

// WORD, _WORD and the like; everything else is a rule.
bool IsTerminal(std::string_view name) { return std::ranges::none_of(name, IsLower); }

class LarkParser {
 public:
  LarkParser(std::string_view text, const GrammarOptions& options) : in_(text, options, true) {}

  Result<Grammar> Run() {
    WEIR_CHECK(in_.CheckText());
    skip_ = in_.AddUnnamed(0);  // what %ignore names, any number of times; filled in at the end
    for (in_.SkipBlanks(); !in_.AtEnd(); in_.SkipBlanks()) {
      if (in_.Peek() == '%') {
        WEIR_CHECK(Directive());
      } else {
        WEIR_CHECK(Definition());
      }
    }
    WEIR_TRY(Grammar grammar, in_.Finish("start"));
    Regex& body = grammar.body;
    grammar.rules[skip_].root = ignored_.empty()
                                    ? body.AddConcat({})
                                    : body.AddRepeat(body.AddAlternate(ignored_), 0, kNoLimit);
    // White space may also stand before everything else.
    const std::uint32_t first = body.Add({.kind = Kind::kRule, .index = skip_});
    const std::uint32_t rest = body.Add({.kind = Kind::kRule, .index = grammar.start});
    grammar.rules.push_back({.name = {}, .root = body.AddConcat({first, rest})});
    grammar.start = static_cast<std::uint32_t>(grammar.rules.size() - 1);
    return grammar;
  }

 private:
  // At the head of a definition: marks, name, priority, colon. Nothing is taken if it is none.
  std::optional<std::string_view> TakeHead() {
    const std::size_t begin = in_.at();
    while (in_.Peek() == '?' || in_.Peek() == '!') in_.TakeChar();
    const std::string_view name = in_.TakeName(false);
    if (in_.Peek() == '.' && in_.Peek(1) != '.') {
      in_.TakeChar();
      in_.Take("-");
      in_.TakeNumber();
    }
    while (in_.Peek() == ' ' || in_.Peek() == '\t') in_.TakeChar();
    if (!name.empty() && in_.Take(":")) return name;
    in_.GoTo(begin);
    return std::nullopt;
  }

  bool AtDefinition() {
    const std::size_t begin = in_.at();
    const bool found = TakeHead().has_value();
    in_.GoTo(begin);
    return found;
  }

  Result<void> Definition() {
    const std::size_t begin = in_.at();
    const auto name = TakeHead();
    if (!name) return in_.Wrong(begin, "here must stand a definition, name: ..., or a %directive");
    in_terminal_ = IsTerminal(*name);
    WEIR_TRY(const std::uint32_t root, Alternatives(0));
    if (!in_.AtEnd() && in_.Peek() != '%' && !AtDefinition()) {
      return in_.Wrong(in_.at(), StrCat("'", in_.Peek(), "' does not belong here"));
    }
    return in_.Define(*name, begin, root);
  }

  Result<void> Directive() {
    const std::size_t begin = in_.at();
    in_.TakeChar();
    const std::string_view word = in_.TakeName(false);
    in_.SkipBlanks();
    if (word == "ignore") {
      in_terminal_ = true;
      WEIR_TRY(ignored_.emplace_back(), Alternatives(0));
      return {};
    }
    if (word == "import") return Import(begin);
    return in_.Wrong(begin, StrCat("%", word, " is not taken here; only %ignore and %import are"));
  }

  Result<void> Import(std::size_t begin) {
    if (in_.TakeName(false) != "common") {
      return in_.Wrong(begin, "only terminals of `common` can be imported");
    }
    if (in_.Take(".")) return ImportOne();
    in_.SkipBlanks();
    if (!in_.Take("(")) return in_.Wrong(begin, "write %import common.NAME or common (NAME, ...)");
    do {
      in_.SkipBlanks();
      WEIR_CHECK(ImportOne());
      in_.SkipBlanks();
    } while (in_.Take(","));
    if (!in_.Take(")")) return in_.Wrong(begin, "this '(' is never closed");
    return {};
  }

  Result<void> ImportOne() {
    const std::size_t begin = in_.at();
    const std::string_view name = in_.TakeName(false);
    const auto* const found =
        std::ranges::find(internal::kLarkCommon, name, &internal::LarkTerminal::name);
    if (found == std::end(internal::kLarkCommon)) {
      return in_.Wrong(begin, StrCat("`common` has no terminal '", name, "' here"));
    }
    std::string_view as = name;
    in_.SkipBlanks();
    if (in_.Take("->")) {
      in_.SkipBlanks();
      as = in_.TakeName(false);
      if (as.empty() || !IsTerminal(as)) return in_.Wrong(begin, "'->' needs a NAME in capitals");
    }
    WEIR_CHECK(ParseRegexInto(in_.body, found->expression, {}));
    return in_.Define(as, begin, in_.body.root);
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

  bool AtSequenceEnd() {
    const char c = in_.Peek();
    return in_.AtEnd() || c == '|' || c == ')' || c == ']' || c == '%' || AtDefinition();
  }

  Result<std::uint32_t> Sequence(std::size_t depth) {
    std::vector<std::uint32_t> parts;
    while (!AtSequenceEnd()) {
      const std::size_t begin = in_.at();
      if (in_.Take("->")) {  // names a branch of the tree; the texts are the same
        in_.SkipBlanks();
        if (in_.TakeName(false).empty()) return in_.Wrong(begin, "'->' needs a name");
        in_.SkipBlanks();
        if (!AtSequenceEnd()) return in_.Wrong(in_.at(), "after an alias the alternative must end");
        break;
      }
      WEIR_TRY(const std::uint32_t atom, Atom(depth));
      WEIR_TRY(parts.emplace_back(), Repeated(atom));
      in_.SkipBlanks();
    }
    return in_.body.AddConcat(std::move(parts));
  }

  Result<std::uint32_t> Repeated(std::uint32_t atom) {
    const std::size_t begin = in_.at();
    std::uint32_t min = 0;
    std::uint32_t max = kNoLimit;
    if (in_.Take("+")) {
      min = 1;
    } else if (in_.Peek() == '?' && !AtDefinition()) {
      in_.TakeChar();
      max = 1;
    } else if (in_.Take("{")) {
      WEIR_CHECK(in_.TakeBraces(min, max));
    } else if (in_.Take("~")) {
      in_.SkipBlanks();
      const auto first = in_.TakeNumber();
      if (!first) return in_.Wrong(begin, "'~' needs a number");
      min = *first;
      max = min;
      if (in_.Take("..")) {
        const auto last = in_.TakeNumber();
        if (!last) return in_.Wrong(begin, "'..' needs a number");
        max = *last;
      }
      WEIR_CHECK(in_.CheckRepeat(begin, min, max));
    } else if (!in_.Take("*")) {
      return atom;
    }
    return in_.body.AddRepeat(atom, min, max);
  }

  // A symbol of a rule may be followed by what is ignored; inside a terminal nothing is.
  std::uint32_t Symbol(std::uint32_t node) {
    if (in_terminal_) return node;
    return in_.body.AddConcat({node, in_.body.Add({.kind = Kind::kRule, .index = skip_})});
  }

  Result<std::uint32_t> Atom(std::size_t depth) {
    const std::size_t begin = in_.at();
    const char c = in_.Peek();
    if (c == '"') {
      WEIR_TRY(const std::uint32_t literal, Literal());
      return Symbol(literal);
    }
    if (c == '/') {
      WEIR_TRY(const std::uint32_t expression, Expression());
      return Symbol(expression);
    }
    if (c == '(' || c == '[') {
      in_.TakeChar();
      WEIR_TRY(const std::uint32_t inner, Alternatives(depth + 1));
      if (!in_.Take(c == '(' ? ")" : "]")) {
        return in_.Wrong(begin, StrCat("this '", c, "' is never closed"));
      }
      return c == '(' ? inner : in_.body.AddRepeat(inner, 0, 1);
    }
    if (c == '<') return in_.Wrong(begin, "tokens by name or number are not taken here");
    const std::string_view name = in_.TakeName(false);
    if (name.empty()) return in_.Wrong(begin, StrCat("'", c, "' does not belong here"));
    const char after = in_.Peek(1);
    if (in_.Peek() == '{' && (after < '0' || after > '9')) {
      return in_.Wrong(begin, "templates are not taken here");
    }
    const bool terminal = IsTerminal(name);
    if (in_terminal_ && !terminal) {
      return in_.Wrong(begin, StrCat("the rule '", name, "' inside of a terminal"));
    }
    const std::uint32_t rule = in_.body.Add({.kind = Kind::kRule, .index = in_.Rule(name, begin)});
    return terminal ? Symbol(rule) : rule;
  }

  // At '"': the characters up to the closing one.
  Result<std::vector<char32_t>> Quoted() {
    const std::size_t begin = in_.at();
    in_.TakeChar();
    std::vector<char32_t> out;
    while (in_.Peek() != '"') {
      if (in_.AtEnd() || in_.Peek() == '\n')
        return in_.Wrong(begin, "this literal is never closed");
      if (in_.Take("\\")) {
        WEIR_TRY(out.emplace_back(), in_.TakeEscape());
      } else {
        out.push_back(in_.TakeChar());
      }
    }
    in_.TakeChar();
    return out;
  }

  Result<std::uint32_t> Literal() {
    const std::size_t begin = in_.at();
    WEIR_TRY(const std::vector<char32_t> text, Quoted());
    if (in_.Peek() == '.' && in_.Peek(1) == '.') {
      in_.Take("..");
      if (in_.Peek() != '"') return in_.Wrong(begin, "a range is \"a\"..\"z\"");
      WEIR_TRY(const std::vector<char32_t> last, Quoted());
      if (text.size() != 1 || last.size() != 1 || last[0] < text[0]) {
        return in_.Wrong(begin, "a range goes from one character to a later one");
      }
      return in_.body.AddClass({.set = CodeSet({{text[0], last[0]}})});
    }
    const bool fold = in_.Take("i");
    std::vector<std::uint32_t> parts;
    for (const char32_t c : text) {
      const CodeSet set({{c, c}});
      parts.push_back(in_.body.AddClass({.set = fold ? FoldAscii(set) : set}));
    }
    return in_.body.AddConcat(std::move(parts));
  }

  Result<std::uint32_t> Expression() {
    const std::size_t begin = in_.at();
    in_.TakeChar();
    const std::size_t first = in_.at();
    while (in_.Peek() != '/') {
      if (in_.AtEnd() || in_.Peek() == '\n') {
        return in_.Wrong(begin, "this expression is never closed");
      }
      if (in_.Take("\\") && in_.AtEnd()) continue;
      in_.TakeChar();
    }
    const std::string_view text = in_.text().substr(first, in_.at() - first);
    in_.TakeChar();
    RegexOptions regex_options;
    while (IsLower(in_.Peek())) {
      const char flag = in_.Peek();
      if (flag != 'i' && flag != 's' && flag != 'u') {
        return in_.Wrong(in_.at(),
                         StrCat("the flag '", flag, "' is not taken here; i, s and u are"));
      }
      regex_options.ignore_case |= flag == 'i';
      regex_options.dot_all |= flag == 's';
      in_.TakeChar();
    }
    const Result<void> parsed = ParseRegexInto(in_.body, text, regex_options);
    if (!parsed) return in_.Wrong(begin, parsed.error().message);
    // A rule of its own, so that ^ and $ mean the ends of its text.
    return in_.body.Add({.kind = Kind::kRule, .index = in_.AddUnnamed(in_.body.root)});
  }

  internal::GrammarReader in_;
  bool in_terminal_ = false;
  std::uint32_t skip_ = 0;
  std::vector<std::uint32_t> ignored_;
};

}  // namespace

Result<Grammar> ParseLark(std::string_view text, const GrammarOptions& options) {
  return LarkParser(text, options).Run();
}

}  // namespace weir::schema
