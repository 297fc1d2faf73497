// Properties: where the network cuts the bytes never changes the events; what was read, written and
// read again is the same.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "weir/http/sse.h"
#include "weir/http/sse_testing.h"

namespace {

using weir::http::CutEvery;
using weir::http::Pieces;
using weir::http::SseCopy;
using weir::http::SseOutcome;

constexpr std::size_t kMaxEventBytes = 64;

SseOutcome Read(const Pieces& pieces, std::size_t max_event_bytes) {
  weir::http::SseReader reader(max_event_bytes);
  return weir::http::PlaySse(reader, pieces);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = 1 + data[0] % 16;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  const SseOutcome whole = Read({wire}, kMaxEventBytes);
  if (Read(CutEvery(wire, step), kMaxEventBytes) != whole) std::abort();

  std::string written;
  for (const SseCopy& event : whole.events)
    weir::http::AppendSseEvent(written, event.type, event.data);
  const SseOutcome again = Read({written}, written.size() + 1);
  if (again.events.size() != whole.events.size()) std::abort();
  for (std::size_t i = 0; i < again.events.size(); ++i) {
    if (again.events[i].type != whole.events[i].type) std::abort();
    if (again.events[i].data != whole.events[i].data) std::abort();
  }
  return 0;
}
