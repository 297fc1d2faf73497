#include "weir/sim/scoring.h"

#include <cmath>

#include <gmock/gmock.h>

#include "weir/base/text.h"

namespace weir::sim {
namespace {

Passage Asked() { return Passage(Tokenizer::Encode("How do the tides work?")); }

TEST(Scoring, IsTheModelsOwnProbability) {
  const LanguageModel model;
  const Passage passage = Asked();
  for (const TokenId token : Tokenizer::Encode("The moon pulls at the sea.")) {
    const Sampled scored = Score(model, passage, token, 3);
    EXPECT_EQ(scored.token, token);
    EXPECT_NEAR(std::exp(scored.logprob), model.Probability(passage, token), 1e-6);
    ASSERT_EQ(scored.top.size(), 3U);
    EXPECT_GE(scored.top[0].logprob, scored.top[1].logprob);
    EXPECT_GE(scored.top[1].logprob, scored.top[2].logprob);
  }
}

TEST(Scoring, TheRankSaysHowManyAreLikelier) {
  const LanguageModel model;
  const Sampled all = Score(model, Asked(), 300, -1);
  ASSERT_EQ(all.top.size(), static_cast<std::size_t>(Tokenizer::size()));
  double sum = 0;
  std::int64_t likelier = 0;
  for (const Candidate& candidate : all.top) {
    sum += std::exp(candidate.logprob);
    likelier += candidate.logprob > all.logprob ? 1 : 0;
  }

  EXPECT_NEAR(sum, 1, 1e-3);
  EXPECT_EQ(all.rank, likelier + 1);
}

TEST(Scoring, AProbabilityThatIsLaidDownLeavesTheRestToTheOthers) {
  const LanguageModel model;
  const Sampled own = Score(model, Asked(), 300, -1);
  const Sampled laid = ScoreAs(model, Asked(), 300, -1, 0.6);
  double sum = 0;
  for (const Candidate& candidate : laid.top) sum += std::exp(candidate.logprob);

  EXPECT_NEAR(std::exp(laid.logprob), 0.6, 1e-6);
  EXPECT_EQ(laid.rank, 1);
  EXPECT_NEAR(sum, 1, 1e-3);
  const double factor = 0.4 / (1 - std::exp(own.logprob));
  const TokenId other = own.top[0].token == 300 ? own.top[1].token : own.top[0].token;
  EXPECT_NEAR(std::exp(Score(model, Asked(), other, 0).logprob) * factor,
              std::exp(laid.top[1].logprob), 1e-5);
}

TEST(Scoring, CertaintyLeavesTheOthersTheFloor) {
  const Sampled laid = ScoreAs(LanguageModel(), Asked(), 300, 2, 1);

  EXPECT_EQ(laid.logprob, 0);
  EXPECT_EQ(laid.top[1].logprob, -9999.0F);
}

TEST(Scoring, EveryTokenOfAPromptIsScoredAfterThoseBeforeIt) {
  const LanguageModel model;
  const std::vector<TokenId> prompt = Tokenizer::Encode("The moon pulls at the sea.");

  const std::vector<Sampled> scores = ScorePrompt(model, prompt, 1);

  ASSERT_EQ(scores.size(), prompt.size());
  EXPECT_TRUE(scores[0].top.empty());
  Passage passage({});
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    EXPECT_EQ(scores[i].token, prompt[i]);
    if (i > 0) EXPECT_EQ(scores[i].logprob, Score(model, passage, prompt[i], 1).logprob);
    passage.Append(prompt[i]);
  }
}

TEST(Scoring, PromptLogprobsAreVllmsObjects) {
  const LanguageModel model;
  const std::vector<TokenId> prompt = Tokenizer::Encode("The moon pulls");

  const json::Value value = PromptLogprobs(model, prompt, 2);

  ASSERT_EQ(value.size(), prompt.size());
  EXPECT_TRUE(value[0].IsNull());
  for (std::size_t i = 1; i < prompt.size(); ++i) {
    const json::View entry = value[i];
    EXPECT_GE(entry.size(), 2U);
    EXPECT_LE(entry.size(), 3U);
    EXPECT_EQ((*entry.members().begin()).key, StrCat(prompt[i]));
    const json::View own = entry.Find(StrCat(prompt[i]));
    EXPECT_EQ(own.Find("decoded_token").StringOr(""), Tokenizer::Piece(prompt[i]));
    EXPECT_GE(own.Find("rank").AsInt64().value_or(0), 1);
  }
}

}  // namespace
}  // namespace weir::sim
