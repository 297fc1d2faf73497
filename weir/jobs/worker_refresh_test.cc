// When somebody asks a worker to read its configuration again.

#include <gtest/gtest.h>

#include "weir/jobs/worker_suite_testing.h"

namespace weir::jobs {
namespace {

using async::Context;
using async::Task;

class WorkerRefreshTest : public WorkerTest {
 protected:
  WorkerRefreshTest() {
    Add("new", [](const model::Call& call) { return call.messages.back().AllText(); });
  }

  // Another engine from the second reading on.
  Resolve Edited() {
    return [this](const Context&, const std::string&) {
      if (++readings_ == 1) return AtOnce(ResolvedAs({.provider = "vllm", .model = "a"}));
      return AtOnce(ResolvedAs({.engine = "new", .provider = "vllm", .model = "b"}));
    };
  }

  int readings_ = 0;
};

constexpr Duration kTick = std::chrono::milliseconds(1);

// Asks long after the first job has ended, and ends the worker long after that. It always has a
// timer: while a thread asks the store, virtual time must have somewhere to go.
Task<void> AskLater(Context ctx, Worker& worker, const WorkerEar& ear, TimePoint& asked_at) {
  while (!ear.heard.contains("job.end")) (void)co_await async::Sleep(ctx, kTick);
  (void)co_await async::Sleep(ctx, std::chrono::seconds(10) + kTick / 2);
  asked_at = ctx.Now();
  worker.Refresh();
  (void)co_await async::Sleep(ctx, std::chrono::seconds(10));
  worker.Drain();
  while (co_await async::Sleep(ctx, kTick)) {
  }
}

Task<Result<void>> WorkAndAsk(Context ctx, Worker& worker, const WorkerEar& ear,
                              TimePoint& asked_at) {
  async::TaskScope beside(ctx);
  beside.Spawn(AskLater(beside.context(), worker, ear, asked_at));
  Result<void> worked = co_await worker.Run(ctx);
  beside.Cancel();
  co_await beside.Join();
  co_return worked;
}

TEST_F(WorkerRefreshTest, ARefreshThatIsAskedForComesBeforeTheNextJob) {
  options_.concurrency = 1;
  const WorkQueue queue = QueueOf(kSay, 20);
  Worker* its_worker = nullptr;
  const auto engine = Add("", [&](const model::Call& call) {
    if (host_->engines[""]->calls == 5) its_worker->Refresh();
    return call.messages.back().AllText();
  });
  ASSERT_TRUE(
      Work(queue, Edited(), [&](Worker& worker, async::Cancellation&) { its_worker = &worker; }));
  EXPECT_EQ(engine->calls, 5) << "the job that was under way ended where it began";
  EXPECT_EQ(host_->engines["new"]->calls, 15);
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 20U);
  EXPECT_EQ(readings_, 2);
  EXPECT_EQ(ear_.heard["config.refresh"], 1);
}

TEST_F(WorkerRefreshTest, ARefreshThatIsAskedForWakesAnIdleWorker) {
  options_.exit_when_empty = false;
  const WorkQueue queue = QueueOf(kSay, 1);
  async::Loop loop(async::Loop::Time::kVirtual);
  const auto journal = JournalOf("w");
  Worker worker(*store_, *journal, Edited(), {queue}, options_);
  TimePoint asked_at;
  TimePoint switched_at;
  ear_.on_event = [&](std::string_view name, std::span<const TraceField>) {
    if (name == "provider.switch") switched_at = loop.Now();
  };
  Context ctx(loop);
  ctx.trace = &ear_;
  ASSERT_TRUE(loop.Run(WorkAndAsk(ctx, worker, ear_, asked_at)));
  EXPECT_EQ(ear_.heard["provider.switch"], 1);
  EXPECT_EQ(switched_at, asked_at);
  EXPECT_EQ(worker.figures().queues[0].engine, "new");
  EXPECT_EQ(readings_, 2);
}

TEST_F(WorkerRefreshTest, ARefreshThatIsAskedForLooksAtOnceAtAnEngineThatIsGone) {
  options_.first_look = std::chrono::hours(1);
  const WorkQueue queue = QueueOf(kSay, 0);
  engine_->described = Fail(Code::kConnectionError, "refused");
  Worker* its_worker = nullptr;
  ear_.on_event = [&](std::string_view name, std::span<const TraceField>) {
    if (name == "jobs.paused") its_worker->Refresh();
  };
  ASSERT_TRUE(
      Work(queue, Edited(), [&](Worker& worker, async::Cancellation&) { its_worker = &worker; }));
  EXPECT_EQ(ear_.heard["jobs.resumed"], 1) << "the configuration names another one now";
  EXPECT_EQ(figures_.queues[0].engine, "new");
}

TEST_F(WorkerRefreshTest, AConfigurationThatIsWrongIsReadOnceForEachTimeItIsAskedFor) {
  const WorkQueue queue = QueueOf(kSay, 20);
  Worker* its_worker = nullptr;
  const Resolve resolve = [&](const Context&, const std::string&) {
    if (++readings_ > 1) return AtOnce(Fail(Code::kConfigError, "weir.yaml:3: what is this?"));
    return AtOnce(ResolvedAs({.provider = "vllm"}));
  };
  ear_.on_event = [&](std::string_view name, std::span<const TraceField>) {
    if (name == "job.end" && ear_.heard["job.end"] % 10 == 5) its_worker->Refresh();
  };
  ASSERT_TRUE(
      Work(queue, resolve, [&](Worker& worker, async::Cancellation&) { its_worker = &worker; }));
  EXPECT_EQ(ear_.heard["config.refresh"], 2);
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 20U);
}

}  // namespace
}  // namespace weir::jobs
