#pragma once

// How fast a run goes, smoothed over the last ten seconds.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "weir/base/clock.h"
#include "weir/flow/stats.h"

namespace weir::cli {

inline constexpr Duration kRateWindow = std::chrono::seconds(10);

class Rates {
 public:
  // Looks at the figures; as often as one likes, in the order of time.
  void Sample(const flow::RunStats& stats, TimePoint now);

  // Per second; 0 while there is nothing to say.
  double rows() const;
  double tokens() const;  // that models wrote
  double node_rows(std::size_t node) const;
  double node_tokens(std::size_t node) const;

  // Until the rows of this pass are done; unset when nobody can tell.
  std::optional<Duration> Left(const flow::RunStats& stats, TimePoint now) const;

 private:
  struct Node {
    std::uint64_t rows = 0;
    std::int64_t tokens = 0;
  };
  struct Look {
    TimePoint at;
    std::uint64_t rows = 0;
    std::int64_t tokens = 0;
    std::vector<Node> nodes;
  };

  double PerSecond(double change) const;

  std::deque<Look> looks_;
};

// Rows that a node is through with, whatever came of them.
std::uint64_t RowsThrough(const flow::NodeStats& node);

}  // namespace weir::cli
