#include <string>

#include <benchmark/benchmark.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::json {
namespace {

constexpr std::string_view kChunk =
    R"({"id":"chatcmpl-0123456789abcdef","object":"chat.completion.chunk","created":1700000000,)"
    R"("model":"served-model","choices":[{"index":0,"delta":{"content":" token"},)"
    R"("logprobs":null,"finish_reason":null}]})";

std::string LargeDocument() {
  std::string text = "[";
  for (int i = 0; text.size() < 100'000; ++i) {
    StrAppend(text, i == 0 ? "" : ",", "{\"id\":", i, ",\"name\":\"row ", i,
              "\",\"score\":", 0.001 * i, ",\"tags\":[\"a\",\"b\\n\",\"\xC3\xA9\"],\"ok\":true,",
              "\"text\":\"a sentence of the usual length that holds nothing to escape\"}");
  }
  text += ']';
  return text;
}

std::string MillionNumbers() {
  std::string text = "[0";
  for (int i = 1; i < 1'000'000; ++i) StrAppend(text, ',', i);
  text += ']';
  return text;
}

void CountBytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

void ReadText(benchmark::State& state, std::string_view text) {
  for (auto _ : state) benchmark::DoNotOptimize(Read(text));
  CountBytes(state, text.size());
}

void WriteText(benchmark::State& state, std::string_view text) {
  const Value value = Read(text).value();
  for (auto _ : state) benchmark::DoNotOptimize(Write(value));
  CountBytes(state, text.size());
}

void BM_ReadChunk(benchmark::State& state) { ReadText(state, kChunk); }
void BM_ReadLarge(benchmark::State& state) { ReadText(state, LargeDocument()); }
void BM_ReadMillionNumbers(benchmark::State& state) { ReadText(state, MillionNumbers()); }
void BM_WriteChunk(benchmark::State& state) { WriteText(state, kChunk); }
void BM_WriteLarge(benchmark::State& state) { WriteText(state, LargeDocument()); }

void BM_FindInChunk(benchmark::State& state) {
  const Value value = Read(kChunk).value();
  for (auto _ : state) {
    const View content = value.Find("choices")[0].Find("delta").Find("content");
    benchmark::DoNotOptimize(content.StringOr(""));
  }
}

BENCHMARK(BM_ReadChunk);
BENCHMARK(BM_ReadLarge);
BENCHMARK(BM_ReadMillionNumbers)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_WriteChunk);
BENCHMARK(BM_WriteLarge);
BENCHMARK(BM_FindInChunk);

}  // namespace
}  // namespace weir::json
