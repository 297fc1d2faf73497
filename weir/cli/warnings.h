#pragma once

// What a person at a terminal should hear of while a command works: the events that are warnings,
// and what happens to servers, in words.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weir/base/error.h"
#include "weir/base/trace.h"
#include "weir/cli/terminal.h"

namespace weir::cli {

// The sentence that an event is worth; nothing for most of them.
std::optional<std::string> WarningOf(std::string_view name, std::span<const TraceField> fields);

// The same for what is no warning: a server that weir starts or uses, an engine that is back.
std::optional<std::string> ServerNoteOf(std::string_view name, std::span<const TraceField> fields);

class WarningSink final : public TraceSink {
 public:
  // `terminal` must outlive the sink.
  explicit WarningSink(const Terminal& terminal) : TraceSink(false), terminal_(terminal) {}

  void OnEvent(std::string_view name, std::span<const TraceField> fields) override;
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

 private:
  const Terminal& terminal_;
};

}  // namespace weir::cli
