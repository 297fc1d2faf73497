// A document of 100 KB in pieces of 20 bytes, as a model sends it, with a look at the value after
// every tenth; beside the strict reader on the whole text.

#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "weir/base/text.h"
#include "weir/json/partial.h"
#include "weir/json/reader.h"

namespace weir::json {
namespace {

constexpr std::size_t kBytes = 100'000;
constexpr std::size_t kPiece = 20;
constexpr int kPiecesPerSnapshot = 10;

std::string Rows() {
  std::string text = "[";
  for (int i = 0; text.size() < kBytes; ++i) {
    StrAppend(text, i == 0 ? "" : ",", "{\"id\":", i, ",\"name\":\"row ", i,
              "\",\"score\":", 0.001 * i, ",\"tags\":[\"a\",\"b\\n\",\"\xC3\xA9\"],\"ok\":true,",
              "\"text\":\"a sentence of the usual length that holds nothing to escape\"}");
  }
  return text + "]";
}

std::string OneLargeObject() {
  std::string text = "{";
  for (int i = 0; text.size() < kBytes; ++i) {
    StrAppend(text, i == 0 ? "" : ",", "\"key ", i, "\":", i);
  }
  return text + "}";
}

std::string OneLongString() {
  std::string text = "{\"text\":\"";
  while (text.size() < kBytes) text += "a sentence of the usual length\\n";
  return text + "\"}";
}

void CountBytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

void ReadInPieces(benchmark::State& state, const std::string& document) {
  const std::string_view text = document;
  for (auto _ : state) {
    PartialReader reader;
    int pieces = 0;
    for (std::size_t at = 0; at < text.size(); at += kPiece) {
      if (!reader.Feed(text.substr(at, kPiece))) return state.SkipWithError("refused");
      if (++pieces % kPiecesPerSnapshot == 0) benchmark::DoNotOptimize(reader.Snapshot());
    }
    benchmark::DoNotOptimize(reader.complete());
  }
  CountBytes(state, text.size());
}

void ReadWhole(benchmark::State& state, const std::string& text) {
  for (auto _ : state) benchmark::DoNotOptimize(Read(text));
  CountBytes(state, text.size());
}

void BM_PartialRows(benchmark::State& state) { ReadInPieces(state, Rows()); }
void BM_StrictRows(benchmark::State& state) { ReadWhole(state, Rows()); }
void BM_PartialLargeObject(benchmark::State& state) { ReadInPieces(state, OneLargeObject()); }
void BM_StrictLargeObject(benchmark::State& state) { ReadWhole(state, OneLargeObject()); }
void BM_PartialLongString(benchmark::State& state) { ReadInPieces(state, OneLongString()); }
void BM_StrictLongString(benchmark::State& state) { ReadWhole(state, OneLongString()); }

BENCHMARK(BM_PartialRows)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_StrictRows)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_PartialLargeObject)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_StrictLargeObject)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_PartialLongString)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_StrictLongString)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace weir::json
