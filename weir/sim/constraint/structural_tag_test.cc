#include "weir/sim/constraint/structural_tag.h"

#include <set>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/sim/constraint/walk_testing.h"

namespace weir::sim {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

Result<CompiledConstraint> Tag(std::string_view json, std::uint64_t seed = 1) {
  return CompileStructuralTag(json::Read(json).value(), seed);
}

struct TagCase {
  const char* name;
  std::string_view tag;
  const char* answer;  // POSIX extended, of the whole
};

const TagCase kTagCases[] = {
    {"legacy",
     R"({"type":"structural_tag","structures":[{"begin":"<fn=a>","schema":{"type":"integer",
         "minimum":5,"maximum":7},"end":"</fn>"}],"triggers":["<fn="]})",
     R"(([a-zA-Z,. ]*<fn=a>[[:space:]]*[567][[:space:]]*</fn>)+)"},
    {"const_string", R"({"format":{"type":"const_string","value":"hello"}})", "hello"},
    {"sequence",
     R"({"format":{"type":"sequence","elements":[{"type":"const_string","value":"a"},
         {"type":"const_string","value":"b"},{"type":"regex","pattern":"[0-9]{2}"}]}})",
     "ab[0-9][0-9]"},
    {"or",
     R"({"format":{"type":"or","elements":[{"type":"const_string","value":"a"},
         {"type":"const_string","value":"b"}]}})",
     "a|b"},
    {"grammar", R"({"format":{"type":"grammar","grammar":"root ::= \"x\" | \"y\""}})", "x|y"},
    {"any_text", R"({"format":{"type":"any_text"}})", R"(\(free\))"},
    {"text_inside_a_tag_is_bounded",
     R"({"format":{"type":"tag","begin":"<think>","content":{"type":"any_text"},
         "end":"</think>"}})",
     "<think>[a-zA-Z,. ]*</think>"},
    {"text_before_a_tag_is_bounded",
     R"({"format":{"type":"sequence","elements":[{"type":"any_text"},
         {"type":"tag","begin":"q","content":{"type":"const_string","value":"1"},"end":""},
         {"type":"any_text"}]}})",
     R"([a-pr-zA-Z,. ]*q1\(free\))"},
    {"triggered_tags",
     R"({"format":{"type":"triggered_tags","triggers":["[["],"at_least_one":true,
         "stop_after_first":true,"tags":[{"begin":"[[f]]","content":{"type":"json_schema",
         "json_schema":{"const":1}},"end":"[[/f]]"}]}})",
     R"(\[\[f\]\][[:space:]]*1[[:space:]]*\[\[/f\]\])"},
    {"tags_with_separator",
     R"({"format":{"type":"tags_with_separator","separator":";","tags":[{"type":"tag",
         "begin":"<","content":{"type":"const_string","value":"a"},"end":[">"]}]}})",
     "<a>(;<a>)*"},
};

TEST(StructuralTag, AnswersHaveTheForm) {
  Random random(3);
  for (const TagCase& c : kTagCases) {
    SCOPED_TRACE(c.name);
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      const auto compiled = Tag(c.tag, seed);
      ASSERT_TRUE(compiled) << compiled.error().message;
      EXPECT_THAT(WalkAnswer(*compiled, random), MatchesRegex(c.answer));
      for (const Stretch& stretch : compiled->stretches) {
        EXPECT_TRUE(stretch.fixed.empty() || !stretch.language);
      }
    }
  }
}

TEST(StructuralTag, TheSeedChooses) {
  Random random(3);
  std::set<std::string> answers;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    const auto one = Tag(kTagCases[3].tag, seed).value();
    const auto again = Tag(kTagCases[3].tag, seed).value();
    EXPECT_EQ(one.stretches[0].fixed, again.stretches[0].fixed);
    answers.insert(WalkAnswer(one, random));
  }
  EXPECT_EQ(answers.size(), 2u);
}

TEST(StructuralTag, ABareSchemaIsAJsonAnswer) {
  EXPECT_TRUE(Tag(R"({"format":{"type":"json_schema","json_schema":{"type":"object"}}})")->json);
  EXPECT_FALSE(Tag(kTagCases[1].tag)->json);
}

TEST(StructuralTag, TextFormsAreRead) {
  const model::Constraint text = {.kind = model::Constraint::Kind::kStructuralTag,
                                  .text = std::string(kTagCases[1].tag)};
  const model::Constraint value = {.kind = model::Constraint::Kind::kStructuralTag,
                                   .schema = json::Value::Of(kTagCases[1].tag)};

  EXPECT_EQ(CompileConstraint(text, 1)->stretches[0].fixed, "hello");
  EXPECT_EQ(CompileConstraint(value, 1)->stretches[0].fixed, "hello");
}

TEST(StructuralTag, RefusesWithThePlace) {
  const struct {
    std::string_view tag;
    const char* word;
  } refusals[] = {
      {"{}", "neither"},
      {R"({"format":{}})", "at format: the format has no"},
      {R"({"format":{"type":"qwen_xml_parameter","json_schema":{}}})", "not simulated"},
      {R"({"format":{"type":"regexp"}})", "did you mean \"regex\"?"},
      {R"({"format":{"type":"sequence","elements":[{"type":"regex","pattern":"("}]}})",
       "at format/elements/0"},
      {R"({"format":{"type":"sequence","elements":[]}})", "not empty"},
      {R"({"format":{"type":"or","elements":[{"type":"const_string","value":"a"},{"type":"?"}]}})",
       "at format/elements/1"},
      {R"({"format":{"type":"const_string","value":""}})", "empty text"},
      {R"({"format":{"type":"tag","content":{"type":"any_text"},"end":"x"}})", "\"begin\""},
      {R"({"structures":[{"begin":"<a>","schema":{},"end":""}],"triggers":["<b"]})", "no trigger"},
      {R"({"structures":[{"begin":"<a>","schema":{"type":"x"},"end":""}],"triggers":["<a"]})",
       "at structures/0/schema"},
  };
  for (const auto& refusal : refusals) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      const auto compiled = Tag(refusal.tag, seed);
      ASSERT_FALSE(compiled) << refusal.tag;
      EXPECT_THAT(compiled.error().message, HasSubstr(refusal.word));
    }
  }
}

TEST(StructuralTag, ACutTextIsRefused) {
  const std::string_view whole = kTagCases[0].tag;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto compiled = CompileConstraint({.kind = model::Constraint::Kind::kStructuralTag,
                                             .text = std::string(whole.substr(0, size))},
                                            1);
    ASSERT_FALSE(compiled) << size;
    EXPECT_EQ(compiled.error().code, Code::kUnsupportedConstraint);
  }
}

TEST(StructuralTag, DeepNestingIsRefused) {
  std::string tag = R"({"type":"const_string","value":"a"})";
  for (int i = 0; i < 100; ++i) tag = StrCat(R"({"type":"or","elements":[)", tag, "]}");

  EXPECT_THAT(Tag(StrCat(R"({"format":)", tag, "}")).error().message, HasSubstr("too deep"));
}

}  // namespace
}  // namespace weir::sim
