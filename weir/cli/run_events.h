#pragma once

// Who hears the events of a run: its events.jsonl, and the person, who is told of each kind of
// trouble once and then only how often.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "weir/async/loop.h"
#include "weir/base/result.h"
#include "weir/base/trace.h"
#include "weir/cli/run_view.h"
#include "weir/events/event.h"

namespace weir::cli {

// events.jsonl has what happened to rows, engines and the run, at most a line for each row and node
// when nothing goes wrong; requests and answers are in the events of the configuration, but for the
// turns of agents, which are here, too.
class RunEvents final : public TraceSink {
 public:
  static Result<std::unique_ptr<RunEvents>> Open(async::Loop& loop, const std::string& path,
                                                 std::function<void(const Error&)> on_failure);

  void OnEvent(std::string_view name, std::span<const TraceField> fields) override;
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

 private:
  explicit RunEvents(std::unique_ptr<events::JsonlSink> file)
      : TraceSink(false), file_(std::move(file)) {}

  const std::unique_ptr<events::JsonlSink> file_;
};

// Belongs to the loop's thread.
class RunWarnings final : public TraceSink {
 public:
  explicit RunWarnings(RunView& view) : TraceSink(false), view_(view) {}

  void OnEvent(std::string_view name, std::span<const TraceField> fields) override;
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

 private:
  void Tell(const std::string& kind, const std::string& text);

  RunView& view_;
  std::map<std::string, std::uint64_t> told_;  // by kind
};

}  // namespace weir::cli
