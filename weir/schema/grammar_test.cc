#include "weir/schema/grammar.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"

namespace weir::schema {
namespace {

using testing::HasSubstr;

struct GrammarCase {
  const char* name;
  std::string_view grammar;
  std::vector<std::string_view> in;
  std::vector<std::string_view> out;
};

const GrammarCase kGrammarCases[] = {
    {"choice", R"(root ::= "yes" | "no")", {"yes", "no"}, {"", "ye", "yesno"}},
    {"several_lines",
     "# a comment\nroot ::= greeting \" \" name # another\n  | name\n"
     "greeting ::= \"hi\" |\n   \"hello\"\nname ::= [A-Z] [a-z]+\n",
     {"hi Bob", "hello Al", "Bob"},
     {"hi", "bob", "hi bob"}},
    {"repetitions",
     R"(root ::= "a"{2} "b"{1,} "c"{0,2} "d"? "e"* ("f" "g")+)",
     {"aabfg", "aabbbccdeefgfg"},
     {"abfg", "aafg", "aabcccfg", "aab"}},
    {"classes_and_escapes",
     R"(root ::= [^"\\\x7F\u0000-\u001f] [\]\-a] "\n\"\\\x41" [é-ü😀])",
     {"x]\n\"\\A😀", "é-\n\"\\Aü"},
     {"\"]\n\"\\A😀", "xb\n\"\\A😀"}},
    {"any_character", "root ::= \"<\" .{2} \">\"", {"<ab>", "<é😀>", "<\n\n>"}, {"<a>"}},
    {"empty_alternative", "root ::= \"a\" (\"b\" | ) \"c\"", {"ac", "abc"}, {"abbc"}},
    {"left_recursion",
     "root ::= sum\nsum ::= sum \"+\" term | term\nterm ::= term \"*\" [0-9] | [0-9]",
     {"1", "1+2", "1*2*3+4*5"},
     {"", "1+", "+1", "1**2", "12"}},
    {"hidden_left_recursion",
     "root ::= x root \"b\" | \"a\"\nx ::= \"\" | \"c\"",
     {"a", "ab", "cabb", "ccabbb"},
     {"c", "cab0", "ca"}},
    {"ambiguous", "root ::= root root | \"a\" | \"\"", {"", "a", "aaaaaaaa"}, {"b", "ab"}},
    {"empty_cycle", "root ::= a | \"x\"\na ::= b\nb ::= a | root \"y\"", {"x", "xy", "xyy"}, {"y"}},
    {"brackets",
     "root ::= \"(\" root \")\" root | \"[\" root \"]\" root | \"\"",
     {"", "()", "([])[]", "((()))"},
     {"(", ")", "([)]"}},
    {"palindrome",
     "root ::= \"a\" root \"a\" | \"b\" root \"b\" | [ab]?",
     {"", "abba", "aabaa"},
     {"ab", "aab"}},
    {"endless_rules_have_no_text", "root ::= \"a\" | b\nb ::= \"b\" b", {"a"}, {"b", "bb"}},
    {"lark_json",
     "?start: value\n?value: object | array | ESCAPED_STRING -> string | SIGNED_NUMBER\n"
     "  | \"true\" | \"false\" | \"null\"\narray: \"[\" [value (\",\" value)*] \"]\"\n"
     "object: \"{\" [pair (\",\" pair)*] \"}\"\npair: ESCAPED_STRING \":\" value\n"
     "%import common.ESCAPED_STRING\n%import common.SIGNED_NUMBER\n%import common.WS\n%ignore WS\n",
     {"[]", " {\"a\" : [1, -2.5e3, true ], \"b\\\"\":{} } "},
     {"{\"a\"}", "[1 2]", "tr ue", "\"a"}},
    {"lark_details",
     "// comment\nstart: GREET \", \" name~1..2 \"a\"..\"c\" /x[yz]+/i  # more\n"
     "GREET.2: \"hi\"i | \"hello\" \"!\"~2\n!name: WORD \";\"\n"
     "%import common (WORD, INT -> NUMBER_1)\n",
     {"HI, bob;bXyZ", "hello!!, a;b;cxy"},
     {"hello!, a;ay", "hi, a;b;c;ay", "hi, a;dxy", "hi, a;bx"}},
    {"lark_ignore_is_between_symbols_only",
     "start: A A\nA: \"a\" \"b\"\n%ignore \" \" | /#[^\\n]*\\n/\n",
     {"abab", " ab # x\nab "},
     {"a bab"}},
    {"lark_expression_has_its_own_ends", "start: /^a$/ /\\bb\\b/", {"ab"}, {"a", "abb"}},
};

class GrammarTest : public testing::TestWithParam<GrammarCase> {};

TEST_P(GrammarTest, HoldsTheRightTexts) {
  const auto language = ParseGrammar(GetParam().grammar);
  ASSERT_TRUE(language.has_value()) << language.error().message;
  for (const std::string_view text : GetParam().in) EXPECT_TRUE(language->Contains(text)) << text;
  for (const std::string_view text : GetParam().out) EXPECT_FALSE(language->Contains(text)) << text;
}

TEST_P(GrammarTest, EveryPrefixIsAliveAndNextIsExact) {
  const auto language = ParseGrammar(GetParam().grammar);
  for (const std::string_view text : GetParam().in) {
    Matcher matcher = language->Begin();
    for (std::size_t i = 0; i <= text.size(); ++i) {
      const ByteSet next = matcher.Next();
      for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        ASSERT_EQ(matcher.Accepts({&c, 1}), next[static_cast<std::size_t>(byte)]) << text << i;
      }
      if (i < text.size()) ASSERT_TRUE(matcher.Advance(text.substr(i, 1)));
    }
    EXPECT_TRUE(matcher.Complete());
  }
}

INSTANTIATE_TEST_SUITE_P(Grammars, GrammarTest, testing::ValuesIn(kGrammarCases),
                         [](const auto& info) { return std::string(info.param.name); });

struct Mistake {
  std::string_view grammar;
  std::string_view words;
};

TEST(Grammar, MistakesHaveLineAndColumn) {
  const Mistake mistakes[] = {
      {"", "no rule 'root' to begin with"},
      {"start ::= \"a\"", "no rule 'root'"},
      {"root ::= nmae\nname ::= \"a\"",
       "line 1, column 10: 'nmae' is used but nowhere defined; did you mean 'name'?"},
      {"root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1: a second definition of 'root'"},
      {"root ::= \"a", "line 1, column 10: this literal is never closed"},
      {"root ::= [a", "this '[' is never closed"},
      {"root ::= [b-a]", "column 11: this range runs backwards"},
      {"root ::= (\"a\"", "column 10: this '(' is never closed"},
      {"root ::= \"a\" )", "column 14: ')' does not belong here"},
      {"root ::= * \"a\"", "'*' does not belong here"},
      {"root ::= \"\\q\"", "the unknown escape \\q"},
      {"root ::= \"a\"{2,1}", "wrong order"},
      {"root ::= \"a\"{99999}", "more than 10000 repetitions"},
      {"root ::= (\"a\"{1000}){1000}", "more than 200000 states"},
      {"root ::= TagDispatch(x)", "macros like TagDispatch()"},
      {"root ::= \"\xFF\"", "not valid UTF-8"},
      {"start: a\na: b", "line 2, column 4: 'b' is used but nowhere defined"},
      {"start: \"a\"\n%declare X", "line 2, column 1: %declare is not taken here"},
      {"start: X\n%import foo.X", "only terminals of `common`"},
      {"start: X\n%import common.X", "`common` has no terminal 'X'"},
      {"start: sep{\"a\"}", "templates are not taken"},
      {"start: A\nA: start", "the rule 'start' inside of a terminal"},
      {"start: /a(?=b)/", "column 8: the expression asks at offset 1 for a look ahead"},
      {"start: /a/x", "the flag 'x' is not taken here"},
      {"start: <|tool|>", "tokens by name"},
      {"a: \"x\"", "no rule 'start'"},
  };
  for (const Mistake& mistake : mistakes) {
    const auto language = ParseGrammar(mistake.grammar);
    ASSERT_FALSE(language.has_value()) << mistake.grammar;
    EXPECT_EQ(language.error().code, Code::kInvalidGrammar);
    EXPECT_THAT(language.error().message, HasSubstr(mistake.words));
  }
  const auto deep = ParseGrammar("root ::= " + std::string(5000, '('));
  EXPECT_THAT(deep.error().message, HasSubstr("more than 200 brackets"));
}

TEST(Grammar, DialectIsSeenByTheFirstDefinition) {
  EXPECT_EQ(DetectGrammar("# x: y\n\nroot ::= \":\""), GrammarDialect::kGbnf);
  EXPECT_EQ(DetectGrammar("# root ::= x\nstart: \"::=\""), GrammarDialect::kLark);
  EXPECT_EQ(DetectGrammar("%import common.WS\nroot ::= x"), GrammarDialect::kLark);
  EXPECT_EQ(DetectGrammar("?start.1 : x"), GrammarDialect::kLark);
  EXPECT_EQ(DetectGrammar(""), GrammarDialect::kGbnf);
}

TEST(Grammar, WithoutRecursionItIsAFiniteAutomaton) {
  EXPECT_TRUE(ParseGrammar("root ::= a{3}\na ::= b | \"x\"\nb ::= [0-9]+")->regular());
  EXPECT_FALSE(ParseGrammar("root ::= \"a\" root \"b\" | \"\"")->regular());
}

// Time and memory that grew with the square would not let these end.
TEST(Grammar, LongAndDeepTextsAreLinear) {
  const std::string items(200'000, 'a');
  for (const std::string_view list :
       {"root ::= \"a\" root | \"a\"", "root ::= root \"a\" | \"a\"",
        "root ::= item root | item\nitem ::= \"a\" | \"b\" item",
        "root ::= a\na ::= b \"a\" |\nb ::= a", "root ::= x x\nx ::= \"a\" x | \"\""}) {
    const Language language = ParseGrammar(list).value();
    EXPECT_TRUE(language.Contains(items)) << list;
  }
  const std::string deep = std::string(100'000, '(') + std::string(100'000, ')');
  EXPECT_TRUE(ParseGrammar("root ::= \"(\" root \")\" | \"\"")->Contains(deep));
}

TEST(Grammar, GivesUpWhenTooManyReadingsAreOpen) {
  GrammarOptions options;
  options.language.max_items = 50;
  options.language.max_inlined_states = 0;  // as a finite automaton it would have no limit to pass
  const auto language = ParseGrammar("root ::= \"a\" root | w\nw ::= \"a\"+ \"b\"", options);
  Matcher matcher = language->Begin();
  EXPECT_FALSE(matcher.Advance(std::string(5000, 'a')));
  EXPECT_TRUE(matcher.GaveUp());
}

}  // namespace
}  // namespace weir::schema
