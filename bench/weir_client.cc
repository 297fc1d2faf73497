// What the same traffic costs through weir's whole chain, wired as every program of weir is: retry,
// limit, encode, HTTP, decode. Every reply and every delta is decoded and checked to have come.
// Modes as in raw/client.cc: requests, latency, streams. --chain says how much of the chain:
// "bare" (the HTTP engine alone), "whole", or "recorded" (whole, verification around it, and the
// events of every call to a file).

#include <chrono>
#include <exception>
#include <filesystem>

#include "bench/measure.h"

#include "weir/async/scope.h"
#include "weir/client/wiring.h"
#include "weir/engine/http_engine.h"
#include "weir/events/event.h"

namespace weir::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Plan {
  bool streams = false;
  std::size_t connections = 1;
  std::size_t count = 0;   // requests in all
  std::size_t events = 0;  // content events expected of each stream; 0: any number
  model::Call call;
};

// What the coroutines of one loop have done so far.
struct Tally {
  std::size_t asked = 0;
  std::size_t opened = 0;
  std::size_t events = 0;
  std::size_t rss_before = 0;
  std::size_t rss_opened = 0;
  std::vector<float> latencies_us;
  std::optional<Error> failure;
};

Error Wrong(std::string what) {
  return Error{.code = Code::kProtocolError, .message = std::move(what)};
}

float MicrosSince(SteadyClock::time_point start) {
  return std::chrono::duration<float, std::micro>(SteadyClock::now() - start).count();
}

// One connection's worth of requests: the next is sent when the answer is there.
async::Task<void> AskAgainAndAgain(async::Context ctx, model::Engine& engine, const Plan& plan,
                                   Tally& tally) {
  while (tally.asked < plan.count && !tally.failure) {
    ++tally.asked;
    const SteadyClock::time_point start = SteadyClock::now();
    const async::Context call_ctx = ctx.WithTimeout(plan.call.timeouts->total);
    const Result<model::Reply> reply = co_await engine.Call(call_ctx, plan.call);
    tally.latencies_us.push_back(MicrosSince(start));
    if (!reply) {
      tally.failure = reply.error();
    } else if (reply->text().empty() || reply->choices[0].finish != model::Finish::kStop) {
      tally.failure = Wrong("a reply is not whole");
    }
  }
}

// Reads one stream to its end and checks what came.
async::Task<Result<void>> ReadStream(async::Context ctx, model::Engine& engine, const Plan& plan,
                                     Tally& tally) {
  WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream,
              co_await engine.Stream(ctx, plan.call));
  std::size_t contents = 0;
  std::size_t deltas = 0;
  bool finished = false;
  bool counted = false;
  model::Delta delta;
  for (;;) {
    WEIR_CO_TRY(const bool more, co_await stream->Next(ctx, delta));
    if (!more) break;
    if (++deltas == 1 && ++tally.opened == plan.connections) {
      tally.rss_opened = RssKibNow();
    }
    contents += delta.text.empty() ? 0 : 1;
    finished = finished || delta.finish == model::Finish::kStop;
    counted = counted || delta.usage.has_value();
  }
  if (!finished || !counted) co_return Fail(Wrong("a stream lacks its finish reason or its usage"));
  if (plan.events > 0 && contents != plan.events) co_return Fail(Wrong("events are missing"));
  tally.events += contents + kFramingEvents;
  co_return Result<void>();
}

async::Task<void> AskForStream(async::Context ctx, model::Engine& engine, const Plan& plan,
                               Tally& tally) {
  const SteadyClock::time_point start = SteadyClock::now();
  const async::Context call_ctx = ctx.WithTimeout(plan.call.timeouts->total);
  const Result<void> read = co_await ReadStream(call_ctx, engine, plan, tally);
  tally.latencies_us.push_back(MicrosSince(start));
  if (!read) tally.failure = read.error();
}

async::Task<void> RunAll(async::Context ctx, model::Engine& engine, const Plan& plan,
                         Tally& tally) {
  async::TaskScope scope(ctx);
  for (std::size_t i = 0; i < plan.connections; ++i) {
    if (plan.streams) {
      scope.Spawn(AskForStream(scope.context(), engine, plan, tally));
    } else {
      scope.Spawn(AskAgainAndAgain(scope.context(), engine, plan, tally));
    }
  }
  co_await scope.Join();
}

config::EngineConfig EngineAt(std::size_t port, const std::string& model) {
  config::EngineConfig config;
  config.http.upstream.base_url = "http://127.0.0.1:" + std::to_string(port);
  config.http.model = model;
  config.limits.max_in_flight = 1'000'000;
  return config;
}

Result<std::unique_ptr<model::Engine>> Build(const std::string& chain,
                                             const config::EngineConfig& config,
                                             http::Client& transport) {
  if (chain == "bare") return engine::NewHttpEngine(client::HttpOptionsOf(config), transport);
  WEIR_TRY(std::unique_ptr<model::Engine> engine, client::BuildEngine(config, transport));
  if (chain == "whole") return engine;
  if (chain != "recorded") Die("--chain is bare, whole or recorded");
  return engine::NewVerifyEngine(std::move(engine), {});
}

Outcome Measure(Plan plan, const std::string& chain, const config::EngineConfig& config,
                Duration limit) {
  async::Loop loop;
  const std::unique_ptr<http::Client> transport = client::BuildTransport(config, Env());
  const Result<std::unique_ptr<model::Engine>> engine = Build(chain, config, *transport);
  if (!engine) Die(engine.error().message);
  Result<std::unique_ptr<events::JsonlSink>> sink;
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "weir-bench.jsonl";
  if (chain == "recorded") {
    sink = events::OpenJsonl(
        loop,
        {.path = file.string(), .keep = 0, .spans = false, .hold = std::chrono::milliseconds(5)});
  }
  if (!sink) Die(sink.error().message);
  async::Context ctx(loop);
  ctx.trace = sink->get();
  plan.call.model = config.http.model;
  plan.call.timeouts = config.http.upstream.timeouts;
  plan.call.timeouts->total = limit;

  Tally tally;
  tally.latencies_us.reserve(plan.count);
  tally.rss_before = RssKibNow();
  const CpuTime before = CpuNow();
  const SteadyClock::time_point start = SteadyClock::now();
  loop.Run(RunAll(ctx, **engine, plan, tally));
  const CpuTime after = CpuNow();
  std::filesystem::remove(file);
  if (tally.failure) Die(tally.failure->message);
  return Outcome{.mode = {},
                 .connections = plan.connections,
                 .requests = plan.count,
                 .events = tally.events,
                 .rss_kib = tally.rss_opened - tally.rss_before,
                 .cpu = {.user_us = after.user_us - before.user_us,
                         .system_us = after.system_us - before.system_us},
                 .wall = SteadyClock::now() - start,
                 .latencies_us = std::move(tally.latencies_us)};
}

int Main(int argc, char** argv) {
  Flags flags(argc, argv);
  Plan plan;
  plan.streams = flags.mode() == "streams";
  if (!plan.streams && flags.mode() != "requests" && flags.mode() != "latency") {
    Die("give a mode: requests, latency or streams");
  }
  const std::size_t port = flags.Number("port", 0);
  plan.connections = flags.Number("connections", flags.mode() == "latency" ? 1 : 64);
  plan.count = flags.Number("count", plan.streams ? plan.connections : 20000);
  plan.events = flags.Number("events", 0);
  const std::string model = flags.Text("model", std::string(kModel));
  const std::string chain = flags.Text("chain", "whole");
  const std::chrono::seconds limit(flags.Number("seconds", 120));
  flags.RefuseOthers();
  RaiseFileLimit();

  plan.call.messages.push_back(model::Message::Text(model::Role::kUser, std::string(kPrompt)));
  plan.call.sampling.max_tokens = 200;
  plan.call.sampling.temperature = 0.7;
  Outcome outcome = Measure(std::move(plan), chain, EngineAt(port, model), limit);
  outcome.mode = flags.mode();
  Print(std::move(outcome));
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  try {
    return weir::bench::Main(argc, argv);
  } catch (const std::exception& bug) {
    weir::bench::Die(bug.what());
  }
}
