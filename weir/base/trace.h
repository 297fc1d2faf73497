#pragma once

// Spans (which step of a call ran, when, with what result) and events (what happened in it). Lower
// levels emit them to this abstract sink; module `events` implements it. A null sink costs one
// branch.

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

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

// A JSON text that stands in an event as it is.
struct JsonText {
  std::string_view text;
};

// One value of an event. Texts are borrowed until OnEvent() returns.
struct TraceField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool, JsonText> value;
};

// All members are called from any thread, and never fail: a sink that cannot write says so once and
// the work goes on.
class TraceSink {
 public:
  // `wants_spans`: false for those that are told of events alone.
  explicit TraceSink(bool wants_spans = true) : wants_spans_(wants_spans) {}
  virtual ~TraceSink() = default;

  bool wants_spans() const { return wants_spans_; }

  // `name` as docs/events.md lists it: "llm:request", "provider:retry", ... The sink redacts.
  virtual void OnEvent(std::string_view name, std::span<const TraceField> fields);

  // Numbers the spans of this sink; any thread.
  std::uint64_t NewSpanId() { return next_id_.fetch_add(1, std::memory_order_relaxed); }

  // Called when a span begins, so that readers see the order of a line that never ended, too.
  virtual void OnSpanStart(const SpanRecord& span) = 0;
  virtual void OnSpanEnd(const SpanRecord& span) = 0;

 private:
  const bool wants_spans_;
  std::atomic<std::uint64_t> next_id_{1};
};

inline void TraceSink::OnEvent(std::string_view /*name*/, std::span<const TraceField> /*fields*/) {}

}  // namespace weir
