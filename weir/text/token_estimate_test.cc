#include "weir/text/token_estimate.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/json/reader.h"

namespace weir::text {
namespace {

struct EstimateCase {
  const char* name;
  std::string_view text;
  std::int64_t fewest;
  std::int64_t most;
};

// The bounds are what cl100k and o200k make of each text, and a little more.
const EstimateCase kEstimateCases[] = {
    {"nothing", "", 0, 0},
    {"a_word", "hello", 1, 1},
    {"a_sentence", "The river keeps moving even in a dry summer.", 9, 11},
    {"a_long_word", "internationalization", 1, 4},
    {"numbers_go_by_three", "1234567", 3, 3},
    {"json", R"({"name":"Ann","age":31,"tags":["a","b"]})", 16, 24},
    {"code", "for (std::size_t i = 0; i < n; ++i) sum += values[i];", 19, 28},
    {"chinese", "堰是横跨河流修建的低矮障碍物", 10, 20},
    {"russian", "Запруда — это низкая преграда", 8, 16},
    {"blank_lines", "a\n\n\n\nb", 3, 4},
    {"no_text_at_all", "\xFF\xFE\x80", 1, 3},
};

class EstimateTest : public testing::TestWithParam<EstimateCase> {};

TEST_P(EstimateTest, IsNearTheCount) {
  const std::int64_t tokens = EstimateTokens(GetParam().text);
  EXPECT_GE(tokens, GetParam().fewest);
  EXPECT_LE(tokens, GetParam().most);
}

INSTANTIATE_TEST_SUITE_P(Tokens, EstimateTest, testing::ValuesIn(kEstimateCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(EstimateTokens, ATextNeverHasMoreThanItsBytesAndMoreTextHasNotFewer) {
  const std::string text =
      "Der Fluß – naïve café, 12.5 % {\"a\": [1, 2]}\n\n\tx = y; 河流\xF0\x9F\x98\x80";
  std::int64_t before = 0;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::int64_t tokens = EstimateTokens(std::string_view(text).substr(0, cut));
    EXPECT_LE(tokens, static_cast<std::int64_t>(cut));
    EXPECT_GE(tokens + 1, before);  // a run that goes on may be told differently
    before = tokens;
  }
}

model::Call Chat() {
  model::Call call;
  call.messages.push_back(model::Message::Text(model::Role::kSystem, "Be brief."));
  call.messages.push_back(model::Message::Text(model::Role::kUser, "Hello there"));
  return call;
}

TEST(EstimateTokens, ACallIsItsMessagesItsToolsAndWhatStandsAroundThem) {
  model::Call call = Chat();
  const std::int64_t bare = EstimateTokens(call);
  EXPECT_GE(bare, 5);
  EXPECT_LE(bare, 20);
  call.tools.push_back({.name = "find",
                        .description = "Finds things.",
                        .parameters = *json::Read(R"({"type":"object","properties":{}})"),
                        .strict = {}});
  const std::int64_t with_tool = EstimateTokens(call);
  EXPECT_GT(with_tool, bare + 8);
  call.messages[1].parts.push_back({.kind = model::Part::Kind::kImage, .url = "https://a/b"});
  EXPECT_EQ(EstimateTokens(call), with_tool + kMediumTokens);
}

TEST(EstimateTokens, TokensOfAPromptAreCounted) {
  model::Call call;
  call.api = model::Api::kCompletions;
  call.prompt_token_ids = {1, 2, 3};
  EXPECT_EQ(EstimateTokens(call), 3);
  EXPECT_GE(MostTokens(call), 3);
}

TEST(MostTokens, IsAboveEveryEstimateAndUnsetWhereItCannotBeSaid) {
  model::Call call = Chat();
  EXPECT_GT(MostTokens(call).value(), EstimateTokens(call));
  call.chat_template = "{{ messages }}";
  EXPECT_EQ(MostTokens(call), std::nullopt);
  call = Chat();
  call.messages[0].parts.push_back({.kind = model::Part::Kind::kImage, .url = "https://a/b"});
  EXPECT_EQ(MostTokens(call), std::nullopt);
}

RC_GTEST_PROP(EstimateAtMost, NoEstimateIsAboveIt, (const std::vector<std::string>& texts)) {
  model::Call call;
  for (const std::string& text : texts) {
    call.messages.push_back(model::Message::Text(model::Role::kUser, text));
  }
  for (const char* dense : {"a1a1a1", "aBaBaB", ".a.a", "1.1.1", "\n.\n.", "\xFF\xFF"}) {
    call.prompt += dense;
    RC_ASSERT(EstimateTokens(call) <= EstimateAtMost(call).value());
  }
}

TEST(EstimateAtMost, IsUnsetWhereTextsWouldHaveToBeWrittenForIt) {
  model::Call call = Chat();
  EXPECT_LT(EstimateAtMost(call).value(), 60);
  call.tools.push_back({.name = "f", .description = {}, .parameters = {}, .strict = {}});
  EXPECT_EQ(EstimateAtMost(call), std::nullopt);
}

}  // namespace
}  // namespace weir::text
