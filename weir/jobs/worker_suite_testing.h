#pragma once

// What the tests of workers begin with: a store, engines that answer at once, and who listens.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/flow/read.h"
#include "weir/flow/run_testing.h"
#include "weir/jobs/worker.h"

namespace weir::jobs {

inline constexpr const char* kSay = "name: say\nnodes:\n  - step: say\n    user: 'n={{ n }}'\n";
inline constexpr const char* kTwice =
    "name: twice\nnodes:\n  - step: first\n    user: 'n={{ n }}'\n"
    "  - step: second\n    user: 'then {{ first }}'\n";

// What is told, by name.
class WorkerEar final : public TraceSink {
 public:
  WorkerEar() : TraceSink(false) {}
  void OnEvent(std::string_view name, std::span<const TraceField> fields) override {
    ++heard[std::string(name)];
    if (on_event) on_event(name, fields);
  }
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

  std::map<std::string, int> heard;
  std::function<void(std::string_view, std::span<const TraceField>)> on_event;
};

// Workers on a store of SQLite, with engines that answer at once; in real time, since a store is
// asked by another thread.
class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    char name[] = "/tmp/weir-worker-XXXXXX";
    root_ = ::mkdtemp(name);
    store_ = OpenedStore();
    host_ = std::make_shared<flow::FakeHost>();
    engine_ = Add("", [](const model::Call& call) { return call.messages.back().AllText(); });
  }
  ~WorkerTest() override {
    store_.reset();
    std::filesystem::remove_all(root_);
  }

  std::unique_ptr<JobStore> OpenedStore() {
    auto store = OpenStore(StrCat("sqlite:", root_, "/jobs.db"), {});
    EXPECT_TRUE(store) << store.error().message;
    return *std::move(store);
  }

  std::shared_ptr<flow::FakeEngine> Add(const std::string& name, flow::FakeEngine::Answer answer) {
    host_->engines[name] = std::make_shared<flow::FakeEngine>(std::move(answer));
    return host_->engines[name];
  }

  // A queue of rows {"n": 0} ...
  WorkQueue QueueOf(const std::string& yaml, int rows, QueueSpec spec = {}) {
    auto flow = flow::ReadFlowText(yaml, root_ + "/flow.yaml");
    EXPECT_TRUE(flow) << flow.error().message;
    auto graph = flow::Graph::Compile(*std::move(flow));
    EXPECT_TRUE(graph) << graph.error().message;
    graph_ = std::make_unique<flow::Graph>(*std::move(graph));
    spec.name = graph_->flow().name;
    spec.digest = "d";
    WorkQueue queue{.spec = spec, .graph = graph_.get()};
    queue.options.warmup = false;
    queue.id = *store_->Declare(spec);
    std::vector<NewJob> jobs;
    jobs.reserve(static_cast<std::size_t>(rows));
    for (int i = 0; i < rows; ++i) {
      jobs.push_back(
          {.key = StrCat("k", i), .row_id = StrCat(i), .row = StrCat("{\"n\":", i, "}")});
    }
    EXPECT_TRUE(store_->Submit(queue.id, jobs));
    return queue;
  }

  std::unique_ptr<AnswerJournal> JournalOf(const std::string& name) {
    return *AnswerJournal::Open({.folder = root_ + "/answers", .name = name});
  }

  // What is known at once, as one who resolves awaits it: a lambda that is a coroutine itself would
  // lose what it holds.
  static async::Task<Result<Resolved>> AtOnce(Result<Resolved> resolved) {
    co_return std::move(resolved);
  }
  // Everybody gets the same engines.
  Resolve Same() {
    return [this](const async::Context&, const std::string&) {
      return AtOnce(ResolvedAs({.provider = "vllm", .model = "m"}));
    };
  }
  Resolved ResolvedAs(Assignment assignment) {
    Resolved resolved{.assignment = std::move(assignment), .engines = host_};
    resolved.provider_of = [provider = resolved.assignment.provider](std::string_view) {
      return provider;
    };
    return resolved;
  }

  // A worker until the queues are empty; `begin` may change what happens meanwhile.
  Result<void> Work(const WorkQueue& queue, const Resolve& resolve,
                    const std::function<void(Worker&, async::Cancellation&)>& begin = {}) {
    async::Loop loop;
    const auto journal = JournalOf("w");
    Worker worker(*store_, *journal, resolve, {queue}, options_);
    async::Cancellation cancellation;
    async::Context ctx(loop);
    ctx.cancellation = &cancellation;
    ctx.trace = &ear_;
    if (begin) begin(worker, cancellation);
    Result<void> worked = loop.Run(worker.Run(ctx));
    figures_ = worker.figures();
    return worked;
  }

  std::vector<JobInfo> JobsIn(const WorkQueue& queue, JobState state) {
    auto jobs = store_->List({.queue = queue.id, .states = {state}}, 0, 100'000);
    EXPECT_TRUE(jobs) << jobs.error().message;
    return *std::move(jobs);
  }

  std::string root_;
  std::unique_ptr<JobStore> store_;
  std::shared_ptr<flow::FakeHost> host_;
  std::shared_ptr<flow::FakeEngine> engine_;
  std::unique_ptr<flow::Graph> graph_;
  WorkerOptions options_{.name = "w",
                         .concurrency = 8,
                         .lease = std::chrono::seconds(30),
                         .drain = std::chrono::seconds(10),
                         .exit_when_empty = true,
                         .first_wait = std::chrono::milliseconds(5),
                         .first_look = std::chrono::milliseconds(20)};
  WorkerFigures figures_;
  WorkerEar ear_;
};

}  // namespace weir::jobs
