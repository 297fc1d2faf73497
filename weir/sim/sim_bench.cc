#include <benchmark/benchmark.h>

#include "weir/sim/core.h"
#include "weir/sim/playback.h"

namespace weir::sim {
namespace {

model::Call Question() {
  model::Call call;
  call.messages.push_back(model::Message::Text(model::Role::kUser, "How do the tides work?"));
  call.sampling.max_tokens = 64;
  return call;
}

SimOptions Instant() {
  SimOptions options;
  options.instant = true;
  return options;
}

void BM_Decide(benchmark::State& state) {
  SimCore core(Instant());
  const model::Call call = Question();
  const Prompt prompt;
  for (auto _ : state) benchmark::DoNotOptimize(core.Decide(call, std::span(&prompt, 1)));
}
BENCHMARK(BM_Decide);

void BM_WholeReply(benchmark::State& state) {
  SimCore core(Instant());
  const model::Call call = Question();
  const Prompt prompt;
  for (auto _ : state) {
    const Outcome outcome = core.Decide(call, std::span(&prompt, 1));
    const Plan& plan = std::get<Plan>(outcome.answer);
    const model::Reply reply = WholeReply(plan, core.NewInfo(plan, "", 0));
    benchmark::DoNotOptimize(wire::EncodeReply(call.api, reply, core.options().dialect));
  }
}
BENCHMARK(BM_WholeReply);

void BM_StreamedReply(benchmark::State& state) {
  SimCore core(Instant());
  const model::Call call = Question();
  const Prompt prompt;
  std::vector<model::Delta> deltas;
  std::string out;
  for (auto _ : state) {
    const Outcome outcome = core.Decide(call, std::span(&prompt, 1));
    const Plan& plan = std::get<Plan>(outcome.answer);
    wire::ChunkEncoder encoder({.dialect = core.options().dialect}, core.NewInfo(plan, "", 0));
    out.clear();
    for (std::size_t step = 0; step < plan.steps(); ++step) {
      deltas.clear();
      AppendStep(plan, step, deltas);
      for (const model::Delta& delta : deltas) encoder.Append(delta, out);
    }
    encoder.AppendEnd(plan.usage, out);
    benchmark::DoNotOptimize(out);
  }
  state.counters["bytes"] = static_cast<double>(out.size());
}
BENCHMARK(BM_StreamedReply);

}  // namespace
}  // namespace weir::sim
