#pragma once

// What a person at a terminal should hear of while a command works: the events that are warnings,
// in words.

#include <functional>

#include "weir/base/error.h"
#include "weir/base/trace.h"
#include "weir/cli/terminal.h"

namespace weir::cli {

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
