// What the scheduler costs a request and a token.

#include <benchmark/benchmark.h>

#include "weir/async/scope.h"
#include "weir/sim/engine/scheduler.h"

namespace weir::sim {
namespace {

std::vector<TokenId> Prompt(std::int64_t size, TokenId seed) {
  std::vector<TokenId> prompt(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = seed * 31 + static_cast<TokenId>(i);
  return prompt;
}

void BM_KvAllocateAndFree(benchmark::State& state) {
  KvCache cache({});
  TokenId seed = 0;
  std::vector<TokenId> prompt = Prompt(60, 0);
  for (auto _ : state) {
    prompt[0] = ++seed;
    KvLease lease;
    benchmark::DoNotOptimize(cache.Allocate(prompt, 0, true, lease));
    cache.Free(lease);
  }
}
BENCHMARK(BM_KvAllocateAndFree);

async::Task<void> ServeInstantly(async::Context ctx, Scheduler& scheduler,
                                 benchmark::State& state) {
  TokenId seed = 0;
  for (auto _ : state) {
    SequenceRequest request;
    request.prompt = Prompt(60, ++seed);
    request.max_tokens = 16;
    Result<Scheduler::Turn> turn = scheduler.Enter(ctx, std::move(request));
    const Result<bool> stepped = co_await turn->Step(ctx);
    if (!stepped) co_return;
    turn->Wrote(15);
    turn->Finish(Ended::kStop, 16);
  }
}

void BM_InstantRequest(benchmark::State& state) {
  Metrics metrics({});
  SchedulerOptions options;
  options.latency.pace = Latency::Pace::kInstant;
  Scheduler scheduler(options, metrics);
  async::Loop loop;
  loop.Run(ServeInstantly(async::Context(loop), scheduler, state));
}
BENCHMARK(BM_InstantRequest);

async::Task<void> Stream(async::Context ctx, Scheduler& scheduler, std::int64_t tokens,
                         Duration& lateness) {
  SequenceRequest request;
  request.prompt = Prompt(60, static_cast<TokenId>(tokens));
  request.max_tokens = tokens;
  request.seed = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&request));
  Result<Scheduler::Turn> turn = scheduler.Enter(ctx, std::move(request));
  for (std::int64_t i = 0; i < tokens; ++i) {
    const Result<bool> stepped = co_await turn->Step(ctx);
    if (!stepped) co_return;
    lateness += turn->lateness();
  }
  turn->Finish(Ended::kLength, tokens);
}

async::Task<void> Streams(async::Context ctx, Scheduler& scheduler, std::int64_t streams,
                          Duration& lateness) {
  async::TaskScope scope(ctx);
  for (std::int64_t i = 0; i < streams; ++i) scope.Spawn(Stream(ctx, scheduler, 50, lateness));
  co_await scope.Join();
}

// Thread time per token; wall time is the pace's.
void PacedStreams(benchmark::State& state, Latency::Pace pace, async::Loop::Time time) {
  Metrics metrics({});
  SchedulerOptions options;
  options.max_num_seqs = 100'000;
  options.cache.blocks = 100'000;
  options.latency.pace = pace;
  Scheduler scheduler(options, metrics);
  async::Loop loop(time);
  Duration lateness{};
  for (auto _ : state) {
    loop.Run(Streams(async::Context(loop), scheduler, state.range(0), lateness));
  }
  const auto tokens = static_cast<double>(state.iterations() * state.range(0) * 50);
  state.counters["cpu_per_token"] =
      benchmark::Counter(tokens, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["mean_lateness_us"] = static_cast<double>(lateness.count()) / tokens / 1000;
}
void BM_FixedStreams(benchmark::State& state) {
  PacedStreams(state, Latency::Pace::kFixed, async::Loop::Time::kReal);
}
void BM_FixedStreamsVirtual(benchmark::State& state) {
  PacedStreams(state, Latency::Pace::kFixed, async::Loop::Time::kVirtual);
}
void BM_ModelledStreamsVirtual(benchmark::State& state) {
  PacedStreams(state, Latency::Pace::kModelled, async::Loop::Time::kVirtual);
}
BENCHMARK(BM_FixedStreams)->Arg(1000)->Arg(4000)->Iterations(1);
BENCHMARK(BM_FixedStreamsVirtual)->Arg(1000);
BENCHMARK(BM_ModelledStreamsVirtual)->Arg(256);

}  // namespace
}  // namespace weir::sim
