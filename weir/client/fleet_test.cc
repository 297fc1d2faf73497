// Many calls at once over real sockets: engines that die, servers that misbehave, threads that
// share one engine.

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/client/wiring.h"
#include "weir/sim/sim_testing.h"

namespace weir::client {
namespace {

using model::Finish;
using model::Reply;
using sim::SimServer;
using testing::HasSubstr;

sim::SimOptions Speaking(std::string_view dialect, std::string_view script) {
  sim::SimOptions options = sim::InstantSim(script);
  options.dialect = *wire::DialectByName(dialect);
  return options;
}

// A simulator that can be killed: its connections are cut where they stand.
class MortalServer {
 public:
  explicit MortalServer(sim::SimOptions options, const std::string& address = "127.0.0.1:0")
      : handler_(sim::NewSimHandler(*sim::NewSimCore(std::move(options)))),
        listener_(*http::Listen({.address = address})),
        thread_([this] {
          http::Server server({.drain = Duration::zero()}, *handler_);
          async::Context ctx(loop_);
          ctx.cancellation = &stop_;
          const Result<void> served = loop_.Run(server.Serve(ctx, *listener_));
          EXPECT_TRUE(served);
        }) {}
  ~MortalServer() {
    loop_.Post([this] { stop_.Cancel(); });
    thread_.join();
  }
  MortalServer(const MortalServer&) = delete;
  MortalServer& operator=(const MortalServer&) = delete;

  const std::string& url() const { return listener_->url(); }

 private:
  const std::unique_ptr<http::Handler> handler_;
  const std::unique_ptr<http::Listener> listener_;
  async::Loop loop_;
  async::Cancellation stop_;
  std::thread thread_;
};

// Counts events by name.
class Counting final : public TraceSink {
 public:
  Counting() : TraceSink(false) {}
  void OnEvent(std::string_view name, std::span<const TraceField> fields) override {
    const std::scoped_lock lock(mutex_);
    ++counts_[std::string(name)];
    for (const TraceField& field : fields) {
      if (field.key == "first" && std::get<bool>(field.value)) ++counts_["warning"];
    }
  }
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

  int count(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    return counts_[name];
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> counts_;
};

// How calls ended, by the name of their error ("" for a right answer).
using Ends = std::map<std::string, int>;

async::Task<Result<Reply>> Ask(async::Context ctx, model::Engine& engine, const model::Call& call,
                               bool streamed) {
  if (!streamed) co_return co_await engine.Call(ctx, call);
  WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await engine.Stream(ctx, call));
  co_return co_await model::Collect(ctx, *stream);
}

async::Task<void> AskMany(async::Context ctx, model::Engine& engine, const model::Call& call,
                          std::atomic<int>& left, std::string_view expected, Ends& ends) {
  for (int number = left--; number > 0; number = left--) {
    const Result<Reply> reply = co_await Ask(ctx, engine, call, number % 2 == 0);
    if (!reply) {
      ++ends[Name(reply.error())];
    } else {
      ++ends[reply->text() == expected ? "" : StrCat("wrong text: ", reply->text())];
    }
  }
}

async::Task<void> AllAtOnce(async::Context ctx, model::Engine& engine, const model::Call& call,
                            int calls, int at_once, std::string_view expected, Ends& ends) {
  std::atomic<int> left = calls;
  async::TaskScope scope(ctx);
  for (int i = 0; i < at_once; ++i) {
    scope.Spawn(AskMany(scope.context(), engine, call, left, expected, ends));
  }
  co_await scope.Join();
}

Result<Fleet> Open(const std::string& yaml) {
  WEIR_TRY(const config::Config config, config::Parse(yaml, "weir.yaml", Env()));
  return Fleet::Build(config, config.engines.front(), Env());
}

class FleetTest : public testing::Test {
 protected:
  FleetTest() {
    ctx_.trace = &events_;
    call_ = sim::Ask("hi");
  }

  Ends Run(model::Engine& engine, int calls, int at_once, std::string_view expected) {
    Ends ends;
    loop_.Run(AllAtOnce(ctx_, engine, call_, calls, at_once, expected, ends));
    return ends;
  }

  async::Loop loop_;
  async::Context ctx_{loop_};
  Counting events_;
  model::Call call_;
};

constexpr std::string_view kRightAnswer = "one two three four five six";

TEST_F(FleetTest, WhenAnEngineDiesItsCallsGoToTheFallbackWithOneWarningAndComeBack) {
  const std::string slow = StrCat("[{reply: {text: ", kRightAnswer, ", delay: 50ms, itl: 5ms}}]");
  const std::string quick = StrCat("[{reply: {text: ", kRightAnswer, "}}]");
  auto vllm = std::make_unique<MortalServer>(Speaking("vllm-latest", slow));
  const SimServer ollama(Speaking("ollama", quick));
  const std::string address = vllm->url();
  Result<Fleet> fleet = Open(
      StrCat("engines:\n  main: {kind: vllm, base_url: ", address,
             ", fallback: safe, breaker: {failures: 3, open_for: 0.3}, retry: {base_delay: 0.01}}\n"
             "  safe: {kind: ollama, base_url: ",
             ollama.url(), ", model: sim-model}\n"));
  ASSERT_TRUE(fleet) << fleet.error().message;
  const std::shared_ptr<model::Engine> engine = *fleet->Get("main");

  async::Alarm death(loop_, [&] { vllm.reset(); });
  death.Arm(loop_.Now() + std::chrono::milliseconds(60));
  const Ends during = Run(*engine, 100, 100, kRightAnswer);
  int honest = 0;
  for (const auto& [name, count] : during) {
    EXPECT_TRUE(name.empty() || name == "stream_truncated" || name == "connection_error") << name;
    honest += count;
  }
  EXPECT_EQ(honest, 100);
  EXPECT_GT(during.at(""), 0);

  EXPECT_EQ(Run(*engine, 20, 4, kRightAnswer), (Ends{{"", 20}}));
  EXPECT_EQ(events_.count("health.fail"), 1);
  EXPECT_EQ(events_.count("warning"), 1);
  EXPECT_EQ(events_.count("health.ok"), 0);

  const MortalServer again(Speaking("vllm-latest", quick), address.substr(address.rfind('/') + 1));
  ASSERT_TRUE(loop_.Run(async::Sleep(ctx_, std::chrono::milliseconds(350))));
  const Result<Reply> last = loop_.Run(Ask(ctx_, *engine, call_, false));
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_EQ(last->info.engine, "main");
  EXPECT_EQ(events_.count("health.ok"), 1);
}

std::int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t pages = 0;
  statm >> pages >> pages;
  return pages * ::sysconf(_SC_PAGESIZE);
}

// One call in five meets a fault, before its answer or in the middle of it.
constexpr std::string_view kFaults = R"(
- {rate: 0.02, reply: {error: {status: 503}}}
- {rate: 0.02, reply: {error: {status: 429, retry_after: 0}}}
- {rate: 0.02, reply: {error: {status: 500}}}
- {rate: 0.02, reply: {garbage: "{\"choices\": ["}}
- {rate: 0.02, reply: {html: "<html>Starting</html>"}}
- {rate: 0.02, reply: {faults: [reset]}}
- {rate: 0.02, reply: {text: one two three four five six, faults: [{kind: reset, after: 3}]}}
- {rate: 0.02, reply: {text: one two three four five six, faults: [{kind: close, after: 3}]}}
- {rate: 0.02, reply: {text: one two three four five six, faults: [{kind: truncated_chunk, after: 2}]}}
- {rate: 0.02, reply: {text: one two three four five six, faults: [{kind: error_event, after: 2}]}}
- {rate: 0.02, reply: {text: one two three four five six, faults: [no_finish]}}
- {reply: {text: one two three four five six}}
)";

TEST_F(FleetTest, EveryCallOfAMisbehavingServerEndsAsARightAnswerOrAsTheRightError) {
  SimServer server(Speaking("vllm-latest", kFaults));
  Result<Fleet> fleet =
      Open(StrCat("engines: {main: {base_url: ", server.url(),
                  ", retry: {max_retries: 5, base_delay: 0.001}, breaker: {failures: 0}}}"));
  ASSERT_TRUE(fleet) << fleet.error().message;
  const std::shared_ptr<model::Engine> engine = *fleet->Get("main");
  constexpr int kCalls = 10'000;
  constexpr int kFirst = 2'000;
  Ends ends = Run(*engine, kFirst, 64, kRightAnswer);
  const std::int64_t before = ResidentBytes();
  for (const auto& [name, count] : Run(*engine, kCalls - kFirst, 64, kRightAnswer)) {
    ends[name] += count;
  }
  if (std::getenv("ASAN_OPTIONS") == nullptr) {
    EXPECT_LT(ResidentBytes() - before, 16 << 20) << "of the server and its log too";
  }
  // A call is sent again where a retry says so, and nowhere else; some requests ask for the
  // version.
  const auto sent = static_cast<std::int64_t>(server.core().log().received());
  EXPECT_LE(sent, kCalls + events_.count("provider:retry") + 2);
  EXPECT_GE(sent, kCalls);
  int all = 0;
  const std::set<std::string> honest = {
      "",         "stream_truncated", "connection_error", "http_500",
      "http_503", "http_429",         "protocol_error"};
  for (const auto& [name, count] : ends) {
    EXPECT_TRUE(honest.contains(name)) << name << " " << count << " times";
    all += count;
  }
  EXPECT_EQ(all, kCalls);
  EXPECT_GT(ends.at(""), kCalls * 8 / 10);
}

// R-WIRE-10: one engine, 64 threads, 1,000 calls.
TEST_F(FleetTest, ManyThreadsShareOneEngine) {
  const SimServer server(Speaking("vllm-latest", StrCat("[{reply: {text: ", kRightAnswer, "}}]")));
  constexpr int kThreads = 64;
  std::vector<async::Loop> loops(kThreads);  // outlive the connections of the fleet
  Result<Fleet> fleet = Open(StrCat("engines: {main: {base_url: ", server.url(), "}}"));
  ASSERT_TRUE(fleet);
  const std::shared_ptr<model::Engine> engine = *fleet->Get("main");
  std::atomic<int> left = 1000;
  std::vector<Ends> ends(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      loops[i].Run(AskMany(async::Context(loops[i]), *engine, call_, left, kRightAnswer, ends[i]));
    });
  }
  for (std::thread& thread : threads) thread.join();
  Ends all;
  for (const Ends& its : ends) {
    for (const auto& [name, count] : its) all[name] += count;
  }
  EXPECT_EQ(all, (Ends{{"", 1000}}));
}

}  // namespace
}  // namespace weir::client
