// Beside bench/npm/ajv.mjs, on the same files: the instance is written without white space, as a
// model or a server sends it. Run from the root of the tree.

#include <fstream>
#include <iterator>
#include <string>

#include <benchmark/benchmark.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/schema.h"

namespace weir::schema {
namespace {

constexpr const char* kNames[] = {"extraction", "order", "person", "ticket", "tool_call"};

json::Value ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return json::Read(text).value();
}

struct Sample {
  explicit Sample(benchmark::State& state)
      : name(kNames[state.range(0)]),
        schema_value(ReadFile(StrCat("bench/schemas/", name, ".schema.json"))),
        instance(ReadFile(StrCat("bench/schemas/", name, ".json"))),
        text(json::Write(instance)),
        schema(Schema::Compile(schema_value).value()) {
    state.SetLabel(name);
  }

  std::string name;
  json::Value schema_value;
  json::Value instance;
  std::string text;
  Schema schema;
};

void BM_Validate(benchmark::State& state) {
  const Sample sample(state);
  for (auto _ : state) {
    if (!sample.schema.Accepts(sample.instance)) state.SkipWithError("refused");
  }
}
BENCHMARK(BM_Validate)->DenseRange(0, std::size(kNames) - 1);

void BM_ReadAndValidate(benchmark::State& state) {
  const Sample sample(state);
  for (auto _ : state) {
    const auto instance = json::Read(sample.text);
    if (!sample.schema.Accepts(*instance)) state.SkipWithError("refused");
  }
}
BENCHMARK(BM_ReadAndValidate)->DenseRange(0, std::size(kNames) - 1);

void BM_Read(benchmark::State& state) {
  const Sample sample(state);
  for (auto _ : state) benchmark::DoNotOptimize(json::Read(sample.text));
}
BENCHMARK(BM_Read)->DenseRange(0, std::size(kNames) - 1);

void BM_Compile(benchmark::State& state) {
  const Sample sample(state);
  for (auto _ : state) benchmark::DoNotOptimize(Schema::Compile(sample.schema_value));
}
BENCHMARK(BM_Compile)->DenseRange(0, std::size(kNames) - 1);

// A schema of 100 KB: the ones above, again and again, each under a name of its own.
void BM_CompileLarge(benchmark::State& state) {
  std::string text = R"({"type":"object","properties":{)";
  for (int i = 0; text.size() < 100'000; ++i) {
    const std::string path = StrCat("bench/schemas/", kNames[i % 5], ".schema.json");
    const std::string schema = json::Write(ReadFile(path));
    StrAppend(text, i == 0 ? "" : ",", "\"p", i, "\":{\"$id\":\"s", i, "\",", schema.substr(1));
  }
  text += "}}";
  const json::Value value = json::Read(text).value();
  for (auto _ : state) {
    const auto schema = Schema::Compile(value);
    if (!schema) state.SkipWithError(schema.error().message.c_str());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}
BENCHMARK(BM_CompileLarge)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir::schema
