// Whose fault it is: the engine's, the key's, or the job's.

#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/jobs/bell.h"
#include "weir/jobs/worker_suite_testing.h"

namespace weir::jobs {
namespace {

using testing::HasSubstr;
using testing::Not;

Error StatusOf(int status) {
  return {.code = Code::kHttpStatus, .message = StrCat("HTTP ", status), .http_status = status};
}

constexpr Duration kNoHurry = std::chrono::hours(1);

// Counts who looks whether it is there.
class LookedAtEngine : public model::Engine {
 public:
  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context /*ctx*/, const model::Call& /*call*/) override {
    co_return Fail(Code::kEmptyModelResponse, "nothing is streamed here");
  }

  int looks = 0;
  Bell bell;
};

class LookedAtHost final : public flow::EngineHost {
 public:
  explicit LookedAtHost(std::shared_ptr<model::Engine> engine) : engine_(std::move(engine)) {}
  Result<std::shared_ptr<model::Engine>> Get(const std::string& /*name*/) override {
    return engine_;
  }
  Result<void> ApplyProfile(const std::string& /*profile*/, model::Call& /*call*/) override {
    return {};
  }
  Lifecycle LifecycleOf(const std::string& /*name*/) override { return Lifecycle::kElsewhere; }
  async::Task<Result<void>> Start(async::Context /*ctx*/, const std::string& /*name*/) override {
    co_return Result<void>();
  }
  async::Task<void> Stop(async::Context /*ctx*/, const std::string& /*name*/) override {
    co_return;
  }
  Duration TotalOf(const std::string& /*name*/) override { return std::chrono::hours(1); }

 private:
  const std::shared_ptr<model::Engine> engine_;
};

class WorkerBlameTest : public WorkerTest {
 protected:
  // Before the configuration is read, with how often it was before: at the start, and at each look
  // at an engine that is gone.
  Resolve Mended(std::function<void(int)> mend) {
    return [this, mend = std::move(mend), looks = 0](const async::Context&,
                                                     const std::string&) mutable {
      mend(looks++);
      return AtOnce(ResolvedAs({.provider = "vllm", .model = "m"}));
    };
  }

  Resolve Always(std::shared_ptr<model::Engine> engine) {
    Resolved resolved = ResolvedAs({.provider = "vllm"});
    resolved.engines = std::make_shared<LookedAtHost>(std::move(engine));
    return [resolved](const async::Context&, const std::string&) { return AtOnce(resolved); };
  }
};

TEST_F(WorkerBlameTest, AJobThatKillsItsServerAgainAndAgainIsADeadLetterAndItsNeighboursAreNot) {
  options_.concurrency = 4;
  const WorkQueue queue = QueueOf(kSay, 8, {.max_attempts = 2});
  bool gone = false;
  int killed = 0;
  const auto engine = Add("", [&](const model::Call& call) -> Result<std::string> {
    std::string text = call.messages.back().AllText();
    if (text == "n=2") {
      ++killed;
      gone = true;
      host_->engines[""]->described = Fail(Code::kConnectionError, "refused");
    }
    if (gone) return Fail(Code::kConnectionError, "reset by peer");
    return text;
  });
  engine->delay = [](const model::Call& call) {
    return Duration(std::chrono::milliseconds(call.messages[0].AllText() == "n=2" ? 1 : 20));
  };
  const Resolve resolve = Mended([&](int) {
    gone = false;
    host_->engines[""]->described = model::EngineInfo{.kind = "vllm"};
  });
  ASSERT_TRUE(Work(queue, resolve));
  EXPECT_GE(killed, 5) << "given back three times, and then two attempts";
  const std::vector<JobInfo> failed = JobsIn(queue, JobState::kFailed);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].row_id, "2");
  EXPECT_EQ(failed[0].error, "connection_error");
  EXPECT_EQ(failed[0].attempts, 2);
  EXPECT_THAT(failed[0].message, HasSubstr("each time that it had this job"));
  EXPECT_THAT(failed[0].metadata, HasSubstr("vllm"));
  EXPECT_GE(ear_.heard["jobs.suspect"], 1);
  for (const JobInfo& job : JobsIn(queue, JobState::kDone)) EXPECT_EQ(job.attempts, 1);
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 7U);
}

TEST_F(WorkerBlameTest, AKeyThatIsRefusedForCallsStopsTheWorkAndOneJobAtATimeTriesItOut) {
  options_.concurrency = 4;
  const WorkQueue queue = QueueOf(kSay, 12, {.max_attempts = 1});
  int looks = 0;
  int on_trial = 0;
  const auto engine = Add("", [&](const model::Call& call) -> Result<std::string> {
    if (looks == 1) ++on_trial;
    if (looks < 2) return std::unexpected(StatusOf(401));
    return call.messages.back().AllText();
  });
  engine->delay = [](const model::Call&) { return Duration(std::chrono::milliseconds(5)); };
  ASSERT_TRUE(Work(queue, Mended([&](int before) { looks = before; })));
  EXPECT_EQ(on_trial, 1) << "the list of models is public, and says nothing of the key";
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 12U);
  for (const JobInfo& job : JobsIn(queue, JobState::kDone)) EXPECT_EQ(job.attempts, 1);
  EXPECT_EQ(ear_.heard["jobs.paused"], 1) << "told once";
  EXPECT_EQ(ear_.heard["jobs.resumed"], 1);
}

TEST_F(WorkerBlameTest, ARowThatIsForbiddenWhileOthersAreAnsweredFailsAtLast) {
  options_.concurrency = 1;
  const WorkQueue queue = QueueOf(kSay, 2, {.max_attempts = 1});
  int forbidden = 0;
  std::size_t pauses = 0;
  Add("", [&](const model::Call& call) -> Result<std::string> {
    std::string text = call.messages.back().AllText();
    if (text != "n=1") return text;
    ++forbidden;
    return std::unexpected(StatusOf(403));
  });
  // There is always another job to try it out with.
  ear_.on_event = [&](std::string_view name, std::span<const TraceField>) {
    if (name != "jobs.paused") return;
    ++pauses;
    const NewJob more[] = {{.key = StrCat("more", forbidden), .row_id = "m", .row = "{\"n\":7}"}};
    EXPECT_TRUE(store_->Submit(queue.id, more));
  };
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_GE(forbidden, 4) << "sent back three times; it may be the one to try the key with, too";
  const std::vector<JobInfo> failed = JobsIn(queue, JobState::kFailed);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].error, "http_403");
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 1 + pauses) << "the first, and one a pause";
}

TEST_F(WorkerBlameTest, AnEngineThatIsAwayAtTheStartIsSaidBeforeAJobIsClaimed) {
  const WorkQueue queue = QueueOf(kSay, 3, {.max_attempts = 1});
  engine_->described = Fail(Code::kConnectionError, "connection refused");
  Worker* its_worker = nullptr;
  std::string why;
  std::uint64_t claimed = 99;
  ear_.on_event = [&](std::string_view name, std::span<const TraceField> fields) {
    if (name != "jobs.paused") return;
    for (const TraceField& field : fields) {
      if (field.key == "error") why = std::get<std::string_view>(field.value);
    }
    claimed = its_worker->figures().queues[0].claimed;
  };
  std::string told;
  const Resolve resolve = Mended([&](int before) {
    if (before == 0) return;
    told = (*store_->Workers())[0].paused;
    if (told.empty()) return;  // the beat that says it is still under way
    engine_->described = model::EngineInfo{.kind = "vllm"};
  });
  ASSERT_TRUE(
      Work(queue, resolve, [&](Worker& worker, async::Cancellation&) { its_worker = &worker; }));
  EXPECT_EQ(claimed, 0U);
  EXPECT_THAT(why, HasSubstr("connection refused"));
  EXPECT_THAT(why, Not(HasSubstr("went away")));
  EXPECT_EQ(told, "say: " + why) << "for weir jobs status";
  EXPECT_EQ(engine_->calls, 3);
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 3U);
}

TEST_F(WorkerBlameTest, WhoHasNothingToDoEndsAlsoWhereNoEngineIsThere) {
  const WorkQueue queue = QueueOf(kSay, 0);
  engine_->described = Fail(Code::kConnectionError, "connection refused");
  ASSERT_TRUE(Work(queue, Same()));
  EXPECT_EQ(ear_.heard["jobs.resumed"], 0);
}

TEST_F(WorkerBlameTest, AJobThatNoEngineWasAskedForNamesNoProvider) {
  const WorkQueue queue = QueueOf(
      "name: say\ninput: {type: object, required: [q]}\n"
      "nodes:\n  - step: say\n    user: '{{ q }}'\n",
      1);
  ASSERT_TRUE(Work(queue, Same()));
  const std::vector<JobInfo> failed = JobsIn(queue, JobState::kFailed);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(engine_->calls, 0);
  EXPECT_THAT(failed[0].metadata, Not(HasSubstr("provider")));
  EXPECT_THAT(failed[0].metadata, HasSubstr("\"flow\":\"d\""));
}

// All its calls come back at once, with 404.
class FailsTogether final : public LookedAtEngine {
 public:
  explicit FailsTogether(int jobs) : jobs_(jobs) {}
  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& /*call*/) override {
    ++in_;
    bell.Ring();
    while (in_ < jobs_) co_await bell.Wait(ctx, kNoHurry);
    co_return std::unexpected<Error>(StatusOf(404));
  }
  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    ++looks;
    (void)co_await async::Sleep(ctx, std::chrono::milliseconds(20));
    co_return model::EngineInfo{.kind = "vllm"};
  }

 private:
  const int jobs_;
  int in_ = 0;
};

TEST_F(WorkerBlameTest, JobsThatFailTogetherShareALookAtTheirEngine) {
  const WorkQueue queue = QueueOf(kSay, 8, {.max_attempts = 1});
  const auto engine = std::make_shared<FailsTogether>(8);
  ASSERT_TRUE(Work(queue, Always(engine)));
  EXPECT_EQ(JobsIn(queue, JobState::kFailed).size(), 8U);
  EXPECT_EQ(engine->looks, 3) << "at the start, for the first job, and for all others";
}

// It is well when the look of the first job begins, and gone before that look ends.
class GoesMeanwhile final : public LookedAtEngine {
 public:
  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    if (call.messages.back().AllText() == "n=0") co_return std::unexpected<Error>(StatusOf(404));
    while (looks < 2) co_await bell.Wait(ctx, kNoHurry);
    if (!std::exchange(went_, true)) {
      gone_ = true;
      bell.Ring();
    }
    if (gone_) co_return std::unexpected<Error>(StatusOf(503));
    model::Reply reply;
    reply.choices.push_back({.text = "yes", .finish = model::Finish::kStop});
    co_return reply;
  }
  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    const bool gone = gone_;
    const int number = ++looks;
    bell.Ring();
    while (number == 2 && !gone_) co_await bell.Wait(ctx, kNoHurry);
    if (number == 2) (void)co_await async::Sleep(ctx, std::chrono::milliseconds(20));
    if (gone) co_return std::unexpected<Error>(StatusOf(503));
    co_return model::EngineInfo{.kind = "vllm"};
  }
  void ComeBack() { gone_ = false; }

 private:
  bool went_ = false;
  bool gone_ = false;
};

TEST_F(WorkerBlameTest, ALookThatBeganBeforeAJobFailedIsNoAnswerForIt) {
  options_.concurrency = 2;
  const WorkQueue queue = QueueOf(kSay, 2, {.max_attempts = 1});
  const auto engine = std::make_shared<GoesMeanwhile>();
  ear_.on_event = [&](std::string_view name, std::span<const TraceField>) {
    if (name == "jobs.paused") engine->ComeBack();
  };
  ASSERT_TRUE(Work(queue, Always(engine)));
  EXPECT_EQ(ear_.heard["jobs.paused"], 1);
  EXPECT_EQ(JobsIn(queue, JobState::kFailed).size(), 1U);
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 1U);
}

// Refuses at the start, and from then on takes in who looks at it and says nothing.
class SaysNothing final : public LookedAtEngine {
 public:
  async::Task<Result<model::Reply>> Call(async::Context /*ctx*/,
                                         const model::Call& /*call*/) override {
    co_return Fail(Code::kEmptyModelResponse, "nothing came");
  }
  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    if (++looks == 1) co_return Fail(Code::kConnectionError, "refused");
    on_look();
    const Result<void> slept = co_await async::Sleep(ctx, kNoHurry);
    if (!slept) co_return std::unexpected<Error>(slept.error());
    co_return Fail(Code::kTimeout, "it was too slow");
  }
  std::function<void()> on_look;
};

TEST_F(WorkerBlameTest, AnEngineThatSaysNothingKeepsNobodyFromEnding) {
  const WorkQueue queue = QueueOf(kSay, 1);
  for (const bool cancelled : {false, true}) {
    SCOPED_TRACE(cancelled ? "cancelled" : "drained");
    ear_.heard.clear();
    const auto engine = std::make_shared<SaysNothing>();
    const auto begin = [&](Worker& worker, async::Cancellation& cancellation) {
      engine->on_look = [&] { cancelled ? cancellation.Cancel() : worker.Drain(); };
    };
    ASSERT_TRUE(Work(queue, Always(engine), begin));
    EXPECT_EQ(engine->looks, 2);
    EXPECT_EQ(ear_.heard["jobs.paused"], 1) << "a look that is broken off is no other reason";
    EXPECT_EQ(JobsIn(queue, JobState::kQueued).size(), 1U);
  }
}

// Its first job comes back empty, its second looks at the store until that is known there.
class OneRests final : public LookedAtEngine {
 public:
  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    if (call.messages.back().AllText() == "n=0") {
      co_return Fail(Code::kEmptyModelResponse, "nothing came");
    }
    while (!look()) (void)co_await async::Sleep(ctx, std::chrono::milliseconds(1));
    co_return Fail(Code::kEmptyModelResponse, "nothing came");
  }
  async::Task<Result<model::EngineInfo>> Describe(async::Context /*ctx*/) override {
    co_return model::EngineInfo{.kind = "vllm"};
  }
  std::function<bool()> look;
};

TEST_F(WorkerBlameTest, TheStoreKnowsAtOnceOfAJobThatWaitsForAnotherTry) {
  options_.concurrency = 2;
  options_.first_wait = kNoHurry;
  options_.lease = kNoHurry;  // it is told before an ordinary beat comes
  const WorkQueue queue = QueueOf(kSay, 2, {.max_attempts = 2});
  const auto engine = std::make_shared<OneRests>();
  async::Cancellation* its_cancellation = nullptr;
  WorkerInfo told;
  engine->look = [&] {
    told = (*store_->Workers())[0];
    if (told.resting == 0) return false;
    its_cancellation->Cancel();
    return true;
  };
  ASSERT_TRUE(Work(queue, Always(engine), [&](Worker&, async::Cancellation& cancellation) {
    its_cancellation = &cancellation;
  }));
  EXPECT_EQ(told.resting, 1);
  EXPECT_TRUE(told.next_try_ms);
  EXPECT_EQ(told.paused, "");
}

}  // namespace
}  // namespace weir::jobs
