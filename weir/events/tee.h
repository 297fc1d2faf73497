#pragma once

// One sink for several.

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/trace.h"

namespace weir::events {

// Hands everything to each of its sinks, in their order; spans only to those that want them.
class Tee final : public TraceSink {
 public:
  // The sinks must outlive it.
  explicit Tee(std::vector<TraceSink*> sinks)
      : TraceSink(std::ranges::any_of(sinks, &TraceSink::wants_spans)), sinks_(std::move(sinks)) {}

  void OnEvent(std::string_view name, std::span<const TraceField> fields) override {
    for (TraceSink* sink : sinks_) sink->OnEvent(name, fields);
  }
  void OnSpanStart(const SpanRecord& span) override {
    for (TraceSink* sink : sinks_) {
      if (sink->wants_spans()) sink->OnSpanStart(span);
    }
  }
  void OnSpanEnd(const SpanRecord& span) override {
    for (TraceSink* sink : sinks_) {
      if (sink->wants_spans()) sink->OnSpanEnd(span);
    }
  }

 private:
  const std::vector<TraceSink*> sinks_;
};

}  // namespace weir::events
