#pragma once

// What clients ask and get, counted: the figures that a Prometheus page of ours shows of calls.
// docs/events.md lists the names.

#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "weir/base/trace.h"
#include "weir/events/metrics.h"

namespace weir::events {

class CallFigures final : public TraceSink {
 public:
  // `registry` must outlive it. More than `max_models` names of models count as "other".
  explicit CallFigures(MetricsRegistry& registry, std::size_t max_models = 256);

  void OnEvent(std::string_view name, std::span<const TraceField> fields) override;
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

 private:
  class Fields;

  void AddResponse(const Fields& fields);
  void AddTokens(const Labels& whose, std::string_view kind, std::optional<std::int64_t> count);
  std::string ModelLabel(std::string_view model);

  MetricsRegistry& registry_;
  const std::size_t max_models_;
  std::mutex mutex_;  // guards models_
  std::set<std::string, std::less<>> models_;
};

}  // namespace weir::events
