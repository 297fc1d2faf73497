#include "weir/schema/subset.h"

#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/strict_form.h"
#include "weir/schema/subset_table.h"

namespace weir::schema {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// "pointer keyword verdict", with a ? when it is not certain.
std::vector<std::string> Told(std::string_view schema, Decoder decoder) {
  std::vector<std::string> told;
  const json::Value read = json::Read(schema).value();
  for (const Finding& finding : Explain(read, decoder)) {
    told.push_back(finding.pointer + " " + finding.keyword + " " +
                   std::string(VerdictName(finding.verdict)) + (finding.certain ? "" : "?"));
  }
  return told;
}

struct SubsetCase {
  const char* name;
  Decoder decoder;
  std::string_view schema;
  std::vector<std::string> told;
};

const SubsetCase kSubsetCases[] = {
    {"MultipleOf",
     Decoder::kXgrammar,
     R"({"items":{"type":"number","multipleOf":2}})",
     {"/items multipleOf refused"}},
    {"LengthBesidePattern",
     Decoder::kXgrammar,
     R"({"type":"string","pattern":"^a","minLength":2})",
     {" minLength refused"}},
    {"LengthAlone", Decoder::kXgrammar, R"({"type":"string","minLength":2})", {}},
    {"Guidance",
     Decoder::kGuidance,
     R"({"not":{"type":"null"},"uniqueItems":true})",
     {" not refused", " uniqueItems refused"}},
    {"PatternLoses",
     Decoder::kOutlines,
     R"({"type":"string","pattern":"^a$","maxLength":2})",
     {" pattern ignored"}},
    {"ConstArray", Decoder::kOutlines, R"({"const":[]})", {" const refused"}},
    {"OnlyIntegersHaveBounds",
     Decoder::kLlamaCpp,
     R"({"prefixItems":[{"type":"number","minimum":1},{"type":"integer","minimum":1}]})",
     {" prefixItems ignored", "/prefixItems/0 minimum ignored"}},
    {"Formats",
     Decoder::kLlamaCpp,
     R"({"anyOf":[{"type":"string","format":"date"},{"type":"string","format":"email"}]})",
     {"/anyOf/1 format ignored"}},
    {"OpenAi",
     Decoder::kOpenAiStrict,
     R"({"type":"object","properties":{"a":{"type":"object","properties":{"b":{"oneOf":[]}},"required":["b"],"additionalProperties":false},"c":{"oneOf":[{}]}},"required":["a"],"$defs":{"x/y":{"allOf":[{}]}}})",
     {" properties refused", "/properties/c oneOf refused", "/$defs/x~1y allOf refused",
      " additionalProperties refused"}},
    {"OpenAiRoot",
     Decoder::kOpenAiStrict,
     R"({"anyOf":[{"type":"string"}]})",
     {" type refused", " anyOf refused"}},
    {"NamesAreNoKeywords",
     Decoder::kOpenAiStrict,
     R"({"type":"object","properties":{"not":{"type":"string","enum":["if"],"default":{"if":1}}},"required":["not"],"additionalProperties":false})",
     {}},
    {"NeutralValues",
     Decoder::kGuidance,
     R"({"uniqueItems":false,"unevaluatedItems":true,"minContains":0,"dependentRequired":{}})",
     {" minContains refused"}},
};

TEST(Subset, ExplainNamesPlaceKeywordAndVerdict) {
  for (const SubsetCase& test : kSubsetCases) {
    EXPECT_EQ(Told(test.schema, test.decoder), test.told) << test.name;
  }
}

TEST(Subset, TheSentenceSaysWhyAndHowSure) {
  const json::Value schema =
      json::Read(R"({"type":"object","allOf":[{"required":["a"]}],"format":"color"})").value();
  const std::vector<Finding> found = Explain(schema, Decoder::kXgrammar);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].message,
            "at the top level: xgrammar ignores \"allOf\": 0.1.10 ignored it (not certain)");
  EXPECT_EQ(Explain(schema, Decoder::kLlamaCpp)[1].message,
            "at the top level: llama.cpp ignores a missing \"additionalProperties\": an object is "
            "closed unless it says \"additionalProperties\": true");
}

TEST(Subset, TheTableIsComplete) {
  std::set<std::string_view> keywords;
  std::set<std::string_view> answered;
  for (const Fact& fact : Facts()) {
    keywords.insert(fact.keyword);
    if (fact.when != When::kAlways) continue;
    EXPECT_TRUE(answered.insert(fact.keyword).second) << fact.keyword << " stands there twice";
    for (const Cell& cell : fact.cells) EXPECT_TRUE(cell.filled) << fact.keyword;
  }
  EXPECT_EQ(keywords, answered);
  for (const Decoder decoder : kDecoders) {
    EXPECT_FALSE(DecoderName(decoder).empty());
    EXPECT_FALSE(CheckedAgainst(decoder).empty());
  }
}

TEST(Subset, TheStrictFormIsNotRefused) {
  const json::Value schema = json::Read(R"({"definitions":{"d":{"oneOf":[{"type":"string",
      "minLength":1,"format":"color"},{"not":{}}]}},"properties":{"a":{"$ref":"#/definitions/d"},
      "b":{"type":"array","uniqueItems":true,"items":{"allOf":[{"type":"null"}]}},
      "c":{"type":"object","minProperties":1,"patternProperties":{"^x":{}}}}})")
                                 .value();
  const StrictForm form = ToStrict(schema).value();
  for (const Finding& finding : Explain(form.schema, Decoder::kOpenAiStrict)) {
    EXPECT_NE(finding.verdict, Verdict::kRefused) << finding.message << "\n"
                                                  << json::Write(form.schema);
  }
}

}  // namespace
}  // namespace weir::schema
