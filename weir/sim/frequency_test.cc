// Answers are drawn from the distribution that is reported beside them.

#include <cmath>
#include <map>

#include <gmock/gmock.h>

#include "weir/sim/sim_testing.h"

namespace weir::sim {
namespace {

constexpr int kSeeds = 2000;
constexpr double kLeastExpected = 5;  // tokens that are expected less often are counted together

struct FrequencyCase {
  const char* name;
  std::string question;
  std::string adapter;
  double temperature = 1;
};

class FrequencyTest : public testing::TestWithParam<FrequencyCase> {
 protected:
  FrequencyTest() {
    call_ = Ask(GetParam().question);
    call_.adapter = GetParam().adapter;
    call_.sampling.temperature = GetParam().temperature;
    call_.sampling.max_tokens = 1;
    call_.sampling.return_token_ids = true;
  }

  // How often each of the likeliest texts is expected, of `kSeeds` answers; the rest is under "".
  // At another temperature than 1 the rest cannot be known: the likeliest share all.
  std::map<std::string, double> Expected() {
    model::Call call = call_;
    call.sampling.logprobs = 20;
    const Result<model::Reply> reply = sim_.Whole(call);
    EXPECT_TRUE(reply.has_value());
    std::map<std::string, double> expected;
    double sum = 0;
    for (const model::TopToken& top : reply->choices[0].tokens.at(0).top) {
      const double weight = std::exp(top.logprob / GetParam().temperature);
      expected[top.text] = weight;
      sum += weight;
    }
    if (GetParam().temperature == 1) {
      expected[""] = 1 - sum;
      sum = 1;
    }
    for (auto& [text, weight] : expected) weight *= kSeeds / sum;
    return expected;
  }

  std::map<std::string, double> Seen() {
    std::map<std::string, double> seen;
    for (int seed = 0; seed < kSeeds; ++seed) {
      call_.sampling.seed = seed;
      const Result<model::Reply> reply = sim_.Whole(call_);
      const std::int64_t id = reply->choices[0].token_ids.at(0);
      ++seen[std::string(Tokenizer::Piece(static_cast<TokenId>(id)))];
    }
    return seen;
  }

  SimInside sim_;
  model::Call call_;
};

// Pearson's test. A right sampler fails it once in some 10,000 times, and the seeds are fixed.
TEST_P(FrequencyTest, FirstTokensAreAsFrequentAsTheyAreSaidToBe) {
  const std::map<std::string, double> expected = Expected();
  std::map<std::string, double> seen;
  double counted = 0;
  for (const auto& [text, count] : Seen()) {
    const bool known = expected.contains(text);
    if (!known && !expected.contains("")) continue;
    seen[known ? text : ""] += count;
    counted += count;
  }

  double chi_square = 0;
  int classes = 0;
  const auto compare = [&](double wanted, double got) {
    chi_square += (got - wanted) * (got - wanted) / wanted;
    ++classes;
  };
  double rare_wanted = 0;
  double rare_seen = 0;
  for (const auto& [text, share] : expected) {
    const double wanted = share * counted / kSeeds;
    if (wanted < kLeastExpected) {
      rare_wanted += wanted;
      rare_seen += seen[text];
    } else {
      compare(wanted, seen[text]);
    }
  }
  if (rare_wanted > 1) compare(rare_wanted, rare_seen);

  const double freedom = classes - 1;
  ASSERT_GE(freedom, 2);
  EXPECT_LT(chi_square, freedom + 4 * std::sqrt(2 * freedom) + 4) << classes << " classes";
}

INSTANTIATE_TEST_SUITE_P(
    Sim, FrequencyTest,
    testing::Values(FrequencyCase{"plain", "How do the tides work?", "", 1},
                    FrequencyCase{"another_question", "Who wrote the letter to the mayor?", "", 1},
                    FrequencyCase{"adapter", "How do the tides work?", "sql", 1},
                    FrequencyCase{"cold", "How do the tides work?", "", 0.6},
                    FrequencyCase{"hot", "How do the tides work?", "", 1.5}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::sim
