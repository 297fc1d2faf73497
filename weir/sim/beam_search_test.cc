#include "weir/sim/beam_search.h"

#include <cmath>
#include <set>

#include <gmock/gmock.h>

namespace weir::sim {
namespace {

RenderedPrompt SomePrompt() {
  RenderedPrompt prompt;
  prompt.question = Tokenizer::Encode("How do the tides work?");
  prompt.tokens = prompt.question;
  return prompt;
}

double LogprobOf(const LanguageModel& model, const std::vector<TokenId>& tokens) {
  Passage passage(SomePrompt().question);
  double sum = 0;
  for (const TokenId token : tokens) {
    sum += std::log(model.Probability(passage, token));
    passage.Append(token);
  }
  return sum;
}

TEST(BeamSearch, BeamsAreDifferentAndBestFirst) {
  const LanguageModel model;
  for (const std::int64_t width : {1, 2, 4}) {
    const std::vector<Beam> beams = SearchBeams(model, SomePrompt(), {.beam_width = width}, 8);

    ASSERT_EQ(beams.size(), static_cast<std::size_t>(width));
    std::set<std::vector<TokenId>> texts;
    double before = 1;
    for (const Beam& beam : beams) {
      texts.insert(beam.tokens);
      EXPECT_NEAR(beam.logprob, LogprobOf(model, beam.tokens), 1e-3);
      const double score = beam.logprob / static_cast<double>(beam.tokens.size());
      EXPECT_LE(score, before + 1e-9);
      before = score;
    }
    EXPECT_EQ(texts.size(), beams.size());
  }
}

TEST(BeamSearch, OneBeamIsTheGreedyAnswer) {
  const LanguageModel model;
  const std::vector<Beam> beams = SearchBeams(model, SomePrompt(), {.beam_width = 1}, 5);
  SamplingRules greedy;
  greedy.temperature = 0;
  Sampler sampler(model, greedy, {}, 0);
  Passage passage(SomePrompt().question);

  for (const TokenId token : beams.front().tokens) {
    EXPECT_EQ(sampler.Next(passage, nullptr, std::nullopt)->token, token);
    sampler.Commit(token);
    passage.Append(token);
  }
}

TEST(BeamSearch, OnlyTheLastTokenIsTheEnd) {
  const LanguageModel model;
  for (const Beam& beam : SearchBeams(model, SomePrompt(), {.beam_width = 3}, 60)) {
    EXPECT_LE(beam.tokens.size(), 60U);
    const auto end = std::ranges::find(beam.tokens, kEndToken);
    EXPECT_TRUE(end == beam.tokens.end() || end + 1 == beam.tokens.end());
  }
}

TEST(BeamSearch, WithIgnoreEosEveryBeamHasFullLength) {
  const LanguageModel model;
  for (const Beam& beam :
       SearchBeams(model, SomePrompt(), {.beam_width = 3, .ignore_eos = true}, 40)) {
    EXPECT_EQ(beam.tokens.size(), 40U);
    EXPECT_EQ(std::ranges::count(beam.tokens, kEndToken), 0);
  }
}

}  // namespace
}  // namespace weir::sim
