// Workers with agents: what becomes of a job when their disk fails, or somebody else is at it.

#include <deque>
#include <filesystem>

#include <gmock/gmock.h>

#include "weir/agent/agent_testing.h"
#include "weir/agent/checkpoint.h"
#include "weir/agent/workspace/workspace.h"
#include "weir/jobs/worker_suite_testing.h"

namespace weir::jobs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kFix =
    "name: fix\nnodes:\n  - agent: fix\n    user: 'n={{ n }}'\n    workspace: none\n"
    "    tools: [list_files]\n";

// One engine, whose agents hand in at once.
class HandsInHost final : public flow::EngineHost {
 public:
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
  const std::shared_ptr<model::Engine> engine_ = std::make_shared<model::ScriptedEngine>(
      std::deque<model::ScriptedAnswer>(8, agent::Submits()));
};

class WorkerAgentsTest : public WorkerTest {
 protected:
  Resolve HandIn() {
    Resolved resolved = ResolvedAs({.provider = "vllm", .model = "m"});
    resolved.engines = std::make_shared<HandsInHost>();
    return [resolved](const async::Context&, const std::string&) { return AtOnce(resolved); };
  }

  // Of the first attempt at the first job.
  std::string Checkpoint() const {
    const std::string folder = root_ + "/answers/fix/agents/fix";
    fs::create_directories(folder);
    return StrCat(folder, "/", agent::FolderNameOf("0@1"), ".0.journal");
  }
};

TEST_F(WorkerAgentsTest, ADiskThatFailsEndsTheWorkerAndFailsNoJob) {
  const WorkQueue queue = QueueOf(kFix, 2);
  fs::create_directories(Checkpoint());  // what no file can be made of
  const Result<void> worked = Work(queue, HandIn());
  ASSERT_FALSE(worked);
  EXPECT_THAT(worked.error().message, HasSubstr("journal"));
  EXPECT_TRUE(JobsIn(queue, JobState::kFailed).empty());
  fs::remove(Checkpoint());
  ASSERT_TRUE(Work(queue, HandIn()));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 2U);
}

// Of a store whose queues others name, or that an earlier version has made.
TEST_F(WorkerAgentsTest, AQueueThatIsCalledByAPathLeadsNowhere) {
  WorkQueue queue = QueueOf(kFix, 1);
  queue.spec.name = "../outside";
  ASSERT_TRUE(Work(queue, HandIn()));
  EXPECT_FALSE(fs::exists(root_ + "/outside"));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 1U);
  const std::string folder = StrCat(root_, "/answers/", agent::FolderNameOf("../outside"));
  EXPECT_TRUE(fs::exists(folder + "/agents/fix"));
}

TEST_F(WorkerAgentsTest, AJobThatALostWorkerIsStillAtIsPutOff) {
  const WorkQueue queue = QueueOf(kFix, 2, {.max_attempts = 1});
  auto held = agent::Checkpoint::Open(Checkpoint(), 1);
  ASSERT_TRUE(held);
  ear_.on_event = [&](std::string_view name, std::span<const TraceField>) {
    if (name == "jobs.put_off") held->reset();
  };
  options_.lease = std::chrono::milliseconds(400);
  ASSERT_TRUE(Work(queue, HandIn()));
  EXPECT_EQ(ear_.heard["jobs.put_off"], 1);
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 2U);
}

}  // namespace
}  // namespace weir::jobs
