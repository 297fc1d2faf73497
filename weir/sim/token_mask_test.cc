#include "weir/sim/token_mask.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/schema/grammar.h"
#include "weir/schema/schema_language.h"

namespace weir::sim {
namespace {

using schema::Language;

Language OfRegex(std::string_view text) {
  return schema::LanguageOfRegex(schema::ParseRegex(text).value()).value();
}
Language OfGrammar(std::string_view text) { return schema::ParseGrammar(text).value(); }
Language OfSchema(std::string_view text, schema::SchemaTextOptions::Whitespace whitespace =
                                             schema::SchemaTextOptions::Whitespace::kFree) {
  schema::SchemaTextOptions options;
  options.whitespace = whitespace;
  options.order = schema::SchemaTextOptions::Order::kDeclared;
  options.every_spelling = false;
  return schema::LanguageOfSchema(json::Read(text).value(), options).value().language;
}

const std::shared_ptr<const PieceTree>& Pieces() {
  static const std::shared_ptr<const PieceTree> pieces = NewPieceTree();
  return pieces;
}

constexpr std::string_view kSchemas[] = {
    R"({})",
    R"({"type":"object"})",
    R"({"type":"array"})",
    R"({"type":"string"})",
    R"({"type":"string","minLength":80})",
    R"({"type":"integer"})",
    R"({"type":"number"})",
    R"({"type":"array","items":{"type":"integer"}})",
    R"({"type":"array","items":{"type":"string"},"minItems":2,"maxItems":4})",
    R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},
        "required":["name","age"],"additionalProperties":false})",
    R"({"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"object",
        "properties":{"c":{"type":"array","items":{"type":"number"}}},"required":["c"]}},
        "required":["b"]}},"required":["a"]})",
    R"({"type":"array","items":{"type":"object","properties":{"id":{"type":"integer"},
        "tags":{"type":"array","items":{"enum":["red","green","blue"]}},"ok":{"type":"boolean"}},
        "required":["id","tags"],"additionalProperties":false}})",
    R"({"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{
        "value":{"type":"string"},"children":{"type":"array","items":{"$ref":"#/$defs/tree"}}},
        "required":["value","children"],"additionalProperties":false}}})",
    R"({"$ref":"#/$defs/list","$defs":{"list":{"anyOf":[{"type":"null"},{"type":"object",
        "properties":{"head":{"type":"number"},"tail":{"$ref":"#/$defs/list"}},
        "required":["head","tail"],"additionalProperties":false}]}}})",
    R"({"type":"object","additionalProperties":{"type":"array","items":{"type":"array"}}})",
};
constexpr std::string_view kExpressions[] = {
    R"([a-z]+)",
    R"(\d{4}-\d{2}-\d{2})",
    R"(.*)",
    R"((a|b)*c)",
    R"([^]*end)",
    R"((?:yes|no|maybe))",
    R"(\d+)",
    R"([A-Z][a-z]+( [A-Z][a-z]+)*\.)",
    R"(\w+@\w+\.(com|org))",
    R"(\[(\d+(, \d+)*)?\])",
};
constexpr std::string_view kGrammars[] = {
    "root ::= sum\nsum ::= term (\"+\" term)*\nterm ::= [0-9]+ | \"(\" sum \")\"",
    "start: item+\nitem: \"- \" /[a-z ]+/ \"\\n\"",
    "root ::= \"begin \" root \" end\" | [a-z]+",
    R"(root ::= "SELECT " name ("," name)* " FROM " name
name ::= [a-z]+)",
};

// A language with each of the kinds of text that begin it.
struct Begun {
  std::string_view title;
  Language language;
  std::vector<std::string_view> texts;
};

std::vector<Begun> BegunLanguages() {
  return {
      {"free JSON", OfSchema("{}"), {"", "{", "{\"na", "{\"name\":[1,2", "[[[\"a\\", "\"\xC3"}},
      {"a record",
       OfSchema(kSchemas[9]),
       {"", "{\"na", "{\"name\": \"a", "{\"name\":\"a\",\"age\":1"}},
      {"a tree", OfSchema(kSchemas[12]), {"", R"({"value":"some)", R"({"value":"a","children":[)"}},
      {"a date", OfRegex(kExpressions[1]), {"", "20", "2024-0", "2024-01-02"}},
      {"anything", OfRegex(".*"), {"", "some", "\xE2\x82"}},
      {"an abc", OfRegex(kExpressions[3]), {"", "ab", "c"}},
      {"a sum", OfGrammar(kGrammars[0]), {"", "1", "((1+", "(2)"}},
      {"brackets", OfGrammar(kGrammars[2]), {"", "begin begin ", "begin begi"}},
      // Left recursion makes every position one of its own.
      {"left recursion", OfGrammar("root ::= root [a-z ] root | [a-z]"), {"", "a", "somewords"}},
  };
}

TEST(TokenMask, WalkingFindsWhatAskingFinds) {
  for (const Begun& begun : BegunLanguages()) {
    for (const std::string_view text : begun.texts) {
      SCOPED_TRACE(StrCat(begun.title, " behind '", text, "'"));
      TokenMask mask(Pieces(), begun.language);
      for (const TokenId token : Tokenizer::Encode(text)) ASSERT_TRUE(mask.Commit(token));

      std::vector<TokenId> found;
      mask.AppendAll(found);

      std::vector<TokenId> expected;
      for (TokenId token = 0; token < Tokenizer::size(); ++token) {
        if (mask.Allows(token)) expected.push_back(token);
      }
      EXPECT_EQ(found, expected);
    }
  }
}

TEST(TokenMask, CommitMovesAsTheTextDoes) {
  const std::string_view texts[] = {
      R"({"name": "Zoë \"the\" 😀", "age": 41, "more": [1.5e3, null, {"a": []}]})",
      "[\"\\u00e9\"]"};
  const Language language = OfSchema("{}");
  for (const std::string_view text : texts) {
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      TokenMask mask(Pieces(), language);
      schema::Matcher matcher = language.Begin();
      for (const std::string_view part : {text.substr(0, cut), text.substr(cut)}) {
        for (const TokenId token : Tokenizer::Encode(part)) ASSERT_TRUE(mask.Commit(token));
        ASSERT_TRUE(matcher.Advance(part));
        EXPECT_EQ(mask.complete(), matcher.Complete());
        EXPECT_EQ(mask.only_end(), matcher.CanEndOnly());
        EXPECT_EQ(mask.Allows(kEndToken), matcher.Complete());
        for (TokenId token = kSpecials; token < Tokenizer::size(); token += 41) {
          EXPECT_EQ(mask.Allows(token), matcher.Accepts(Tokenizer::Piece(token)));
        }
      }
    }
  }
}

TEST(TokenMask, RefusesWhatTheLanguageRefuses) {
  TokenMask mask(Pieces(), OfRegex("yes|no"));
  EXPECT_FALSE(mask.complete());
  EXPECT_FALSE(mask.Commit(kEndToken));
  EXPECT_FALSE(mask.Commit(Tokenizer::Encode("x")[0]));
  EXPECT_FALSE(mask.Commit(static_cast<TokenId>(Special::kCallBegin)));
  for (const TokenId token : Tokenizer::Encode("no")) EXPECT_TRUE(mask.Commit(token));
  EXPECT_TRUE(mask.only_end());
  std::vector<TokenId> rest;
  mask.AppendAll(rest);
  EXPECT_THAT(rest, testing::ElementsAre(kEndToken));
  EXPECT_TRUE(mask.Commit(kEndToken));
}

TEST(TokenMask, AnEmptyLanguageHasNoTokens) {
  TokenMask mask(Pieces(), OfRegex("a[]"));
  std::vector<TokenId> found;
  mask.AppendAll(found);
  EXPECT_THAT(found, testing::IsEmpty());
  EXPECT_FALSE(mask.complete());
  EXPECT_FALSE(mask.Commit(kEndToken));
}

// Answers as the engine writes them, for some seeds each.
struct Written {
  std::string text;
  std::int64_t tokens = 0;
  bool ended = false;
};

Written Write(const Language& language, std::uint64_t seed) {
  const LanguageModel model;
  const std::vector<TokenId> prompt = Tokenizer::Encode("Tell me about the river and its boats.");
  Passage passage(prompt);
  Sampler sampler(model, {}, prompt, seed);
  TokenMask mask(Pieces(), language);
  Written written;
  while (written.tokens < 400) {
    const std::optional<Sampled> next = sampler.Next(passage, &mask, std::nullopt);
    if (!next || !mask.Commit(next->token)) break;
    ++written.tokens;
    written.ended = next->token == kEndToken;
    if (written.ended) break;
    sampler.Commit(next->token);
    passage.Append(next->token);
    written.text += Tokenizer::Piece(next->token);
  }
  return written;
}

#ifdef NDEBUG
constexpr std::uint64_t kSeeds = 200;
#else
constexpr std::uint64_t kSeeds = 5;  // sanitizers are slow
#endif

void ExpectThatAllEnd(const Language& language, std::string_view title) {
  std::int64_t tokens = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Written written = Write(language, seed);
    ASSERT_TRUE(written.ended) << title << " with seed " << seed << ": " << written.text;
    ASSERT_TRUE(language.Contains(written.text)) << title << ": " << written.text;
    tokens += written.tokens;
  }
  EXPECT_LT(tokens / static_cast<std::int64_t>(kSeeds), 150) << title;
}

TEST(TokenMask, AnswersHeldToASchemaEndSoon) {
  for (const std::string_view schema : kSchemas) ExpectThatAllEnd(OfSchema(schema), schema);
  ExpectThatAllEnd(OfSchema(kSchemas[1], schema::SchemaTextOptions::Whitespace::kCompact),
                   "compact");
}

TEST(TokenMask, AnswersHeldToAnExpressionEndSoon) {
  for (const std::string_view text : kExpressions) ExpectThatAllEnd(OfRegex(text), text);
}

TEST(TokenMask, AnswersHeldToAGrammarEndSoon) {
  for (const std::string_view text : kGrammars) ExpectThatAllEnd(OfGrammar(text), text);
}

TEST(TokenMask, AFreeObjectIsShort) {
  const Language language = OfSchema(R"({"type":"object"})");
  int longer = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) longer += Write(language, seed).tokens > 60;
  EXPECT_LE(longer, static_cast<int>(kSeeds) / 5);
}

TEST(TokenMask, WhatIsForbiddenIsUnlikely) {
  TokenMask mask(Pieces(), OfSchema(kSchemas[9]));
  const TokenId letter = Tokenizer::Encode("a")[0];
  const TokenId brace = Tokenizer::Encode("{")[0];
  EXPECT_LT(mask.Leaning(letter), 0.01);
  EXPECT_GT(mask.Leaning(brace), 0.1);
}

}  // namespace
}  // namespace weir::sim
