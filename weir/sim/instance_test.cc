#include "weir/sim/instance.h"

#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::sim {
namespace {

Result<std::string> Write(std::string_view schema, std::uint64_t seed = 1) {
  const std::vector<std::string> topics = {"tides"};
  Writer writer(seed, topics);
  const Result<json::Value> read = json::Read(schema);
  return WriteInstance(*read, writer);
}

// Documents that a schema leaves no choice about.
struct Case {
  const char* name;
  std::string_view schema;
  std::string_view document;
};

const Case kCases[] = {
    {"constant", R"({"const":{"a":[1]}})", R"({"a":[1]})"},
    {"only_value", R"({"enum":["x"]})", R"("x")"},
    {"null", R"({"type":"null"})", "null"},
    {"first_type_that_says_something", R"({"type":["null","integer"],"minimum":3,"maximum":3})",
     "3"},
    {"open_bounds", R"({"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":5})", "4"},
    {"steps", R"({"type":"integer","minimum":1,"maximum":9,"multipleOf":7})", "7"},
    {"decimals", R"({"type":"number","minimum":0.3,"maximum":0.3})", "0.3"},
    {"items", R"({"type":"array","items":{"const":1},"minItems":2,"maxItems":2})", "[1,1]"},
    {"short_text", R"({"type":"string","maxLength":0})", R"("")"},
    {"long_text", R"({"enum":["a"],"type":"string","minLength":1})", R"("a")"},
    {"object", R"({"properties":{"b":{"const":1},"a":{"const":2}},"required":["a"]})",
     R"({"b":1,"a":2})"},
    {"undeclared_property",
     R"({"required":["z"],"additionalProperties":{"const":0},"type":"object"})", R"({"z":0})"},
    {"first_branch", R"({"anyOf":[{"const":1},{"const":2}]})", "1"},
    {"reference", R"({"$ref":"#/$defs/a","$defs":{"a":{"const":5}}})", "5"},
};

class InstanceTest : public testing::TestWithParam<Case> {};

TEST_P(InstanceTest, FitsTheSchema) {
  EXPECT_EQ(Write(GetParam().schema).value_or("failed"), GetParam().document);
}

INSTANTIATE_TEST_SUITE_P(Sim, InstanceTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Instance, NumbersStayInsideTheirBounds) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto text = Write(R"({"type":"number","minimum":-1.5,"exclusiveMaximum":2.25})", seed);
    ASSERT_TRUE(text.has_value());
    const Result<json::Value> number = json::Read(*text);
    ASSERT_TRUE(number.has_value());
    EXPECT_GE(number->AsDouble().value_or(-9), -1.5);
    EXPECT_LT(number->AsDouble().value_or(9), 2.25);
  }
}

TEST(Instance, TextsAreCountedInCharacters) {
  const std::vector<std::string> topics = {"Überlegung"};
  const Result<json::Value> schema = json::Read(R"({"minLength":40,"maxLength":40})");
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Writer writer(seed, topics);
    const auto text = WriteInstance(*schema, writer);
    ASSERT_TRUE(text.has_value());
    const bool with_umlaut = text->contains("Ü");
    EXPECT_EQ(text->size(), with_umlaut ? 43U : 42U);
  }
}

TEST(Instance, TreesEnd) {
  const auto tree = Write(
      R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},
          "next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"required":["v"]}}})");

  ASSERT_TRUE(tree.has_value()) << tree.error().message;
  EXPECT_TRUE(json::Read(*tree).has_value());
}

TEST(Instance, WhatCannotBeKeptIsNamed) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"type":"string","pattern":"^a"})", "pattern"},
      {R"({"type":"object","properties":{"a":{"not":{}}}})", "not"},
      {R"({"type":"array","uniqueItems":true})", "uniqueItems"},
      {R"({"allOf":[{"type":"string"}]})", "allOf"},
      {R"({"$ref":"other.json"})", "$ref"},
      {R"({"$ref":"#"})", "$ref"},
      {R"({"type":"array","items":{"type":"string"},"minItems":1000000000})", "1 MiB"},
      {R"({"type":"integer","minimum":5,"maximum":4})", "bounds"},
      {R"({"type":"widget"})", "widget"},
      {"false", "false"},
  };
  for (const auto& [schema, keyword] : cases) {
    SCOPED_TRACE(schema);
    const auto text = Write(schema);
    ASSERT_FALSE(text.has_value());
    EXPECT_EQ(text.error().code, Code::kUnsupportedConstraint);
    EXPECT_TRUE(text.error().message.contains(keyword)) << text.error().message;
  }
}

}  // namespace
}  // namespace weir::sim
