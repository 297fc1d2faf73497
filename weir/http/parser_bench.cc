// What one message head and one chunk cost.

#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "weir/http/parser.h"

namespace weir::http {
namespace {

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\ndate: Sat, 21 Nov 2026 04:00:00 GMT\r\nserver: uvicorn\r\n"
    "content-length: 2\r\ncontent-type: application/json\r\nx-request-id: 0123456789abcdef\r\n\r\n"
    "{}";
constexpr std::string_view kRequest =
    "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: weir/0.1\r\n"
    "Accept: text/event-stream\r\nContent-Type: application/json\r\n"
    "Authorization: Bearer 0123456789abcdef\r\nX-Request-Id: 0123456789abcdef\r\n"
    "Accept-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}";

template <class Parser>
void Messages(benchmark::State& state, std::string_view wire) {
  std::string buffer(wire);
  Parser parser;
  for (auto _ : state) {
    parser.Reset();
    benchmark::DoNotOptimize(parser.Feed(buffer));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(wire.size()));
}

void BM_ResponseHead(benchmark::State& state) { Messages<ResponseParser>(state, kResponse); }
BENCHMARK(BM_ResponseHead);

void BM_RequestHead(benchmark::State& state) { Messages<RequestParser>(state, kRequest); }
BENCHMARK(BM_RequestHead);

// One chunk a read, as a paced stream gives them; the second form moves 50 chunks together.
void BM_Chunks(benchmark::State& state) {
  std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  ResponseParser parser;
  benchmark::DoNotOptimize(parser.Feed(head));
  std::string chunks;
  for (int i = 0; i < state.range(0); ++i) AppendChunk(chunks, std::string(200, 'x'));
  std::string buffer;
  for (auto _ : state) {
    buffer = chunks;
    benchmark::DoNotOptimize(parser.Feed(buffer));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Chunks)->Arg(1)->Arg(50);

void BM_WriteRequestHead(benchmark::State& state) {
  const Result<FieldBlock> block = FieldBlock::Make({{"Content-Type", "application/json"},
                                                     {"Authorization", "Bearer 0123456789abcdef"},
                                                     {"Accept", "text/event-stream"}});
  std::string out;
  for (auto _ : state) {
    out.clear();
    HeadWriter head(out);
    benchmark::DoNotOptimize(head.Start("POST", {"/v1/chat/completions"}));
    head.AddKnown(*block);
    head.AddKnown("Host", "127.0.0.1:8000");
    benchmark::DoNotOptimize(head.Add("X-Request-Id", "0123456789abcdef0123456789abcdef"));
    head.AddKnown("Content-Length", "330");
    head.End();
  }
}
BENCHMARK(BM_WriteRequestHead);

}  // namespace
}  // namespace weir::http
