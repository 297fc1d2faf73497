// What workers do with a store, on both by one suite.

#include <mutex>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/jobs/store_suite_testing.h"

namespace weir::jobs {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;
using How = Ended::How;

INSTANTIATE_TEST_SUITE_P(On, StoreTest, testing::Values("sqlite", "postgres"), KindName);

TEST_P(StoreTest, ThePriorityDecidesAndThenTheOrderOfSubmission) {
  const QueueId queue = Queue();
  auto jobs = NumberedJobs(0, 6);
  jobs[3].priority = 5;
  jobs[4].priority = -1;
  jobs[5].priority = 5;
  EXPECT_EQ(Submit(queue, jobs).accepted, 6);
  const WorkerId worker = Worker();
  EXPECT_THAT(ClaimKeys(worker, queue, 4), ElementsAre("key 3", "key 5", "key 0", "key 1"));
  EXPECT_THAT(ClaimKeys(worker, queue, 4), ElementsAre("key 2", "key 4"));
  EXPECT_THAT(ClaimKeys(worker, queue, 4), IsEmpty());
}

TEST_P(StoreTest, AClaimHoldsAllThatWasSubmitted) {
  const QueueId queue = Queue();
  const NewJob job{.key = "k", .row_id = "a ü \\ \" '", .row = R"({"t":"\u0000 {,} ü"})"};
  Submit(queue, {job});
  now_ += 5;
  const auto claimed = Claim(Worker(), queue, 1);
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].queue, queue);
  EXPECT_EQ(claimed[0].key, job.key);
  EXPECT_EQ(claimed[0].row_id, job.row_id);
  EXPECT_EQ(claimed[0].row, job.row);
  EXPECT_EQ(claimed[0].fence, 1);
  EXPECT_EQ(claimed[0].attempts, 0);
  EXPECT_EQ(claimed[0].crashes, 0);
  EXPECT_EQ(claimed[0].submitted_at, kStart);
}

TEST_P(StoreTest, IdsGrowInTheOrderOfSubmission) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 5000));
  Submit(queue, NumberedJobs(4990, 20));
  JobId after = 0;
  int number = 0;
  for (;;) {
    const auto page = Value(store_->List({.queue = queue}, after, 1000));
    if (page.empty()) break;
    for (const JobInfo& job : page) {
      EXPECT_GT(job.id, after);
      after = job.id;
      EXPECT_EQ(job.key, StrCat("key ", number++));
    }
  }
  EXPECT_EQ(number, 5010);
}

TEST_P(StoreTest, AQueueIsNotCalledByAPath) {
  for (const char* name : {"../outside", "/etc", "a/b", ".", "..", ".hidden", "a\nb", "a\x7f"}) {
    const Result<QueueId> declared = store_->Declare({.name = name, .flow = "f", .digest = "d"});
    ASSERT_FALSE(declared) << name;
    EXPECT_EQ(declared.error().code, Code::kInvalidRequest);
    EXPECT_THAT(declared.error().message, testing::HasSubstr("-q"));
  }
  for (const char* name : {"a.b", "Lint ä 2", "a:b~"}) {
    EXPECT_TRUE(store_->Declare({.name = name, .flow = "f", .digest = "d"})) << name;
  }
}

TEST_P(StoreTest, AKeyIsKnownWhateverCameOfItsJob) {
  const QueueId queue = Queue();
  const QueueId other = Queue({.name = "other"});
  auto jobs = NumberedJobs(0, 3);
  jobs.push_back(jobs[1]);  // within one batch, too
  const Submitted first = Submit(queue, jobs);
  EXPECT_EQ(first.accepted, 3);
  EXPECT_EQ(first.known, 1);

  const WorkerId worker = Worker();
  const auto claimed = Claim(worker, queue, 2);
  End(worker, claimed[0], How::kDone, {.result = "1"});
  End(worker, claimed[1], How::kFailed, {.error = "e"});
  const Submitted again = Submit(queue, jobs);
  EXPECT_EQ(again.accepted, 0);
  EXPECT_EQ(again.known, 4);
  EXPECT_EQ(Submit(other, jobs).accepted, 3) << "queues have nothing to do with each other";
}

TEST_P(StoreTest, AJobWaitsForItsTime) {
  const QueueId queue = Queue();
  auto jobs = NumberedJobs(0, 3);
  jobs[0].not_before = now_ + 1000;
  jobs[0].priority = 1;
  jobs[1].not_before = now_ - 1000;
  Submit(queue, jobs);
  EXPECT_EQ(Count(queue, JobState::kWaiting), 1);
  const WorkerId worker = Worker(1h);
  now_ += 999;
  EXPECT_THAT(ClaimKeys(worker, queue, 1), ElementsAre("key 1"));
  now_ += 1;
  EXPECT_THAT(ClaimKeys(worker, queue, 5), ElementsAre("key 0", "key 2"));
}

TEST_P(StoreTest, AResultAndItsEndAreOne) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 1));
  const WorkerId worker = Worker();
  const auto jobs = Claim(worker, queue, 1);
  EXPECT_EQ(Find(jobs[0].id).state, JobState::kRunning);
  EXPECT_THAT(Value(store_->Complete(worker, DoneOf(jobs))), ElementsAre(jobs[0].id));
  const JobInfo done = Find(jobs[0].id);
  EXPECT_EQ(done.state, JobState::kDone);
  EXPECT_EQ(done.result, R"({"number":0})");
  EXPECT_EQ(done.metadata, R"({"engine":"e"})");
  EXPECT_EQ(done.tries, R"([{"attempt":1}])");
  EXPECT_EQ(done.attempts, 1);
  EXPECT_EQ(done.row_id, "row 0");
}

TEST_P(StoreTest, WhatIsDoneAgainAfterALostAnswerIsDoneOnce) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 4));
  const WorkerId worker = Worker();
  const auto jobs = Claim(worker, queue, 4);
  auto ended = DoneOf(jobs);
  ended[1].how = How::kFailed;
  ended[2].how = How::kAgain;
  ended[3].how = How::kBack;
  const auto counted = Value(store_->Complete(worker, ended));
  EXPECT_THAT(counted, UnorderedElementsAreArray(IdsOf(jobs)));

  // Others may have gone on with what was put back.
  const WorkerId other = Worker();
  const auto again = Claim(other, queue, 2);
  EXPECT_EQ(again.size(), 2U);
  EXPECT_EQ(Value(store_->Complete(worker, ended)), counted);
  EXPECT_EQ(Find(jobs[2].id).state, JobState::kRunning);
  EXPECT_EQ(Find(jobs[2].id).attempts, 1);
  EXPECT_EQ(Value(store_->Complete(other, DoneOf(again))).size(), 2U);
  EXPECT_EQ(Value(store_->Complete(worker, ended)), counted);
  EXPECT_EQ(Find(jobs[2].id).state, JobState::kDone);
  ended[0].how = How::kFailed;
  EXPECT_EQ(Value(store_->Complete(worker, ended)).size(), 3U) << "that was not its end";
}

TEST_P(StoreTest, ALostWorkerCountsForNothing) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 3));
  const WorkerId lost = Worker(10s);
  const WorkerId other = Worker(1h);
  const auto jobs = Claim(lost, queue, 2);
  now_ += 10'001;
  const Reaped reaped = Value(store_->Reap());
  EXPECT_EQ(reaped.workers, 1);
  EXPECT_EQ(reaped.requeued, 2);
  EXPECT_EQ(reaped.quarantined, 0);
  EXPECT_EQ(Value(store_->Reap()).workers, 0);

  EXPECT_THAT(Value(store_->Complete(lost, DoneOf(jobs))), IsEmpty());
  EXPECT_FALSE(Value(store_->Renew(lost, {})).alive);
  const ClaimFrom from[] = {{queue, 5}};
  EXPECT_FALSE(Value(store_->Claim(lost, from)).alive);

  const auto again = Claim(other, queue, 5);
  ASSERT_EQ(again.size(), 3U);
  EXPECT_EQ(again[0].id, jobs[0].id);
  EXPECT_EQ(again[0].fence, 2);
  EXPECT_EQ(again[0].crashes, 1);
  EXPECT_THAT(Value(store_->Complete(lost, DoneOf(jobs))), IsEmpty());
  EXPECT_EQ(Value(store_->Complete(other, DoneOf(again))).size(), 3U);
  EXPECT_EQ(Value(store_->Queues())[0].crashes, 2);
}

TEST_P(StoreTest, AnotherFenceOrAnotherWorkerCountsForNothing) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 1));
  const WorkerId worker = Worker();
  const WorkerId other = Worker();
  auto jobs = Claim(worker, queue, 1);
  EXPECT_THAT(Value(store_->Complete(other, DoneOf(jobs))), IsEmpty());
  jobs[0].fence += 1;
  EXPECT_THAT(Value(store_->Complete(worker, DoneOf(jobs))), IsEmpty());
  jobs[0].fence -= 2;
  EXPECT_THAT(Value(store_->Complete(worker, DoneOf(jobs))), IsEmpty());
  jobs[0].fence += 1;
  EXPECT_EQ(Value(store_->Complete(worker, DoneOf(jobs))).size(), 1U);
}

TEST_P(StoreTest, ARenewedLeaseIsKept) {
  const WorkerId worker = Worker(10s);
  for (int i = 0; i < 5; ++i) {
    now_ += 10'000;
    EXPECT_EQ(Value(store_->Reap()).workers, 0);
    EXPECT_TRUE(Value(store_->Renew(worker, {})).alive);
  }
  const auto workers = Value(store_->Workers());
  ASSERT_EQ(workers.size(), 1U);
  EXPECT_EQ(workers[0].id, worker);
  EXPECT_EQ(workers[0].name, "w");
  EXPECT_EQ(workers[0].since_ms, 50'000);
  EXPECT_EQ(workers[0].seen_ms, 0);
}

TEST_P(StoreTest, AClaimIsASignOfLife) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 1));
  const WorkerId worker = Worker(10s);
  now_ += 20'000;
  EXPECT_EQ(Claim(worker, queue, 1).size(), 1U);
  EXPECT_EQ(Value(store_->Reap()).workers, 0);
}

TEST_P(StoreTest, WhatARetiredWorkerHeldIsBlamedOnNobody) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 2));
  const WorkerId worker = Worker();
  const auto jobs = Claim(worker, queue, 2);
  EXPECT_EQ(Value(store_->Workers())[0].running, 2);
  ASSERT_TRUE(store_->Retire(worker));
  ASSERT_TRUE(store_->Retire(worker)) << "that it is gone is what was asked for";
  EXPECT_THAT(Value(store_->Workers()), IsEmpty());
  EXPECT_THAT(Value(store_->Complete(worker, DoneOf(jobs))), IsEmpty());
  const auto again = Claim(Worker(), queue, 2);
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].crashes, 0);
  EXPECT_EQ(again[0].attempts, 0);
}

TEST_P(StoreTest, AJobUnderWhichWorkersDieIsQuarantined) {
  const QueueId queue = Queue({.max_crashes = 2});
  Submit(queue, NumberedJobs(0, 1));
  for (int i = 0; i < 2; ++i) {
    const WorkerId worker = Worker(1s);
    EXPECT_EQ(Claim(worker, queue, 1).size(), 1U);
    now_ += 2000;
    const Reaped reaped = Value(store_->Reap());
    EXPECT_EQ(reaped.requeued, i == 0 ? 1 : 0);
    EXPECT_EQ(reaped.quarantined, i == 0 ? 0 : 1);
  }
  const auto dead = Value(store_->List({.queue = queue, .states = {JobState::kFailed}}, 0, 10));
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].error, "quarantined");
  EXPECT_THAT(dead[0].message, HasSubstr("workers that died with this job: 2;"));
  EXPECT_EQ(dead[0].crashes, 2);
}

TEST_P(StoreTest, AFailedAttemptIsTriedAgainUntilTheLast) {
  const QueueId queue = Queue({.max_attempts = 2});
  Submit(queue, NumberedJobs(0, 1));
  const WorkerId worker = Worker(1h);
  auto jobs = Claim(worker, queue, 1);
  const Ended first{.delay = 1500us, .attempts = "[1]", .error = "timeout", .message = "slow"};
  End(worker, jobs[0], How::kAgain, first);
  JobInfo job = Find(jobs[0].id);
  EXPECT_EQ(job.state, JobState::kWaiting);
  EXPECT_EQ(job.error, "timeout");
  now_ += 1;
  EXPECT_THAT(ClaimKeys(worker, queue, 1), IsEmpty()) << "a delay is rounded up";
  now_ += 1;
  jobs = Claim(worker, queue, 1);
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs[0].attempts, 1);
  End(worker, jobs[0], How::kAgain, {.attempts = "[ 2, 3 ]", .error = "http_500"});
  job = Find(jobs[0].id);
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.error, "http_500");
  EXPECT_EQ(job.attempts, 2);
  EXPECT_EQ(job.tries, "[1,2, 3]");
}

TEST_P(StoreTest, AClaimThatTriedSeveralTimesIsAsManyAttempts) {
  const QueueId queue = Queue({.max_attempts = 5});
  Submit(queue, NumberedJobs(0, 1));
  const WorkerId worker = Worker(1h);
  auto jobs = Claim(worker, queue, 1);
  End(worker, jobs[0], How::kBack, {.tries = 1});
  EXPECT_EQ(Find(jobs[0].id).attempts, 1) << "it was put back while it waited for its second";
  jobs = Claim(worker, queue, 1);
  End(worker, jobs[0], How::kAgain, {.tries = 2, .error = "timeout"});
  EXPECT_EQ(Find(jobs[0].id).attempts, 3);
  jobs = Claim(worker, queue, 1);
  EXPECT_EQ(jobs[0].attempts, 3);
  End(worker, jobs[0], How::kAgain, {.tries = 2, .error = "timeout"});
  EXPECT_EQ(Find(jobs[0].id).attempts, 5);
  EXPECT_EQ(Find(jobs[0].id).state, JobState::kFailed);
}

TEST_P(StoreTest, WhoFailedAtAJobIsToldUntilItBeginsAnew) {
  const QueueId queue = Queue();
  Submit(queue, NumberedJobs(0, 1));
  const WorkerId worker = Worker(1h);
  auto jobs = Claim(worker, queue, 1);
  End(worker, jobs[0], How::kFailed, {.metadata = R"({"provider":"vllm"})", .error = "timeout"});
  EXPECT_EQ(Find(jobs[0].id).metadata, R"({"provider":"vllm"})");
  EXPECT_EQ(Find(jobs[0].id).result, "");
  EXPECT_EQ(Value(store_->Retry({.queue = queue})), 1);
  EXPECT_EQ(Find(jobs[0].id).metadata, "");
  jobs = Claim(worker, queue, 1);
  End(worker, jobs[0], How::kDone, {.result = "7", .metadata = R"({"provider":"openai"})"});
  EXPECT_EQ(Find(jobs[0].id).metadata, R"({"provider":"openai"})");
  EXPECT_EQ(Find(jobs[0].id).result, "7");
}

TEST_P(StoreTest, WhatIsPutBackDidNotHappen) {
  const QueueId queue = Queue({.max_attempts = 1});
  Submit(queue, NumberedJobs(0, 1));
  const WorkerId worker = Worker(1h);
  for (int i = 0; i < 5; ++i) {
    const auto jobs = Claim(worker, queue, 1);
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].attempts, 0);
    EXPECT_EQ(jobs[0].fence, i + 1);
    EXPECT_EQ(End(worker, jobs[0], How::kBack, {.delay = 1s}).size(), 1U);
    EXPECT_THAT(ClaimKeys(worker, queue, 1), IsEmpty());
    now_ += 1000;
  }
}

TEST_P(StoreTest, NoMoreJobsOfAQueueRunThanItAllows) {
  const QueueId queue = Queue({.concurrency = 3});
  const QueueId free = Queue({.name = "free"});
  Submit(queue, NumberedJobs(0, 10));
  Submit(free, NumberedJobs(0, 10));
  const WorkerId worker = Worker();
  const WorkerId other = Worker();
  const auto jobs = Claim(worker, queue, 2);
  EXPECT_EQ(jobs.size(), 2U);
  EXPECT_EQ(Claim(other, queue, 5).size(), 1U);
  const ClaimFrom both[] = {{queue, 5}, {free, 5}};
  EXPECT_EQ(Value(store_->Claim(other, both)).jobs.size(), 5U);
  End(worker, jobs[0], How::kDone, {.result = "1"});
  EXPECT_EQ(Claim(other, queue, 5).size(), 1U);
}

TEST_P(StoreTest, NoMoreJobsOfAQueueBeginThanItsRateAllows) {
  const QueueId queue = Queue({.rate = 2});
  Submit(queue, NumberedJobs(0, 100));
  const WorkerId worker = Worker(24h);
  EXPECT_EQ(Claim(worker, queue, 50).size(), 2U) << "no more at once than in a second";
  EXPECT_EQ(Claim(worker, queue, 50).size(), 0U);
  now_ += 499;
  EXPECT_EQ(Claim(worker, queue, 50).size(), 0U);
  now_ += 1;
  EXPECT_EQ(Claim(worker, queue, 50).size(), 1U);
  now_ += 3'600'000;
  EXPECT_EQ(Claim(worker, queue, 50).size(), 2U) << "what was not used is gone";
  const QueueId slow = Queue({.name = "slow", .rate = 0.1});
  Submit(slow, NumberedJobs(0, 100));
  EXPECT_EQ(Claim(worker, slow, 50).size(), 1U);
  now_ += 9'999;
  EXPECT_EQ(Claim(worker, slow, 50).size(), 0U);
  now_ -= 100'000;  // somebody sets the clock back
  EXPECT_EQ(Claim(worker, slow, 50).size(), 0U);
}

TEST_P(StoreTest, AHighRateIsReachedByWorkersThatLookFiveTimesInASecond) {
  const QueueId queue = Queue({.rate = 1000});
  Submit(queue, NumberedJobs(0, 2000));
  const WorkerId worker = Worker(24h);
  EXPECT_EQ(Claim(worker, queue, 1000).size(), 200U) << "not the second of them at once";
  std::size_t begun = 0;
  for (int look = 0; look < 5; ++look) {
    now_ += 200;
    begun += Claim(worker, queue, 1000).size();
  }
  EXPECT_EQ(begun, 1000U);
  now_ += 3'600'000;
  EXPECT_EQ(Claim(worker, queue, 1000).size(), 200U) << "what was not used is gone";
  const QueueId middle = Queue({.name = "middle", .rate = 30});
  Submit(middle, NumberedJobs(0, 100));
  EXPECT_EQ(Claim(worker, middle, 50).size(), 10U);
}

TEST_P(StoreTest, CallsThatAreAskedAgainAreCountedWithTheirQueue) {
  const QueueId queue = Queue();
  const QueueId other = Queue({.name = "other"});
  ASSERT_TRUE(store_->CountRepeated(queue, 3));
  ASSERT_TRUE(store_->CountRepeated(queue, 2));
  ASSERT_TRUE(store_->CountRepeated(other, 1));
  ASSERT_TRUE(store_->CountRepeated(other + 100, 1)) << "a queue that was removed meanwhile";
  for (const QueueInfo& info : Value(store_->Queues())) {
    EXPECT_EQ(info.repeated_calls, info.id == queue ? 5 : 1);
  }
}

TEST_P(StoreTest, WaitingEndsWithAJobItsTimeOrAWakeUp) {
  const QueueId queue = Queue();
  const WorkerId worker = Worker(24h);
  const auto other = Open();
  const auto claims_nothing = [&] { EXPECT_THAT(ClaimKeys(worker, queue, 1), IsEmpty()); };
  claims_nothing();
  ASSERT_TRUE(store_->WaitForWork(0s));
  claims_nothing();

  std::thread waits([&] { EXPECT_TRUE(store_->WaitForWork(1h)); });
  Value(other->Submit(queue, NumberedJobs(0, 1)));
  waits.join();
  EXPECT_THAT(ClaimKeys(worker, queue, 1), ElementsAre("key 0"));
  claims_nothing();

  ASSERT_TRUE(store_->WaitForWork(0s));  // what its own claims may have told it
  claims_nothing();
  auto later = NumberedJobs(1, 1);
  later[0].not_before = now_ + 1000;
  Value(other->Submit(queue, later));
  now_ += 1000;
  ASSERT_TRUE(store_->WaitForWork(1h));
  EXPECT_THAT(ClaimKeys(worker, queue, 1), ElementsAre("key 1"));

  claims_nothing();
  store_->Wake();  // also before anybody waits
  ASSERT_TRUE(store_->WaitForWork(1h));
  std::thread woken([&] { EXPECT_TRUE(store_->WaitForWork(1h)); });
  store_->Wake();
  woken.join();
}

TEST_P(StoreTest, ClaimsNeverMeet) {
  const QueueId queue = Queue();
  const QueueId limited = Queue({.name = "limited", .concurrency = 5, .rate = 1000});
  constexpr int kJobs = 2000;
  Submit(queue, NumberedJobs(0, kJobs));
  Submit(limited, NumberedJobs(0, 100));
  const auto second = Open();
  std::mutex mutex;
  std::multiset<JobId> claimed;
  std::atomic<int> of_limited = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, &store = t % 2 == 0 ? *store_ : *second] {
      const WorkerId worker = Value(store.Enlist({.name = "w"}));
      const ClaimFrom from[] = {{queue, 17}, {limited, 2}};
      for (;;) {
        const Claims claims = Value(store.Claim(worker, from));
        ASSERT_TRUE(claims.alive);
        std::vector<Claimed> end;
        for (const Claimed& job : claims.jobs) {
          if (job.queue == limited) ++of_limited;
          if (job.queue == queue) end.push_back(job);
        }
        EXPECT_EQ(Value(store.Complete(worker, DoneOf(end))).size(), end.size());
        if (end.empty()) return;
        std::scoped_lock lock(mutex);
        for (const Claimed& job : claims.jobs) claimed.insert(job.id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<JobId>(claimed.begin(), claimed.end()).size(), claimed.size());
  EXPECT_EQ(Count(queue, JobState::kDone), kJobs);
  EXPECT_EQ(of_limited, 5);
  EXPECT_EQ(Count(limited, JobState::kRunning), 5);
}

}  // namespace
}  // namespace weir::jobs
