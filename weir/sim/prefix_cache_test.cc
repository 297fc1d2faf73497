// The prefix cache, as a client sees it: in the time to the first token, in usage, in the counters.

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/sim/engine/engine_testing.h"
#include "weir/sim/sim_testing.h"

namespace weir::sim {
namespace {

constexpr int kRequests = 500;
constexpr std::int64_t kPrefix = 2000;
constexpr std::int64_t kQuestion = 20;

SimOptions Modelled() {
  SimOptions options = InstantSim();
  options.engine.latency.pace = Latency::Pace::kModelled;
  options.models[0].max_model_len = 4096;
  return options;
}

model::Call Question(std::int64_t number, bool shared) {
  model::Call call;
  call.api = model::Api::kCompletions;
  call.sampling.max_tokens = 4;
  call.sampling.ignore_eos = true;
  for (std::int64_t i = 0; i < kPrefix; ++i) {
    call.prompt_token_ids.push_back(300 + (i * 7 + (shared ? 0 : number)) % 1000);
  }
  for (std::int64_t i = 0; i < kQuestion; ++i) {
    call.prompt_token_ids.push_back(300 + (i * 3 + number) % 1000);
  }
  return call;
}

struct Seen {
  std::vector<Duration> first_token;
  std::int64_t cached = 0;
  std::string metrics;

  Duration median() {
    std::ranges::sort(first_token);
    return first_token[first_token.size() / 2];
  }
};

Seen AskAll(bool shared) {
  SimInside sim(Modelled());
  Seen seen;
  for (int i = 0; i < kRequests; ++i) {
    const Result<model::Reply> reply = sim.Streamed(Question(i, shared));
    EXPECT_TRUE(reply.has_value());
    seen.first_token.push_back(reply->info.first_token);
    seen.cached += reply->usage.cached_tokens.value_or(0);
  }
  seen.metrics = sim.core->MetricsText(0);
  return seen;
}

TEST(PrefixCache, ASharedBeginningIsAnsweredAtLeastThreeTimesAsFast) {
  Seen shared = AskAll(true);
  Seen unshared = AskAll(false);

  EXPECT_LE(shared.median() * 3, unshared.median());
  EXPECT_EQ(shared.cached, (kRequests - 1) * kPrefix);
  EXPECT_EQ(unshared.cached, 0);
}

TEST(PrefixCache, TheCountersAgreeWithWhatWasAnswered) {
  const Seen seen = AskAll(true);
  constexpr std::int64_t kPrompt = kPrefix + kQuestion;

  const auto value = [&](std::string_view name) { return ValueOf(seen.metrics, name); };
  EXPECT_EQ(value("vllm:prefix_cache_queries_total{"), kRequests * kPrompt);
  EXPECT_EQ(value("vllm:prefix_cache_hits_total{"), seen.cached);
  EXPECT_EQ(value("vllm:prompt_tokens_total{"), kRequests * kPrompt);
  EXPECT_EQ(value("vllm:prompt_tokens_cached_total{"), seen.cached);
  EXPECT_EQ(value("vllm:generation_tokens_total{"), kRequests * 4);
  EXPECT_EQ(value("vllm:time_to_first_token_seconds_count{"), kRequests);
}

TEST(PrefixCache, SaltsAndAdaptersAreApart) {
  SimInside sim(Modelled());
  const auto cached = [&](std::string_view salt, std::string_view adapter) {
    model::Call call = Question(1, true);
    call.cache_salt = salt;
    call.adapter = adapter;
    return sim.Whole(call)->usage.cached_tokens;
  };

  EXPECT_EQ(cached("", ""), 0);
  EXPECT_EQ(cached("", ""), 2016);  // whole blocks, and never all of the prompt
  EXPECT_EQ(cached("a", ""), 0);
  EXPECT_EQ(cached("", "sql"), 0);
  EXPECT_EQ(cached("a", "sql"), 0);
  EXPECT_EQ(cached("a", "sql"), 2016);
}

}  // namespace
}  // namespace weir::sim
