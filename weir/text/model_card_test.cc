#include "weir/text/model_card.h"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::text {
namespace {

using testing::HasSubstr;

TEST(ModelCardTest, TheBuiltInCardsCanAllBeRead) {
  ASSERT_GT(BuiltInCards().size(), 100U);
  for (const ModelCard& card : BuiltInCards()) {
    EXPECT_NE(FindFamily(card.family), nullptr) << card.family;
    EXPECT_EQ(FindCard(card.pattern).pattern, card.pattern);
  }
}

struct NameCase {
  std::string_view name;
  std::string_view pattern;
  std::string_view family;
};

class CardOfName : public testing::TestWithParam<NameCase> {};

TEST_P(CardOfName, TheLongestPatternWins) {
  const ModelCard card = FindCard(GetParam().name);

  EXPECT_EQ(card.pattern, GetParam().pattern) << GetParam().name;
  EXPECT_EQ(card.family, GetParam().family) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Names, CardOfName,
    testing::Values(
        NameCase{"Qwen/Qwen2.5-7B-Instruct", "qwen2.5", "hermes"},
        NameCase{"Qwen/Qwen2.5-Coder-32B-Instruct-AWQ", "qwen2.5-coder", "hermes"},
        NameCase{"qwen3:8b", "qwen3", "qwen3"},
        NameCase{"Qwen/Qwen3-30B-A3B-Instruct-2507-FP8", "qwen3*instruct-2507", "hermes"},
        NameCase{"Qwen/Qwen3-30B-A3B-Thinking-2507", "qwen3*thinking-2507", "qwen3"},
        NameCase{"Qwen/Qwen3-Coder-480B-A35B-Instruct", "qwen3-coder", "qwen3_coder"},
        NameCase{"Qwen3.5-4B", "qwen3.5", "qwen3_5"}, NameCase{"Qwen/QwQ-32B", "qwq", "qwen3"},
        NameCase{"meta-llama/Meta-Llama-3.1-8B-Instruct", "llama-3.1", "llama3_json"},
        NameCase{"llama3.1:70b", "llama-3.1", "llama3_json"},
        NameCase{"meta-llama/Llama-4-Scout-17B-16E", "llama-4-scout", "llama4_pythonic"},
        NameCase{"NousResearch/Hermes-3-Llama-3.1-8B", "hermes-3*llama-3.1", "hermes"},
        NameCase{"mistralai/Ministral-3-14B-Reasoning-2512", "ministral-3*reasoning", "mistral"},
        NameCase{"mistralai/Ministral-8B-Instruct-2410", "ministral", "mistral"},
        NameCase{"deepseek-ai/DeepSeek-R1-0528", "deepseek-r1", "deepseek_r1"},
        NameCase{"deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "deepseek-r1-distill", "deepseek_r1"},
        NameCase{"deepseek-ai/DeepSeek-V3.1", "deepseek-v3.1", "deepseek_v3"},
        NameCase{"deepseek-ai/DeepSeek-V4-Flash", "deepseek-v4", "deepseek_v32"},
        NameCase{"zai-org/GLM-4.6-FP8", "glm-4.6", "glm45"},
        NameCase{"openai/gpt-oss-120b", "gpt-oss", "harmony"},
        NameCase{"moonshotai/Kimi-K2-Thinking", "kimi-k2-thinking", "kimi_k2"},
        NameCase{"Kimi-K3", "kimi-k3", "kimi_k3"},
        NameCase{"MiniMaxAI/MiniMax-M2", "minimax-m2", "minimax_m2"},
        NameCase{"google/gemma-3-1b-it", "gemma-3-1b", "plain"},
        NameCase{"google/gemma-3-12b-it", "gemma-3", "plain"},
        NameCase{"google/gemma-4-31B-it", "gemma-4", "gemma4"},
        NameCase{"microsoft/Phi-4-mini-instruct", "phi-4-mini", "phi4_mini_json"},
        NameCase{"ibm-granite/granite-3.2-8b-instruct", "granite-3.2", "granite"},
        NameCase{"ibm-granite/granite-4.0-h-small", "granite-4", "hermes"},
        NameCase{"nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "nemotron-3", "qwen3_5"},
        NameCase{"ByteDance-Seed/Seed-OSS-36B-Instruct", "seed-oss", "seed_oss"},
        NameCase{"stepfun-ai/step3", "step3", "step3"},
        NameCase{"StepFun3.5-Flash", "stepfun-3.5", "step3p5"},
        NameCase{"CohereForAI/c4ai-command-r7b-12-2024", "command-r7b", "cohere"},
        NameCase{"allenai/Olmo-3-32B-Think", "olmo-3*think", "olmo3"},
        NameCase{"models--LiquidAI--LFM2-8B-A1B/snapshots/abc", "lfm2", "lfm2"},
        NameCase{"Salesforce/Llama-xLAM-2-8b-fc-r", "llama-xlam-2", "xlam"},
        NameCase{"somebody/new-model-7b", "", "think"}, NameCase{"", "", "think"}));

TEST(ModelCardTest, WhatReadsOnlyTextIsBlindAndWhatIsNamedLikeItButSeesIsNot) {
  for (const char* blind :
       {"Qwen/Qwen3-8B", "Qwen/Qwen2.5-7B-Instruct", "meta-llama/Llama-3.1-8B-Instruct",
        "meta-llama/Llama-3.3-70B-Instruct", "deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-V3.1",
        "openai/gpt-oss-20b", "zai-org/GLM-4.5", "zai-org/GLM-4.6", "moonshotai/Kimi-K2-Instruct",
        "MiniMaxAI/MiniMax-M2", "allenai/Olmo-3-32B-Think", "google/gemma-3-1b-it"}) {
    EXPECT_EQ(FindCard(blind).vision, false) << blind;
  }
  for (const char* sees :
       {"Qwen/Qwen3-VL-8B-Instruct", "qwen3-vl:8b", "Qwen/Qwen3.6-27B",
        "Qwen/Qwen2.5-VL-7B-Instruct", "zai-org/GLM-4.5V", "zai-org/GLM-4.6V-Flash",
        "moonshotai/Kimi-K2.5", "moonshotai/Kimi-K2.6", "google/gemma-3-12b-it",
        "microsoft/Phi-4-multimodal-instruct", "deepseek-ai/DeepSeek-OCR",
        "nvidia/Llama-3.1-Nemotron-Nano-VL-8B-V1", "baidu/ERNIE-4.5-VL-28B-A3B-Thinking",
        "CohereLabs/command-a-vision-07-2025", "some/new-model"}) {
    EXPECT_NE(FindCard(sees).vision, false) << sees;
  }
}

TEST(ModelCardTest, OwnCardsStandBeforeTheBuiltInOnes) {
  const auto own = CardsFromYaml("cards: [{pattern: qwen3, family: hermes, context: 1024}]");
  ASSERT_TRUE(own);

  EXPECT_EQ(FindCard("Qwen3-8B", *own).context, 1024);
  EXPECT_EQ(FindCard("Qwen3-Coder-30B", *own).family, "qwen3_coder");
}

TEST(ModelCardTest, EveryFieldCanBeWritten) {
  const auto cards = CardsFromYaml(R"(
cards:
  - pattern: My_Model
    family: hermes
    context: 4096
    max_output: 512
    tools: guided
    reasoning: effort
    prompt: chatml
    vision: true
)");
  ASSERT_TRUE(cards) << cards.error().message;
  ASSERT_EQ(cards->size(), 1U);

  const ModelCard card = FindCard("me/my-model-v1", *cards);
  EXPECT_EQ(card.pattern, "my-model");
  EXPECT_EQ(card.context, 4096);
  EXPECT_EQ(card.max_output, 512);
  EXPECT_EQ(card.tool_mode, ToolMode::kGuided);
  EXPECT_EQ(card.reasoning, ReasoningSwitch::kEffort);
  EXPECT_EQ(card.prompt_format, "chatml");
  EXPECT_EQ(card.vision, true);
}

struct WrongCase {
  std::string_view yaml;
  std::string_view says;
};

class WrongCards : public testing::TestWithParam<WrongCase> {};

TEST_P(WrongCards, AreRefusedWithTheirPlace) {
  const auto cards = CardsFromYaml(GetParam().yaml, "mine.yaml");

  ASSERT_FALSE(cards);
  EXPECT_EQ(cards.error().code, Code::kConfigError);
  EXPECT_THAT(cards.error().message, HasSubstr(std::string(GetParam().says)));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongCards,
    testing::Values(WrongCase{"cards:\n  - patern: x\n", "mine.yaml:2"},
                    WrongCase{"cards:\n  - patern: x\n", "pattern"},
                    WrongCase{"card: []\n", "cards"}, WrongCase{"cards: 3\n", "list of cards"},
                    WrongCase{"cards: [3]\n", "mine.yaml:1"},
                    WrongCase{"cards:\n  - {pattern: x, family: hermess}\n", "hermes"},
                    WrongCase{"cards:\n  - {pattern: x, tools: natve}\n", "native"},
                    WrongCase{"cards:\n  - {pattern: x, context: -1}\n", "negative"},
                    WrongCase{"cards:\n  - {pattern: a*b*c*d}\n", "more than two"},
                    WrongCase{"cards:\n  - {family: hermes}\n", "part of the model's name"}));

}  // namespace
}  // namespace weir::text
