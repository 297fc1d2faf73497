// What people do with a store, on both by one suite.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/jobs/store_suite_testing.h"

namespace weir::jobs {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using How = Ended::How;

class StoreManageTest : public StoreTest {};

INSTANTIATE_TEST_SUITE_P(On, StoreManageTest, testing::Values("sqlite", "postgres"), KindName);

TEST_P(StoreManageTest, ACancelledJobGivesNoResult) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 4));
  const WorkerId worker = Worker(10s);
  const auto jobs = Claim(worker, queue, 2);
  EXPECT_EQ(Value(store_->Cancel({.queue = queue})), 4);
  EXPECT_EQ(Value(store_->Cancel({.queue = queue})), 0) << "asked once";
  EXPECT_EQ(Count(queue, JobState::kCancelled), 2);
  EXPECT_THAT(Value(store_->Renew(worker, {})).cancelled, ElementsAre(jobs[0].id, jobs[1].id));

  Ended ended{.result = "1", .attempts = "[7]"};
  EXPECT_THAT(End(worker, jobs[0], How::kDone, ended), ElementsAre(jobs[0].id));
  EXPECT_THAT(End(worker, jobs[0], How::kDone, ended), ElementsAre(jobs[0].id));
  const JobInfo job = Find(jobs[0].id);
  EXPECT_EQ(job.state, JobState::kCancelled);
  EXPECT_EQ(job.result, "");
  EXPECT_EQ(job.tries, "[7]");

  now_ += 20'000;
  EXPECT_EQ(Value(store_->Reap()).requeued, 0);
  EXPECT_EQ(Count(queue, JobState::kCancelled), 4);
}

TEST_P(StoreManageTest, WhatIsRetriedIsAsIfNew) {
  const QueueId queue = Queue({.max_attempts = 1});
  Submit(queue, NumberedJobs(0, 4));
  const WorkerId worker = Worker();
  const auto jobs = Claim(worker, queue, 3);
  End(worker, jobs[0], How::kFailed, {.error = "timeout"});
  End(worker, jobs[1], How::kAgain, {.error = "http_500"});
  End(worker, jobs[2], How::kDone, {.result = "1"});
  EXPECT_EQ(Value(store_->Cancel({.ids = {jobs[2].id + 1}})), 1);

  EXPECT_EQ(Value(store_->Retry({.queue = queue, .error = "timeout"})), 1);
  EXPECT_EQ(Value(store_->Retry({.queue = queue + 1})), 0);
  EXPECT_EQ(Value(store_->Retry({.queue = queue, .states = {JobState::kDone}})), 0);
  EXPECT_EQ(Value(store_->Retry({.ids = {jobs[2].id}})), 0) << "it is done";
  EXPECT_EQ(Value(store_->Retry({.queue = queue})), 2);
  const auto again = Claim(worker, queue, 5);
  ASSERT_EQ(again.size(), 3U);
  EXPECT_EQ(again[0].fence, 2);
  EXPECT_EQ(again[0].attempts, 0);
  EXPECT_EQ(Find(again[0].id).error, "");
  EXPECT_EQ(Value(store_->Complete(worker, DoneOf(again))).size(), 3U);
}

TEST_P(StoreManageTest, OnlyARetryMakesTheTimeOfSubmissionAnother) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 1));
  for (const How how : {How::kBack, How::kAgain}) {
    const WorkerId worker = Worker(1h);
    const auto jobs = Claim(worker, queue, 1);
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].submitted_at, kStart);
    now_ += 1000;
    EXPECT_EQ(End(worker, jobs[0], how).size(), 1U);
  }
  ASSERT_EQ(Claim(Worker(1s), queue, 1).size(), 1U);
  now_ += 2000;
  EXPECT_EQ(Value(store_->Reap()).requeued, 1);
  const WorkerId worker = Worker(1h);
  const auto lost = Claim(worker, queue, 1);
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].submitted_at, kStart) << "what was answered before the crash is still of it";
  End(worker, lost[0], How::kFailed);
  EXPECT_EQ(Value(store_->Retry({.queue = queue})), 1);
  const auto again = Claim(worker, queue, 1);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].submitted_at, now_.load());
}

TEST_P(StoreManageTest, PurgeRemovesOnlyWhatHasEndedLongAgo) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 4));
  const WorkerId worker = Worker(1h);
  const auto jobs = Claim(worker, queue, 3);
  End(worker, jobs[0], How::kDone, {.result = "1"});
  now_ += 1000;
  End(worker, jobs[1], How::kDone, {.result = "1"});
  EXPECT_EQ(Value(store_->Purge({.queue = queue, .older_than = 1001})), 0);
  EXPECT_EQ(Value(store_->Purge({.queue = queue, .older_than = 1000})), 1);
  EXPECT_FALSE(Value(store_->Find(jobs[0].id)));
  EXPECT_EQ(Value(store_->Purge({.queue = queue})), 1);
  EXPECT_EQ(Value(store_->List({.queue = queue}, 0, 10)).size(), 2U);
  EXPECT_EQ(Count(queue, JobState::kDone), 0);
  EXPECT_EQ(Submit(queue, NumberedJobs(0, 4)).accepted, 2) << "what is gone is not known";
  const auto more = Claim(worker, queue, 5);
  for (const Claimed& job : more) EXPECT_GT(job.id, jobs[2].id) << "an id is never given twice";
}

TEST_P(StoreManageTest, AListShowsWhatMatchesEverything) {
  const QueueId queue = Queue();
  const QueueId other = Queue({.name = "other"});
  Submit(queue, NumberedJobs(0, 5));
  Submit(other, NumberedJobs(0, 2));
  const WorkerId worker = Worker();
  const auto jobs = Claim(worker, queue, 3);
  End(worker, jobs[0], How::kFailed, {.error = "a"});
  End(worker, jobs[1], How::kFailed, {.error = "b"});
  End(worker, jobs[2], How::kDone, {.result = "1"});
  const auto count = [&](const Selection& selection, int most = 100) {
    return Value(store_->List(selection, 0, most)).size();
  };
  EXPECT_EQ(count({}), 7U);
  EXPECT_EQ(count({.queue = queue}), 5U);
  EXPECT_EQ(count({.queue = queue}, 2), 2U);
  EXPECT_EQ(count({.queue = queue}, 0), 0U);
  EXPECT_EQ(count({.states = {JobState::kFailed, JobState::kDone}}), 3U);
  EXPECT_EQ(count({.states = {JobState::kFailed, JobState::kCancelled}, .error = "b"}), 1U);
  EXPECT_EQ(count({.ids = {jobs[0].id, jobs[2].id, 999'999}}), 2U);
  EXPECT_EQ(count({.queue = other, .ids = {jobs[0].id}}), 0U);
}

TEST_P(StoreManageTest, QueuesTellWhatIsInThem) {
  const QueueSpec spec{.name = "q",
                       .flow = "flow.yaml#x",
                       .digest = "d",
                       .concurrency = 3,
                       .rate = 2.5,
                       .max_crashes = 4,
                       .max_attempts = 5};
  const QueueId queue = Queue(spec);
  EXPECT_EQ(Queue(spec), queue);
  auto changed = spec;
  changed.rate.reset();
  changed.digest = "e";
  EXPECT_EQ(Queue(changed), queue);
  Submit(queue, NumberedJobs(0, 2));
  auto later = NumberedJobs(2, 2);
  later[0].priority = 9;
  later[1].not_before = now_ + 10'000;
  now_ += 1000;
  Submit(queue, later);
  now_ += 500;
  const auto queues = Value(store_->Queues());
  ASSERT_EQ(queues.size(), 1U);
  EXPECT_EQ(queues[0].spec.name, "q");
  EXPECT_EQ(queues[0].spec.flow, "flow.yaml#x");
  EXPECT_EQ(queues[0].spec.digest, "e");
  EXPECT_EQ(queues[0].spec.concurrency, 3);
  EXPECT_EQ(queues[0].spec.rate, std::nullopt);
  EXPECT_EQ(queues[0].spec.max_crashes, 4);
  EXPECT_EQ(queues[0].spec.max_attempts, 5);
  EXPECT_EQ(queues[0].oldest_ms, 1500);
  EXPECT_THAT(queues[0].counts, ElementsAre(1, 3, 0, 0, 0, 0));
}

TEST_P(StoreManageTest, AWorkerTellsWithItsBeatHowItStands) {
  const WorkerId worker = Worker();
  EXPECT_EQ(Value(store_->Workers())[0].resting, 0);
  const WorkerState state{.paused = "q: nobody answers", .resting = 3, .next_try = 1500ms};
  EXPECT_TRUE(Value(store_->Renew(worker, state)).alive);
  now_ += 500;
  WorkerInfo told = Value(store_->Workers())[0];
  EXPECT_EQ(told.paused, "q: nobody answers");
  EXPECT_EQ(told.resting, 3);
  EXPECT_EQ(told.next_try_ms, 1000);
  now_ += 5000;
  EXPECT_EQ(Value(store_->Workers())[0].next_try_ms, 0);
  EXPECT_TRUE(Value(store_->Renew(worker, {})).alive);
  told = Value(store_->Workers())[0];
  EXPECT_EQ(told.paused, "");
  EXPECT_EQ(told.next_try_ms, std::nullopt);
}

TEST_P(StoreManageTest, AQueueTellsWhenItsFirstWaitingJobIsNext) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 1));
  EXPECT_EQ(Value(store_->Queues())[0].next_ms, std::nullopt);
  auto later = NumberedJobs(1, 2);
  later[0].not_before = now_ + 9000;
  later[1].not_before = now_ + 4000;
  Submit(queue, later);
  now_ += 1000;
  EXPECT_EQ(Value(store_->Queues())[0].next_ms, 3000);
}

TEST_P(StoreManageTest, AQueueIsRemovedOnlyWhenItIsEmptyAndNobodyWorks) {
  const QueueId queue = Queue();
  const QueueId other = Queue({.name = "other"});
  Submit(queue, NumberedJobs(0, 1));
  EXPECT_FALSE(Value(store_->Remove(queue))) << "it has a job";
  EXPECT_EQ(Value(store_->Cancel({.queue = queue})), 1);
  EXPECT_EQ(Value(store_->Purge({.queue = queue})), 1);
  const WorkerId worker = Worker();
  EXPECT_FALSE(Value(store_->Remove(queue))) << "somebody may work it";
  EXPECT_TRUE(Value(store_->Renew(worker, {})).alive);
  now_ += 3'600'000;
  EXPECT_TRUE(Value(store_->Remove(queue))) << "that one is dead";
  const auto left = Value(store_->Queues());
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].id, other);
  EXPECT_FALSE(store_->Submit(queue, NumberedJobs(0, 1)));
  const QueueId again = Queue();
  EXPECT_NE(again, queue);
  EXPECT_EQ(Submit(again, NumberedJobs(0, 1)).accepted, 1);
  EXPECT_EQ(Count(again, JobState::kQueued), 1);
}

TEST_P(StoreManageTest, OneVariantOfAnAgentIsActive) {
  const auto set = [&](const char* variant, const char* config, bool active) {
    return store_->SetVariant({"agent", variant, config, active});
  };
  EXPECT_FALSE(Value(store_->ActiveVariant("agent")));
  ASSERT_TRUE(set("a", R"({"model":"1"})", true));
  ASSERT_TRUE(set("b", R"({"model":"2"})", false));
  EXPECT_EQ(Value(store_->ActiveVariant("agent"))->variant, "a");
  ASSERT_TRUE(set("b", "", true));
  EXPECT_EQ(Value(store_->ActiveVariant("agent"))->config, R"({"model":"2"})");
  ASSERT_TRUE(set("b", R"({"model":"3"})", false));
  EXPECT_EQ(Value(store_->ActiveVariant("agent"))->config, R"({"model":"3"})");
  EXPECT_EQ(Value(store_->Variants()).size(), 2U);
  const auto none = set("c", "", true);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kConfigError);
  EXPECT_EQ(Value(store_->ActiveVariant("agent"))->variant, "b") << "a failure changes nothing";
  EXPECT_FALSE(Value(store_->ActiveVariant("other")));
}

TEST_P(StoreManageTest, WhatNoStoreTakesIsRefusedByName) {
  const QueueId queue = Queue();
  auto jobs = NumberedJobs(0, 3);
  jobs[1].row = std::string("{\"a\":\"\0\"}", 9);
  auto refused = store_->Submit(queue, jobs);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidRequest);
  EXPECT_THAT(refused.error().message, HasSubstr("job 2 of this batch (id row 1) has a NUL"));
  jobs[1].row = "\xff";
  refused = store_->Submit(queue, jobs);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("is not UTF-8"));
  EXPECT_EQ(Count(queue, JobState::kQueued), 0) << "all or nothing";
  EXPECT_FALSE(store_->Submit(queue + 1, NumberedJobs(0, 1)));

  Submit(queue, NumberedJobs(0, 1));
  const WorkerId worker = Worker();
  const auto claimed = Claim(worker, queue, 1);
  auto ended = DoneOf(claimed);
  ended[0].result = "\xff";
  EXPECT_FALSE(store_->Complete(worker, ended));
  ended = DoneOf({claimed[0], claimed[0]});
  EXPECT_FALSE(store_->Complete(worker, ended)) << "ended twice";
  for (const QueueSpec& wrong :
       {QueueSpec{}, QueueSpec{.name = "x", .concurrency = 0}, QueueSpec{.name = "x", .rate = 0},
        QueueSpec{.name = "x", .max_crashes = 0}}) {
    EXPECT_FALSE(store_->Declare(wrong));
  }
}

TEST_P(StoreManageTest, WhatIsThereSurvivesTheStore) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 2));
  const WorkerId worker = Worker();
  const auto jobs = Claim(worker, queue, 1);
  store_.reset();
  store_ = Open();
  EXPECT_EQ(Queue(), queue);
  EXPECT_EQ(Value(store_->Complete(worker, DoneOf(jobs))).size(), 1U);
  EXPECT_EQ(Count(queue, JobState::kQueued), 1);
}

}  // namespace
}  // namespace weir::jobs
