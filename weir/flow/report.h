#pragma once

// The report of a run: one HTML file that needs nothing but itself, neither scripts nor addresses.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weir/flow/graph.h"
#include "weir/flow/stats.h"
#include "weir/flow/timeline.h"
#include "weir/json/value.h"

namespace weir::flow {

// Everything is borrowed until HtmlReport() returns.
struct ReportInput {
  json::View run;     // run.json: the settings
  json::View totals;  // as RunStats::Json() gave it
  std::vector<ReportPoint> timeline;
  std::map<std::string, std::uint64_t> errors;  // rows that failed, by the name of their error
  std::map<std::string, EngineStats> engines;
  std::optional<double> cache_hit_rate;  // 0 to 1, as the servers counted; unset: nobody knows
};

// The same input gives the same bytes. All text is escaped and redacted.
std::string HtmlReport(const Graph& graph, const ReportInput& input);

}  // namespace weir::flow
