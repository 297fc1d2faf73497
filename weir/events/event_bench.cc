#include <benchmark/benchmark.h>

#include "weir/events/event.h"

namespace weir::events {
namespace {

// What "llm:response" holds.
const TraceField kFields[] = {{"engine", "fast"},
                              {"provider", "vllm"},
                              {"model", "Qwen/Qwen3-8B"},
                              {"request_id", "weir-3f0c1b62a7d94e58"},
                              {"status", "ok"},
                              {"usage", JsonText{R"({"input_tokens":1042,"output_tokens":311})"}},
                              {"prompt_tokens", std::int64_t{1042}},
                              {"completion_tokens", std::int64_t{311}},
                              {"duration_ms", 1823.071},
                              {"ttft_ms", 83.25},
                              {"retry_count", std::int64_t{0}},
                              {"finish_reason", "stop"},
                              {"run", "20260131-235959-0f3a91bc"},
                              {"row", std::int64_t{4711}},
                              {"node", "classify"}};

void Line(benchmark::State& state) {
  const SystemClock clock;
  JsonlSink sink(clock, [](std::string_view line) {
    benchmark::DoNotOptimize(line);
    return true;
  });
  for (auto _ : state) sink.OnEvent("llm:response", kFields);
}
BENCHMARK(Line);

// With a sentence that has to be looked through for secrets.
void LineWithMessage(benchmark::State& state) {
  const SystemClock clock;
  JsonlSink sink(clock, [](std::string_view line) {
    benchmark::DoNotOptimize(line);
    return true;
  });
  std::vector<TraceField> fields(std::begin(kFields), std::end(kFields));
  fields.push_back({"message", "the server answered 503: the queue is full, ask again later"});
  for (auto _ : state) sink.OnEvent("llm:response", fields);
}
BENCHMARK(LineWithMessage);

void LineToFile(benchmark::State& state) {
  const SystemClock clock;
  auto sink = OpenJsonl(clock, {.path = "/tmp/weir_event_bench.jsonl", .keep = 0});
  if (!sink) return state.SkipWithError(sink.error().message.c_str());
  for (auto _ : state) (*sink)->OnEvent("llm:response", kFields);
}
BENCHMARK(LineToFile);

void LineSwitchedOff(benchmark::State& state) {
  const SystemClock clock;
  JsonlSink sink(clock, [](std::string_view) { return true; }, true, [] { return false; });
  for (auto _ : state) sink.OnEvent("llm:response", kFields);
}
BENCHMARK(LineSwitchedOff);

}  // namespace
}  // namespace weir::events
