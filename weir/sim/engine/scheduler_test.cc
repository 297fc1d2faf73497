#include "weir/sim/engine/scheduler.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/sim/engine/engine_testing.h"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::HasSubstr;

SchedulerOptions Fixed(std::size_t seats) {
  SchedulerOptions options;
  options.max_num_seqs = seats;
  options.latency.ttft = Spread::Fixed(50ms);
  options.latency.itl = Spread::Fixed(10ms);
  return options;
}

SchedulerOptions Instant() {
  SchedulerOptions options;
  options.latency.pace = Latency::Pace::kInstant;
  return options;
}

class SchedulerTest : public testing::Test {
 protected:
  std::vector<Served> Run(Scheduler& scheduler, std::vector<Arrival> arrivals) {
    return ServeAll(loop_, scheduler, std::move(arrivals));
  }
  std::string Text(const Scheduler& scheduler) { return metrics_.Text(scheduler.gauges()); }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  Metrics metrics_{{}};
};

TEST_F(SchedulerTest, InstantRequestsTakeNoTime) {
  Scheduler scheduler(Instant(), metrics_);

  const auto outcomes = Run(scheduler, {{.request = TestRequest(60, 20)}});

  EXPECT_EQ(outcomes[0].tokens.size(), 20U);
  EXPECT_EQ(loop_.Now(), TimePoint());
  EXPECT_EQ(scheduler.running(), 0U);
  EXPECT_EQ(scheduler.cache_usage(), 0);
}

async::Task<std::vector<bool>> AskInstant(async::Context ctx, Scheduler& scheduler) {
  std::vector<bool> answers;
  Result<Scheduler::Turn> turn = scheduler.Enter(ctx, TestRequest(60, 20));
  const Result<bool> stepped = co_await turn->Step(ctx);
  answers.push_back(stepped.has_value() && turn->instant());
  turn->Wrote(19);
  scheduler.Pause();
  answers.push_back(turn->instant());
  scheduler.Resume();
  turn->Finish(Ended::kStop, 20);
  answers.push_back(turn->instant());
  co_return answers;
}

TEST_F(SchedulerTest, InstantSaysWhetherSteppingIsNeeded) {
  Scheduler scheduler(Instant(), metrics_);

  EXPECT_EQ(loop_.Run(AskInstant(ctx_, scheduler)), (std::vector<bool>{true, false, false}));

  const std::string text = Text(scheduler);
  EXPECT_EQ(ValueOf(text, "vllm:generation_tokens_total"), 20);
  EXPECT_EQ(ValueOf(text, "vllm:inter_token_latency_seconds_count"), 19);
  EXPECT_EQ(ValueOf(text, "vllm:iteration_tokens_total_count"), 20);
}

TEST_F(SchedulerTest, FixedTokensAreDueOnAnEvenClock) {
  Scheduler scheduler(Fixed(1), metrics_);

  const auto outcomes = Run(scheduler, {{.request = TestRequest(60, 5)}});

  EXPECT_THAT(outcomes[0].tokens,
              testing::ElementsAre(TimePoint(50ms), TimePoint(60ms), TimePoint(70ms),
                                   TimePoint(80ms), TimePoint(90ms)));
  EXPECT_EQ(outcomes[0].worst_lateness, 0ms);
}

TEST_F(SchedulerTest, ASlowReaderDoesNotMoveTheClock) {
  Scheduler scheduler(Fixed(1), metrics_);

  const auto outcomes = Run(scheduler, {{.request = TestRequest(60, 5), .reads_every = 25ms}});

  EXPECT_THAT(outcomes[0].tokens,
              testing::ElementsAre(TimePoint(50ms), TimePoint(75ms), TimePoint(100ms),
                                   TimePoint(125ms), TimePoint(150ms)));
  EXPECT_EQ(outcomes[0].worst_lateness, 60ms);
}

TEST_F(SchedulerTest, DrawsFollowTheSeedAndScriptedTimesComeFirst) {
  SchedulerOptions options = Fixed(9);
  options.latency.ttft = {10ms, 90ms};
  options.latency.time_scale = 0.5;
  Scheduler scheduler(options, metrics_);
  SequenceRequest seeded = TestRequest(8, 1);
  seeded.seed = 7;
  SequenceRequest other = seeded;
  other.seed = 8;
  SequenceRequest scripted = seeded;
  scripted.ttft = 300ms;

  const auto outcomes =
      Run(scheduler,
          {{.request = seeded}, {.request = seeded}, {.request = other}, {.request = scripted}});

  EXPECT_EQ(outcomes[0].first(), outcomes[1].first());
  EXPECT_NE(outcomes[0].first(), outcomes[2].first());
  EXPECT_LE(outcomes[2].first(), TimePoint(45ms + 250us));
  EXPECT_EQ(outcomes[3].first(), TimePoint(150ms));
}

TEST_F(SchedulerTest, PromptTokensThatAreNotCachedCostTime) {
  SchedulerOptions options = Fixed(9);
  options.latency.per_prompt_token = 1ms;
  Scheduler scheduler(options, metrics_);

  const auto outcomes = Run(
      scheduler, {{.request = TestRequest(100, 1)}, {.request = TestRequest(100, 1), .after = 1s}});

  EXPECT_EQ(outcomes[0].first(), TimePoint(150ms));
  EXPECT_EQ(outcomes[1].first(), TimePoint(1s + 50ms + 4ms));
  EXPECT_EQ(outcomes[1].cached, 96);
}

TEST_F(SchedulerTest, SeatsAreTakenInTheOrderOfArrival) {
  Scheduler scheduler(Fixed(1), metrics_);

  const auto outcomes = Run(scheduler, {{.request = TestRequest(8, 2)},
                                        {.request = TestRequest(8, 2), .after = 1ms},
                                        {.request = TestRequest(8, 2), .after = 2ms}});

  EXPECT_EQ(outcomes[0].first(), TimePoint(50ms));
  EXPECT_EQ(outcomes[1].first(), TimePoint(60ms + 50ms));
  EXPECT_EQ(outcomes[2].first(), TimePoint(120ms + 50ms));
}

TEST_F(SchedulerTest, LowerPriorityNumbersGoFirstWhenAskedFor) {
  for (const bool by_priority : {false, true}) {
    SchedulerOptions options = Fixed(1);
    options.by_priority = by_priority;
    Scheduler scheduler(options, metrics_);
    SequenceRequest late = TestRequest(8, 2);
    late.priority = -5;

    const auto outcomes = Run(scheduler, {{.request = TestRequest(8, 2)},
                                          {.request = TestRequest(8, 2), .after = 1ms},
                                          {.request = late, .after = 2ms}});

    EXPECT_EQ(outcomes[2].first() < outcomes[1].first(), by_priority);
  }
}

TEST_F(SchedulerTest, MoreSequencesThanSeatsRunAlone) {
  Scheduler scheduler(Fixed(4), metrics_);
  SequenceRequest wide = TestRequest(8, 2);
  wide.sequences = 9;

  const auto outcomes = Run(scheduler, {{.request = TestRequest(8, 2)},
                                        {.request = wide, .after = 1ms},
                                        {.request = TestRequest(8, 2), .after = 2ms}});

  EXPECT_EQ(outcomes[1].first(), TimePoint(60ms + 50ms));
  EXPECT_EQ(outcomes[2].first(), TimePoint(120ms + 50ms));
}

TEST_F(SchedulerTest, WhatCanNeverFitInTheCacheRunsWithWhatThereIs) {
  SchedulerOptions options = Fixed(4);
  options.cache.blocks = 2;
  Scheduler scheduler(options, metrics_);

  const auto outcomes =
      Run(scheduler, {{.request = TestRequest(500, 3)}, {.request = TestRequest(8, 3)}});

  EXPECT_THAT(outcomes, Each(testing::Field(&Served::tokens, testing::SizeIs(3))));
}

TEST_F(SchedulerTest, AnAdapterTooManyWaitsAndOthersPassIt) {
  SchedulerOptions options = Fixed(9);
  options.max_loras = 1;
  Scheduler scheduler(options, metrics_);
  std::vector<Arrival> arrivals(4, {.request = TestRequest(8, 2)});
  arrivals[0].request.adapter = "a";
  arrivals[1].request.adapter = "b";
  arrivals[2].request.adapter = "a";
  Metrics::Gauges seen;
  async::Alarm alarm(loop_, [&] { seen = scheduler.gauges(); });
  alarm.Arm(TimePoint(20ms));

  const auto outcomes = Run(scheduler, arrivals);

  EXPECT_EQ(outcomes[0].first(), outcomes[2].first());
  EXPECT_EQ(outcomes[0].first(), outcomes[3].first());
  EXPECT_EQ(outcomes[1].first(), TimePoint(60ms + 50ms));
  EXPECT_EQ(seen.running_adapters, "a");
  EXPECT_EQ(seen.waiting_adapters, "b");
  EXPECT_EQ(seen.waiting, 1U);
  EXPECT_EQ(seen.deferred, 1U);
  EXPECT_EQ(seen.running, 3U);
}

TEST_F(SchedulerTest, LimitsRefuseWithTheServersWords) {
  SchedulerOptions options = Fixed(1);
  options.max_num_queued = 3;
  options.max_queued_tokens = 100;
  Scheduler scheduler(options, metrics_);
  SequenceRequest two = TestRequest(8, 2);
  two.sequences = 2;

  const auto outcomes = Run(scheduler, {{.request = TestRequest(100, 2)},
                                        {.request = two},                 // too many tokens
                                        {.request = two, .after = 55ms},  // the first is prefilled
                                        {.request = two, .after = 56ms}});

  EXPECT_EQ(outcomes[1].error->code, Code::kBudgetExceeded);
  EXPECT_EQ(outcomes[1].error->message,
            "The engine has reached its prefill token backlog limit. Please try again later or on "
            "a different instance.");
  EXPECT_FALSE(outcomes[2].error.has_value());
  EXPECT_EQ(outcomes[3].error->message,
            "The engine is currently busy and cannot accept new requests. Please try again later "
            "or on a different instance.");
}

TEST_F(SchedulerTest, WhoGivesUpFreesItsPlace) {
  Scheduler scheduler(Fixed(1), metrics_);

  const auto outcomes = Run(scheduler, {{.request = TestRequest(8, 99), .gives_up_after = 75ms},
                                        {.request = TestRequest(8, 2), .gives_up_after = 10ms},
                                        {.request = TestRequest(8, 2)}});

  EXPECT_EQ(outcomes[0].tokens.size(), 3U);
  EXPECT_EQ(outcomes[0].error->code, Code::kTimeout);
  EXPECT_EQ(outcomes[1].error->code, Code::kTimeout);
  EXPECT_EQ(outcomes[2].first(), TimePoint(75ms + 50ms));
  EXPECT_EQ(scheduler.waiting() + scheduler.running(), 0U);
  EXPECT_EQ(ValueOf(Text(scheduler),
                    "vllm:request_success_total{engine=\"0\",finished_reason="
                    "\"abort\""),
            2);
}

TEST_F(SchedulerTest, APauseHoldsThoseThatRunAndThoseThatCome) {
  Scheduler scheduler(Fixed(9), metrics_);
  async::Alarm pause(loop_, [&] { scheduler.Pause(); });
  async::Alarm resume(loop_, [&] { scheduler.Resume(); });
  pause.Arm(TimePoint(55ms));
  resume.Arm(TimePoint(1055ms));

  const auto outcomes = Run(
      scheduler, {{.request = TestRequest(8, 3)}, {.request = TestRequest(8, 1), .after = 500ms}});

  EXPECT_THAT(outcomes[0].tokens,
              testing::ElementsAre(TimePoint(50ms), TimePoint(1060ms), TimePoint(1070ms)));
  EXPECT_EQ(outcomes[1].first(), TimePoint(1055ms + 50ms));
}

TEST_F(SchedulerTest, AbortAllEndsEveryRequest) {
  Scheduler scheduler(Fixed(1), metrics_);
  std::int64_t aborted = 0;
  async::Alarm alarm(loop_, [&] { aborted = scheduler.AbortAll(); });
  alarm.Arm(TimePoint(65ms));

  const auto outcomes = Run(scheduler, {{.request = TestRequest(8, 9)},
                                        {.request = TestRequest(8, 9)},
                                        {.request = TestRequest(8, 2), .after = 1s}});

  EXPECT_EQ(aborted, 2);
  EXPECT_TRUE(outcomes[0].aborted);
  EXPECT_EQ(outcomes[0].tokens.size(), 2U);
  EXPECT_TRUE(outcomes[1].aborted);
  EXPECT_EQ(outcomes[2].tokens.size(), 2U);
}

TEST_F(SchedulerTest, AbortEndsThoseThatAreNamed) {
  Scheduler scheduler(Fixed(1), metrics_);
  std::int64_t aborted = 0;
  async::Alarm alarm(loop_, [&] {
    const std::string ids[] = {"a", "c", "nobody"};
    aborted = scheduler.Abort(ids);
  });
  alarm.Arm(TimePoint(65ms));
  std::vector<Arrival> arrivals;
  for (const char* id : {"a", "b", "c"}) {
    arrivals.push_back({.request = TestRequest(8, 3)});
    arrivals.back().request.id = id;
  }

  const auto outcomes = Run(scheduler, std::move(arrivals));

  EXPECT_EQ(aborted, 2);
  EXPECT_TRUE(outcomes[0].aborted);
  EXPECT_FALSE(outcomes[1].aborted);
  EXPECT_EQ(outcomes[1].first(), TimePoint(65ms + 50ms));  // the seat was free at once
  EXPECT_TRUE(outcomes[2].aborted);
}

TEST_F(SchedulerTest, ClosedItEndsWhatItBeganAndBeginsNothing) {
  Scheduler scheduler(Fixed(2), metrics_);
  std::vector<bool> drained;
  async::Alarm close(loop_, [&] { scheduler.Close(); });
  async::Alarm look(loop_, [&] {
    drained.push_back(scheduler.drained());
    if (drained.size() == 2) return scheduler.Resume();
    look.Arm(TimePoint(1s));
  });
  close.Arm(TimePoint(55ms));
  look.Arm(TimePoint(65ms));

  const auto outcomes = Run(
      scheduler, {{.request = TestRequest(8, 3)}, {.request = TestRequest(8, 1), .after = 60ms}});

  EXPECT_EQ(outcomes[0].last(), TimePoint(70ms));
  EXPECT_EQ(outcomes[1].first(), TimePoint(1s + 50ms));
  EXPECT_THAT(drained, testing::ElementsAre(false, true));
}

TEST_F(SchedulerTest, EachSequenceCountsAsItEnded) {
  Scheduler scheduler(Instant(), metrics_);
  SequenceRequest request = TestRequest(8, 5);
  request.sequences = 3;
  Result<Scheduler::Turn> turn = scheduler.Enter(ctx_, request);
  ASSERT_TRUE(turn.has_value());
  ASSERT_TRUE(loop_.Run(turn->Step(ctx_)).has_value());

  const Ended each[] = {Ended::kStop, Ended::kLength, Ended::kLength};
  turn->Finish(Ended::kStop, 9, {}, each);

  const std::string text = Text(scheduler);
  const auto count = [&](std::string_view reason) {
    return ValueOf(
        text, StrCat("vllm:request_success_total{engine=\"0\",finished_reason=\"", reason, "\""));
  };
  EXPECT_EQ(count("stop"), 1);
  EXPECT_EQ(count("length"), 2);
}

TEST_F(SchedulerTest, CountersNeverFall) {
  Scheduler scheduler(Fixed(2), metrics_);
  std::vector<double> seen;
  async::Alarm alarm(loop_, [&] {
    seen.push_back(ValueOf(Text(scheduler), "vllm:generation_tokens_total"));
    if (seen.size() < 50) alarm.Arm(loop_.Now() + 5ms);
  });
  alarm.Arm(TimePoint(5ms));

  Run(scheduler, std::vector<Arrival>(5, {.request = TestRequest(8, 6)}));

  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(ValueOf(Text(scheduler), "vllm:generation_tokens_total"), 30);
}

TEST(SchedulerThreadTest, RequestsOfSeveralLoopsShareTheEngine) {
  for (const auto pace :
       {Latency::Pace::kInstant, Latency::Pace::kFixed, Latency::Pace::kModelled}) {
    Metrics metrics({});
    SchedulerOptions options;
    options.max_num_seqs = 3;
    options.latency = {.pace = pace, .time_scale = 0.0001};
    Scheduler scheduler(options, metrics);
    std::vector<std::thread> threads;
    std::vector<std::vector<Served>> outcomes(3);
    threads.reserve(outcomes.size());
    for (auto& its : outcomes) {
      threads.emplace_back([&] {
        async::Loop loop;
        its = ServeAll(loop, scheduler, std::vector<Arrival>(20, {.request = TestRequest(40, 5)}));
      });
    }
    for (std::thread& thread : threads) thread.join();

    for (const auto& its : outcomes) {
      EXPECT_THAT(its, Each(testing::Field(&Served::tokens, testing::SizeIs(5))));
    }
    EXPECT_EQ(ValueOf(metrics.Text(scheduler.gauges()), "vllm:generation_tokens_total"), 300);
    EXPECT_EQ(scheduler.running() + scheduler.waiting(), 0U);
  }
}

}  // namespace
}  // namespace weir::sim
