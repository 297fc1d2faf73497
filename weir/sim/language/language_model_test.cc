#include "weir/sim/language/language_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kThinkBegin = static_cast<TokenId>(Special::kThinkBegin);
constexpr auto kThinkEnd = static_cast<TokenId>(Special::kThinkEnd);
constexpr std::string_view kHeatPumpQuestion =
    "How does a heat pump defrost its evaporator in January?";

Passage Asked(std::string_view question) { return Passage(Tokenizer::Encode(question)); }

Passage Read(std::string_view question, std::span<const TokenId> answer) {
  Passage passage = Asked(question);
  for (const TokenId token : answer) passage.Append(token);
  return passage;
}

std::vector<float> Distribution(const LanguageModel& model, const Passage& passage) {
  std::vector<float> probabilities(static_cast<std::size_t>(Tokenizer::size()));
  model.Distribute(passage, probabilities);
  return probabilities;
}

// Tokens up to the end token, which is left out.
std::vector<TokenId> AnswerOf(const LanguageModel& model, Passage passage, std::uint64_t seed) {
  constexpr std::size_t kTooLong = 3000;
  Random random(seed);
  std::vector<TokenId> tokens;
  while (tokens.size() < kTooLong) {
    const TokenId token = model.Draw(passage, random);
    if (token == kEndToken) break;
    tokens.push_back(token);
    passage.Append(token);
  }
  return tokens;
}

// Places of every sort: beginnings, thoughts, long and short contexts, unknown ones, long answers.
std::vector<Passage> Places() {
  std::vector<Passage> places = {Asked(""), Asked(kHeatPumpQuestion), Read("", {{kThinkBegin}}),
                                 Read(kHeatPumpQuestion, {{kThinkBegin, kThinkEnd}})};
  for (const std::string_view text :
       {"The", "The river", "It depends on", "the", ",", ".", "A heat", "In the", "{\"name\": \"",
        "\xFF", " qzx", "penst", "- One\n- Two\n"}) {
    places.push_back(Read(kHeatPumpQuestion, Tokenizer::Encode(text)));
  }
  std::vector<TokenId> thought = Tokenizer::Encode("The user asks for a pump.");
  thought.insert(thought.begin(), kThinkBegin);
  places.push_back(Read("", thought));
  std::vector<TokenId> lengthy = Tokenizer::Encode("It rains.");
  for (int i = 0; i < 7; ++i) {
    const std::vector<TokenId> once = lengthy;
    lengthy.insert(lengthy.end(), once.begin(), once.end());
  }
  places.push_back(Read("", lengthy));
  return places;
}

class EveryVoice : public testing::TestWithParam<std::uint64_t> {
 protected:
  const LanguageModel model_{GetParam()};
};

TEST_P(EveryVoice, ProbabilitiesAreAboveZeroAndSumToOne) {
  for (const Passage& place : Places()) {
    const std::vector<float> probabilities = Distribution(model_, place);
    EXPECT_GT(std::ranges::min(probabilities), 0);
    EXPECT_NEAR(std::accumulate(probabilities.begin(), probabilities.end(), 0.0), 1, 1e-4);
  }
}

TEST_P(EveryVoice, OneProbabilityIsTheEntryOfTheDistribution) {
  for (const Passage& place : Places()) {
    const std::vector<float> probabilities = Distribution(model_, place);
    for (TokenId token = 0; token < Tokenizer::size(); ++token) {
      const float expected = probabilities[static_cast<std::size_t>(token)];
      ASSERT_NEAR(model_.Probability(place, token), expected, 1e-4F * expected) << token;
    }
  }
}

TEST_P(EveryVoice, DrawsFollowTheDistribution) {
  constexpr int kDraws = 50'000;
  Random random(42);
  for (const Passage& place : Places()) {
    const std::vector<float> probabilities = Distribution(model_, place);
    std::vector<int> seen(probabilities.size());
    for (int i = 0; i < kDraws; ++i) {
      ++seen[static_cast<std::size_t>(model_.Draw(place, random))];
    }
    // Pearson's chi-square; the rare tokens are one class together.
    double rare_expected = 0;
    double rare_seen = 0;
    double chi_square = 0;
    double freedom = 0;
    const auto add = [&](double expected, double observed) {
      chi_square += (observed - expected) * (observed - expected) / expected;
      ++freedom;
    };
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
      const double expected = static_cast<double>(probabilities[i]) * kDraws;
      if (expected < 10) {
        rare_expected += expected;
        rare_seen += seen[i];
      } else {
        add(expected, seen[i]);
      }
    }
    if (rare_expected >= 10) add(rare_expected, rare_seen);
    EXPECT_LE(std::abs(rare_seen - rare_expected), 8 * std::sqrt(rare_expected + 1));
    EXPECT_LE(chi_square, freedom + 5 * std::sqrt(2 * freedom)) << "freedom " << freedom;
  }
}

TEST_P(EveryVoice, AnswersEndOfTheirOwnAccord) {
  constexpr int kAnswers = 300;
  std::vector<std::size_t> sizes;
  for (std::uint64_t seed = 0; seed < kAnswers; ++seed) {
    sizes.push_back(AnswerOf(model_, Asked(kHeatPumpQuestion), seed).size());
  }
  std::ranges::sort(sizes);
  EXPECT_GE(sizes[kAnswers / 2], 40U);
  EXPECT_LE(sizes[kAnswers / 2], 150U);
  EXPECT_GE(sizes[kAnswers / 10], 15U);
  EXPECT_LE(sizes.back(), 800U);
}

TEST_P(EveryVoice, TheLikeliestAnswerEndsToo) {
  for (const std::string_view question : {std::string_view(""), kHeatPumpQuestion}) {
    Passage passage = Asked(question);
    std::size_t size = 0;
    for (; size < 1000; ++size) {
      const std::vector<float> probabilities = Distribution(model_, passage);
      const auto token =
          static_cast<TokenId>(std::ranges::max_element(probabilities) - probabilities.begin());
      if (token == kEndToken) break;
      passage.Append(token);
    }
    EXPECT_GT(size, 5U);
    EXPECT_LT(size, 800U);
  }
}

TEST_P(EveryVoice, ThoughtsEndBeforeTheAnswerDoes) {
  int ended = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const std::vector<TokenId> tokens =
        AnswerOf(model_, Read(kHeatPumpQuestion, {{kThinkBegin}}), seed);
    const auto end = std::ranges::find(tokens, kThinkEnd);
    if (end == tokens.end()) continue;
    ++ended;
    EXPECT_GT(end - tokens.begin(), 2);
    EXPECT_EQ(std::ranges::count(tokens, kThinkEnd), 1);
  }
  EXPECT_GE(ended, 98);
}

INSTANTIATE_TEST_SUITE_P(Voices, EveryVoice, testing::Values(0, 1, 0xFEDCBA9876543210));

TEST(LanguageModel, OtherMarksHardlyEverCome) {
  const LanguageModel model;
  for (const Passage& place : Places()) {
    for (const Special mark : {Special::kTextEnd, Special::kMessageBegin, Special::kThinkBegin,
                               Special::kCallBegin, Special::kCallEnd, Special::kMedium}) {
      EXPECT_LT(model.Probability(place, static_cast<TokenId>(mark)), 1e-5F);
    }
  }
}

TEST(LanguageModel, SeedAndVoiceDecideTheAnswer) {
  const LanguageModel plain;
  const LanguageModel voice(1);
  const LanguageModel other(2);
  const Passage passage = Asked(kHeatPumpQuestion);
  EXPECT_EQ(AnswerOf(voice, passage, 1), AnswerOf(LanguageModel(1), Asked(kHeatPumpQuestion), 1));
  EXPECT_NE(AnswerOf(voice, passage, 1), AnswerOf(voice, passage, 2));
  EXPECT_NE(AnswerOf(voice, passage, 1), AnswerOf(plain, passage, 1));
  EXPECT_NE(AnswerOf(voice, passage, 1), AnswerOf(other, passage, 1));
  EXPECT_EQ(Distribution(voice, passage), Distribution(LanguageModel(1), passage));
  EXPECT_NE(Distribution(voice, passage), Distribution(plain, passage));
  EXPECT_NE(Distribution(voice, passage), Distribution(other, passage));
}

TEST(LanguageModel, WordsOfThePromptComeBack) {
  const LanguageModel model;
  const auto mentions = [&](std::string_view question) {
    int count = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      const std::string text = Tokenizer::Decode(AnswerOf(model, Asked(question), seed), true);
      for (const std::string_view word : {"evaporator", "January"}) {
        count += text.find(word) != text.npos ? 1 : 0;
      }
    }
    return count;
  };
  const int without = mentions("Who are you?");
  EXPECT_GT(mentions(kHeatPumpQuestion), 3 * without + 50);
}

TEST(LanguageModel, QuestionsHaveLikeliestAnswersOfTheirOwn) {
  const LanguageModel model;
  std::vector<std::ptrdiff_t> first;
  for (const std::string_view question : {"One?", "Two?", "Three?", "Four?", "Five?", "Six?"}) {
    const std::vector<float> probabilities = Distribution(model, Asked(question));
    first.push_back(std::ranges::max_element(probabilities) - probabilities.begin());
  }
  EXPECT_THAT(first, testing::Not(testing::Each(first[0])));
}

TEST(Passage, TailIsTheLastTokens) {
  Passage passage = Asked(kHeatPumpQuestion);
  EXPECT_THAT(passage.tail(), IsEmpty());
  passage.Append(300);
  EXPECT_THAT(passage.tail(), ElementsAre(300));
  for (TokenId token = 301; token < 310; ++token) passage.Append(token);
  EXPECT_THAT(passage.tail(), ElementsAre(306, 307, 308, 309));
}

TEST(Passage, CopiesGoTheirOwnWays) {
  const LanguageModel model;
  Passage one = Asked(kHeatPumpQuestion);
  one.Append(Tokenizer::Encode("The").front());
  const std::vector<float> before = Distribution(model, one);
  Passage other = one;
  other.Append(Tokenizer::Encode(" river").front());
  EXPECT_EQ(Distribution(model, one), before);
  EXPECT_NE(Distribution(model, other), before);
}

TEST(Passage, AnEndlessPromptIsReadFromItsEnd) {
  std::vector<TokenId> prompt(200'000, 300);
  const std::vector<TokenId> question = Tokenizer::Encode(kHeatPumpQuestion);
  prompt.insert(prompt.end(), question.begin(), question.end());
  const std::vector<float> probabilities = Distribution(LanguageModel(), Passage(prompt));
  EXPECT_NEAR(std::accumulate(probabilities.begin(), probabilities.end(), 0.0), 1, 1e-4);
}

}  // namespace
}  // namespace weir::sim
