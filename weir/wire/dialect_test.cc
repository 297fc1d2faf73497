#include "weir/wire/dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/wire/codec.h"

namespace weir::wire {
namespace {

using testing::HasSubstr;

TEST(DialectTest, NamesStandForTheirVersions) {
  const std::pair<std::string_view, Version> cases[] = {
      {"vllm-0.6", {0, 6, 6}},   {"vllm-0.10", {0, 10, 0}}, {"vllm-0.11", {0, 11, 2}},
      {"vllm-0.12", {0, 12, 0}}, {"vllm-0.16", {0, 16, 0}}, {"vllm-latest", {0, 28, 0}}};
  for (const auto& [name, version] : cases) {
    const auto dialect = DialectByName(name);
    ASSERT_TRUE(dialect) << name;
    EXPECT_EQ(dialect->version, version) << name;
    EXPECT_EQ(dialect->name, name);
  }
  EXPECT_EQ(ClientDialectNames().size(), std::size(cases));
}

TEST(DialectTest, UnknownNameIsRefusedNamingTheKnownOnes) {
  const auto other = DialectByName("tgi");

  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kConfigError);
  EXPECT_THAT(other.error().message, HasSubstr("vllm-0.6, vllm-0.10"));
  EXPECT_THAT(other.error().message, HasSubstr("vllm-latest, openai, ollama"));
  EXPECT_THAT(DialectByName("vllm-0.13").error().message, HasSubstr("did you mean vllm-0.1"));
}

TEST(DialectTest, ForeignServersHaveNamesThatClientsAreNotGiven) {
  for (const auto& [name, kind] :
       {std::pair("openai", ServerKind::kOpenAi), std::pair("ollama", ServerKind::kOllama)}) {
    const auto dialect = DialectByName(name);
    ASSERT_TRUE(dialect);
    EXPECT_EQ(dialect->kind, kind);
    EXPECT_EQ(dialect->name, name);
    EXPECT_EQ(dialect->error_shape, ErrorShape::kNestedWords);
    EXPECT_THAT(DialectNames(), testing::Contains(name));
    EXPECT_THAT(ClientDialectNames(), testing::Not(testing::Contains(name)));
  }
}

TEST(DialectTest, VersionsAreReadAsServersWriteThem) {
  const std::pair<std::string_view, Version> cases[] = {
      {"0.11.2", {0, 11, 2}},
      {"v0.9.0", {0, 9, 0}},
      {"0.26.1rc1.dev1177+ga9a17e709", {0, 26, 1}},
      {"0.12", {0, 12, 0}},
      {"0.1.dev18498+g7a33ba95f", {0, 28, 0}},  // a source build is new, whatever it sorts below
      {"dev", {0, 28, 0}},
      {"", {0, 28, 0}},
      {"99999999999.1", {0, 28, 0}},
      {"0.33.0", {0, 33, 0}}};
  for (const auto& [text, version] : cases) {
    EXPECT_EQ(DialectOfVersion(text).version, version) << text;
  }
}

TEST(DialectTest, HabitsChangeAtTheirVersions) {
  EXPECT_EQ(DialectOfVersion("0.10.0").error_shape, ErrorShape::kFlat);
  EXPECT_EQ(DialectOfVersion("0.10.1").error_shape, ErrorShape::kNested);
  EXPECT_EQ(DialectOfVersion("0.10.2").constraints, ConstraintSpelling::kGuided);
  EXPECT_EQ(DialectOfVersion("0.11.0").constraints, ConstraintSpelling::kStructuredOutputs);
  EXPECT_EQ(DialectOfVersion("0.11.0").reasoning, ReasoningField::kReasoningContent);
  EXPECT_EQ(DialectOfVersion("0.15.1").reasoning, ReasoningField::kBoth);
  EXPECT_EQ(DialectOfVersion("0.16.0").reasoning, ReasoningField::kReasoning);
  EXPECT_FALSE(DialectOfVersion("0.6.2").beam_width_is_n);
  EXPECT_TRUE(DialectOfVersion("0.11.2").has_best_of);
  EXPECT_FALSE(DialectOfVersion("0.12.0").has_best_of);
  EXPECT_TRUE(DialectOfVersion("0.17.0").usage_by_default);
  EXPECT_FALSE(DialectOfVersion("0.18.0").usage_by_default);
}

TEST(DialectTest, TheDefaultIsTheLatest) {
  const Dialect latest = *DialectByName("vllm-latest");
  const Dialect made;
  EXPECT_EQ(made.name, latest.name);
  EXPECT_EQ(made.version, latest.version);
  EXPECT_EQ(made.has_best_of, latest.has_best_of);
  EXPECT_EQ(made.empty_tool_calls_shown, latest.empty_tool_calls_shown);
  EXPECT_EQ(made.usage_by_default, latest.usage_by_default);
}

TEST(AddressTest, FourSpellingsOfABaseUrlAreOne) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"http://h:8000", "http://h:8000"},
      {"http://h:8000/", "http://h:8000"},
      {"http://h:8000/v1", "http://h:8000"},
      {" http://h:8000/v1/ ", "http://h:8000"},
      {"http://h/proxy/v1", "http://h/proxy"},
      {"http://h/v1/proxy/", "http://h/v1/proxy"},
      {"https://v1", "https://v1"},
      {"http://h/v10", "http://h/v10"},
      {"", ""}};
  for (const auto& [url, root] : cases) EXPECT_EQ(NormalizeBaseUrl(url), root) << url;
}

TEST(AddressTest, KeyIsSentOnlyWhenThereIsOne) {
  EXPECT_EQ(Authorization(AuthMode::kAuto, "k"), "Bearer k");
  EXPECT_EQ(Authorization(AuthMode::kAuto, ""), std::nullopt);
  EXPECT_EQ(Authorization(AuthMode::kAuto, "Empty"), std::nullopt);
  EXPECT_EQ(Authorization(AuthMode::kNone, "k"), std::nullopt);
  EXPECT_EQ(Authorization(AuthMode::kBearer, "EMPTY"), "Bearer EMPTY");
}

}  // namespace
}  // namespace weir::wire
