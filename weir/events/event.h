#pragma once

// Events as JSON lines: {"ts":...,"seq":...,"event":NAME,...}, the only source for logs, reports
// and statistics. docs/events.md lists the names and their fields. Every line is redacted.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/base/trace.h"

namespace weir::json {
class Writer;
}

namespace weir::events {

// Writes each event as one compact line, in one write, so that lines of several threads never mix.
// A span is two events: "span.start" and "span.end". The memory of a line is used for the next.
class JsonlSink final : public TraceSink {
 public:
  // Gets each line with its newline, under a lock. False: it could not be written and is lost.
  using Write = std::move_only_function<bool(std::string_view line)>;
  // Asked before a line is made, under the same lock. False: nobody wants one now.
  using Wanted = std::move_only_function<bool()>;

  // `clock` must outlive the sink.
  JsonlSink(const Clock& clock, Write write, bool wants_spans = true, Wanted wanted = {});

  void OnEvent(std::string_view name, std::span<const TraceField> fields) override;
  void OnSpanStart(const SpanRecord& span) override;
  void OnSpanEnd(const SpanRecord& span) override;

  // Lines that `write` refused. Their numbers are missing in the file.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  // What is known of a field name, and of its last text: most come again and again.
  struct KnownKey {
    std::string key;
    bool secret = false;
    bool plain = true;  // nothing of it has to be escaped
    std::string text;
    std::string written;  // the text as it stands in a line; empty: none is known
  };

  std::string_view Now();
  KnownKey& Known(std::string_view key);
  static void WriteText(json::Writer& out, KnownKey& known, std::string_view text);

  const Clock& clock_;
  std::mutex mutex_;  // guards everything below but lost_
  Write write_;
  Wanted wanted_;
  std::uint64_t seq_ = 0;
  std::string line_;
  std::array<KnownKey, 128> keys_;
  std::string now_;           // as the line before had it
  std::int64_t second_ = -1;  // of now_
  std::atomic<std::uint64_t> lost_ = 0;
};

struct JsonlOptions {
  std::string path;                   // appended to; made if missing, readable by its owner only
  std::int64_t max_bytes = 64 << 20;  // a file that would grow beyond is rotated; 0: never
  std::int64_t keep = 5;              // rotated files that stay: PATH.1, the newest, to PATH.5
  std::string control_file;           // while it holds "off", nothing is written; empty: none
  bool spans = true;                  // spans too, not only events
  // Lines wait that long for others and are written together, by a thread of the sink's own. Zero:
  // each at once, by whoever tells of the event.
  Duration hold{};
  Duration retry_after = std::chrono::seconds(5);  // no new try that soon after a failed write
  // Told once, when the first line is lost, under the lock of the sink.
  std::function<void(const Error&)> on_failure;
};

// A sink that writes to a file. Several processes may share one: lines are appended whole, and
// whoever finds the file full rotates it for all. The control file is read, and a file that was
// moved away is made anew, at most once a second. Fails with kIoError when the file cannot be
// opened now; later failures lose lines and nothing else.
Result<std::unique_ptr<JsonlSink>> OpenJsonl(const Clock& clock, JsonlOptions options);

}  // namespace weir::events
