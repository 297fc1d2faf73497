// What one event of an ordinary token stream costs: whole in one read, cut in two, many in a read.

#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "weir/http/sse.h"

namespace weir::http {
namespace {

constexpr std::string_view kJson =
    R"({"id":"chatcmpl-0123456789abcdef","object":"chat.completion.chunk","created":1795226633,)"
    R"("model":"tiny","choices":[{"index":0,"delta":{"content":" river"},"logprobs":null,)"
    R"("finish_reason":null}]})";

std::string Stream(int events) {
  std::string out;
  for (int i = 0; i < events; ++i) AppendSseData(out, kJson);
  return out;
}

void Read(SseReader& reader, std::string_view bytes) {
  (void)reader.Feed(bytes);  // far below the limit
  for (SseEvent event; reader.Next(event);) benchmark::DoNotOptimize(event.data.data());
}

void BM_SseOneEventPerRead(benchmark::State& state) {
  const std::string wire = Stream(1);
  SseReader reader;
  for (auto _ : state) Read(reader, wire);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(wire.size()));
}
BENCHMARK(BM_SseOneEventPerRead);

void BM_SseEventCutInTwo(benchmark::State& state) {
  const std::string wire = Stream(1);
  const std::string_view view = wire;
  SseReader reader;
  for (auto _ : state) {
    Read(reader, view.substr(0, 100));
    Read(reader, view.substr(100));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(wire.size()));
}
BENCHMARK(BM_SseEventCutInTwo);

void BM_SseFiftyEventsPerRead(benchmark::State& state) {
  const std::string wire = Stream(50);
  SseReader reader;
  for (auto _ : state) Read(reader, wire);
  state.SetItemsProcessed(state.iterations() * 50);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(wire.size()));
}
BENCHMARK(BM_SseFiftyEventsPerRead);

void BM_SseWrite(benchmark::State& state) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendSseData(out, kJson);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(BM_SseWrite);

}  // namespace
}  // namespace weir::http
