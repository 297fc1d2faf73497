#include "weir/sim/constraint/violation.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/sim/constraint/walk_testing.h"

namespace weir::sim {
namespace {

using testing::HasSubstr;

struct ViolationCase {
  std::string_view schema;
  std::vector<std::string_view> keywords;
};

const ViolationCase kViolationCases[] = {
    {R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},
         "required":["name","age"],"additionalProperties":false})",
     {"type", "required", "additionalProperties"}},
    {R"({"type":"object","properties":{"sku":{"type":"string","pattern":"^[A-Z]{2}-[0-9]{3}$"},
         "price":{"type":"number","minimum":0,"exclusiveMaximum":1000},
         "count":{"type":"integer","minimum":1,"maximum":99,"multipleOf":3}},
         "required":["sku","price","count"]})",
     {"pattern", "minimum", "maximum", "exclusiveMaximum", "multipleOf", "type", "required"}},
    {R"({"enum":["red","green"]})", {"enum"}},
    {R"({"type":"integer","enum":[1,2,3]})", {"enum", "type"}},
    {R"({"type":"object","properties":{"v":{"const":true}},"required":["v"]})", {"const"}},
    {R"({"type":"object","properties":{"v":{"const":"x"},"w":{"type":"null"}}})",
     {"const", "type"}},
    {R"({"type":"string","minLength":3,"maxLength":8})", {"minLength", "maxLength", "type"}},
    {R"({"type":"string","minLength":3,"maxLength":8,"pattern":"^[a-z]+$"})",
     {"minLength", "maxLength", "pattern"}},
    {R"({"type":"object","properties":{"at":{"type":"string","format":"date-time"},
         "mail":{"type":"string","format":"email"}},"required":["at"]})",
     {"format"}},
    {R"({"type":"object","properties":{"id":{"type":"string","format":"uuid"}}})", {"format"}},
    {R"({"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":4})",
     {"minItems", "maxItems", "type"}},
    {R"({"type":"object","properties":{"tags":{"type":"array","uniqueItems":true,
         "items":{"enum":["a","b","c"]},"minItems":1}},"required":["tags"]})",
     {"uniqueItems", "minItems", "enum"}},
    {R"({"type":"object","minProperties":2,"maxProperties":3,
         "additionalProperties":{"type":"integer"}})",
     {"minProperties", "maxProperties"}},
    {R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},
         "c":{"type":"integer"}},"minProperties":1,"maxProperties":2})",
     {"minProperties", "maxProperties"}},
    {R"({"$ref":"#/$defs/t","$defs":{"t":{"type":"object","required":["v"],"properties":
         {"v":{"type":"integer","minimum":10},
          "kids":{"type":"array","maxItems":2,"items":{"$ref":"#/$defs/t"}}}}}})",
     {"required", "minimum", "maxItems", "type"}},
    {R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer","maximum":5}},
         "required":["a"]},{"properties":{"b":{"type":"string","maxLength":4}}}]})",
     {"maximum", "maxLength", "required", "type"}},
    {R"({"type":"array","prefixItems":[{"type":"string"},{"type":"number","exclusiveMinimum":0}],
         "items":false,"minItems":2})",
     {"items", "minItems", "exclusiveMinimum", "type"}},
    {R"({"$schema":"http://json-schema.org/draft-07/schema#","type":"array",
         "items":{"type":"object","properties":{"n":{"type":"integer","maximum":9}},
         "required":["n"]}})",
     {"maximum", "required", "type"}},
    {R"({"anyOf":[{"type":"integer","minimum":0},{"type":"null"}]})", {"anyOf"}},
    {R"({"type":"object","properties":{"x":{"anyOf":[{"type":"string"},{"type":"null"}]},
         "y":{"oneOf":[{"const":1},{"const":2}]}},"required":["x","y"]})",
     {"anyOf", "oneOf"}},
    {R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},
         "dependentRequired":{"a":["b"]}})",
     {"dependentRequired"}},
    {R"({"type":"array","items":{"type":"integer"},"contains":{"const":1}})", {"contains"}},
};

TEST(Violation, TextsBreakTheKeywordAndNothingElse) {
  Random random(11);
  for (const ViolationCase& c : kViolationCases) {
    const model::Constraint constraint = {.schema = json::Read(c.schema).value()};
    for (const std::string_view keyword : c.keywords) {
      SCOPED_TRACE(testing::Message() << c.schema << " : " << keyword);
      const auto compiled = CompileViolation(constraint, keyword);
      if (!compiled) {
        ADD_FAILURE() << compiled.error().message;
        continue;
      }
      const Stretch& stretch = compiled->stretches.at(0);
      EXPECT_EQ(stretch.violates, keyword);
      constexpr int kTexts = 24;
      int alone = 0;
      std::string wrong;
      for (int i = 0; i < kTexts; ++i) {
        const std::string text = WalkText(*stretch.language, random);
        const auto read = json::Read(text);
        ASSERT_TRUE(read) << text;
        const auto found = stretch.check->Check(*read);
        const auto is_it = [&](const schema::Violation& v) { return v.keyword == keyword; };
        if (!found.empty() && std::ranges::all_of(found, is_it)) {
          ++alone;
        } else {
          wrong = text;
        }
      }
      EXPECT_GE(alone, kTexts / 2) << wrong;
    }
  }
}

TEST(Violation, RefusesWhatCannotBeBrokenAlone) {
  const struct {
    std::string_view schema;
    std::string_view keyword;
    const char* word;
  } refusals[] = {
      {R"({"type":"integer"})", "pattern", "has no \"pattern\""},
      {R"({"type":"string","minLength":0})", "minLength", "nothing else"},
      {R"({"type":"string","pattern":""})", "pattern", "nothing else"},
      {R"({"const":"a","minLength":1})", "minLength", "nothing else"},
  };
  for (const auto& refusal : refusals) {
    const auto broken = ViolatingStretch(json::Read(refusal.schema).value(), refusal.keyword);
    ASSERT_FALSE(broken) << refusal.schema;
    EXPECT_EQ(broken.error().code, Code::kUnsupportedConstraint);
    EXPECT_THAT(broken.error().message, HasSubstr(refusal.word));
  }
}

TEST(Violation, OnlySchemasCanBeViolated) {
  const model::Constraint regex = {.kind = model::Constraint::Kind::kRegex, .text = "a"};

  EXPECT_EQ(CompileViolation(regex, "type").error().code, Code::kUnsupportedConstraint);
}

}  // namespace
}  // namespace weir::sim
