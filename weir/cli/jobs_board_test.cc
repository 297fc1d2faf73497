#include "weir/cli/jobs_board.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

jobs::QueueInfo Queue(jobs::QueueId id, const std::string& name, std::int64_t queued,
                      std::int64_t done) {
  jobs::QueueInfo queue;
  queue.id = id;
  queue.spec = {.name = name,
                .flow = "/flows/" + name + ".yaml",
                .digest = "d",
                .concurrency = {},
                .rate = {}};
  queue.counts[static_cast<int>(jobs::JobState::kQueued)] = queued;
  queue.counts[static_cast<int>(jobs::JobState::kDone)] = done;
  return queue;
}

JobsMoment SomeMoment() {
  JobsMoment moment{.store = "sqlite:a.db", .queues = {Queue(1, "lint", 1200, 3)}, .workers = {}};
  moment.queues[0].oldest_ms = 65'000;
  moment.workers.push_back(
      {.id = 1, .name = "host:17", .since_ms = 300'000, .seen_ms = 250, .running = 16});
  return moment;
}

TEST(JobsBoard, QueuesAndWorkersStandInTables) {
  EXPECT_THAT(JobsLines(SomeMoment(), nullptr, {.width = 80}),
              ElementsAre("queue  queued  running  done  failed     oldest  flow",
                          "lint    1,200        0     3       0  1 min 5 s  /flows/lint.yaml", "",
                          "worker     holds   last beat  there for",
                          "host:17  16 jobs  250 ms ago      5 min"));
}

TEST(JobsBoard, WhatIsNotThereIsSaidWithWhatToDo) {
  JobsMoment nothing{.store = "sqlite:a.db", .queues = {}, .workers = {}};
  EXPECT_THAT(
      JobsLines(nothing, nullptr, {.width = 80}),
      ElementsAre("no queue yet: weir jobs submit FLOW makes one", "", "no worker is there"));
  nothing.queues = {Queue(1, "lint", 1, 0)};
  EXPECT_EQ(JobsLines(nothing, nullptr, {.width = 80}).back(),
            "no worker is there: weir jobs work starts one");
  EXPECT_EQ(JobsLines(nothing, nullptr, {.width = 80, .store = " --store sqlite:x.db"}).back(),
            "no worker is there: weir jobs work --store sqlite:x.db starts one");
}

TEST(JobsBoard, ColumnsAppearWhenTheyHaveSomethingToSay) {
  JobsMoment moment = SomeMoment();
  moment.queues[0].crashes = 2;
  moment.queues[0].repeated_calls = 5;
  moment.queues[0].spec.concurrency = 4;
  moment.queues[0].spec.rate = 2.5;
  moment.queues[0].counts[static_cast<int>(jobs::JobState::kWaiting)] = 7;
  const std::string text = JobsLines(moment, nullptr, {.width = 200})[1];
  for (const char* part : {"  7  ", "  2  ", "  5  ", "4 at once, 2.5/s"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(JobsBoard, WhoWaitsSaysForWhatAndWhenItGoesOn) {
  JobsMoment moment = SomeMoment();
  moment.queues[0].counts[static_cast<int>(jobs::JobState::kWaiting)] = 7;
  moment.queues[0].next_ms = 12'000;
  moment.workers[0].paused = "lint: nobody answers at http://gpu:8000";
  moment.workers[0].resting = 2;
  moment.workers[0].next_try_ms = 2000;
  const std::string text = Join(JobsLines(moment, nullptr, {.width = 160}), "\n");
  EXPECT_THAT(text, HasSubstr("in 12 s"));
  EXPECT_THAT(text, HasSubstr("waits; 2 jobs to be tried again, the next in 2 s"));
  EXPECT_THAT(text, HasSubstr("\nhost:17 waits: lint: nobody answers at http://gpu:8000"));
  EXPECT_THAT(Join(JobsLines(moment, nullptr, {.width = 30}), "\n"), HasSubstr("gpu:8000"))
      << "the reason is not cut";
  const json::Value read = json::Read(JobsJson(moment, nullptr)).value();
  EXPECT_EQ(read.Find("queues")[0].Find("next_ms").AsInt64(), 12'000);
  const json::View worker = read.Find("workers")[0];
  EXPECT_EQ(worker.Find("paused").StringOr(""), moment.workers[0].paused);
  EXPECT_EQ(worker.Find("resting").AsInt64(), 2);
  EXPECT_EQ(worker.Find("next_try_ms").AsInt64(), 2000);
  moment.workers[0].next_try_ms = 0;
  EXPECT_THAT(Join(JobsLines(moment, nullptr, {.width = 160}), "\n"), HasSubstr("the next now"));
}

TEST(JobsBoard, EveryFrameFits) {
  JobsMoment moment = SomeMoment();
  for (int i = 2; i < 30; ++i) {
    moment.queues.push_back(Queue(i, "queue-with-a-long-name-" + std::to_string(i), i, i));
    moment.workers.push_back({.id = i, .name = "host:" + std::to_string(i)});
    if (i % 3 == 0) moment.workers.back().paused = "lint: nobody answers at http://gpu:8000/v1";
  }
  JobsRates rates;
  rates.Sample(moment.queues, TimePoint());
  for (int width = 20; width <= 160; width += 7) {
    for (int height = 8; height <= 40; height += 4) {
      const std::vector<std::string> lines = JobsLines(
          moment, &rates,
          {.width = width, .height = height, .title = "weir jobs", .note = "why", .keys = true});
      EXPECT_LE(static_cast<int>(lines.size()), height);
      EXPECT_EQ(lines.back(), "q quit");
      for (const std::string& line : lines) EXPECT_LE(static_cast<int>(line.size()), width);
    }
  }
  EXPECT_THAT(Join(JobsLines(moment, nullptr, {.width = 80, .height = 20}), "\n"),
              HasSubstr("... 21 more queues"));
}

TEST(JobsRates, JobsASecondAreThoseThatEndedLately) {
  JobsRates rates;
  TimePoint now{};
  rates.Sample({Queue(1, "lint", 100, 0)}, now);
  EXPECT_EQ(rates.Of(1), std::nullopt);
  now += 2s;
  rates.Sample({Queue(1, "lint", 90, 10), Queue(2, "new", 1, 0)}, now);
  EXPECT_EQ(rates.Of(1), 5.0);
  EXPECT_EQ(rates.Of(2), std::nullopt);
  for (int i = 0; i < 20; ++i) rates.Sample({Queue(1, "lint", 90, 10)}, now += 1s);
  EXPECT_EQ(rates.Of(1), 0.0);
  rates.Sample({Queue(1, "lint", 0, 0)}, now += 1s);  // purged
  EXPECT_EQ(rates.Of(1), 0.0);
}

TEST(JobsRates, TheRestOfTheTimeIsToldWithThem) {
  JobsMoment moment = SomeMoment();
  JobsRates rates;
  rates.Sample(moment.queues, TimePoint());
  moment.queues[0].counts[static_cast<int>(jobs::JobState::kDone)] = 103;
  rates.Sample(moment.queues, TimePoint() + 10s);
  EXPECT_THAT(JobsLines(moment, &rates, {.width = 120})[1], HasSubstr("10  2 min"));
  const json::Value read = json::Read(JobsJson(moment, &rates)).value();
  const json::View queue = read.Find("queues")[0];
  EXPECT_EQ(queue.Find("ended_per_second").AsDouble(), 10.0);
  EXPECT_EQ(queue.Find("jobs").Find("queued").AsInt64(), 1200);
  EXPECT_EQ(queue.Find("jobs").Find("done").AsInt64(), 103);
  EXPECT_EQ(read.Find("workers")[0].Find("name").StringOr(""), "host:17");
  EXPECT_THAT(JobsJson(moment, nullptr), Not(HasSubstr("ended_per_second")));
}

}  // namespace
}  // namespace weir::cli
