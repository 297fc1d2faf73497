#include <string>

#include <benchmark/benchmark.h>

#include "weir/base/text.h"
#include "weir/json/lenient.h"
#include "weir/json/reader.h"

namespace weir::json {
namespace {

// Records as models write them; one in eight has a defect.
std::string Document(std::size_t bytes, bool defects) {
  std::string text = "[\n";
  for (int i = 0; text.size() < bytes; ++i) {
    const int defect = defects ? i % 32 : -1;
    StrAppend(text, i == 0 ? "" : ",\n", "  {\"id\": ", i, defect == 3 ? ", name" : ", \"name\"",
              defect == 7 ? ": 'row " : ": \"row ", i, defect == 7 ? "'" : "\"",
              defect == 11 ? ", // the score\n" : ", ", "\"score\": ", 0.001 * i,
              ", \"tags\": [\"a\", \"b\\n\", \"\xC3\xA9\"", defect == 15 ? ",]" : "]",
              ", \"ok\": ", defect == 19 ? "True" : "true",
              ", \"text\": \"a sentence of the usual length", defect == 23 ? " \"so\"" : "",
              " that holds nothing to escape\"", defect == 27 ? ",}" : "}");
  }
  text += "\n]";
  return text;
}

const std::string& Text(std::size_t bytes, bool defects) {
  static std::string text;
  static std::size_t made = 0;
  if (made != bytes * 2 + defects) text = Document(bytes, defects);
  made = bytes * 2 + defects;
  return text;
}

void RepairToText(benchmark::State& state) {
  const std::string& text = Text(static_cast<std::size_t>(state.range(0)), state.range(1) != 0);
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(RepairText(text, out));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}

void RepairToValue(benchmark::State& state) {
  const std::string& text = Text(static_cast<std::size_t>(state.range(0)), state.range(1) != 0);
  for (auto _ : state) benchmark::DoNotOptimize(ReadLenient(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}

BENCHMARK(RepairToText)->ArgsProduct({{100'000, 64'000'000}, {0, 1}});
BENCHMARK(RepairToValue)->ArgsProduct({{100'000, 64'000'000}, {0, 1}});

}  // namespace
}  // namespace weir::json
