#include "weir/sim/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::sim {
namespace {

using testing::ElementsAre;

const LanguageModel& Model() {
  static const LanguageModel model;
  return model;
}

std::vector<TokenId> RiverPrompt() { return Tokenizer::Encode("Where does the river begin?"); }
Passage Start() { return Passage(RiverPrompt()); }

std::vector<double> Distribution(const Passage& passage) {
  std::vector<float> model(static_cast<std::size_t>(Tokenizer::size()));
  Model().Distribute(passage, model);
  return {model.begin(), model.end()};
}

std::vector<TokenId> ByLikelihood(const std::vector<double>& probabilities) {
  std::vector<TokenId> order(probabilities.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](TokenId a, TokenId b) {
    const double pa = probabilities[static_cast<std::size_t>(a)];
    const double pb = probabilities[static_cast<std::size_t>(b)];
    return pa != pb ? pa > pb : a < b;
  });
  return order;
}

void Normalise(std::vector<double>& weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
}

// The first token that is text and not in `without`, by likelihood.
TokenId Likeliest(std::size_t rank, const Passage& passage) {
  std::vector<TokenId> order = ByLikelihood(Distribution(passage));
  std::erase_if(order, Tokenizer::IsSpecial);
  return order[rank];
}

// What vLLM makes of the model's distribution, as plainly as it can be written. `written` was
// committed.
std::vector<double> Processed(const SamplingRules& rules, const std::vector<TokenId>& written) {
  const Passage passage = Start();
  std::vector<double> logits = Distribution(passage);
  for (double& logit : logits) logit = std::log(logit * Tokenizer::size());
  for (const auto& [token, bias] : rules.logit_bias) {
    logits[static_cast<std::size_t>(token)] += bias;
  }
  const std::vector<TokenId> prompt = RiverPrompt();
  for (TokenId token = 0; token < Tokenizer::size(); ++token) {
    double& logit = logits[static_cast<std::size_t>(token)];
    const auto times = std::ranges::count(written, token);
    if (times > 0 || std::ranges::find(prompt, token) != prompt.end()) {
      logit = logit > 0 ? logit / rules.repetition_penalty : logit * rules.repetition_penalty;
    }
    logit -= rules.frequency_penalty * static_cast<double>(times);
    if (times > 0) logit -= rules.presence_penalty;
    const bool allowed =
        rules.allowed.empty() || std::ranges::find(rules.allowed, token) != rules.allowed.end();
    if (!allowed || (Tokenizer::IsSpecial(token) && token != kEndToken)) logit = -INFINITY;
  }
  const double most = std::ranges::max(logits);
  for (double& logit : logits) logit = std::exp((logit - most) / rules.temperature);
  std::vector<double>& weights = logits;
  Normalise(weights);
  const double least = rules.min_p * std::ranges::max(weights);
  for (double& weight : weights) weight = weight < least ? 0 : weight;
  const std::vector<TokenId> order = ByLikelihood(weights);
  const auto keep_first = [&](std::size_t count) {
    for (std::size_t i = count; i < order.size(); ++i) {
      weights[static_cast<std::size_t>(order[i])] = 0;
    }
    Normalise(weights);
  };
  if (rules.top_k > 0) keep_first(static_cast<std::size_t>(rules.top_k));
  Normalise(weights);
  double mass = 0;
  std::size_t kept = 0;
  while (rules.top_p < 1 && mass < rules.top_p) {
    mass += weights[static_cast<std::size_t>(order[kept++])];
  }
  if (kept > 0) keep_first(kept);
  return weights;
}

// The chi-square statistic of the draws against the expectation, in standard deviations from what
// chance makes of it. Tokens that are expected less than ten times count together.
double Surprise(const std::vector<int>& seen, const std::vector<double>& expected, int draws) {
  double statistic = 0;
  int cells = 0;
  double rare_expected = 0;
  double rare_seen = 0;
  const auto add = [&](double count, double mean) {
    if (mean <= 0) return;
    statistic += (count - mean) * (count - mean) / mean;
    ++cells;
  };
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const double mean = expected[i] * draws;
    if (mean >= 10) {
      add(seen[i], mean);
    } else {
      rare_expected += mean;
      rare_seen += seen[i];
    }
  }
  if (rare_expected >= 10) add(rare_seen, rare_expected);
  const double freedom = std::max(cells - 1, 1);
  return (statistic - freedom) / std::sqrt(2 * freedom);
}

struct SamplerCase {
  std::string_view title;
  SamplingRules rules;
};

std::vector<SamplerCase> Cases() {
  const TokenId first = Likeliest(0, Start());
  const TokenId second = Likeliest(1, Start());
  const TokenId tenth = Likeliest(9, Start());
  return {
      {"plain", {}},
      {"cooler", {.temperature = 0.7}},
      {"hotter", {.temperature = 1.6}},
      {"top_k", {.top_k = 5}},
      {"many top_k", {.top_k = 700}},
      {"top_p", {.top_p = 0.6}},
      {"high top_p", {.top_p = 0.97}},
      {"min_p", {.min_p = 0.05}},
      {"all three", {.temperature = 1.3, .top_p = 0.8, .top_k = 40, .min_p = 0.01}},
      {"frequency", {.frequency_penalty = 1.5}},
      {"presence", {.presence_penalty = 2}},
      {"less than none", {.frequency_penalty = -1, .presence_penalty = -0.5}},
      {"repetition", {.repetition_penalty = 1.4}},
      {"bias", {.logit_bias = {{first, -4}, {tenth, 5}}}},
      {"great bias", {.logit_bias = {{first, 100}, {second, 100}, {tenth, -100}}}},
      {"allowed", {.allowed = {tenth, first, second, first}}},
      {"everything",
       {.temperature = 0.8,
        .top_p = 0.9,
        .top_k = 30,
        .frequency_penalty = 0.5,
        .presence_penalty = 0.5,
        .repetition_penalty = 1.1,
        .logit_bias = {{tenth, 3}}}},
  };
}

#ifdef NDEBUG
constexpr int kDraws = 6000;
#else
constexpr int kDraws = 600;  // sanitizers are slow
#endif

TEST(Sampler, ARepetitionPenaltyOfZeroLeavesProbabilities) {
  const Passage passage = Start();
  Sampler sampler(Model(), {.repetition_penalty = 0}, RiverPrompt(), 7);
  sampler.Commit(Likeliest(0, passage));

  const Sampled sampled = sampler.Next(passage, nullptr, 5).value();

  EXPECT_TRUE(std::isfinite(sampled.logprob));
  for (const auto& one : sampled.top) EXPECT_TRUE(std::isfinite(one.logprob)) << one.token;
}

TEST(Sampler, DrawsAsTheRulesSay) {
  const Passage passage = Start();
  const std::vector<TokenId> written = {Likeliest(0, passage), Likeliest(0, passage),
                                        Likeliest(2, passage)};
  for (const SamplerCase& test : Cases()) {
    SCOPED_TRACE(test.title);
    std::vector<double> expected = Processed(test.rules, written);
    for (const Special mark : {Special::kThinkBegin, Special::kThinkEnd}) {
      EXPECT_EQ(expected[static_cast<std::size_t>(mark)], 0);
    }
    Sampler sampler(Model(), test.rules, RiverPrompt(), 7);
    for (const TokenId token : written) sampler.Commit(token);
    std::vector<int> seen(expected.size());
    for (int i = 0; i < kDraws; ++i) {
      const TokenId token = sampler.Next(passage, nullptr, std::nullopt)->token;
      ++seen[static_cast<std::size_t>(token)];
      ASSERT_GT(expected[static_cast<std::size_t>(token)], 0) << token;
    }
    EXPECT_LT(Surprise(seen, expected, kDraws), 4);
  }
}

TEST(Sampler, TheSeedDecidesWithAndWithoutLogprobs) {
  for (const SamplerCase& test : Cases()) {
    std::vector<TokenId> runs[3];
    for (int run = 0; run < 3; ++run) {
      Passage passage = Start();
      Sampler sampler(Model(), test.rules, RiverPrompt(), 3);
      for (int i = 0; i < 40; ++i) {
        const auto top = run == 2 ? std::optional<std::int64_t>(3) : std::nullopt;
        const TokenId token = sampler.Next(passage, nullptr, top)->token;
        sampler.Commit(token);
        passage.Append(token);
        runs[run].push_back(token);
      }
    }
    EXPECT_EQ(runs[0], runs[1]) << test.title;
    EXPECT_EQ(runs[0], runs[2]) << test.title;
  }
}

TEST(Sampler, GreedyTakesTheLikeliest) {
  const Passage passage = Start();
  Sampler greedy(Model(), {.temperature = 0, .top_k = 3}, RiverPrompt(), 1);
  const std::vector<double> expected = Processed({}, {});
  const auto best = std::ranges::max_element(expected) - expected.begin();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(greedy.Next(passage, nullptr, {})->token, best);

  const TokenId tenth = Likeliest(9, passage);
  Sampler biased(Model(), {.temperature = 0, .logit_bias = {{tenth, 50}}}, RiverPrompt(), 1);
  const Sampled sampled = biased.Next(passage, nullptr, 0).value();
  EXPECT_EQ(sampled.token, tenth);
  EXPECT_GE(sampled.rank, 10);  // of the distribution without the bias
}

TEST(Sampler, NearlyGreedyIsRaisedToAHundredth) {
  const Passage passage = Start();
  Sampler coldest(Model(), {.temperature = 0.01}, RiverPrompt(), 1);
  Sampler colder(Model(), {.temperature = 0.0001}, RiverPrompt(), 1);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(coldest.Next(passage, nullptr, {})->token, colder.Next(passage, nullptr, {})->token);
  }
}

TEST(Sampler, ReportsTheModelsOwnProbabilities) {
  const Passage passage = Start();
  const std::vector<double> model = Distribution(passage);
  const std::vector<TokenId> order = ByLikelihood(model);
  Sampler sampler(Model(), {.temperature = 0.5, .top_k = 2}, RiverPrompt(), 5);

  const Sampled sampled = sampler.Next(passage, nullptr, 20).value();

  EXPECT_NEAR(sampled.logprob, std::log(model[static_cast<std::size_t>(sampled.token)]), 1e-4);
  ASSERT_EQ(sampled.top.size(), 20u);
  double mass = 0;
  for (std::size_t i = 0; i < sampled.top.size(); ++i) {
    EXPECT_EQ(sampled.top[i].token, order[i]);
    EXPECT_NEAR(sampled.top[i].logprob, std::log(model[static_cast<std::size_t>(order[i])]), 1e-4);
    if (sampled.top[i].token == sampled.token) {
      EXPECT_LE(sampled.rank, static_cast<std::int64_t>(i) + 1);
    }
    mass += std::exp(sampled.top[i].logprob);
  }
  EXPECT_LE(mass, 1 + 1e-4);
}

TEST(Sampler, MinusOneReportsTheWholeVocabulary) {
  Sampler sampler(Model(), {}, RiverPrompt(), 5);
  const Sampled sampled = sampler.Next(Start(), nullptr, -1).value();
  ASSERT_EQ(sampled.top.size(), static_cast<std::size_t>(Tokenizer::size()));
  double mass = 0;
  for (const Candidate& candidate : sampled.top) mass += std::exp(candidate.logprob);
  EXPECT_NEAR(mass, 1, 1e-3);
  EXPECT_TRUE(std::ranges::is_sorted(sampled.top, std::greater<>(), &Candidate::logprob));
  EXPECT_THAT(sampler.Next(Start(), nullptr, 0)->top, testing::IsEmpty());
}

TEST(Sampler, TheEndComesNotBeforeMinTokens) {
  const TokenId stop = Likeliest(0, Start());
  const TokenId other = Likeliest(1, Start());
  Sampler sampler(Model(), {.allowed = {kEndToken, stop, other}, .stops = {stop}, .min_tokens = 2},
                  RiverPrompt(), 1);
  for (int written = 0; written < 2; ++written) {
    for (int i = 0; i < 50; ++i) EXPECT_EQ(sampler.Next(Start(), nullptr, {})->token, other);
    sampler.Commit(other);
  }
  bool stopped = false;
  for (int i = 0; i < 50; ++i) stopped |= sampler.Next(Start(), nullptr, {})->token == stop;
  EXPECT_TRUE(stopped);
  EXPECT_EQ(sampler.written(), 2);

  Sampler endless(Model(), {.allowed = {kEndToken, other}, .ignore_eos = true}, RiverPrompt(), 1);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(endless.Next(Start(), nullptr, {})->token, other);
  Sampler nothing(Model(), {.allowed = {kEndToken}, .ignore_eos = true}, RiverPrompt(), 1);
  EXPECT_FALSE(nothing.Next(Start(), nullptr, {}));
}

TEST(Sampler, BadWordsAreNeverFinished) {
  const TokenId a = Likeliest(0, Start());
  const TokenId b = Likeliest(1, Start());
  const TokenId c = Likeliest(2, Start());
  Sampler sampler(Model(), {.allowed = {a, b, c}, .bad_words = {{a, b}, {c}, {b, a, b, b}}},
                  RiverPrompt(), 1);
  const auto possible = [&] {
    std::vector<TokenId> seen;
    for (int i = 0; i < 300; ++i) seen.push_back(sampler.Next(Start(), nullptr, {})->token);
    std::ranges::sort(seen);
    seen.erase(std::ranges::unique(seen).begin(), seen.end());
    return seen;
  };
  EXPECT_THAT(possible(), testing::UnorderedElementsAre(a, b));
  sampler.Commit(a);
  EXPECT_THAT(possible(), ElementsAre(a));
  for (const TokenId token : {b, a, b}) sampler.Commit(token);
  EXPECT_THAT(possible(), ElementsAre(a));
}

TEST(Sampler, MarksAreNotChosenUnlessTheyMayBe) {
  const auto think = static_cast<TokenId>(Special::kThinkEnd);
  SamplingRules rules;
  for (TokenId token = 0; token < kSpecials; ++token) rules.logit_bias.emplace_back(token, 100);
  Sampler sampler(Model(), rules, RiverPrompt(), 1);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(sampler.Next(Start(), nullptr, {})->token, kEndToken);
  sampler.Block({kEndToken, static_cast<TokenId>(Special::kThinkBegin)});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(sampler.Next(Start(), nullptr, {})->token, think);
}

// Allows some tokens, and leans as it is told.
class ListFilter final : public TokenFilter {
 public:
  ListFilter(std::vector<TokenId> allowed, float leaning)
      : allowed_(std::move(allowed)), leaning_(leaning) {
    std::ranges::sort(allowed_);
  }

  bool Allows(TokenId token) const override { return std::ranges::binary_search(allowed_, token); }
  void AppendAll(std::vector<TokenId>& out) const override {
    out.insert(out.end(), allowed_.begin(), allowed_.end());
  }
  float Leaning(TokenId token) const override { return token == allowed_[0] ? leaning_ : 1; }
  bool leans() const override { return leaning_ != 1; }

 private:
  std::vector<TokenId> allowed_;
  float leaning_;
};

TEST(Sampler, AFilterCutsAndLeans) {
  const Passage passage = Start();
  std::vector<TokenId> some;
  for (std::size_t rank = 0; rank < 40; rank += 2) some.push_back(Likeliest(rank, passage));
  for (const float leaning : {1.0F, 6.0F}) {
    const ListFilter filter(some, leaning);
    std::vector<double> leaning_model = Distribution(passage);
    for (TokenId token = 0; token < Tokenizer::size(); ++token) {
      leaning_model[static_cast<std::size_t>(token)] *= filter.Leaning(token);
    }
    Normalise(leaning_model);
    std::vector<double> expected = leaning_model;
    for (TokenId token = 0; token < Tokenizer::size(); ++token) {
      if (!filter.Allows(token)) expected[static_cast<std::size_t>(token)] = 0;
    }
    Normalise(expected);

    Sampler sampler(Model(), {}, RiverPrompt(), 11);
    std::vector<int> seen(expected.size());
    for (int i = 0; i < kDraws; ++i) {
      ++seen[static_cast<std::size_t>(sampler.Next(passage, &filter, {})->token)];
    }
    EXPECT_LT(Surprise(seen, expected, kDraws), 4);
    const Sampled sampled = sampler.Next(passage, &filter, 5).value();
    EXPECT_NEAR(sampled.logprob, std::log(leaning_model[static_cast<std::size_t>(sampled.token)]),
                1e-4);
  }
  const ListFilter none({}, 1);
  Sampler sampler(Model(), {}, RiverPrompt(), 11);
  EXPECT_FALSE(sampler.Next(passage, &none, {}));
}

TEST(SamplingRules, ComeFromACall) {
  model::Sampling sampling;
  EXPECT_TRUE(SamplingRules::Of(sampling).plain());
  sampling.temperature = 0.5;
  sampling.top_k = -1;
  sampling.logit_bias = {{"12", 300.0}, {"99999999", 1.0}, {"x", 1.0}};
  sampling.bad_words = {"river"};
  sampling.stop_token_ids = {5, -1};
  sampling.min_tokens = 3;
  const SamplingRules rules = SamplingRules::Of(sampling);
  EXPECT_FALSE(rules.plain());
  EXPECT_EQ(rules.top_k, 0);
  EXPECT_THAT(rules.logit_bias, ElementsAre(std::pair<TokenId, double>(12, 100.0)));
  EXPECT_THAT(rules.bad_words, testing::Contains(Tokenizer::Encode("river")));
  EXPECT_THAT(rules.stops, ElementsAre(5));
  EXPECT_EQ(rules.min_tokens, 3);
}

}  // namespace
}  // namespace weir::sim
