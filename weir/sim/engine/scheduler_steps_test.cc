#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/sim/engine/engine_testing.h"
#include "weir/sim/engine/scheduler.h"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::SizeIs;

// Steps of 10 ms, and 10 us for every prompt token.
SchedulerOptions Modelled() {
  SchedulerOptions options;
  options.latency = {.pace = Latency::Pace::kModelled,
                     .step_base = 10ms,
                     .per_prefill_token = 10us,
                     .per_sequence = Duration(),
                     .per_context_token_ns = 0};
  return options;
}

class SchedulerStepsTest : public testing::Test {
 protected:
  std::vector<Served> Run(Scheduler& scheduler, std::vector<Arrival> arrivals) {
    return ServeAll(loop_, scheduler, std::move(arrivals));
  }
  std::string Text(const Scheduler& scheduler) { return metrics_.Text(scheduler.gauges()); }

  async::Loop loop_{async::Loop::Time::kVirtual};
  Metrics metrics_{{}};
};

TEST_F(SchedulerStepsTest, AStepPrefillsAndThenGivesOneTokenEach) {
  Scheduler scheduler(Modelled(), metrics_);

  const auto outcomes = Run(scheduler, {{.request = TestRequest(100, 3)}});

  EXPECT_THAT(outcomes[0].tokens, ElementsAre(TimePoint(11ms), TimePoint(21ms), TimePoint(31ms)));
  const std::string text = Text(scheduler);
  EXPECT_EQ(ValueOf(text, "vllm:iteration_tokens_total_sum"), 100 + 3);
  EXPECT_EQ(ValueOf(text, "vllm:time_to_first_token_seconds_sum"), 0.011);
  EXPECT_EQ(ValueOf(text, "vllm:inter_token_latency_seconds_count"), 2);
}

TEST_F(SchedulerStepsTest, RequestsOfTheSameMomentShareTheirSteps) {
  Scheduler scheduler(Modelled(), metrics_);

  const auto outcomes =
      Run(scheduler, {{.request = TestRequest(100, 2)}, {.request = TestRequest(100, 2, 5000)}});

  EXPECT_EQ(outcomes[0].tokens, outcomes[1].tokens);
  EXPECT_EQ(outcomes[0].first(), TimePoint(12ms));
}

TEST_F(SchedulerStepsTest, AStepLastsLongerTheMoreItDoes) {
  SchedulerOptions options = Modelled();
  options.latency.per_sequence = 100us;
  options.latency.per_context_token_ns = 1000;
  std::vector<Duration> itl;
  for (const std::size_t batch : {1U, 8U, 64U}) {
    async::Loop loop(async::Loop::Time::kVirtual);
    Scheduler scheduler(options, metrics_);
    const auto outcomes =
        ServeAll(loop, scheduler, std::vector<Arrival>(batch, {.request = TestRequest(20, 2)}));
    itl.push_back(outcomes[0].last() - outcomes[0].first());
  }

  EXPECT_EQ(itl[0], 10ms + 100us + 20us);
  EXPECT_EQ(itl[1], 10ms + 800us + 160us);
  EXPECT_EQ(itl[2], 10ms + 6400us + 1280us);
}

TEST_F(SchedulerStepsTest, AChunkedPrefillLetsOthersGoOn) {
  SchedulerOptions options = Modelled();
  options.max_num_batched_tokens = 101;
  Scheduler scheduler(options, metrics_);

  const auto outcomes = Run(scheduler, {{.request = TestRequest(100, 12)},
                                        {.request = TestRequest(400, 1, 5000), .after = 1ms}});

  // 100 prompt tokens fit beside the one of the first request: four chunks of 11 ms.
  EXPECT_EQ(outcomes[1].first(), TimePoint(11ms + 4 * 11ms));
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(outcomes[0].tokens[i] - outcomes[0].tokens[i - 1], 11ms);
  }
}

TEST_F(SchedulerStepsTest, AKnownPrefixShortensTheFirstTokenAndIsCounted) {
  Scheduler scheduler(Modelled(), metrics_);

  const auto outcomes = Run(scheduler, {{.request = TestRequest(1000, 1)},
                                        {.request = TestRequest(1000, 1), .after = 1s}});

  EXPECT_EQ(outcomes[0].first(), TimePoint(20ms));
  EXPECT_EQ(outcomes[1].first(), TimePoint(1s + 10ms + 8 * 10us));
  EXPECT_EQ(outcomes[1].cached, 992);
  const std::string text = Text(scheduler);
  EXPECT_EQ(ValueOf(text, "vllm:prefix_cache_queries_total"), 2000);
  EXPECT_EQ(ValueOf(text, "vllm:prefix_cache_hits_total"), 992);
  EXPECT_EQ(ValueOf(text, "vllm:prompt_tokens_cached_total"), 992);
}

TEST_F(SchedulerStepsTest, WhoEndsMakesRoomInTheNextStep) {
  SchedulerOptions options = Modelled();
  options.max_num_seqs = 1;
  Scheduler scheduler(options, metrics_);

  // The first ends by itself, which the engine cannot know beforehand.
  const auto outcomes = Run(scheduler, {{.request = TestRequest(100, 50), .stops_after = 3},
                                        {.request = TestRequest(100, 2, 5000)}});

  EXPECT_EQ(outcomes[0].last(), TimePoint(31ms));
  EXPECT_EQ(outcomes[1].first(), TimePoint(31ms + 11ms));
  EXPECT_EQ(ValueOf(Text(scheduler), "vllm:iteration_tokens_total_count"), 5);
}

TEST_F(SchedulerStepsTest, ASlowReaderHoldsUpNobody) {
  SchedulerOptions options = Modelled();
  options.max_num_seqs = 1;
  Scheduler scheduler(options, metrics_);

  const auto outcomes = Run(scheduler, {{.request = TestRequest(100, 5), .reads_every = 1s},
                                        {.request = TestRequest(100, 2, 5000), .after = 5ms}});

  EXPECT_EQ(outcomes[0].tokens.size(), 5U);
  EXPECT_EQ(outcomes[0].last(), TimePoint(4s + 11ms));
  // The first is written at 51 ms; whoever waits looks every few milliseconds.
  EXPECT_LE(outcomes[1].first(), TimePoint(51ms + 11ms + 10ms));
}

TEST_F(SchedulerStepsTest, AFullCacheSendsTheLastOneBackAndAllGetTheirTokens) {
  SchedulerOptions options = Modelled();
  options.cache.blocks = 10;
  Scheduler scheduler(options, metrics_);

  const auto outcomes =
      Run(scheduler, {{.request = TestRequest(64, 60)}, {.request = TestRequest(64, 60, 5000)}});

  EXPECT_THAT(outcomes, Each(Field(&Served::tokens, SizeIs(60))));
  EXPECT_LT(outcomes[0].last(), outcomes[1].last());
  EXPECT_EQ(ValueOf(Text(scheduler), "vllm:num_preemptions_total"), 1);
  EXPECT_EQ(ValueOf(Text(scheduler), "vllm:generation_tokens_total"), 120);
  EXPECT_EQ(scheduler.cache_usage(), 0);
}

TEST_F(SchedulerStepsTest, WithPrioritiesTheOneThatMattersLeastIsSentBack) {
  SchedulerOptions options = Modelled();
  options.cache.blocks = 10;
  options.by_priority = true;
  Scheduler scheduler(options, metrics_);
  SequenceRequest least = TestRequest(64, 60);
  least.priority = 5;

  const auto outcomes =
      Run(scheduler, {{.request = least}, {.request = TestRequest(64, 60, 5000), .after = 1ms}});

  EXPECT_THAT(outcomes, Each(Field(&Served::tokens, SizeIs(60))));
  EXPECT_GT(outcomes[0].last(), outcomes[1].last());
}

TEST_F(SchedulerStepsTest, APauseEndsAfterTheStepAndLosesNothing) {
  Scheduler scheduler(Modelled(), metrics_);
  async::Alarm pause(loop_, [&] { scheduler.Pause(); });
  async::Alarm resume(loop_, [&] { scheduler.Resume(); });
  pause.Arm(TimePoint(15ms));
  resume.Arm(TimePoint(1s));

  const auto outcomes = Run(scheduler, {{.request = TestRequest(100, 3)},
                                        {.request = TestRequest(100, 1, 5000), .after = 500ms}});

  EXPECT_THAT(outcomes[0].tokens,
              ElementsAre(TimePoint(11ms), TimePoint(21ms), TimePoint(1s + 11ms)));
  EXPECT_EQ(outcomes[1].first(), TimePoint(1s + 11ms));
}

TEST_F(SchedulerStepsTest, ClosedItEndsWhatItBeganAndBeginsNothing) {
  Scheduler scheduler(Modelled(), metrics_);
  bool drained = false;
  async::Alarm close(loop_, [&] { scheduler.Close(); });
  async::Alarm resume(loop_, [&] {
    drained = scheduler.drained();
    scheduler.Resume();
  });
  close.Arm(TimePoint(15ms));
  resume.Arm(TimePoint(2s));

  const auto outcomes = Run(
      scheduler, {{.request = TestRequest(8, 9)}, {.request = TestRequest(8, 1), .after = 20ms}});

  EXPECT_EQ(outcomes[0].tokens.size(), 9U);
  EXPECT_LT(outcomes[0].last(), TimePoint(2s));
  EXPECT_TRUE(drained);
  EXPECT_GE(outcomes[1].first(), TimePoint(2s));
}

TEST_F(SchedulerStepsTest, AbortAllFreesSeatsAndCache) {
  Scheduler scheduler(Modelled(), metrics_);
  async::Alarm alarm(loop_, [&] { scheduler.AbortAll(); });
  alarm.Arm(TimePoint(25ms));

  const auto outcomes =
      Run(scheduler, {{.request = TestRequest(100, 9)}, {.request = TestRequest(100, 9)}});

  EXPECT_TRUE(outcomes[0].aborted && outcomes[1].aborted);
  EXPECT_EQ(scheduler.cache_usage(), 0);
  EXPECT_EQ(scheduler.running(), 0U);
}

TEST_F(SchedulerStepsTest, AScriptedTimeIsKeptBesideTheSteps) {
  Scheduler scheduler(Modelled(), metrics_);
  SequenceRequest scripted = TestRequest(100, 3, 5000);
  scripted.ttft = 40ms;
  scripted.itl = 7ms;

  const auto outcomes = Run(scheduler, {{.request = TestRequest(100, 9)}, {.request = scripted}});

  EXPECT_THAT(outcomes[1].tokens, ElementsAre(TimePoint(40ms), TimePoint(47ms), TimePoint(54ms)));
  EXPECT_EQ(outcomes[0].last(), TimePoint(11ms + 80ms));
}

TEST_F(SchedulerStepsTest, JitterStaysNearAndFollowsItsSeed) {
  SchedulerOptions options = Modelled();
  options.latency.jitter = 0.05;
  std::vector<std::vector<Served>> runs;
  for (int i = 0; i < 2; ++i) {
    async::Loop loop(async::Loop::Time::kVirtual);
    Scheduler scheduler(options, metrics_);
    runs.push_back(ServeAll(loop, scheduler, {{.request = TestRequest(100, 200)}}));
  }

  const auto& tokens = runs[0][0].tokens;
  EXPECT_EQ(tokens, runs[1][0].tokens);
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    EXPECT_GE(tokens[i] - tokens[i - 1], 8500us);
    EXPECT_LE(tokens[i] - tokens[i - 1], 11500us);
  }
}

RC_GTEST_PROP(SchedulerLawTest, EveryTokenAskedForIsDeliveredAndSeatsAreNeverExceeded, ()) {
  SchedulerOptions options;
  options.latency = {.pace = *rc::gen::element(Latency::Pace::kInstant, Latency::Pace::kFixed,
                                               Latency::Pace::kModelled),
                     .jitter = 0.1};
  options.max_num_seqs = *rc::gen::inRange<std::size_t>(1, 6);
  options.max_num_batched_tokens = *rc::gen::inRange<std::int64_t>(1, 64);
  options.max_loras = *rc::gen::inRange<std::size_t>(1, 3);
  options.by_priority = *rc::gen::arbitrary<bool>();
  options.cache = {.blocks = *rc::gen::inRange<std::int64_t>(1, 30), .block_size = 4};
  std::vector<Arrival> arrivals;
  const int count = *rc::gen::inRange(1, 12);
  std::int64_t asked = 0;
  for (int i = 0; i < count; ++i) {
    Arrival arrival{.request = TestRequest(*rc::gen::inRange<std::int64_t>(0, 60),
                                           *rc::gen::inRange<std::int64_t>(1, 30),
                                           *rc::gen::element<TokenId>(0, 1000))};
    arrival.request.sequences = *rc::gen::inRange<std::int64_t>(1, 4);
    arrival.request.priority = *rc::gen::inRange<std::int64_t>(0, 3);
    arrival.request.adapter = *rc::gen::element<std::string>("", "a", "b", "c");
    arrival.after = std::chrono::milliseconds(*rc::gen::inRange(0, 300));
    arrival.reads_every = std::chrono::milliseconds(*rc::gen::element(0, 0, 0, 40));
    if (*rc::gen::inRange(0, 4) == 0) arrival.request.itl = 3ms;
    asked += arrival.request.max_tokens * arrival.request.sequences;
    arrivals.push_back(std::move(arrival));
  }

  Metrics metrics({});
  Scheduler scheduler(options, metrics);
  async::Loop loop(async::Loop::Time::kVirtual);
  std::size_t most = 0;
  std::int64_t widest = 0;
  for (const Arrival& arrival : arrivals) widest = std::max(widest, arrival.request.sequences);
  async::Alarm look(loop, [&] {
    most = std::max(most, scheduler.running());
    if (scheduler.running() + scheduler.waiting() > 0 || loop.Now() < TimePoint(300ms)) {
      look.Arm(loop.Now() + 1ms);
    }
  });
  look.Arm(TimePoint(1ms));
  const std::vector<Served> outcomes = ServeAll(loop, scheduler, arrivals);

  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    RC_ASSERT(static_cast<std::int64_t>(outcomes[i].tokens.size()) ==
              arrivals[i].request.max_tokens);
    RC_ASSERT(std::ranges::is_sorted(outcomes[i].tokens));
  }
  RC_ASSERT(most <= std::max(options.max_num_seqs, static_cast<std::size_t>(widest)));
  RC_ASSERT(scheduler.running() + scheduler.waiting() == 0U);
  RC_ASSERT(scheduler.cache_usage() == 0.0);
  const std::string text = metrics.Text(scheduler.gauges());
  RC_ASSERT(ValueOf(text, "vllm:generation_tokens_total") == static_cast<double>(asked));
  RC_ASSERT(ValueOf(text, "vllm:request_params_n_count") == static_cast<double>(count));
}

}  // namespace
}  // namespace weir::sim
