// When a worker waits: for an engine, for another try, for its turn.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/jobs/worker_suite_testing.h"

namespace weir::jobs {
namespace {

using testing::HasSubstr;

TEST_F(WorkerTest, AJobThatHasLostWorkersHasItsLastChanceAlone) {
  const WorkQueue queue = QueueOf(kSay, 20, {.max_crashes = 2});
  const WorkerId lost = *store_->Enlist({.name = "dead", .lease = std::chrono::milliseconds(1)});
  const std::vector<ClaimFrom> from = {{queue.id, 1}};
  ASSERT_EQ(store_->Claim(lost, from)->jobs.size(), 1U);
  while (store_->Reap()->workers == 0) {
  }
  int beside = -1;
  const auto engine = Add("", [](const model::Call& call) { return call.messages[0].AllText(); });
  engine->delay = [&](const model::Call& call) {
    if (call.messages[0].AllText() == "n=0") beside = engine->running;
    return Duration(std::chrono::milliseconds(1));
  };
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(beside, 1);
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 20U);
}

TEST_F(WorkerTest, TheLastChanceIsAloneAlsoBehindJobsThatWereBegunBefore) {
  const WorkQueue queue = QueueOf(kSay, 20, {.max_crashes = 2});
  const WorkerId lost = *store_->Enlist({.name = "dead", .lease = std::chrono::milliseconds(1)});
  const std::vector<ClaimFrom> from = {{queue.id, 7}};
  const std::vector<Claimed> jobs = store_->Claim(lost, from)->jobs;
  ASSERT_EQ(jobs.size(), 7U);
  for (std::size_t i = 0; i < 6; ++i) {  // but for the last they are blamed on nobody
    const Ended back{.id = jobs[i].id, .fence = jobs[i].fence, .how = Ended::How::kBack};
    ASSERT_TRUE(store_->Complete(lost, std::span(&back, 1)));
  }
  while (store_->Reap()->workers == 0) {
  }
  bool under_way = false;
  int most = 0;
  const auto is_suspect = [](const model::Call& call) {
    return call.messages[0].AllText() == "n=6";
  };
  const auto engine = Add("", [&](const model::Call& call) {
    if (is_suspect(call)) under_way = false;
    return call.messages[0].AllText();
  });
  engine->delay = [&](const model::Call& call) {
    if (is_suspect(call)) under_way = true;
    if (under_way) most = std::max(most, engine->running);
    return Duration(std::chrono::milliseconds(is_suspect(call) ? 50 : 2));
  };
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(most, 1);
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 20U);
}

TEST_F(WorkerTest, JobsThatWaitForAnotherTryAreFewAndComeFirst) {
  options_.concurrency = 2;
  const WorkQueue queue = QueueOf(kSay, 20, {.max_attempts = 2});
  std::map<std::string, int> asked;
  std::size_t most_open = 0;
  std::size_t ended = 0;
  Add("", [&](const model::Call& call) -> Result<std::string> {
    if (++asked[call.messages.back().AllText()] == 2) ++ended;
    most_open = std::max(most_open, asked.size() - ended);
    return Fail(Code::kEmptyModelResponse, "nothing came");
  });
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(ended, 20U);
  EXPECT_LE(most_open, 8U) << "four times what may be under way";
}

TEST_F(WorkerTest, AnEngineThatIsGoneStopsTheWorkAndBlamesNobody) {
  const WorkQueue queue = QueueOf(kSay, 20, {.max_attempts = 1});
  bool gone = false;
  int answered = 0;
  const auto engine = Add("", [&](const model::Call& call) -> Result<std::string> {
    if (gone) return Fail(Code::kConnectionError, "refused");
    if (++answered == 5) {
      gone = true;
      host_->engines[""]->described = Fail(Code::kConnectionError, "refused");
    }
    return call.messages.back().AllText();
  });
  ear_.on_event = [&](std::string_view name, std::span<const TraceField>) {
    if (name != "jobs.paused") return;
    gone = false;
    engine->described = model::EngineInfo{.kind = "vllm"};
  };
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 20U);
  EXPECT_EQ(ear_.heard["jobs.paused"], 1);
  EXPECT_EQ(ear_.heard["jobs.resumed"], 1);
  for (const JobInfo& job : JobsIn(queue, JobState::kDone)) {
    EXPECT_EQ(job.crashes, 0);
    EXPECT_EQ(job.attempts, 1);
  }
}

TEST_F(WorkerTest, AServerThatRefusesEverybodyStopsTheWorkToo) {
  const WorkQueue queue = QueueOf(kSay, 10, {.max_attempts = 1});
  const Error busy{.code = Code::kHttpStatus, .message = "no upstream", .http_status = 503};
  bool refuses = true;
  const auto engine = Add("", [&](const model::Call& call) -> Result<std::string> {
    if (refuses) return std::unexpected(busy);
    return call.messages.back().AllText();
  });
  engine->described = std::unexpected(busy);
  ear_.on_event = [&](std::string_view name, std::span<const TraceField>) {
    if (name != "jobs.paused") return;
    refuses = false;
    engine->described = model::EngineInfo{.kind = "vllm"};
  };
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 10U);
  EXPECT_EQ(ear_.heard["jobs.paused"], 1);
}

TEST_F(WorkerTest, AModelThatIsGoneStopsTheWorkInsteadOfFailingEveryJob) {
  const WorkQueue queue = QueueOf(kSay, 10, {.max_attempts = 1});
  bool there = true;
  int answered = 0;
  const auto engine = Add("", [&](const model::Call& call) -> Result<std::string> {
    if (!there) {
      return std::unexpected(
          Error{.code = Code::kHttpStatus, .message = "no such model", .http_status = 404});
    }
    return StrCat(++answered, call.messages.back().AllText());
  });
  const auto lists = [&](const char* model) {
    engine->described = model::EngineInfo{.kind = "vllm", .model = "m", .models = {{.id = model}}};
  };
  lists("m");
  std::string why;
  ear_.on_event = [&](std::string_view name, std::span<const TraceField> fields) {
    if (name == "job.end" && answered == 3) {
      there = false;
      lists("another");
    }
    if (name != "jobs.paused") return;
    for (const TraceField& field : fields) {
      if (field.key == "error") why = std::get<std::string_view>(field.value);
    }
    there = true;
    lists("m");
  };
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 10U);
  EXPECT_EQ(ear_.heard["jobs.paused"], 1);
  EXPECT_THAT(why, HasSubstr("asks for the model m")) << "more than the 404 says";
}

TEST_F(WorkerTest, APausedWorkerTellsWhenItWaitsForSomethingElse) {
  const WorkQueue queue = QueueOf(kSay, 1, {.max_attempts = 1});
  bool gone = true;
  const auto engine = Add("", [&](const model::Call& call) -> Result<std::string> {
    if (gone) return Fail(Code::kConnectionError, "refused");
    return call.messages.back().AllText();
  });
  engine->described = Fail(Code::kConnectionError, "refused");
  std::vector<std::string> reasons;
  ear_.on_event = [&](std::string_view name, std::span<const TraceField> fields) {
    if (name != "jobs.paused") return;
    for (const TraceField& field : fields) {
      if (field.key == "error") reasons.emplace_back(std::get<std::string_view>(field.value));
    }
    gone = reasons.size() < 2;
    const char* model = gone ? "another" : "m";
    engine->described = model::EngineInfo{.kind = "vllm", .model = "m", .models = {{.id = model}}};
  };
  ASSERT_TRUE(Work(queue, Same()));
  ASSERT_EQ(reasons.size(), 2U);
  EXPECT_THAT(reasons[0], HasSubstr("refused"));
  EXPECT_THAT(reasons[1], HasSubstr("asks for the model m"));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 1U);
}

TEST_F(WorkerTest, AServerThatWasWellAMomentAgoMayBeGoneNow) {
  options_.concurrency = 1;
  const WorkQueue queue = QueueOf(kSay, 3, {.max_attempts = 1});
  bool gone = false;
  const auto engine = Add("", [&](const model::Call& call) -> Result<std::string> {
    if (gone) return Fail(Code::kConnectionError, "refused");
    if (call.messages.back().AllText() != "n=0") return std::string("yes");
    return std::unexpected(
        Error{.code = Code::kHttpStatus, .message = "no such image", .http_status = 404});
  });
  ear_.on_event = [&](std::string_view name, std::span<const TraceField>) {
    if (name == "job.end" && ear_.heard["job.end"] == 1) {
      gone = true;
      engine->described = Fail(Code::kConnectionError, "refused");
    }
    if (name != "jobs.paused") return;
    gone = false;
    engine->described = model::EngineInfo{.kind = "vllm"};
  };
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(JobsIn(queue, JobState::kFailed).size(), 1U);
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 2U);
}

TEST_F(WorkerTest, AJobThatIsNotFoundAloneFailsAlone) {
  const WorkQueue queue = QueueOf(kSay, 4, {.max_attempts = 1});
  Add("", [&](const model::Call& call) -> Result<std::string> {
    if (call.messages.back().AllText() != "n=2") return std::string("yes");
    return std::unexpected(
        Error{.code = Code::kHttpStatus, .message = "no such image", .http_status = 404});
  });
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 3U);
  ASSERT_EQ(JobsIn(queue, JobState::kFailed).size(), 1U);
  EXPECT_EQ(ear_.heard["jobs.paused"], 0);
}

TEST_F(WorkerTest, PushbackMakesItTakeFewer) {
  const WorkQueue queue = QueueOf(kSay, 30);
  int calls = 0;
  Add("", [&](const model::Call& call) -> Result<std::string> {
    if (++calls == 1) {
      return std::unexpected(
          Error{.code = Code::kHttpStatus, .message = "busy", .http_status = 429});
    }
    return call.messages.back().AllText();
  });
  int least = 100;
  Worker* its_worker = nullptr;
  ear_.on_event = [&](std::string_view, std::span<const TraceField>) {
    least = std::min(least, its_worker->figures().limit);
  };
  ASSERT_TRUE(
      Work(queue, Same(), [&](Worker& worker, async::Cancellation&) { its_worker = &worker; }));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 30U);
  EXPECT_LE(least, 6);
}

}  // namespace
}  // namespace weir::jobs
