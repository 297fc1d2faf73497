#include "weir/sim/constraint.h"

#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/sim/constraint/walk_testing.h"

namespace weir::sim {
namespace {

using model::Constraint;
using testing::HasSubstr;
using Kind = Constraint::Kind;

Constraint SchemaOf(std::string_view schema) {
  return {.kind = Kind::kJsonSchema, .schema = json::Read(schema).value()};
}

struct ConstraintCase {
  const char* name;
  Constraint constraint;
  std::vector<std::string_view> in;
  std::vector<std::string_view> out;
};

std::vector<ConstraintCase> Cases() {
  return {
      {"json_object", {.kind = Kind::kJsonObject}, {"{}", R"({"a": [1]})"}, {"[]", "1", "{"}},
      {"regex", {.kind = Kind::kRegex, .text = "a+|b"}, {"aa", "b"}, {"", "ab", "xa"}},
      {"choice",
       {.kind = Kind::kChoice, .choices = {"a\"b\\", "x|y", "\n", "Zo\u00eb (.*)"}},
       {"a\"b\\", "x|y", "\n", "Zo\u00eb (.*)"},
       {"x", "y", "Zo\u00eb ", ""}},
      {"gbnf", {.kind = Kind::kGrammar, .text = "root ::= \"yes\" | \"no\""}, {"yes"}, {"maybe"}},
      {"lark", {.kind = Kind::kGrammar, .text = "start: \"yes\" | \"no\""}, {"no"}, {"yesno"}},
      {"members_in_declared_order_and_no_others",
       SchemaOf(R"({"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"boolean"}},
                    "required":["b"]})"),
       {R"({"b":1})", R"({ "b": 1, "a": true })", "{\n  \"b\": 1\n}"},
       {R"({"a":true,"b":1})", R"({"b":1,"c":2})", "{}"}},
      {"no_properties_means_no_members",
       SchemaOf(R"({"type":"object","properties":{}})"),
       {"{}", "{ }"},
       {R"({"a":1})"}},
      {"additional_members_when_the_schema_says_so",
       SchemaOf(R"({"type":"object","properties":{"a":{"type":"integer"}},
                    "additionalProperties":{"type":"string"}})"),
       {R"({"a":1,"b":"x"})"},
       {R"({"a":1,"b":2})"}},
      {"pattern_properties",
       SchemaOf(R"({"type":"object","properties":{"a":true},
                    "patternProperties":{"^x-":{"type":"integer"}},"additionalProperties":false})"),
       {R"({"a":1,"x-b":2})", R"({"x-b":2})"},
       {R"({"x-b":"2"})", R"({"y":2})"}},
      {"all_of_beside_properties_shares_members",
       SchemaOf(R"({"type":"object","properties":{"a":{"type":"integer"}},"required":["a","b"],
                    "allOf":[{"properties":{"b":{"type":"string"}}}]})"),
       {R"({"a":1,"b":"x"})"},
       {R"({"a":1})", R"({"a":1,"b":2})"}},
      {"all_of_two_references",
       SchemaOf(R"({"allOf":[{"$ref":"#/$defs/x"},{"$ref":"#/$defs/y"}],"$defs":{
                    "x":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},
                    "y":{"type":"object","properties":{"b":{"type":"integer"}},"required":["b"]}}})"),
       {R"({"a":1,"b":2})"},
       {R"({"a":1})", R"({"b":1})"}},
      {"any_of_objects_is_closed",
       SchemaOf(R"({"anyOf":[{"type":"object","properties":{"a":{"type":"integer"}}},
                             {"type":"object","properties":{"b":{"type":"integer"}}}]})"),
       {R"({"a":1})", R"({"b":1})"},
       {R"({"c":1})", R"({"a":1,"b":1})"}},
      {"recursive",
       SchemaOf(R"({"$ref":"#/$defs/t","$defs":{"t":{"type":"object","required":["v"],"properties":
                    {"v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#/$defs/t"}}}}}})"),
       {R"({"v":1,"kids":[{"v":2,"kids":[{"v":3}]},{"v":4}]})"},
       {R"({"v":1,"kids":[{}]})", R"({"v":1,"x":2})"}},
      {"nested_arrays",
       SchemaOf(R"({"type":"array","minItems":1,"items":{"type":"array","maxItems":2,
                    "items":{"type":"integer","minimum":0,"maximum":9}}})"),
       {"[[]]", "[[1, 2], [3]]"},
       {"[]", "[[1,2,3]]", "[[10]]"}},
      {"required_but_not_declared_stays_open",
       SchemaOf(R"({"type":"object","properties":{"a":{"type":"integer"}},"required":["b"]})"),
       {R"({"b":1})", R"({"a":1,"b":null})"},
       {R"({"a":1})"}},
      {"fractions_stand_on_a_grid",
       SchemaOf(R"({"type":"number","minimum":0,"maximum":1})"),
       {"0", "0.01", "0.5", "0.99", "1"},
       {"1.5", "-0.1", "2"}},
      {"multiples",
       SchemaOf(R"({"type":"integer","multipleOf":5,"minimum":3,"maximum":22})"),
       {"5", "10", "20"},
       {"3", "4", "25", "0"}},
      {"format_date",
       SchemaOf(R"({"type":"string","format":"date"})"),
       {R"("2024-02-29")"},
       {R"("today")"}},
      {"tuple_of_draft_7",
       SchemaOf(R"({"$schema":"http://json-schema.org/draft-07/schema#","type":"array",
                    "items":[{"const":1},{"const":"a"}],"additionalItems":false,"minItems":2})"),
       {R"([1,"a"])"},
       {"[1]", R"([1,"a",2])"}},
      {"property_named_like_a_keyword",
       SchemaOf(R"({"type":"object","properties":{"properties":{"type":"object",
                    "properties":{"required":{"type":"boolean"}}}},"required":["properties"]})"),
       {R"({"properties":{"required":true}})", R"({"properties":{}})"},
       {"{}", R"({"properties":{"x":1}})"}},
  };
}

TEST(Constraint, HoldsTheRightTexts) {
  for (const ConstraintCase& c : Cases()) {
    SCOPED_TRACE(c.name);
    const auto compiled = CompileConstraint(c.constraint, 1);
    ASSERT_TRUE(compiled) << compiled.error().message;
    ASSERT_EQ(compiled->stretches.size(), 1u);
    const Stretch& stretch = compiled->stretches[0];
    EXPECT_EQ(compiled->json,
              c.constraint.kind == Kind::kJsonSchema || c.constraint.kind == Kind::kJsonObject);
    for (const auto text : c.in) EXPECT_TRUE(stretch.language->Contains(text)) << text;
    for (const auto text : c.out) EXPECT_FALSE(stretch.language->Contains(text)) << text;
  }
}

TEST(Constraint, WhatTheLanguageHoldsObeysTheSchema) {
  Random random(7);
  for (const ConstraintCase& c : Cases()) {
    if (c.constraint.kind != Kind::kJsonSchema) continue;
    SCOPED_TRACE(c.name);
    const auto compiled = CompileConstraint(c.constraint, 1).value();
    EXPECT_EQ(compiled.stretches[0].check, nullptr);
    const auto schema = schema::Schema::Compile(c.constraint.schema).value();
    for (int i = 0; i < 20; ++i) {
      const std::string text = WalkAnswer(compiled, random);
      const auto read = json::Read(text);
      ASSERT_TRUE(read) << text;
      EXPECT_TRUE(schema.Accepts(*read)) << text;
    }
  }
}

TEST(Constraint, WhatTheLanguageLeavesOpenIsChecked) {
  for (const std::string_view schema :
       {R"({"type":"array","uniqueItems":true})", R"({"type":"object","minProperties":2})",
        R"({"type":"string","pattern":"^a+$","maxLength":3})", R"({"oneOf":[{"type":"integer"},
           {"type":"number"}]})"}) {
    const auto compiled = CompileConstraint(SchemaOf(schema), 1).value();
    EXPECT_NE(compiled.stretches[0].check, nullptr) << schema;
  }
}

TEST(Constraint, UnknownFormatsAreNotes) {
  const auto compiled =
      CompileConstraint(SchemaOf(R"({"type":"string","format":"email"})"), 1).value();

  EXPECT_EQ(compiled.stretches[0].check, nullptr);
}

struct RefusedConstraint {
  Constraint constraint;
  Code code;
  const char* word;
};

TEST(Constraint, RefusesWithItsReason) {
  const RefusedConstraint refusals[] = {
      {SchemaOf("false"), Code::kUnsupportedConstraint, "no text obeys"},
      {SchemaOf(R"({"type":"string","const":1})"), Code::kUnsupportedConstraint, "no text obeys"},
      {SchemaOf("[]"), Code::kInvalidSchema, ""},
      {SchemaOf(R"({"type":"strnig"})"), Code::kInvalidSchema, "strnig"},
      {SchemaOf(R"({"$ref":"#/nowhere"})"), Code::kInvalidSchema, "nowhere"},
      {SchemaOf(R"({"pattern":"("})"), Code::kInvalidPattern, ""},
      {{.kind = Kind::kRegex, .text = "("}, Code::kInvalidPattern, ""},
      {{.kind = Kind::kRegex, .text = "(?=a)b"}, Code::kUnsupportedPattern, ""},
      {{.kind = Kind::kRegex, .text = "a^b"}, Code::kUnsupportedConstraint, "no text obeys"},
      {{.kind = Kind::kGrammar, .text = "root ::= x"}, Code::kInvalidGrammar, "x"},
      {{.kind = Kind::kChoice}, Code::kUnsupportedConstraint, "choice"},
      {{.kind = Kind::kChoice, .choices = {"\xff"}}, Code::kUnsupportedConstraint, "UTF-8"},
      {{.kind = Kind::kStructuralTag, .text = "<tool>"}, Code::kUnsupportedConstraint, "JSON"},
  };
  for (const RefusedConstraint& refusal : refusals) {
    const auto compiled = CompileConstraint(refusal.constraint, 1);
    ASSERT_FALSE(compiled) << refusal.word;
    EXPECT_EQ(compiled.error().code, refusal.code) << compiled.error().message;
    EXPECT_THAT(compiled.error().message, HasSubstr(refusal.word));
  }
}

TEST(ConstraintCache, TheSameConstraintIsCompiledOnce) {
  ConstraintCache cache(2);
  const Constraint a = {.kind = Kind::kRegex, .text = "a"};
  const auto first = cache.Get(a, 1).value();

  EXPECT_EQ(cache.Get(a, 2).value(), first);
}

TEST(ConstraintCache, TheOneNotUsedForLongestGoesFirst) {
  ConstraintCache cache(2);
  const auto of = [](std::string text) { return Constraint{.kind = Kind::kRegex, .text = text}; };
  const std::weak_ptr<const CompiledConstraint> a = cache.Get(of("a"), 1).value();
  const std::weak_ptr<const CompiledConstraint> b = cache.Get(of("b"), 1).value();
  (void)cache.Get(of("a"), 1);  // only to use it

  const auto c = cache.Get(of("c"), 1).value();

  EXPECT_FALSE(a.expired());
  EXPECT_TRUE(b.expired());
}

TEST(ConstraintCache, SpacingTellsJsonConstraintsApartAndIsNoPartOfThem) {
  ConstraintCache cache;
  const Constraint schema = SchemaOf(R"({"type":"object","properties":{"a":{"type":"null"}}})");
  const auto free = cache.Get(schema, 1).value();
  const auto none = cache.Get(schema, 1, JsonSpacing::kNone).value();

  EXPECT_NE(free, none);
  EXPECT_TRUE(free->stretches[0].language->Contains("{ }"));
  EXPECT_FALSE(none->stretches[0].language->Contains("{ }"));
  EXPECT_TRUE(none->stretches[0].language->Contains("{}"));
}

TEST(ConstraintCache, OrderOfPropertiesAndKindTellConstraintsApart) {
  ConstraintCache cache;
  const auto one = cache.Get(SchemaOf(R"({"properties":{"a":true,"b":true}})"), 1).value();
  const auto two = cache.Get(SchemaOf(R"({"properties":{"b":true,"a":true}})"), 1).value();
  const auto regex = cache.Get({.kind = Kind::kRegex, .text = "start: \"a\""}, 1).value();
  const auto grammar = cache.Get({.kind = Kind::kGrammar, .text = "start: \"a\""}, 1).value();

  EXPECT_NE(one, two);
  EXPECT_NE(regex, grammar);
}

TEST(ConstraintCache, FailuresAreToldAgain) {
  ConstraintCache cache;
  const Constraint wrong = {.kind = Kind::kRegex, .text = "("};

  EXPECT_FALSE(cache.Get(wrong, 1));
  EXPECT_FALSE(cache.Get(wrong, 1));
}

TEST(ConstraintCache, ManyThreadsMayAsk) {
  ConstraintCache cache(3);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string text(static_cast<std::size_t>((i + t) % 5 + 1), 'a');
        const auto got = cache.Get({.kind = Kind::kRegex, .text = text}, 1);
        EXPECT_TRUE((*got)->stretches[0].language->Contains(text));
      }
    });
  }
}

}  // namespace
}  // namespace weir::sim
