#include <benchmark/benchmark.h>

#include "weir/json/reader.h"
#include "weir/wire/chunk_tree.h"
#include "weir/wire/codec.h"
#include "weir/wire/server_codec.h"

namespace weir::wire {
namespace {

constexpr std::string_view kPlain =
    R"({"id":"chatcmpl-9f0c2a7be1d34c55","object":"chat.completion.chunk","created":1786900000,)"
    R"("model":"m","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,)"
    R"("finish_reason":null,"token_ids":null}]})";
constexpr std::string_view kTool =
    R"({"id":"chatcmpl-9f0c2a7be1d34c55","object":"chat.completion.chunk","created":1786900000,)"
    R"("model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":)"
    R"({"arguments":"{\"ci"}}]},"logprobs":null,"finish_reason":null,"token_ids":null}]})";

void Decode(benchmark::State& state, std::string_view data) {
  ChunkDecoder decoder(model::Api::kChat);
  model::Delta delta;
  for (auto _ : state) {
    auto kind = decoder.Decode(data, delta);
    benchmark::DoNotOptimize(kind);
    benchmark::DoNotOptimize(delta);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * data.size()));
}

void DecodePlain(benchmark::State& state) { Decode(state, kPlain); }

// Two choices by turns, so that no chunk looks like the one before.
void DecodePlainByParser(benchmark::State& state) {
  std::string other(kPlain);
  other[other.find("\"index\":0") + 8] = '1';
  const std::string_view chunks[] = {kPlain, other};
  ChunkDecoder decoder(model::Api::kChat);
  model::Delta delta;
  std::size_t turn = 0;
  for (auto _ : state) {
    auto kind = decoder.Decode(chunks[turn ^= 1], delta);
    benchmark::DoNotOptimize(kind);
    benchmark::DoNotOptimize(delta);
  }
}

void DecodeToolCall(benchmark::State& state) { Decode(state, kTool); }

void DecodePlainByTree(benchmark::State& state) {
  for (auto _ : state) {
    model::Delta delta;
    model::ReplyInfo info;
    auto decoded = DecodeChunkTree(model::Api::kChat, kPlain, delta, info);
    benchmark::DoNotOptimize(decoded);
    benchmark::DoNotOptimize(delta);
  }
}

void EncodePlain(benchmark::State& state) {
  model::ReplyInfo info;
  info.id = "chatcmpl-9f0c2a7be1d34c55";
  info.model = "m";
  ChunkEncoder encoder({}, info);
  model::Delta delta;
  delta.has_choice = true;
  delta.text = " word";
  std::string out;
  for (auto _ : state) {
    out.clear();
    encoder.Append(delta, out);
    benchmark::DoNotOptimize(out);
  }
}

BENCHMARK(DecodePlain);
BENCHMARK(DecodePlainByParser);
BENCHMARK(DecodeToolCall);
BENCHMARK(DecodePlainByTree);
BENCHMARK(EncodePlain);

}  // namespace
}  // namespace weir::wire
