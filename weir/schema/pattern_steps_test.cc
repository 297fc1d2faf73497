#include "weir/schema/pattern_steps.h"

#include <string>

#include <gtest/gtest.h>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/schema/automaton.h"

namespace weir::schema {
namespace {

std::optional<PatternSteps> StepsOf(std::string_view ecma) {
  const Result<Regex> regex = ParseRegex(ecma);
  EXPECT_TRUE(regex) << ecma;
  return PatternSteps::Of(*regex);
}

TEST(PatternSteps, TakeWhatSchemasMostlyHave) {
  for (const std::string_view ecma :
       {"^", "^$", "^a", "^abc$", "^[A-Z]{3}-[0-9]{4,8}$", "^ord_[0-9a-f]{8,32}$", "^https?://",
        R"(^\d{4}-\d{2}-\d{2}$)", R"(^\w+$)", "^(?:ab)c$", "^a?b*c+$", "^[a-z]{2,}$"}) {
    EXPECT_TRUE(StepsOf(ecma)) << ecma;
  }
}

TEST(PatternSteps, LeaveTheRestToAnEngine) {
  for (const std::string_view ecma :
       {"", "a", "a$", "^a|b$", "^(a|b)$", "^.$", "^[^a]$", R"(^\s$)", R"(^\p{Lu}$)", "^ä$",
        "^(?:ab){2}$", R"(^a\b$)", "a^b", "^a$b", "^a*a$", "^[ab]?b$", "^a?b?a$", "^(^a)$"}) {
    EXPECT_FALSE(StepsOf(ecma)) << ecma;
  }
}

TEST(PatternSteps, WhatFollowsAnEndlessStepMayBeNothing) {
  EXPECT_TRUE(StepsOf("^a*")->Found("aab"));
  EXPECT_TRUE(StepsOf("^a{2,4}b?$")->Found("aaab"));
  EXPECT_FALSE(StepsOf("^a{2,4}b?$")->Found("aaaaab"));
  EXPECT_FALSE(StepsOf("^a{2,4}b?$")->Found("a"));
  EXPECT_FALSE(StepsOf("^a$")->Found("a\n"));
  EXPECT_FALSE(StepsOf("^a$")->Found("ä"));
  EXPECT_FALSE(StepsOf("^a")->Found(""));
  EXPECT_TRUE(StepsOf("^")->Found(""));
}

// Steps of few characters, so that many of them meet: where steps are taken they say what the
// automaton says, which knows every way through an expression.
TEST(PatternSteps, SayOfEveryTextWhatTheAutomatonSays) {
  Random random(7);
  const auto one_of = [&](auto& list) -> std::string_view {
    return list[random.Below(std::size(list))];
  };
  constexpr std::string_view kClasses[] = {"a", "b", "[ab]", "[bc]", "c", "\\d", "[^\\W\\d]"};
  constexpr std::string_view kTimes[] = {"", "", "?", "*", "+", "{2}", "{1,3}", "{0,2}", "{2,}"};
  constexpr std::string_view kChars[] = {"a", "b", "c", "1", "ä"};
  int taken = 0;
  int found = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string ecma;
    for (std::uint64_t i = random.Below(5); i > 0; --i) {
      StrAppend(ecma, one_of(kClasses), one_of(kTimes));
    }
    const bool to_end = random.Below(2) == 0;
    const std::optional<PatternSteps> steps = StepsOf(StrCat("^", ecma, to_end ? "$" : ""));
    if (!steps) continue;
    ++taken;
    const Result<Regex> whole = ParseRegex(to_end ? ecma : StrCat("(?:", ecma, ")[^]*"));
    ASSERT_TRUE(whole) << ecma;
    const Result<Language> language = LanguageOfRegex(*whole);
    ASSERT_TRUE(language);
    for (int i = 0; i < 40; ++i) {
      std::string text;
      for (std::uint64_t left = random.Below(7); left > 0; --left) text += one_of(kChars);
      ASSERT_EQ(steps->Found(text), language->Contains(text)) << ecma << " in " << text;
      found += steps->Found(text) ? 1 : 0;
    }
  }
  EXPECT_GT(taken, 500);
  EXPECT_GT(found, 1000);
}

}  // namespace
}  // namespace weir::schema
