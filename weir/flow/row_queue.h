#pragma once

// Rows that came to their end before their turn to be written.
//
// A row on its way has a place, of which there are only so many. One that waits here leaves its
// place to another, so that a slow row holds up no others; only when much waits already does it
// keep it, so that memory stays bounded.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "weir/async/semaphore.h"
#include "weir/flow/folder.h"
#include "weir/flow/stats.h"

namespace weir::flow {

struct EndedRow {
  RowRecord record;
  std::vector<Contribution> given;
  bool replayed = false;  // every answer of it was known
  async::Semaphore::Permit place;
};

class RowQueue {
 public:
  static constexpr std::size_t kMostLight = 16 << 20;

  // `most_light`: bytes of rows that may wait here without a place.
  explicit RowQueue(std::size_t most_light) : most_light_(most_light) {}

  // The first row of a pass that is to be written.
  void StartAt(std::uint64_t row) { next_ = row; }
  std::uint64_t next() const { return next_; }
  // How many rows wait for the next one.
  std::size_t size() const { return waiting_.size(); }

  void Add(EndedRow row);
  // The next row in order; nothing while that is on its way.
  std::optional<EndedRow> Take();
  void Clear();

 private:
  struct Waiting {
    EndedRow row;
    std::size_t light = 0;  // its bytes, when it has left its place
  };

  const std::size_t most_light_;
  std::size_t light_ = 0;  // the sum of them
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, Waiting> waiting_;
};

}  // namespace weir::flow
