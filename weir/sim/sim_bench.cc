#include <benchmark/benchmark.h>

#include "weir/async/context.h"
#include "weir/sim/core.h"
#include "weir/wire/server_codec.h"

namespace weir::sim {
namespace {

model::Call Question() {
  model::Call call;
  call.messages.push_back(model::Message::Text(model::Role::kUser, "How do the tides work?"));
  call.sampling.max_tokens = 64;
  call.sampling.ignore_eos = true;
  return call;
}

SimOptions Instant() {
  SimOptions options;
  options.engine.latency.pace = Latency::Pace::kInstant;
  return options;
}

async::Task<void> Play(async::Context ctx, SimCore& core, Taken& taken,
                       std::vector<model::Delta>& deltas) {
  if (!taken.performance.Enter(ctx, core.scheduler())) co_return;
  for (bool more = true; more;) {
    const Result<bool> next = co_await taken.performance.Next(ctx, kInstantRun, deltas);
    more = next.value_or(false);
  }
}

// Decides, writes all tokens, and hands the deltas to `consume`.
template <class Consume>
void Answer(benchmark::State& state, Consume consume) {
  SimCore core(Instant());
  async::Loop loop(async::Loop::Time::kVirtual);
  const model::Call call = Question();
  const Prompt prompt;
  std::vector<model::Delta> deltas;
  for (auto _ : state) {
    Outcome outcome = core.Decide({call, std::span(&prompt, 1)});
    Taken& taken = std::get<Taken>(outcome.answer);
    deltas.clear();
    loop.Run(Play(async::Context(loop), core, taken, deltas));
    consume(core, call, taken, deltas);
  }
  state.SetItemsProcessed(state.iterations() * *call.sampling.max_tokens);
}

void BM_Decide(benchmark::State& state) {
  SimCore core(Instant());
  const model::Call call = Question();
  const Prompt prompt;
  for (auto _ : state) {
    benchmark::DoNotOptimize(core.Decide({call, std::span(&prompt, 1)}));
  }
}
BENCHMARK(BM_Decide);

void BM_WholeReply(benchmark::State& state) {
  Answer(state, [](SimCore& core, const model::Call& call, Taken& taken,
                   std::vector<model::Delta>& deltas) {
    model::Assembler assembler;
    for (const model::Delta& delta : deltas) assembler.Add(delta);
    model::Reply reply = std::move(assembler).Finish(core.NewInfo(call.api, taken.model, "", 0));
    reply.usage = taken.performance.usage();
    benchmark::DoNotOptimize(wire::EncodeReply(call.api, reply, core.options().dialect));
  });
}
BENCHMARK(BM_WholeReply);

void BM_StreamedReply(benchmark::State& state) {
  std::string out;
  Answer(state, [&out](SimCore& core, const model::Call& call, Taken& taken,
                       std::vector<model::Delta>& deltas) {
    wire::ChunkEncoder encoder({.dialect = core.options().dialect},
                               core.NewInfo(call.api, taken.model, "", 0));
    out.clear();
    for (const model::Delta& delta : deltas) encoder.Append(delta, out);
    encoder.AppendEnd(taken.performance.usage(), out);
    benchmark::DoNotOptimize(out);
  });
  state.counters["bytes"] = static_cast<double>(out.size());
}
BENCHMARK(BM_StreamedReply);

}  // namespace
}  // namespace weir::sim
