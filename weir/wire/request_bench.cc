#include <benchmark/benchmark.h>

#include "weir/json/reader.h"
#include "weir/wire/codec.h"

namespace weir::wire {
namespace {

model::Call PlainCall() {
  model::Call call;
  call.model = "meta-llama/Llama-3.1-8B-Instruct";
  call.messages.push_back(model::Message::Text(
      model::Role::kUser, "What is the capital of France, and since when? Answer in one line."));
  call.sampling.max_tokens = 64;
  call.sampling.temperature = 0.7;
  return call;
}

model::Call CallWithTool() {
  model::Call call = PlainCall();
  model::ToolSpec& tool = call.tools.emplace_back();
  tool.name = "get_weather";
  tool.description = "The weather of a city, now.";
  tool.parameters = *json::Read(
      R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})");
  call.tool_choice.kind = model::ToolChoice::Kind::kAuto;
  return call;
}

void Encode(benchmark::State& state, const model::Call& call, const EncodeOptions& options) {
  std::size_t bytes = 0;
  for (auto _ : state) {
    auto request = EncodeRequest(call, options);
    bytes = request->body.size();
    benchmark::DoNotOptimize(request);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
}

void EncodePlainCall(benchmark::State& state) { Encode(state, PlainCall(), {}); }

void EncodePlainStream(benchmark::State& state) { Encode(state, PlainCall(), {.stream = true}); }

void EncodeLongPrompt(benchmark::State& state) {
  model::Call call = PlainCall();
  for (int i = 0; i < 400; ++i) call.messages[0].parts[0].text += "Ten bytes.";
  Encode(state, call, {});
}

void EncodeConversation(benchmark::State& state) {
  model::Call call = PlainCall();
  const model::Message user = call.messages[0];
  for (int i = 0; i < 8; ++i) {
    call.messages.push_back(model::Message::Text(
        model::Role::kAssistant, "Paris, with breaks, since the year 508.\nAnything else?"));
    call.messages.push_back(user);
  }
  Encode(state, call, {});
}

void EncodeToolCall(benchmark::State& state) { Encode(state, CallWithTool(), {}); }

BENCHMARK(EncodePlainCall);
BENCHMARK(EncodePlainStream);
BENCHMARK(EncodeLongPrompt);
BENCHMARK(EncodeConversation);
BENCHMARK(EncodeToolCall);

}  // namespace
}  // namespace weir::wire
