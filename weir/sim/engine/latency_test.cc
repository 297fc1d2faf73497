#include "weir/sim/engine/latency.h"

#include <gtest/gtest.h>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

TEST(LatencyTest, AProfileSetsWhatItNames) {
  const Result<Latency> latency = LatencyOfProfile(
      "pace: fixed\nttft: 20ms..80ms\nitl: 5ms\nper_prompt_token: 0\njitter: 0.1\n"
      "time_scale: 0.5\nper_context_token: 15ns\n",
      "p.yaml");

  ASSERT_TRUE(latency.has_value()) << latency.error().message;
  EXPECT_EQ(latency->pace, Latency::Pace::kFixed);
  EXPECT_EQ(latency->ttft.least, 20ms);
  EXPECT_EQ(latency->ttft.most, 80ms);
  EXPECT_EQ(latency->itl.most, 5ms);
  EXPECT_EQ(latency->per_context_token_ns, 15);
  EXPECT_EQ(latency->step_base, 6ms);
  EXPECT_EQ(latency->Scaled(8ms), 4ms);
}

TEST(LatencyTest, AProfileMayStartFromABuiltInOne) {
  const Result<Latency> latency = LatencyOfProfile("step_base: 9ms\nlike: 70b-8xh100\n", "p.yaml");

  ASSERT_TRUE(latency.has_value()) << latency.error().message;
  EXPECT_EQ(latency->pace, Latency::Pace::kModelled);
  EXPECT_EQ(latency->step_base, 9ms);
  EXPECT_EQ(latency->per_prefill_token, BuiltInLatency("70b-8xh100")->per_prefill_token);
}

struct Mistake {
  std::string_view text;
  std::string_view message;
};

TEST(LatencyTest, MistakesNameTheirPlaceAndTheRemedy) {
  const Mistake kMistakes[] = {
      {"itll: 5ms", "p.yaml:1:1: unknown key `itll`; did you mean `itl`?"},
      {"pace: fixed\nitl: 5", "p.yaml:2:6: `itl` is a time"},
      {"ttft: 80ms..20ms", "p.yaml:1:7: `ttft` begins above its end"},
      {"ttft: 80ms..", "p.yaml:1:7: `ttft` is a time"},
      {"step_base: -1ms", "p.yaml:1:12: `step_base` is a time"},
      {"step_base: 25h", "p.yaml:1:12: `step_base` is a time"},
      {"pace: slow", "p.yaml:1:7: `pace` is one of instant, fixed, modelled"},
      {"jitter: 5", "p.yaml:1:9: `jitter` is a number in 0..0.3"},
      {"like: 8b", "p.yaml:1:7: there is no latency profile `8b`"},
      {"- 1", "p.yaml:1:1: a latency profile is a mapping"},
  };
  for (const auto& [text, message] : kMistakes) {
    const Result<Latency> latency = LatencyOfProfile(text, "p.yaml");
    ASSERT_FALSE(latency.has_value()) << text;
    EXPECT_EQ(latency.error().code, Code::kConfigError);
    EXPECT_TRUE(latency.error().message.starts_with(message)) << latency.error().message;
  }
}

TEST(LatencyTest, BuiltInProfilesAreModelledAndALargeModelIsSlower) {
  const Result<Latency> small = BuiltInLatency("8b-h100");
  const Result<Latency> large = BuiltInLatency("70b-8xh100");

  ASSERT_TRUE(small.has_value() && large.has_value());
  EXPECT_EQ(small->pace, Latency::Pace::kModelled);
  EXPECT_LT(small->step_base, large->step_base);
  EXPECT_TRUE(BuiltInLatency("small-l40s").has_value());
  EXPECT_NE(BuiltInLatency("8b-h10").error().message.find("did you mean `8b-h100`?"),
            std::string::npos);
}

TEST(LatencyTest, ADrawLiesBetweenItsEndsAndFollowsItsSeed) {
  const Spread spread = {10ms, 20ms};
  Random one(7);
  Random same(7);
  for (int i = 0; i < 100; ++i) {
    const Duration drawn = spread.Draw(one);
    EXPECT_GE(drawn, 10ms);
    EXPECT_LE(drawn, 20ms);
    EXPECT_EQ(drawn, spread.Draw(same));
  }
  EXPECT_EQ(Spread::Fixed(3ms).Draw(one), 3ms);
}

}  // namespace
}  // namespace weir::sim
