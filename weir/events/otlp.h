#pragma once

// Spans and figures for an OpenTelemetry collector. The sink collects; whoever owns it lets it
// export now and then, over a way to post that it is given: this module knows no HTTP.

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/trace.h"
#include "weir/events/otlp_json.h"

namespace weir::events {

struct OtlpOptions {
  OtlpOrigin origin;
  std::size_t max_queue = 2048;   // finished spans that wait; more are dropped and counted
  std::size_t max_batch = 512;    // spans in one request
  std::size_t max_open = 65536;   // spans begun and not ended; more lose their place in the tree
  std::size_t max_series = 1024;  // of each histogram; others are not counted
};

// Every span of the work becomes a span; every "llm:response" becomes one of kind client with the
// gen_ai.* attributes, and counts in gen_ai.client.operation.duration (seconds) and
// gen_ai.client.token.usage. An event does not name the span that it happened in: a response stands
// below the root of the work when that is all that goes on, and else in a trace of its own. Texts
// are redacted.
class OtlpSink final : public TraceSink {
 public:
  // Sends a JSON body to a path below the collector's base URL; false when that failed.
  using Post = std::function<bool(std::string_view path, std::string body)>;

  // `clock` must outlive the sink.
  OtlpSink(const Clock& clock, OtlpOptions options);

  void OnEvent(std::string_view name, std::span<const TraceField> fields) override;
  void OnSpanStart(const SpanRecord& span) override;
  void OnSpanEnd(const SpanRecord& span) override;

  // Hands what waits to `post`, batch by batch, and then the histograms, if there is news. Spans of
  // a failed post are dropped and counted. Not under the lock, so that `post` may take its time;
  // one call at a time.
  void Export(const Post& post);

  std::uint64_t dropped() const;  // spans that no collector has seen

 private:
  struct Response;
  using Series = std::map<std::vector<OtlpAttribute>, OtlpSeries>;

  void Queue(OtlpSpan span);
  void Observe(Series& series, std::span<const double> bounds,
               std::vector<OtlpAttribute> attributes, double value);
  void AddResponse(const Response& response);
  // The root of all open spans, or 0 when they are of several trees, or of none.
  std::uint64_t OnlyOpenRoot() const;
  std::vector<OtlpSpan> TakeBatch();
  std::string Metrics();
  std::int64_t WallOf(TimePoint time) const;

  const Clock& clock_;
  const OtlpOptions options_;
  const std::int64_t started_;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<OtlpSpan> queue_;
  std::map<std::uint64_t, std::uint64_t> traces_;  // of open spans: their root
  Series durations_;
  Series tokens_;
  bool has_news_ = false;
  std::uint64_t dropped_ = 0;
};

}  // namespace weir::events
