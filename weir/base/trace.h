#pragma once

// Spans: which step of a call ran, when, with what result. Lower levels emit them to this abstract
// sink; module `events` implements it. A null sink costs one branch.

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/clock.h"
#include "weir/base/error.h"

namespace weir {

struct SpanRecord {
  std::string_view name;  // "engine.http", "http.connect": static text
  std::uint64_t id = 0;
  std::uint64_t parent = 0;  // 0: the root of the call
  TimePoint start;
  TimePoint end;
  const Error* error = nullptr;  // null when the step succeeded
  std::string_view detail;       // e.g. "POST /v1/chat/completions 200"; redacted by the sink
};

class TraceSink {
 public:
  virtual ~TraceSink() = default;

  // Numbers the spans of this sink; any thread.
  std::uint64_t NewSpanId() { return next_id_.fetch_add(1, std::memory_order_relaxed); }

  // Called when a span begins, so that readers see the order of a line that never ended, too.
  virtual void OnSpanStart(const SpanRecord& span) = 0;
  virtual void OnSpanEnd(const SpanRecord& span) = 0;

 private:
  std::atomic<std::uint64_t> next_id_{1};
};

}  // namespace weir
