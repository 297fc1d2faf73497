#include "weir/jobs/worker.h"

#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/jobs/job_answers.h"
#include "weir/jobs/worker_suite_testing.h"
#include "weir/json/reader.h"
#include "weir/store/crc32c.h"

namespace weir::jobs {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// What a worker that is dead now was answered to the first node of a job, with the record of it.
void AnswerFirst(AnswerJournal& journal, const Claimed& job, std::string_view digest) {
  flow::Finished answer;
  answer.row = static_cast<std::uint64_t>(job.id);
  const std::string beginning = StrCat(job.submitted_at, "\n");
  answer.input = store::Crc32c(job.row, store::Crc32c(beginning, store::Crc32c(digest)));
  ASSERT_TRUE(journal.Asked(answer));
  answer.outcome = json::Value::Of("known");
  const std::vector<std::string> attempts = {
      R"({"attempt":1,"node":"first","engine":"e","provider":"old","model":"o","variant_id":"v0","success":true})"};
  ASSERT_TRUE(journal.Answered(answer, attempts));
}

TEST_F(WorkerTest, EveryJobIsAskedOnceAndHasItsResult) {
  const WorkQueue queue = QueueOf(kSay, 200);
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(engine_->calls, 200);
  const std::vector<JobInfo> done = JobsIn(queue, JobState::kDone);
  ASSERT_EQ(done.size(), 200U);
  for (std::size_t i = 0; i < done.size(); ++i) {
    EXPECT_EQ(done[i].row_id, StrCat(i));
    EXPECT_EQ(done[i].result, StrCat("{\"say\":\"n=", i, "\"}"));
  }
  EXPECT_LE(engine_->most_running, 8);
  EXPECT_EQ(figures_.queues[0].ended[static_cast<int>(Ended::How::kDone)], 200U);
  EXPECT_THAT(*store_->Workers(), IsEmpty());
  // Nothing is left in the journal, either.
  EXPECT_TRUE(fs::is_empty(root_ + "/answers"));
}

TEST_F(WorkerTest, AResultSaysWhoMadeIt) {
  const WorkQueue queue = QueueOf(kSay, 1);
  ASSERT_TRUE(Work(queue, Same()));
  const std::vector<JobInfo> done = JobsIn(queue, JobState::kDone);
  ASSERT_EQ(done.size(), 1U);
  const json::Value metadata = *json::Read(done[0].metadata);
  EXPECT_EQ(metadata.Find("provider").StringOr(""), "vllm");
  EXPECT_EQ(metadata.Find("flow").StringOr(""), "d");
  EXPECT_EQ(metadata.Find("prompt_hash").StringOr("").size(), 16U);
  EXPECT_EQ(metadata.Find("usage").Find("prompt_tokens").AsInt64(), 10);
  const json::Value tries = *json::Read((*store_->Find(done[0].id))->tries);
  ASSERT_EQ(tries.size(), 1U);
  const json::View attempt = tries[0];
  EXPECT_EQ(attempt.Find("attempt").AsInt64(), 1);
  EXPECT_EQ(attempt.Find("node").StringOr(""), "say");
  EXPECT_EQ(attempt.Find("raw_text").StringOr(""), "n=0");
  EXPECT_TRUE(attempt.Find("success").BoolOr(false));
  EXPECT_TRUE(attempt.Find("started_at").IsString());
}

TEST_F(WorkerTest, AJobThatCannotBeRightFailsAtOnceAndAloneWithItsReason) {
  const WorkQueue queue = QueueOf(kSay, 10);
  Add("", [](const model::Call& call) -> Result<std::string> {
    std::string text = call.messages.back().AllText();
    if (text == "n=3") return Fail(Code::kInvalidRequest, "three is not liked");
    return text;
  });
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 9U);
  const std::vector<JobInfo> failed = JobsIn(queue, JobState::kFailed);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].row_id, "3");
  EXPECT_EQ(failed[0].error, "invalid_request");
  EXPECT_THAT(failed[0].message, HasSubstr("three is not liked"));
}

TEST_F(WorkerTest, AnErrorInNoEncodingIsWrittenAndStopsNobody) {
  const WorkQueue queue = QueueOf(kSay, 10);
  Add("", [](const model::Call& call) -> Result<std::string> {
    std::string text = call.messages.back().AllText();
    if (text == "n=3") return Fail(Code::kInvalidRequest, std::string("gr\xfc\xdf\0e", 6));
    return text;
  });
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 9U);
  const std::vector<JobInfo> failed = JobsIn(queue, JobState::kFailed);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_THAT(failed[0].message, HasSubstr("gr"));
}

TEST_F(WorkerTest, ALimitIsAMeasureAndNoClock) {
  const WorkQueue queue = QueueOf(kSay, 20);
  options_.most_jobs = 5;
  options_.drain = std::chrono::milliseconds(1);
  const auto engine = Add("", [](const model::Call& call) { return call.messages[0].AllText(); });
  engine->delay = [](const model::Call&) { return Duration(std::chrono::milliseconds(20)); };
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(engine->calls, 5);
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 5U);
  EXPECT_EQ(JobsIn(queue, JobState::kQueued).size(), 15U);
}

TEST_F(WorkerTest, AJobThatMayDoBetterIsTriedAgainAndKeepsWhatItWasAnswered) {
  const WorkQueue queue = QueueOf(kTwice, 1);
  std::vector<std::string> asked;
  Add("", [&](const model::Call& call) -> Result<std::string> {
    asked.push_back(call.messages.back().AllText());
    if (asked.size() == 2) return Fail(Code::kEmptyModelResponse, "nothing came");
    return StrCat("a", asked.size());
  });
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_THAT(asked, ElementsAre("n=0", "then a1", "then a1"));
  ASSERT_EQ(JobsIn(queue, JobState::kDone).size(), 1U);
}

TEST_F(WorkerTest, AJobThatFailsTooOftenIsADeadLetter) {
  const WorkQueue queue = QueueOf(kSay, 1, {.max_attempts = 2});
  const auto engine = Add("", [](const model::Call&) -> Result<std::string> {
    return Fail(Code::kEmptyModelResponse, "nothing came");
  });
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(engine->calls, 2);
  const std::vector<JobInfo> failed = JobsIn(queue, JobState::kFailed);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].error, "empty_model_response");
  EXPECT_EQ(failed[0].attempts, 2);
  EXPECT_THAT(failed[0].metadata, HasSubstr("vllm")) << "who failed at it";
}

// A worker that dies between two answers: what it was answered is in its journal, and the store

// knows nothing of it.

TEST_F(WorkerTest, WhatWasAnsweredBeforeACrashIsNotAskedAgain) {
  const WorkQueue queue = QueueOf(kTwice, 3);
  const auto dead = JournalOf("dead");
  const WorkerId lost = *store_->Enlist({.name = "dead", .lease = std::chrono::milliseconds(1)});
  const std::vector<ClaimFrom> from = {{queue.id, 2}};
  const Claims claims = *store_->Claim(lost, from);
  ASSERT_EQ(claims.jobs.size(), 2U);
  for (const Claimed& job : claims.jobs) AnswerFirst(*dead, job, "d");
  // The second of them was asking its second node.
  flow::Finished asking;
  asking.row = static_cast<std::uint64_t>(claims.jobs[1].id);
  asking.node = 1;
  ASSERT_TRUE(dead->Asked(asking));

  while (store_->Reap()->workers == 0) {
  }
  ASSERT_TRUE(Work(queue, Same()));
  // Two first nodes were known: one question for each of them, two for the third job.
  EXPECT_EQ(engine_->calls, 4);
  EXPECT_EQ(figures_.answers_found, 2U);
  EXPECT_EQ(figures_.repeated_calls, 1U);
  const std::vector<JobInfo> done = JobsIn(queue, JobState::kDone);
  ASSERT_EQ(done.size(), 3U);
  EXPECT_THAT(done[0].result, HasSubstr("then known"));
  const json::Value metadata = *json::Read(done[0].metadata);
  EXPECT_EQ(metadata.Find("steps").Find("first").Find("provider").StringOr(""), "old");
  EXPECT_EQ(metadata.Find("steps").Find("second").Find("provider").StringOr(""), "vllm");
  EXPECT_EQ((*store_->Queues())[0].repeated_calls, 1);
}

TEST_F(WorkerTest, AJobThatIsRetriedIsAskedAnewAlsoWhatACrashHadLeft) {
  const WorkQueue queue = QueueOf(kTwice, 1);
  const auto dead = JournalOf("dead");
  const WorkerId lost = *store_->Enlist({.name = "dead", .lease = std::chrono::milliseconds(1)});
  const std::vector<ClaimFrom> from = {{queue.id, 1}};
  const Claims claims = *store_->Claim(lost, from);
  ASSERT_EQ(claims.jobs.size(), 1U);
  AnswerFirst(*dead, claims.jobs[0], "d");
  while (store_->Reap()->workers == 0) {
  }
  std::vector<std::string> asked;
  Add("", [&](const model::Call& call) -> Result<std::string> {
    asked.push_back(call.messages.back().AllText());
    if (asked.back() == "then known") return Fail(Code::kInvalidRequest, "known is not liked");
    return StrCat("a", asked.size());
  });
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_THAT(asked, ElementsAre("then known"));
  ASSERT_EQ(JobsIn(queue, JobState::kFailed).size(), 1U);

  ASSERT_EQ(store_->Retry({.queue = queue.id}).value_or(0), 1);
  asked.clear();
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_THAT(asked, ElementsAre("n=0", "then a1"));
  EXPECT_EQ(figures_.answers_found, 0U);
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 1U);
}

TEST_F(WorkerTest, ACallThatWasInFlightIsCountedBeforeItsJobGoesOnAndOnce) {
  const WorkQueue queue = QueueOf(kSay, 1);
  const auto dead = JournalOf("dead");
  const WorkerId lost = *store_->Enlist({.name = "dead", .lease = std::chrono::milliseconds(1)});
  const std::vector<ClaimFrom> from = {{queue.id, 1}};
  const Claims claims = *store_->Claim(lost, from);
  ASSERT_EQ(claims.jobs.size(), 1U);
  flow::Finished asking;
  asking.row = static_cast<std::uint64_t>(claims.jobs[0].id);
  ASSERT_TRUE(dead->Asked(asking));
  while (store_->Reap()->workers == 0) {
  }
  async::Cancellation* its_cancellation = nullptr;
  const auto engine = Add("", [](const model::Call& call) { return call.messages[0].AllText(); });
  engine->delay = [&](const model::Call&) {
    // What comes of this job does not matter: it is in the store already.
    EXPECT_EQ((*store_->Queues())[0].repeated_calls, engine->calls);
    if (engine->calls > 1) return Duration();
    its_cancellation->Cancel();
    return Duration(std::chrono::hours(1));
  };
  ASSERT_TRUE(Work(queue, Same(), [&](Worker&, async::Cancellation& cancellation) {
    its_cancellation = &cancellation;
  }));
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 1U);
  EXPECT_EQ((*store_->Queues())[0].repeated_calls, 2) << "the dead one's, and the cancelled one's";
}

TEST_F(WorkerTest, AProviderIsSwitchedEveryHundredJobsAndNoJobIsMislabelled) {
  const WorkQueue queue = QueueOf(kSay, 250);
  int begun = 0;
  const auto count = [&](const model::Call& call) {
    ++begun;
    return call.messages.back().AllText();
  };
  Add("", count);
  Add("new", count);
  const Resolve resolve = [&](const async::Context&, const std::string& agent) {
    EXPECT_EQ(agent, "say");
    // The configuration is edited when 120 jobs were begun.
    if (begun < 120) {
      return AtOnce(ResolvedAs({.provider = "ollama", .model = "a", .variant = "1"}));
    }
    return AtOnce(ResolvedAs({.engine = "new", .provider = "vllm", .model = "b", .variant = "2"}));
  };
  ASSERT_TRUE(Work(queue, resolve));
  std::map<std::string, int> made;
  const std::vector<JobInfo> done = JobsIn(queue, JobState::kDone);
  ASSERT_EQ(done.size(), 250U);
  for (std::size_t i = 0; i < done.size(); ++i) {
    const json::Value metadata = *json::Read(done[i].metadata);
    const std::string provider(metadata.Find("provider").StringOr(""));
    EXPECT_EQ(provider, i < 200 ? "ollama" : "vllm") << i;
    EXPECT_EQ(metadata.Find("variant_id").StringOr(""), i < 200 ? "1" : "2");
    const json::Value tries = *json::Read((*store_->Find(done[i].id))->tries);
    EXPECT_EQ(tries[0].Find("provider").StringOr(""), provider);
    ++made[provider];
  }
  EXPECT_EQ(made, (std::map<std::string, int>{{"ollama", 200}, {"vllm", 50}}));
  EXPECT_EQ(host_->engines["new"]->calls, 50);
  EXPECT_EQ(ear_.heard["provider.switch"], 1);
  EXPECT_EQ(figures_.switches, 1U);
}

TEST_F(WorkerTest, AConfigurationThatIsWrongChangesNothing) {
  const WorkQueue queue = QueueOf(kSay, 150);
  int asked = 0;
  const Resolve resolve = [&](const async::Context&, const std::string&) {
    if (++asked > 1) return AtOnce(Fail(Code::kConfigError, "weir.yaml:3: what is this?"));
    return AtOnce(ResolvedAs({.provider = "vllm"}));
  };
  ASSERT_TRUE(Work(queue, resolve));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 150U);
  EXPECT_EQ(ear_.heard["config.refresh"], 1);
}

TEST_F(WorkerTest, TheFirstConfigurationHasToBeRight) {
  const WorkQueue queue = QueueOf(kSay, 1);
  const Resolve resolve = [](const async::Context&, const std::string&) {
    return AtOnce(Fail(Code::kConfigError, "there is no engine"));
  };
  EXPECT_EQ(Work(queue, resolve).error().message, "queue say: there is no engine");
  EXPECT_EQ(JobsIn(queue, JobState::kQueued).size(), 1U);
}

TEST_F(WorkerTest, ADrainedWorkerEndsItsJobsAndLeavesTheOthers) {
  const WorkQueue queue = QueueOf(kSay, 100);
  Worker* its_worker = nullptr;
  int calls = 0;
  Add("", [&](const model::Call& call) {
    if (++calls == 10) its_worker->Drain();
    return call.messages.back().AllText();
  });
  ASSERT_TRUE(
      Work(queue, Same(), [&](Worker& worker, async::Cancellation&) { its_worker = &worker; }));
  const std::size_t done = JobsIn(queue, JobState::kDone).size();
  EXPECT_GE(done, 10U);
  EXPECT_LE(done, 18U);
  EXPECT_EQ(JobsIn(queue, JobState::kQueued).size(), 100 - done);
  EXPECT_THAT(JobsIn(queue, JobState::kRunning), IsEmpty());
}

TEST_F(WorkerTest, ACancelledWorkerGivesBackWhatIsUnderWay) {
  const WorkQueue queue = QueueOf(kSay, 10);
  async::Cancellation* its_cancellation = nullptr;
  int calls = 0;
  const auto engine = Add("", [&](const model::Call& call) { return call.messages[0].AllText(); });
  engine->delay = [&](const model::Call&) {
    if (++calls == 3) its_cancellation->Cancel();
    return Duration(std::chrono::hours(1));
  };
  ASSERT_TRUE(Work(queue, Same(), [&](Worker&, async::Cancellation& cancellation) {
    its_cancellation = &cancellation;
  }));
  EXPECT_EQ(JobsIn(queue, JobState::kQueued).size(), 10U);
  for (const JobInfo& job : JobsIn(queue, JobState::kQueued)) {
    EXPECT_EQ(job.crashes, 0);
    EXPECT_EQ(job.attempts, 0);
  }
}

TEST_F(WorkerTest, AJobThatNobodyWantsIsBrokenOff) {
  const WorkQueue queue = QueueOf(kSay, 2);
  const auto engine = Add("", [](const model::Call& call) { return call.messages[0].AllText(); });
  bool cancelled = false;
  engine->delay = [&](const model::Call& call) {
    if (call.messages[0].AllText() != "n=1") return Duration();
    if (!std::exchange(cancelled, true)) {
      const std::vector<JobInfo> running = JobsIn(queue, JobState::kRunning);
      Selection selection{.queue = queue.id};
      for (const JobInfo& job : running) {
        if (job.row_id == "1") selection.ids.push_back(job.id);
      }
      EXPECT_EQ(store_->Cancel(selection).value_or(0), 1);
    }
    return Duration(std::chrono::hours(1));
  };
  options_.beat = std::chrono::milliseconds(20);
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 1U);
  EXPECT_EQ(JobsIn(queue, JobState::kCancelled).size(), 1U);
}

// Another worker takes the lease away while a job is under way: its result does not count, and

// comes once.

TEST_F(WorkerTest, AWorkerThatLostItsLeaseBeginsAnewAndNothingIsDoneTwice) {
  const WorkQueue queue = QueueOf(kSay, 20);
  bool retired = false;
  Add("", [&](const model::Call& call) {
    if (!std::exchange(retired, true)) {
      for (const WorkerInfo& worker : *store_->Workers()) {
        EXPECT_TRUE(store_->Retire(worker.id));
      }
    }
    return call.messages.back().AllText();
  });
  options_.beat = std::chrono::milliseconds(20);
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 20U);
  EXPECT_EQ(figures_.leases_lost, 1U);
  EXPECT_EQ(ear_.heard["jobs.lease_lost"], 1);
}

TEST_F(WorkerTest, ARowThatBecomesSeveralGivesAList) {
  const WorkQueue queue = QueueOf(
      "name: several\nnodes:\n  - apply: split\n    each: 'row.parts'\n"
      "  - step: say\n    user: '{{ split }}'\n",
      0);
  const std::vector<NewJob> jobs = {{.key = "k", .row_id = "r", .row = R"({"parts":["a","b"]})"}};
  ASSERT_TRUE(store_->Submit(queue.id, jobs));
  ASSERT_TRUE(Work(queue, Same()));
  const std::vector<JobInfo> done = JobsIn(queue, JobState::kDone);
  ASSERT_EQ(done.size(), 1U);
  const json::Value result = *json::Read(done[0].result);
  ASSERT_EQ(result.size(), 2U);
  EXPECT_EQ(result[0].Find("say").StringOr(""), "a");
  EXPECT_EQ(result[1].Find("say").StringOr(""), "b");
}

}  // namespace
}  // namespace weir::jobs
