#pragma once

// Requests driven through a scheduler on a virtual clock, for its tests.

#include <optional>
#include <string_view>
#include <vector>

#include "weir/async/context.h"
#include "weir/sim/engine/scheduler.h"

namespace weir::sim {

// A request that comes `after` a while and reads all its tokens.
struct Arrival {
  SequenceRequest request;
  Duration after{};
  Duration gives_up_after{};     // its context ends; 0: never
  Duration reads_every{};        // a slow reader
  std::int64_t stops_after = 0;  // ends by itself after so many tokens; 0: at max_tokens
};

// What became of it.
struct Served {
  std::vector<TimePoint> tokens;  // when each was read
  std::int64_t cached = 0;
  Duration worst_lateness{};
  bool aborted = false;
  std::optional<Error> error;

  TimePoint first() const { return tokens.front(); }
  TimePoint last() const { return tokens.back(); }
};

std::vector<TokenId> TestPrompt(std::int64_t size, TokenId first = 1000);
SequenceRequest TestRequest(std::int64_t prompt, std::int64_t max_tokens, TokenId first = 1000);

async::Task<void> Serve(async::Context ctx, Scheduler& scheduler, Arrival arrival, Served& outcome);
// All at once, on `loop`; returns when the last one has ended.
std::vector<Served> ServeAll(async::Loop& loop, Scheduler& scheduler,
                             std::vector<Arrival> arrivals);

// The value behind the series whose line starts with `series`, as it stands in a metrics text.
double ValueOf(std::string_view text, std::string_view series);

}  // namespace weir::sim
