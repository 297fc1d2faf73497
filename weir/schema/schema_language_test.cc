#include "weir/schema/schema_language.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::schema {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SchemaLanguage SchemaLanguageOf(std::string_view schema, const SchemaTextOptions& options = {}) {
  return LanguageOfSchema(json::Read(schema).value(), options).value();
}

struct LanguageCase {
  const char* name;
  std::string_view schema;
  std::vector<std::string_view> in;
  std::vector<std::string_view> out;
};

const LanguageCase kLanguageCases[] = {
    {"anything",
     "{}",
     {"1", " [ ] ", R"({"a":[null,{"b":"\u00e9"}]})"},
     {"", "nul", "[1,]", "{,}"}},
    {"nothing", "false", {}, {"1", "null"}},
    {"integer", R"({"type":"integer"})", {"0", "-0", "12", "1.0", "1e3"}, {"01", "1.5", "\"1\""}},
    {"integer_bounds",
     R"({"type":"integer","minimum":-12,"exclusiveMaximum":105})",
     {"-12", "-1", "-0", "0", "9", "99", "104", "7.0"},
     {"-13", "105", "1000", "7.5", "-20"}},
    {"integer_from",
     R"({"type":"integer","minimum":95})",
     {"95", "99", "100", "123456"},
     {"94", "9", "-95", "0"}},
    {"integer_to",
     R"({"type":"integer","maximum":-3})",
     {"-3", "-9", "-10", "-123456"},
     {"-2", "0", "3"}},
    {"number", R"({"type":"number"})", {"1", "-1.5e-7"}, {"true", "+1", ".5", "1."}},
    {"two_types", R"({"type":["null","boolean"]})", {"null", "true", "false"}, {"0", "nulls"}},
    {"enum",
     R"({"enum":["red",1,null,{"a":[1,2]}]})",
     {"\"red\"", "1", "1.0", "null", "{ \"a\" : [1, 2] }", R"("r\u0065d")"},
     {"\"blue\"", "2", "{\"a\":[1]}", "{\"a\":[1,2],\"b\":1}"}},
    {"const_with_type", R"({"type":"string","const":1})", {}, {"1", "\"1\""}},
    {"lengths",
     R"({"type":"string","minLength":2,"maxLength":3})",
     {"\"ab\"", R"("\u00e9é😀")"},
     {"\"a\"", "\"abcd\""}},
    {"surrogate_pair_is_one_character",
     R"({"type":"string","maxLength":1})",
     {R"("\ud83d\ude00")"},
     {R"("\ud83d")", R"("\ud83d\ud83d")", R"("\ude00")", R"("ab")"}},
    {"pattern",
     R"({"type":"string","pattern":"^a\"+$"})",
     {R"("a\"")", R"("a\"\"")", R"("\u0061\u0022")"},
     {R"("a")", R"("a"")", R"("ba\"")"}},
    {"pattern_is_not_anchored", R"({"type":"string","pattern":"b"})", {"\"abc\""}, {"\"ac\""}},
    {"array",
     R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3})",
     {"[1]", "[ 1 , 2,3 ]"},
     {"[]", "[1,2,3,4]", "[\"a\"]"}},
    {"prefix",
     R"({"type":"array","prefixItems":[{"const":1},{"const":2}],"items":false})",
     {"[]", "[1]", "[1,2]"},
     {"[2]", "[1,2,3]"}},
    {"draft_7_tuple",
     R"({"type":"array","items":[{"const":1}],"additionalItems":{"const":2},"minItems":2})",
     {"[1,2]", "[1,2,2]"},
     {"[1]", "[1,1]"}},
    {"object",
     R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},
         "required":["a"],"additionalProperties":false})",
     {R"({"a":1})", R"({ "b" : "x" , "a" : 1 })", R"({"\u0061":1})"},
     {"{}", R"({"b":"x"})", R"({"a":"1"})", R"({"a":1,"c":1})", R"({"a":1,})"}},
    {"additional_names_are_other_names",
     R"({"type":"object","properties":{"ab":{"const":1}},"additionalProperties":{"const":2}})",
     {R"({"ab":1})", R"({"a":2,"abc":2,"":2,"b":2})"},
     {R"({"ab":2})", R"({"a":1})"}},
    {"pattern_names",
     R"({"type":"object","patternProperties":{"^x-":{"const":1}},"additionalProperties":false})",
     {"{}", R"({"x-a":1,"x-":1})"},
     {R"({"x-a":2})", R"({"y":1})"}},
    {"any_of", R"({"anyOf":[{"type":"integer"},{"const":"x"}]})", {"1", "\"x\""}, {"\"y\""}},
    {"any_of_beside_properties",
     R"({"type":"object","properties":{"a":{"const":1},"b":{"const":2}},
         "anyOf":[{"required":["a"]},{"required":["b"]}]})",
     {R"({"a":1})", R"({"b":2})"},
     {"{}", R"({"c":1})", R"({"a":2})"}},
    {"all_of_meets_in_the_member",
     R"({"allOf":[{"properties":{"a":{"minLength":2}}},{"properties":{"a":{"type":"string"}}}],
         "type":"object"})",
     {R"({"a":"xx"})"},
     {R"({"a":"x"})", R"({"a":1})"}},
    {"recursive",
     R"({"$ref":"#/$defs/t","$defs":{"t":{"type":"object","required":["v"],
         "properties":{"v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#/$defs/t"}}},
         "additionalProperties":false}}})",
     {R"({"v":1})", R"({"v":1,"kids":[{"v":2,"kids":[]},{"v":3}]})"},
     {"{}", R"({"v":1,"kids":[{"v":"2"}]})", R"({"v":1,"kids":[{}]})"}},
};

class SchemaLanguageTest : public testing::TestWithParam<LanguageCase> {};

TEST_P(SchemaLanguageTest, HoldsTheRightTexts) {
  const SchemaLanguage language = SchemaLanguageOf(GetParam().schema);
  for (const std::string_view text : GetParam().in) {
    EXPECT_TRUE(language.language.Contains(text)) << text;
  }
  for (const std::string_view text : GetParam().out) {
    EXPECT_FALSE(language.language.Contains(text)) << text;
  }
}

TEST_P(SchemaLanguageTest, EveryPrefixIsAliveAndNextIsExact) {
  const SchemaLanguage language = SchemaLanguageOf(GetParam().schema);
  for (const std::string_view text : GetParam().in) {
    Matcher matcher = language.language.Begin();
    for (std::size_t i = 0; i <= text.size(); ++i) {
      const ByteSet next = matcher.Next();
      for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        ASSERT_EQ(matcher.Accepts({&c, 1}), next[static_cast<std::size_t>(byte)])
            << text.substr(0, i) << " then " << byte;
      }
      if (i < text.size()) {
        ASSERT_TRUE(matcher.Advance(text.substr(i, 1))) << text.substr(0, i);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Schemas, SchemaLanguageTest, testing::ValuesIn(kLanguageCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(SchemaLanguage, DeclaredOrderIsThatOfTheProperties) {
  SchemaTextOptions options;
  options.order = SchemaTextOptions::Order::kDeclared;
  const SchemaLanguage language = SchemaLanguageOf(
      R"({"type":"object","properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}},
          "required":["b"],"additionalProperties":{"const":4}})",
      options);
  for (const std::string_view text : {R"({"a":1,"b":2,"c":3})", R"({"b":2})",
                                      R"({"b":2,"c":3,"x":4,"y":4})", R"({"b":2,"x":4})"}) {
    EXPECT_TRUE(language.language.Contains(text)) << text;
  }
  for (const std::string_view text :
       {R"({"b":2,"a":1})", R"({"a":1})", R"({"x":4,"b":2})", R"({"a":1,"a":1,"b":2})", "{}"}) {
    EXPECT_FALSE(language.language.Contains(text)) << text;
  }
  EXPECT_THAT(language.not_enforced, IsEmpty());
}

TEST(SchemaLanguage, CompactTextHasNoBlanksAndOneSpelling) {
  SchemaTextOptions options;
  options.whitespace = SchemaTextOptions::Whitespace::kCompact;
  options.every_spelling = false;
  const SchemaLanguage language =
      SchemaLanguageOf(R"({"type":"array","items":{"enum":[1,"a"]},"minItems":2})", options);
  EXPECT_TRUE(language.language.Contains(R"([1,"a"])"));
  for (const std::string_view text : {R"([1, "a"])", R"([1.0,"a"])", R"([1,"\u0061"])"}) {
    EXPECT_FALSE(language.language.Contains(text)) << text;
  }
  EXPECT_TRUE(language.language.regular());
}

TEST(SchemaLanguage, ReportsWhatItLeavesToTheValidator) {
  EXPECT_THAT(
      SchemaLanguageOf(R"({"type":"object","properties":{"a/b":{"type":"number","multipleOf":2}}})")
          .not_enforced,
      ElementsAre("#/properties/a~1b/multipleOf"));
  EXPECT_THAT(SchemaLanguageOf(R"({"oneOf":[{"type":"null"},{"not":{}}]})").not_enforced,
              ElementsAre("#/oneOf (taken as anyOf)", "#/oneOf/1/not"));
  EXPECT_THAT(SchemaLanguageOf(R"({"$ref":"other.json"})").not_enforced,
              ElementsAre("#/$ref (not a pointer into this document)"));
  EXPECT_THAT(
      SchemaLanguageOf(R"x({"type":"string","pattern":"(?=a)"})x").not_enforced,
      ElementsAre(HasSubstr("#/pattern (the expression asks at offset 0 for a look ahead")));
  EXPECT_THAT(SchemaLanguageOf(R"({"type":"string","pattern":"a","maxLength":3})").not_enforced,
              ElementsAre("#/maxLength (beside a pattern or format)"));
}

TEST(SchemaLanguage, FormatsAreAssertedOnDemand) {
  const std::string_view schema = R"({"type":"string","format":"date-time"})";
  EXPECT_TRUE(SchemaLanguageOf(schema).language.Contains("\"x\""));
  SchemaTextOptions options;
  options.assert_formats = true;
  const Language language = SchemaLanguageOf(schema, options).language;
  EXPECT_TRUE(language.Contains("\"2024-02-29T23:59:60.5+01:00\""));
  EXPECT_FALSE(language.Contains("\"2024-13-01T00:00:00Z\""));
}

TEST(SchemaLanguage, LimitsAreErrors) {
  const json::Value schema =
      json::Read(R"({"type":"string","minLength":10000,"maxLength":10000})").value();
  SchemaTextOptions options;
  options.language.max_states = 1000;
  EXPECT_EQ(LanguageOfSchema(schema, options).error().code, Code::kUnsupportedSchema);
  options = {};
  options.max_rules = 1;
  EXPECT_EQ(LanguageOfSchema(schema, options).error().code, Code::kUnsupportedSchema);
  EXPECT_EQ(LanguageOfSchema(json::Value::Of(1)).error().code, Code::kInvalidSchema);
}

TEST(SchemaLanguage, RecursiveReferencesWithNeighboursEnd) {
  const SchemaLanguage language = SchemaLanguageOf(
      R"({"$defs":{"a":{"properties":{"x":{"$ref":"#/$defs/a","minProperties":1}}},
          "loop":{"$ref":"#/$defs/loop"}},"$ref":"#/$defs/a",
          "properties":{"y":{"$ref":"#/$defs/loop"}}})");
  EXPECT_TRUE(language.language.Contains(R"({"x":{"x":{}},"y":1})"));
}

// The suite knows what is valid: all of that must be in the language, in every spelling; and
// where something else is too, the report must not be empty.
TEST(SchemaLanguage, HoldsEveryValidInstanceOfTheOfficialSuite) {
  const char* const suites = std::getenv("WEIR_SUITES");
  if (suites == nullptr) GTEST_SKIP() << "WEIR_SUITES is not set: the official suite was not read";
  int valid = 0;
  int refused = 0;
  int left = 0;
  for (const std::string_view draft : {"draft2020-12", "draft2019-09", "draft7"}) {
    const std::string folder = StrCat(suites, "/json-schema/tests/", draft);
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      if (file.path().extension() != ".json") continue;
      std::ifstream in(file.path());
      const std::string text(std::istreambuf_iterator<char>(in), {});
      const json::Value groups = json::Read(text).value();
      for (const json::View group : groups.items()) {
        const auto language =
            LanguageOfSchema(group.Find("schema"), {.draft_7 = draft == "draft7"});
        ASSERT_TRUE(language.has_value()) << language.error().message;
        for (const json::View test : group.Find("tests").items()) {
          const json::View data = test.Find("data");
          const bool holds = language->language.Contains(json::Write(data));
          EXPECT_EQ(holds, language->language.Contains(json::WriteSpaced(data)));
          EXPECT_EQ(holds, language->language.Contains(json::Write(data, {.indent = 2})));
          if (test.Find("valid").BoolOr(false)) {
            ++valid;
            EXPECT_TRUE(holds) << file.path() << ": " << json::Write(group.Find("schema")) << " "
                               << json::Write(data);
          } else if (!holds) {
            ++refused;
          } else {
            ++left;
            EXPECT_FALSE(language->not_enforced.empty())
                << file.path() << ": " << json::Write(group.Find("schema")) << " "
                << json::Write(data);
          }
        }
      }
    }
  }
  RecordProperty("valid", valid);
  RecordProperty("refused", refused);
  RecordProperty("left_to_the_validator", left);
}

}  // namespace
}  // namespace weir::schema
