#include "weir/schema/generate.h"

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::schema {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Schema CompiledWithFormats(std::string_view text) {
  CompileOptions options;
  options.assert_formats = true;
  auto schema = Schema::Compile(json::Read(text).value(), options);
  EXPECT_TRUE(schema) << text << ": " << (schema ? "" : schema.error().message);
  return *schema;
}

class ObeyedTest : public testing::TestWithParam<const char*> {};

TEST_P(ObeyedTest, EveryInstanceIsValid) {
  const Schema schema = CompiledWithFormats(GetParam());
  Generator generator(schema);
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const auto value = generator.Next(random);
    ASSERT_TRUE(value) << GetParam() << " seed " << seed << ": " << value.error().message;
    ASSERT_TRUE(schema.Accepts(*value)) << GetParam() << ": " << json::Write(*value);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Types, ObeyedTest,
    testing::Values("true", "{}", R"({"type":"null"})", R"({"type":"boolean"})",
                    R"({"type":"integer"})", R"({"type":"number"})", R"({"type":"string"})",
                    R"({"type":"array"})", R"({"type":"object"})", R"({"type":["string","null"]})",
                    R"({"const":[1,{"a":2}]})", R"({"enum":[1,"a",null,{"b":[]}]})",
                    R"({"enum":[1,"a",null,2.5],"type":"number"})",
                    R"({"enum":["a","bb","ccc"],"minLength":3})"));

INSTANTIATE_TEST_SUITE_P(
    Numbers, ObeyedTest,
    testing::Values(
        R"({"type":"integer","minimum":3,"maximum":3})",
        R"({"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":5})",
        R"({"type":"number","exclusiveMinimum":0,"exclusiveMaximum":0.001})",
        R"({"type":"number","multipleOf":0.01,"minimum":0.005,"exclusiveMaximum":0.02})",
        R"({"type":"number","multipleOf":0.01,"minimum":-1e3,"maximum":1E3})",
        R"({"type":"number","minimum":1e300})", R"({"type":"number","exclusiveMinimum":1e300})",
        R"({"type":"number","maximum":-1e300})", R"({"type":"number","exclusiveMaximum":-1e-300})",
        R"({"type":"integer","minimum":9007199254740993,"maximum":9007199254740993})",
        R"({"type":"integer","minimum":18446744073709551616})",
        R"({"type":"integer","exclusiveMinimum":123456789012345678901234567890123456789012345})",
        R"({"type":"integer","exclusiveMaximum":-99999999999999999999999999999999999999999999})",
        R"({"type":"integer","multipleOf":7,"minimum":50,"maximum":56})",
        R"({"allOf":[{"multipleOf":6},{"multipleOf":4},{"type":"integer","minimum":1}]})",
        R"({"type":"integer","multipleOf":0.5})",
        R"({"type":"integer","multipleOf":1.5,"minimum":1})",
        R"({"type":"number","not":{"type":"integer"}})",
        R"({"type":"integer","not":{"minimum":5}})"));

INSTANTIATE_TEST_SUITE_P(
    Strings, ObeyedTest,
    testing::Values(
        R"({"type":"string","minLength":40})", R"({"type":"string","maxLength":0})",
        R"({"type":"string","minLength":3,"maxLength":3})",
        R"({"type":"string","pattern":"^[A-Z]{3}-[0-9]{4,8}$"})",
        R"({"type":"string","pattern":"^\\d+$","minLength":20,"maxLength":20})",
        R"({"type":"string","pattern":"^(\\([0-9]{3}\\))?[0-9]{3}-[0-9]{4}$"})",
        R"({"type":"string","pattern":"a+b","minLength":30})",
        R"({"type":"string","pattern":"^(cat|dog|elephant)s?$","minLength":8})",
        R"({"type":"string","pattern":"^[^a-z]*$","minLength":2})",
        R"({"type":"string","pattern":"^\\p{Letter}+$"})",
        R"({"type":"string","pattern":"\\bfoo\\b"})",
        R"({"type":"string","pattern":"^([a-f0-9]{2}:){5}[a-f0-9]{2}$"})",
        R"({"type":"string","allOf":[{"pattern":"^x"},{"pattern":"y$"}]})",
        R"({"type":"string","allOf":[{"pattern":"[0-9]"},{"pattern":"[a-z]"},{"maxLength":2}]})",
        R"({"type":"string","pattern":"^.*$","not":{"pattern":"e"}})",
        R"({"type":"string","pattern":"^[a-z]+$","not":{"enum":["a"]},"maxLength":1})",
        R"({"type":"string","format":"date","pattern":"-0[1-3]-"})",
        R"({"type":"string","format":"email","maxLength":3})",
        R"({"type":"string","format":"no such format"})"));

INSTANTIATE_TEST_SUITE_P(
    Formats, ObeyedTest,
    testing::Values(
        R"({"type":"string","format":"date"})", R"({"type":"string","format":"time"})",
        R"({"type":"string","format":"date-time"})", R"({"type":"string","format":"duration"})",
        R"({"type":"string","format":"email"})", R"({"type":"string","format":"idn-email"})",
        R"({"type":"string","format":"hostname"})", R"({"type":"string","format":"idn-hostname"})",
        R"({"type":"string","format":"ipv4"})", R"({"type":"string","format":"ipv6"})",
        R"({"type":"string","format":"uri"})", R"({"type":"string","format":"uri-reference"})",
        R"({"type":"string","format":"iri"})", R"({"type":"string","format":"iri-reference"})",
        R"({"type":"string","format":"uuid"})", R"({"type":"string","format":"json-pointer"})",
        R"({"type":"string","format":"relative-json-pointer"})",
        R"({"type":"string","format":"regex"})", R"({"type":"string","format":"uri-template"})"));

INSTANTIATE_TEST_SUITE_P(
    Arrays, ObeyedTest,
    testing::Values(
        R"({"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":4})",
        R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false})",
        R"({"type":"array","prefixItems":[{"const":1}],"items":{"const":2},"minItems":3})",
        R"({"type":"array","items":{"enum":[1,2,3,4,5]},"uniqueItems":true,"minItems":5})",
        R"({"type":"array","items":{"type":"boolean"},"uniqueItems":true})",
        R"({"type":"array","items":{"type":"integer"},"contains":{"minimum":100}})",
        R"({"type":"array","contains":{"const":"x"},"minContains":2,"maxContains":3})",
        R"({"type":"array","contains":{"type":"string"},"minContains":0,"maxContains":1})",
        R"({"type":"array","contains":{"const":1},"unevaluatedItems":{"const":2},"minItems":4})",
        R"({"type":"array","prefixItems":[{"type":"null"}],"unevaluatedItems":false})",
        R"({"type":"array","allOf":[{"contains":{"const":1}},{"contains":{"const":2}}],"maxItems":2})",
        R"({"type":"array","not":{"items":{"type":"integer"}}})",
        R"({"type":"array","items":{"type":"integer"},"not":{"uniqueItems":true}})"));

INSTANTIATE_TEST_SUITE_P(
    Objects, ObeyedTest,
    testing::Values(
        R"({"type":"object","required":["a","b"],"properties":{"a":{"type":"string"}}})",
        R"({"type":"object","properties":{"a":{},"b":{}},"additionalProperties":false,"minProperties":2})",
        R"({"type":"object","properties":{"a":true,"b":false},"maxProperties":1})",
        R"({"type":"object","patternProperties":{"^x-":{"type":"integer"}},"additionalProperties":false,"minProperties":3})",
        R"({"type":"object","additionalProperties":{"type":"integer"},"minProperties":2})",
        R"({"type":"object","propertyNames":{"pattern":"^[a-z]{2}$"},"minProperties":2})",
        R"({"type":"object","propertyNames":{"enum":["a","b"]},"minProperties":2})",
        R"({"type":"object","propertyNames":{"maxLength":2},"properties":{"long":{}},"minProperties":3})",
        R"({"type":"object","properties":{"a":{},"b":{}},"dependentRequired":{"a":["b"],"b":["c"]}})",
        R"({"type":"object","properties":{"a":{}},"dependentSchemas":{"a":{"required":["z"],"properties":{"z":{"const":1}}}}})",
        R"({"type":"object","properties":{"a":{"type":"integer"}},"unevaluatedProperties":false})",
        R"({"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}],"type":"object","unevaluatedProperties":false,"minProperties":2})",
        R"({"type":"object","patternProperties":{"a":{"type":"integer"},"b":{"minimum":5}},"required":["ab"]})",
        R"({"type":"object","not":{"required":["a"]},"properties":{"a":{}}})",
        R"({"type":"object","not":{"properties":{"a":{"type":"string"}}}})",
        R"({"type":"object","not":{"additionalProperties":{"type":"string"}}})"));

INSTANTIATE_TEST_SUITE_P(
    Logic, ObeyedTest,
    testing::Values(
        R"({"anyOf":[{"type":"string"},{"type":"integer"}],"not":{"type":"string"}})",
        R"({"oneOf":[{"type":"integer"},{"minimum":2}],"type":"number"})",
        R"({"oneOf":[{"multipleOf":3},{"multipleOf":5}],"type":"integer"})",
        R"({"oneOf":[{"required":["a"]},{"required":["b"]}],"type":"object","properties":{"a":{},"b":{}}})",
        R"({"oneOf":[{"properties":{"t":{"const":"x"},"v":{"type":"integer"}},"required":["t","v"]},)"
        R"({"properties":{"t":{"const":"y"},"v":{"type":"string"}},"required":["t","v"]}],"type":"object"})",
        R"({"allOf":[{"minimum":3},{"maximum":4}],"type":"number"})",
        R"({"allOf":[{"anyOf":[{"const":1},{"const":2}]},{"anyOf":[{"const":2},{"const":3}]}]})",
        R"({"type":"integer","if":{"minimum":10},"then":{"multipleOf":5},"else":{"maximum":3}})",
        R"({"type":"object","properties":{"c":{"enum":["us","ca"]},"z":{"type":"string"}},"required":["c","z"],)"
        R"("if":{"properties":{"c":{"const":"us"}}},"then":{"properties":{"z":{"pattern":"^\\d{5}$"}}},)"
        R"("else":{"properties":{"z":{"pattern":"^[A-Z]\\d[A-Z]$"}}}})",
        R"({"not":{"not":{"type":"integer"}}})",
        R"({"not":{"anyOf":[{"type":"string"},{"type":"object"}]}})",
        R"({"not":{"allOf":[{"type":"string"},{"minLength":3}]}})",
        R"({"not":{"enum":[null,true,false]},"type":["null","boolean","integer"]})"));

INSTANTIATE_TEST_SUITE_P(
    Recursion, ObeyedTest,
    testing::Values(
        R"({"type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"integer"}},"required":["v"]})",
        R"({"type":"object","properties":{"kids":{"type":"array","items":{"$ref":"#"}}},"required":["kids"]})",
        R"({"$ref":"#/$defs/e","$defs":{"e":{"anyOf":[{"type":"integer"},{"type":"object",)"
        R"("properties":{"l":{"$ref":"#/$defs/e"},"r":{"$ref":"#/$defs/e"}},"required":["l","r"]}]}}})",
        R"({"$id":"http://x/t","$dynamicAnchor":"n","type":"object","properties":{"d":{"type":"integer"},)"
        R"("c":{"type":"array","items":{"$dynamicRef":"#n"}}},"required":["d","c"]})",
        R"({"$ref":"https://json-schema.org/draft/2020-12/schema"})",
        R"({"$ref":"http://json-schema.org/draft-07/schema#"})"));

INSTANTIATE_TEST_SUITE_P(
    Realistic, ObeyedTest,
    testing::Values(
        // A tool call among several, told apart by a constant.
        R"({"type":"object","properties":{"calls":{"type":"array","minItems":1,"items":{"oneOf":[)"
        R"({"properties":{"tool":{"const":"search"},"args":{"type":"object","properties":{"q":{"type":"string","minLength":1}},"required":["q"],"additionalProperties":false}},"required":["tool","args"]},)"
        R"({"properties":{"tool":{"const":"add"},"args":{"type":"array","items":{"type":"number"},"minItems":2,"maxItems":2}},"required":["tool","args"]},)"
        R"({"properties":{"tool":{"const":"stop"}},"required":["tool"],"maxProperties":1}]}}},"required":["calls"]})",
        // All required, optional by null: the form of OpenAI.
        R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":["integer","null"]},)"
        R"("address":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}},"required":["name","age","address"],"additionalProperties":false,)"
        R"("$defs":{"a":{"type":"object","properties":{"street":{"type":"string"},"zip":{"type":"string","pattern":"^[0-9]{5}(-[0-9]{4})?$"}},"required":["street","zip"],"additionalProperties":false}}})",
        // Geometry.
        R"({"type":"object","required":["type","coordinates"],"properties":{"type":{"enum":["Point","LineString","Polygon"]},"bbox":{"type":"array","minItems":4,"items":{"type":"number"}}},)"
        R"("allOf":[{"if":{"properties":{"type":{"const":"Point"}}},"then":{"properties":{"coordinates":{"$ref":"#/$defs/p"}}}},)"
        R"({"if":{"properties":{"type":{"const":"LineString"}}},"then":{"properties":{"coordinates":{"type":"array","minItems":2,"items":{"$ref":"#/$defs/p"}}}}},)"
        R"({"if":{"properties":{"type":{"const":"Polygon"}}},"then":{"properties":{"coordinates":{"type":"array","items":{"type":"array","minItems":4,"items":{"$ref":"#/$defs/p"}}}}}}],)"
        R"("$defs":{"p":{"type":"array","minItems":2,"maxItems":3,"items":{"type":"number","minimum":-180,"maximum":180}}}})",
        // Money, exactly.
        R"({"type":"object","properties":{"lines":{"type":"array","minItems":1,"maxItems":20,"items":{"type":"object","properties":{"sku":{"type":"string","pattern":"^[A-Z]{2,4}-\\d{3,}$"},)"
        R"("price":{"type":"number","multipleOf":0.01,"exclusiveMinimum":0,"maximum":99999.99},"vat":{"enum":[0,0.07,0.19]}},"required":["sku","price","vat"]}},)"
        R"("iban":{"type":"string","pattern":"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$"},"due":{"type":"string","format":"date"},"mail":{"type":"string","format":"email"}},"required":["lines","due"],"additionalProperties":false})",
        // A language of expressions.
        R"({"$ref":"#/$defs/e","$defs":{"e":{"oneOf":[{"type":"number"},{"type":"string","pattern":"^[a-z_]\\w*$"},{"type":"object",)"
        R"("properties":{"op":{"enum":["+","-","*","/"]},"args":{"type":"array","items":{"$ref":"#/$defs/e"},"minItems":2,"maxItems":2}},"required":["op","args"],"additionalProperties":false}]}}})",
        // A base, extended, and closed.
        R"({"allOf":[{"$ref":"#/$defs/base"}],"properties":{"extra":{"type":"integer"}},"required":["extra"],"unevaluatedProperties":false,)"
        R"("$defs":{"base":{"type":"object","properties":{"id":{"type":"string","format":"uuid"},"at":{"type":"string","format":"date-time"}},"required":["id"]}}})",
        // One of two ways to pay, each with what it needs.
        R"({"type":"object","properties":{"card":{"type":"string","pattern":"^[0-9]{16}$"},"iban":{"type":"string"},"cvc":{"type":"string","minLength":3,"maxLength":4}},)"
        R"("dependentRequired":{"card":["cvc"]},"oneOf":[{"required":["card"]},{"required":["iban"]}],"additionalProperties":false})",
        // A wide union of closed objects that differ in their required keys.
        R"({"anyOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false},)"
        R"({"type":"object","properties":{"b":{"type":"array","items":{"type":"string","maxLength":5},"uniqueItems":true,"minItems":3}},"required":["b"],"additionalProperties":false}],)"
        R"("not":{"properties":{"a":{"maximum":10}},"required":["a"]}})"));

struct Impossible {
  const char* schema;
  const char* place;
  const char* reason;
};

void PrintTo(const Impossible& impossible, std::ostream* out) { *out << impossible.schema; }

class ImpossibleTest : public testing::TestWithParam<Impossible> {};

TEST_P(ImpossibleTest, TheKeywordAndTheReasonAreSaid) {
  Random random(1);
  const auto value = Generate(CompiledWithFormats(GetParam().schema), random);
  ASSERT_FALSE(value) << json::Write(*value);
  EXPECT_EQ(value.error().code, Code::kUnsupportedSchema);
  EXPECT_THAT(value.error().message,
              AllOf(HasSubstr("cannot make an instance: at "), HasSubstr(GetParam().place),
                    HasSubstr(GetParam().reason)));
}

INSTANTIATE_TEST_SUITE_P(
    All, ImpossibleTest,
    testing::Values(
        Impossible{"false", "the top level", "`false` accepts nothing"},
        Impossible{R"({"type":"integer","minimum":5,"maximum":4})", "/minimum",
                   "no integer was found that is at least 5 and at most 4"},
        Impossible{R"({"type":"integer","multipleOf":10,"minimum":1,"maximum":9})", "/multipleOf",
                   "a multiple of 10"},
        Impossible{R"({"type":"string","minLength":3,"maxLength":2})", "/minLength",
                   "no string has 3 or more characters and at most 2"},
        Impossible{R"({"type":"string","pattern":"^a$","minLength":2})", "/pattern", "\"^a$\""},
        Impossible{R"({"type":"string","minLength":1000000})", "/minLength", "max_bytes"},
        Impossible{R"({"type":"array","minItems":2,"maxItems":1})", "/minItems", "2 or more items"},
        Impossible{R"({"type":"array","items":{"type":"null"},"uniqueItems":true,"minItems":2})",
                   "/items", "uniqueItems"},
        Impossible{R"({"type":"object","required":["a"],"maxProperties":0})", "/maxProperties",
                   "1 properties are required"},
        Impossible{R"({"type":"object","required":["a"],"properties":{"a":false}})",
                   "/properties/a",
                   "the property \"a\" is required, and the schema `false` accepts nothing"},
        Impossible{R"({"type":"object","required":["a"],"properties":{"a":{"$ref":"#"}}})",
                   "the top level", "none ever ends"},
        Impossible{R"({"enum":[]})", "/enum", "the list of allowed values is empty"},
        Impossible{R"({"type":"object","required":["z"],"additionalProperties":false})",
                   "/additionalProperties", "\"z\" is required"},
        Impossible{R"({"const":3,"type":"integer","minimum":4})", "/const",
                   "the only allowed value"},
        Impossible{R"({"allOf":[{"type":"string"},{"type":"integer"}]})", "the top level",
                   "nothing obeys"},
        Impossible{R"({"type":"integer","not":{"type":"number"}})", "/not", "disobeys"},
        Impossible{R"({"not":{}})", "the top level", "nothing obeys"}));

TEST(GenerateTest, ASeedGivesTheSameTextForEver) {
  const Schema schema =
      CompiledWithFormats(R"({"type":"object","properties":{"name":{"type":"string"},
      "age":{"type":"integer","minimum":0,"maximum":150},"score":{"type":"number"},
      "tags":{"type":"array","items":{"enum":["a","b"]}},"id":{"pattern":"^[A-Z]{2}\\d+$"}},
      "required":["name","age","score","id"]})");
  Random random(42);
  EXPECT_EQ(json::Write(*Generate(schema, random)),
            R"({"name":"noguhovt","age":27,"score":6.4,"tags":["b"],"id":"ZS158363"})");
  EXPECT_EQ(json::Write(*Generate(schema, random)),
            R"({"name":"damd","age":68,"score":4,"id":"UO498"})");
}

TEST(GenerateTest, AnExampleHelpsWhereChanceDoesNot) {
  const Schema schema = CompiledWithFormats(
      R"({"type":"string","allOf":[{"pattern":"^.*7f3a91c2$"},{"pattern":"^[0-9a-f]{20}$"}],
          "examples":["no","0123456789ab7f3a91c2"]})");
  Random random(1);
  const auto value = Generate(schema, random);
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_TRUE(schema.Accepts(*value));
}

TEST(GenerateTest, MostInstancesAreShort) {
  const Schema schema = CompiledWithFormats(R"({"type":"object","properties":{"s":{"type":"string"},
      "a":{"type":"array","items":{"type":"string"}}},"required":["s","a"]})");
  Generator generator(schema);
  std::vector<std::size_t> sizes;
  Random random(7);
  for (int i = 0; i < 301; ++i) sizes.push_back(json::Write(*generator.Next(random)).size());
  std::ranges::sort(sizes);
  EXPECT_LT(sizes[150], 60u);
  EXPECT_LT(sizes.back(), 300u);
}

TEST(GenerateTest, OptionsDecideWhatMayBeAbsent) {
  const Schema schema =
      CompiledWithFormats(R"({"type":"object","properties":{"a":{"const":1},"b":{"const":2}}})");
  Random random(3);
  GenerateOptions none;
  none.optional_properties = 0;
  EXPECT_EQ(json::Write(*Generate(schema, random, none)), "{}");
  GenerateOptions all;
  all.optional_properties = 1;
  EXPECT_EQ(json::Write(*Generate(schema, random, all)), R"({"a":1,"b":2})");
}

TEST(GenerateTest, NestingStaysWithinItsLimitWhereItCan) {
  const Schema schema =
      CompiledWithFormats(R"({"type":"array","items":{"$ref":"#"},"maxItems":3})");
  GenerateOptions options;
  options.max_depth = 2;
  Generator generator(schema, options);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const std::string text = json::Write(*generator.Next(random));
    EXPECT_EQ(text.find("[[[["), text.npos) << text;
  }
}

TEST(GenerateTest, NoMoreBytesThanAllowed) {
  const Schema schema = CompiledWithFormats(
      R"({"type":"array","items":{"type":"array","items":{"type":"string","minLength":50},"minItems":50},"minItems":50})");
  Random random(1);
  const auto value = Generate(schema, random);
  ASSERT_FALSE(value);
  EXPECT_THAT(value.error().message, HasSubstr("max_bytes"));
  GenerateOptions options;
  options.max_bytes = 1 << 20;
  EXPECT_TRUE(Generate(schema, random, options));
}

}  // namespace
}  // namespace weir::schema
