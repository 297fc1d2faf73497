#pragma once

// Runs of flows over engines that answer at once, in virtual time: for the tests of runs.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/async/context.h"
#include "weir/base/text.h"
#include "weir/flow/read.h"
#include "weir/flow/run.h"
#include "weir/json/reader.h"

namespace weir::flow {

// Answers as `answer` says, after `delay`; a border like any server.
class FakeEngine final : public model::Engine {
 public:
  using Answer = std::function<Result<std::string>(const model::Call& call)>;

  explicit FakeEngine(Answer answer) : answer_(std::move(answer)) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    ++calls;
    most_running = std::max(most_running, ++running);
    seeds.push_back(call.sampling.seed.value_or(-1));
    prompts.push_back(call.messages.back().AllText());
    const Result<void> slept = co_await async::Sleep(ctx, delay ? delay(call) : Duration());
    --running;
    if (!slept) co_return std::unexpected<Error>(slept.error());
    const Result<std::string> text = answer_(call);
    if (!text) co_return std::unexpected<Error>(text.error());
    model::Reply reply;
    model::Choice choice{.text = *text, .finish = model::Finish::kStop};
    if (call.constraint) {
      Result<json::Value> value = json::Read(*text);
      if (value) choice.value = *std::move(value);
    }
    reply.choices.push_back(std::move(choice));
    reply.usage.prompt_tokens = 10;
    reply.usage.completion_tokens = 5;
    reply.usage.cached_tokens = cached_tokens;
    co_return reply;
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context /*ctx*/, const model::Call& /*call*/) override {
    ++streams;
    co_return Fail(Code::kEmptyModelResponse, "nothing is streamed here");
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context /*ctx*/) override {
    co_return described;
  }

  std::function<Duration(const model::Call&)> delay;
  Result<model::EngineInfo> described = model::EngineInfo{.kind = "vllm"};
  std::optional<std::int64_t> cached_tokens;
  int calls = 0;
  int streams = 0;
  int running = 0;
  int most_running = 0;
  std::vector<std::int64_t> seeds;
  std::vector<std::string> prompts;

 private:
  const Answer answer_;
};

class FakeHost final : public EngineHost {
 public:
  Result<std::shared_ptr<model::Engine>> Get(const std::string& name) override {
    const auto found = engines.find(name);
    if (found == engines.end()) return Fail(Code::kConfigError, StrCat("no engine ", name));
    return std::shared_ptr<model::Engine>(found->second);
  }
  Result<void> ApplyProfile(const std::string& /*profile*/, model::Call& call) override {
    call.sampling.max_tokens = 77;
    return {};
  }
  Lifecycle LifecycleOf(const std::string& name) override {
    const auto found = lifecycles.find(name);
    return found == lifecycles.end() ? Lifecycle::kElsewhere : found->second;
  }
  async::Task<Result<void>> Start(async::Context /*ctx*/, const std::string& name) override {
    told.push_back(name + " starts");
    co_return Result<void>();
  }
  async::Task<void> Stop(async::Context /*ctx*/, const std::string& name) override {
    told.push_back(name + " stops");
    co_return;
  }
  std::size_t PlacesOf(const std::string& name) override {
    const auto found = places.find(name);
    return found == places.end() ? SIZE_MAX : found->second;
  }
  Duration TotalOf(const std::string& /*name*/) override { return std::chrono::hours(1); }
  async::Task<std::optional<ServerPrefixes>> PrefixesOf(async::Context /*ctx*/,
                                                        std::string /*name*/) override {
    if (prefixes.empty()) co_return std::nullopt;
    const ServerPrefixes counted = prefixes.front();
    prefixes.erase(prefixes.begin());
    co_return counted;
  }

  std::map<std::string, std::shared_ptr<FakeEngine>> engines;
  std::map<std::string, Lifecycle> lifecycles;
  std::map<std::string, std::size_t> places;  // of engines that take only so many calls at once
  std::vector<std::string> told;
  std::vector<ServerPrefixes> prefixes;  // one after another
};

class RunTest : public testing::Test {
 protected:
  RunTest() {
    char name[] = "/tmp/weir-run-XXXXXX";
    root_ = ::mkdtemp(name);
    echo_ = Add("", [](const model::Call& call) { return call.messages.back().AllText(); });
  }
  ~RunTest() override { std::filesystem::remove_all(root_); }

  std::shared_ptr<FakeEngine> Add(const std::string& name, FakeEngine::Answer answer) {
    host_.engines[name] = std::make_shared<FakeEngine>(std::move(answer));
    return host_.engines[name];
  }

  std::string Path(const std::string& name) const { return StrCat(root_, "/", name); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }

  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  // Rows {"n": 0}, {"n": 1} ...
  std::string Numbers(int count) const {
    std::string rows;
    for (int i = 0; i < count; ++i) StrAppend(rows, "{\"n\": ", i, "}\n");
    return Write("rows.jsonl", rows);
  }

  // Runs a flow over rows.jsonl into `folder`, which goes on when it holds a run.
  RunResult Go(const std::string& yaml, const std::string& folder = "out",
               bool retry_failed = false) {
    Result<Flow> flow = ReadFlowText(yaml, Path("flow.yaml"));
    EXPECT_TRUE(flow) << (flow ? "" : flow.error().message);
    Result<Graph> graph = Graph::Compile(*std::move(flow));
    EXPECT_TRUE(graph) << (graph ? "" : graph.error().message);
    graph_ = std::make_unique<Graph>(*std::move(graph));
    async::Loop loop(async::Loop::Time::kVirtual);
    stats_ = std::make_unique<RunStats>(*graph_);
    auto rows = OpenRows(Path("rows.jsonl"), {.id = graph_->flow().id});
    EXPECT_TRUE(rows) << (rows ? "" : rows.error().message);
    FolderOptions options;
    options.totals = [&] { return stats_->KeptJson(loop.Now()); };
    const Identity identity{*json::Read(R"({"flow": "x"})")};
    options.retry_failed = retry_failed;
    const bool there = std::filesystem::exists(Path(folder));
    Result<RunFolder> run =
        there ? RunFolder::Resume(Path(folder), *graph_, identity, options)
              : RunFolder::Create(Path(folder), *graph_, identity, *json::Read("{}"), options);
    EXPECT_TRUE(run) << (run ? "" : run.error().message);
    async::Context ctx(loop);
    ctx.cancellation = &cancellation_;
    return loop.Run(flow::Run(ctx, *graph_, **rows, *run, host_, options_, *stats_));
  }

  std::string Lines(const std::string& file, const std::string& folder = "out") const {
    return Read(Path(folder + "/" + file));
  }

  std::string root_;
  FakeHost host_;
  std::shared_ptr<FakeEngine> echo_;
  RunOptions options_{.concurrency = 4, .warmup = false};
  std::unique_ptr<Graph> graph_;
  std::unique_ptr<RunStats> stats_;
  async::Cancellation cancellation_;
};

inline constexpr const char* kEcho = "nodes:\n  - step: say\n    user: 'n={{ n }}'\n";

}  // namespace weir::flow
