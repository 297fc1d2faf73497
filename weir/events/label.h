#pragma once

// Labels: fields that every event of some work has, such as its run, row, flow and node.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "weir/base/trace.h"

namespace weir::events {

using EventLabels = std::vector<std::pair<std::string, std::variant<std::string, std::int64_t>>>;

// Puts its labels before the fields of each event and passes it on. Spans are passed on with ids
// that are unique among all labels of one sink. Contexts that are handed this sink begin without a
// span of their own (span 0): the outermost spans of the work stand below `parent`.
class LabelSink final : public TraceSink {
 public:
  // `next` must outlive it.
  LabelSink(TraceSink& next, EventLabels labels, std::uint64_t parent = 0);

  void OnEvent(std::string_view name, std::span<const TraceField> fields) override;
  void OnSpanStart(const SpanRecord& span) override { next_.OnSpanStart(Renumbered(span)); }
  void OnSpanEnd(const SpanRecord& span) override { next_.OnSpanEnd(Renumbered(span)); }

 private:
  SpanRecord Renumbered(SpanRecord span) const;

  TraceSink& next_;
  const EventLabels labels_;
  const std::uint64_t parent_;
  const std::uint64_t first_id_;
};

}  // namespace weir::events
