#pragma once

// Events: one JSON line about something that happened, the only source for logs, metrics and
// reports. Every sink redacts what it writes.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/base/trace.h"
#include "weir/json/value.h"

namespace weir::events {

struct Event {
  std::string_view name;  // "span.start", "span.end", "provider:retry", ...
  std::vector<std::pair<std::string_view, json::Value>> fields;  // in the order of the line
};

// Writes events as JSON lines: {"ts":...,"seq":...,"event":NAME,...}, compact, one write per line,
// so that lines of several threads never mix. As a TraceSink it writes a line when a span starts
// and one when it ends.
class JsonlSink final : public TraceSink {
 public:
  using Write = std::function<void(std::string_view line)>;

  // `write` gets each line with its newline, already redacted, under a lock. `clock` must outlive
  // the sink.
  JsonlSink(const Clock& clock, Write write);

  void Emit(const Event& event);
  void OnSpanStart(const SpanRecord& span) override;
  void OnSpanEnd(const SpanRecord& span) override;

 private:
  const Clock& clock_;
  std::mutex mutex_;  // guards seq_ and the order of lines
  const Write write_;
  std::uint64_t seq_ = 0;
};

// A sink that appends to `path`, made if missing. Fails with kIoError.
Result<std::unique_ptr<JsonlSink>> OpenJsonl(const Clock& clock, const std::string& path);

}  // namespace weir::events
