#include "weir/schema/automaton.h"

#include <random>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/schema/automaton_trees.h"
#include "weir/schema/grammar.h"
#include "weir/schema/pattern.h"

namespace weir::schema {
namespace {

Language LanguageOf(std::string_view ecma, const LanguageOptions& options = {}) {
  return LanguageOfRegex(ParseRegex(ecma).value(), options).value();
}

bool NextIsExact(const Matcher& matcher) {
  const ByteSet next = matcher.Next();
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (matcher.Accepts({&c, 1}) != next[static_cast<std::size_t>(byte)]) return false;
  }
  return true;
}

TEST(Automaton, TellsWhatMayComeNext) {
  Matcher matcher = LanguageOf("(?:cat|car|\\d{2})").Begin();
  EXPECT_EQ(matcher.Next().count(), 11u);
  EXPECT_FALSE(matcher.Complete());
  ASSERT_TRUE(matcher.Advance("ca"));
  EXPECT_TRUE(matcher.Accepts("t"));
  EXPECT_FALSE(matcher.Accepts("tx"));
  EXPECT_EQ(matcher.Next().count(), 2u);
  const Matcher before = matcher;
  ASSERT_TRUE(matcher.Advance("r"));
  EXPECT_TRUE(matcher.Complete());
  EXPECT_TRUE(matcher.CanEndOnly());
  EXPECT_FALSE(before.Complete());
  EXPECT_FALSE(matcher.Advance("s"));
  EXPECT_TRUE(matcher.Dead());
  EXPECT_FALSE(matcher.GaveUp());
  EXPECT_FALSE(matcher.Advance(""));
  EXPECT_TRUE(matcher.Next().none());
}

TEST(Automaton, CharactersMayBeCutAnywhere) {
  const std::string text = "é😀\u2028";
  Matcher matcher = LanguageOf("[^\\n]é?😀[\\s]").Begin();
  ASSERT_FALSE(LanguageOf("é😀").Contains(text));
  for (const char c : "é" + text) {
    if (c != '\0') ASSERT_TRUE(matcher.Advance({&c, 1}));
  }
  EXPECT_TRUE(matcher.CanEndOnly());
  EXPECT_FALSE(LanguageOf(".").Begin().Accepts("\xED\xA0"));  // no surrogates
  EXPECT_FALSE(LanguageOf(".").Begin().Accepts("\xC0"));
}

TEST(Automaton, TellsTextsApartThatGoOnDifferently) {
  const auto after = [](const Language& language, std::string_view text) {
    Matcher matcher = language.Begin();
    EXPECT_TRUE(matcher.Advance(text)) << text;
    return matcher;
  };
  const Language words = LanguageOf("[a-z]+,[a-z]+");
  EXPECT_TRUE(after(words, "some").Alike(after(words, "words")));
  EXPECT_FALSE(after(words, "some").Alike(after(words, "some,")));
  EXPECT_FALSE(after(words, "some,").Alike(after(words, "some,words")));  // complete or not
  EXPECT_FALSE(after(words, "some").Alike(after(LanguageOf("[a-z]+,[a-z]+"), "some")));
  Matcher dead = words.Begin();
  EXPECT_FALSE(dead.Advance(","));
  EXPECT_FALSE(dead.Alike(dead));
  LanguageOptions tiny;
  tiny.max_cache_bytes = 0;
  const Language bare = LanguageOf("[a-z]+,[a-z]+", tiny);
  EXPECT_TRUE(after(bare, "some").Alike(after(bare, "words")));

  const Language nested =
      ParseGrammar("root ::= \"[\" (root | text) \"]\"\ntext ::= \"<\" [a-z]* \">\"").value();
  ASSERT_FALSE(nested.regular());
  const Matcher inside = after(nested, "[[<ab");
  Matcher further = inside;
  ASSERT_TRUE(further.Advance("cd"));
  EXPECT_TRUE(inside.Alike(further));
  ASSERT_TRUE(further.Advance(">"));
  EXPECT_FALSE(inside.Alike(further));
  EXPECT_FALSE(inside.Alike(after(nested, "[<ab")));  // needs one bracket less
}

TEST(Automaton, WhatCanNeverEndIsNeverAlive) {
  EXPECT_TRUE(LanguageOf("a[]").empty());
  EXPECT_TRUE(LanguageOf("a$b").empty());
  EXPECT_TRUE(LanguageOf("a\\bb").empty());
  EXPECT_FALSE(LanguageOf("(?:a|b[])c").Begin().Accepts("b"));
  EXPECT_TRUE(LanguageOf("a\\b(?: b)?").Contains("a b"));
  EXPECT_FALSE(LanguageOf("[^]*\\bcat\\b[^]*").Contains("concat"));
  EXPECT_TRUE(LanguageOf("[^]*\\bcat\\b[^]*").Contains("a cat!"));
}

TEST(Automaton, HardExpressionsStayLinear) {
  const std::string text(100'000, 'a');
  for (const std::string_view hard : {"(a*)*b", "(a|a)*b", "(?:a?){500}a*b", "(x+x+)+y|a*"}) {
    EXPECT_TRUE(LanguageOf(hard).Begin().Accepts(text)) << hard;
  }
  EXPECT_EQ(LanguageOfRegex(ParseRegex("(a{1000}){1000}").value()).error().code,
            Code::kUnsupportedPattern);
  EXPECT_TRUE(LanguageOf(std::string(64 * 1024, 'x')).Contains(std::string(64 * 1024, 'x')));
}

TEST(Automaton, AFullCacheChangesNothing) {
  LanguageOptions tiny;
  tiny.max_cache_bytes = 0;
  const std::string_view expression = "(?:[ab]*a[ab]{8}|\\w+😀)";
  const Language cached = LanguageOf(expression);
  const Language bare = LanguageOf(expression, tiny);
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (int j = 0; j < 20; ++j) text += random() % 2 ? 'a' : 'b';
    EXPECT_EQ(cached.Contains(text), bare.Contains(text)) << text;
  }
  Matcher matcher = bare.Begin();
  ASSERT_TRUE(matcher.Advance("ab"));
  EXPECT_TRUE(NextIsExact(matcher));
  EXPECT_TRUE(matcher.Advance("\xF0\x9F\x98"));
  EXPECT_TRUE(matcher.Accepts("\x80"));
}

TEST(Automaton, ManyThreadsMayShareALanguage) {
  const Language language = LanguageOf("(?:[a-f]*[0-9]{3}[a-f])*");
  constexpr unsigned kThreads = 4;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (unsigned seed = 0; seed < kThreads; ++seed) {
    threads.emplace_back([&language, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 300; ++i) {
        Matcher matcher = language.Begin();
        for (int j = 0; j < 30; ++j) {
          const char c = "abcdef0123456789"[random() % 16];
          const Matcher before = matcher;
          if (!matcher.Advance({&c, 1})) matcher = before;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ByteTrees, SpellAClassAsInsideOfAJsonString) {
  internal::ByteTrees trees;
  const auto holds = [&](std::uint32_t node, std::string_view bytes) {
    for (const char c : bytes) {
      if (node == internal::ByteTrees::kDone || node == internal::ByteTrees::kNone) return false;
      node = trees.Step(node, static_cast<unsigned char>(c));
    }
    return node == internal::ByteTrees::kDone;
  };
  const CodeSet set({{'\n', '\n'}, {'"', '"'}, {'a', 'a'}, {0x1F600, 0x1F601}});
  const std::uint32_t root = trees.Add(set, internal::Spelling::kJsonString);
  for (const std::string_view text : {"\\n", "\\u000A", "\\u000a", "\\\"", "\\u0022", "a",
                                      "\\u0061", "😀", "\\ud83d\\ude00", "\\uD83D\\uDE01"}) {
    EXPECT_TRUE(holds(root, text)) << text;
  }
  for (const std::string_view text :
       {"\n", "\"", "b", "\\a", "\\u0062", "\\ud83d", "\\ud83d\\ude02", "\\r"}) {
    EXPECT_FALSE(holds(root, text)) << text;
  }
}

// A random expression that matches at least one text, and one of these texts.
struct Sample {
  std::string expression;
  std::string text;
};

Sample Make(std::mt19937& random, int depth) {
  const auto pick = [&](unsigned n) { return static_cast<int>(random() % n); };
  if (depth == 0 || pick(4) == 0) {
    const Sample atoms[] = {
        {"a", "a"},       {"[b-d]", "c"},       {"é", "é"},   {"\\d", "7"},
        {"[^a]", "😀"},   {".", "x"},           {"\\w", "_"}, {"\\s", "\xEF\xBB\xBF"},
        {"\\p{Lu}", "Ä"}, {"\\u{1F600}", "😀"}, {"\\.", "."}, {"[^]", "\n"},
        {"\\P{L}", "1"},  {"[\\d\\-é]", "-"},   {"(?:)", ""}, {"\\x41", "A"}};
    return atoms[pick(std::size(atoms))];
  }
  const Sample first = Make(random, depth - 1);
  const Sample second = Make(random, depth - 1);
  switch (pick(5)) {
    case 0:
      return {StrCat("(", first.expression, "|", second.expression, ")"), second.text};
    case 1:
      return {StrCat("(?:", first.expression, ")*"), first.text + first.text};
    case 2:
      return {StrCat("(?:", first.expression, ")?", second.expression), second.text};
    case 3:
      return {StrCat("(?:", first.expression, "){1,3}"), first.text + first.text};
    default:
      return {first.expression + second.expression, first.text + second.text};
  }
}

RC_GTEST_PROP(Automaton, TakesWhatItsExpressionTakes, (unsigned seed)) {
  std::mt19937 random(seed);
  const Sample sample = Make(random, 4);
  const Language language = LanguageOf(sample.expression);
  const Pattern pattern = Pattern::Compile(StrCat("^(?:", sample.expression, ")$")).value();
  RC_ASSERT(pattern.Found(sample.text));
  RC_ASSERT(language.Contains(sample.text));

  Matcher matcher = language.Begin();
  for (const char c : sample.text) {
    RC_ASSERT(NextIsExact(matcher));
    RC_ASSERT(matcher.Advance({&c, 1}));
  }
  RC_ASSERT(matcher.Complete());

  std::string damaged = sample.text;
  if (!damaged.empty()) damaged.erase(random() % damaged.size(), 1);
  damaged.insert(random() % (damaged.size() + 1), 1, "ab1. \n"[random() % 6]);
  if (IsUtf8(damaged)) RC_ASSERT(language.Contains(damaged) == pattern.Found(damaged));
}

}  // namespace
}  // namespace weir::schema
