#include <string>

#include <benchmark/benchmark.h>

#include "weir/base/text.h"
#include "weir/wire/codec.h"

namespace weir::wire {
namespace {

// vLLM's reply to a chat call, with all its nulls; `message` are the members after the role.
std::string ChatReply(std::string_view message) {
  return StrCat(
      R"({"id":"chatcmpl-9f0c2a7be1d34c55","object":"chat.completion","created":1786900000,)",
      R"("model":"m","choices":[{"index":0,"message":{"role":"assistant",)", message,
      R"(},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null,)",
      R"("routed_experts":null}],"service_tier":null,)",
      R"("system_fingerprint":"vllm-0.28.0-1a2b3c4d","usage":{"prompt_tokens":11,)",
      R"("total_tokens":13,"completion_tokens":2,"prompt_tokens_details":null,)",
      R"("completion_tokens_details":null},"prompt_logprobs":null,"prompt_token_ids":null,)",
      R"("prompt_text":null,"kv_transfer_params":null,"ec_transfer_params":null,)",
      R"("metrics":null})");
}

constexpr std::string_view kNulls =
    R"("refusal":null,"annotations":null,"audio":null,"function_call":null)";

void Decode(benchmark::State& state, model::Api api, std::string_view body) {
  for (auto _ : state) {
    auto reply = DecodeReply(api, body);
    benchmark::DoNotOptimize(reply);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}

void DecodePlainReply(benchmark::State& state) {
  Decode(state, model::Api::kChat,
         ChatReply(StrCat(R"("content":"Hi",)", kNulls, R"(,"reasoning":null)")));
}

void DecodeLongReply(benchmark::State& state) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += R"(A sentence of the usual length, or a bit more.\n)";
  Decode(state, model::Api::kChat,
         ChatReply(StrCat(R"("content":")", text, "\",", kNulls, R"(,"reasoning":null)")));
}

void DecodeToolReply(benchmark::State& state) {
  Decode(state, model::Api::kChat,
         ChatReply(StrCat(
             R"("content":null,)", kNulls,
             R"(,"tool_calls":[{"id":"chatcmpl-tool-1","type":"function","function":)",
             R"({"name":"get_weather","arguments":"{\"city\": \"Paris\"}"}}],"reasoning":null)")));
}

void DecodeCompletion(benchmark::State& state) {
  Decode(state, model::Api::kCompletions,
         R"({"id":"cmpl-9f0c2a7be1d34c55","object":"text_completion","created":1,"model":"m",)"
         R"("choices":[{"index":0,"text":" world","logprobs":null,"finish_reason":"length",)"
         R"("stop_reason":null,"token_ids":null,"prompt_logprobs":null,"prompt_token_ids":null,)"
         R"("routed_experts":null}],"service_tier":null,"system_fingerprint":"vllm-0.28.0-1a2b",)"
         R"("usage":{"prompt_tokens":2,"total_tokens":18,"completion_tokens":16,)"
         R"("prompt_tokens_details":null,"completion_tokens_details":null},)"
         R"("kv_transfer_params":null,"ec_transfer_params":null,"metrics":null})");
}

BENCHMARK(DecodePlainReply);
BENCHMARK(DecodeLongReply);
BENCHMARK(DecodeToolReply);
BENCHMARK(DecodeCompletion);

}  // namespace
}  // namespace weir::wire
