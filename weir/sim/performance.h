#pragma once

// Performance: one request on its way through the engine: the prompts that wait for their turns,
// and the authors that write when a step is due. Both doors play it; a stream and a whole reply say
// the same.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/async/context.h"
#include "weir/model/reply.h"
#include "weir/sim/author.h"
#include "weir/sim/engine/scheduler.h"

namespace weir::sim {

// One prompt and the answers to it.
struct Part {
  SequenceRequest request;
  std::vector<Author> authors;
};

struct PerformanceOptions {
  bool at_once = false;           // a beam search: nothing is delivered before everything is there
  bool in_one = false;            // tokens that come at once are one delta: a whole reply
  bool continuous_usage = false;  // every delta tells the counts so far
  bool cached_shown = false;      // usage tells the cached tokens
  bool nothing_cached_shown = true;  // ... also when there are none
  bool thoughts_counted = false;     // ... and those of thoughts
};

class Performance {
 public:
  Performance(std::vector<Part> parts, PerformanceOptions options);

  // Queues every prompt. Fails with kBudgetExceeded when the server takes no more.
  Result<void> Enter(const async::Context& ctx, Scheduler& scheduler);

  // Waits for the next step, and appends what it brings: a delta for each choice that wrote. In the
  // instant pace that is up to `run` steps. False once all is said. Fails when the context ends.
  async::Task<Result<bool>> Next(async::Context ctx, std::size_t run,
                                 std::vector<model::Delta>& out);

  // The prompt's tokens and what was written so far.
  model::Usage usage() const;
  std::size_t steps() const { return steps_; }  // that are done
  Duration lateness() const { return lateness_; }

 private:
  std::size_t WriteStep(Part& part, std::vector<model::Delta>& out);
  static std::int64_t WriteInOne(Part& part, std::size_t steps, std::vector<model::Delta>& out);
  void Close(Part& part, Scheduler::Turn& turn);
  void Abort(Part& part, std::vector<model::Delta>& out);
  model::Usage UsageOf(const Author& author) const;

  std::vector<Part> parts_;
  std::vector<Scheduler::Turn> turns_;
  std::vector<bool> done_;
  const PerformanceOptions options_;
  std::vector<model::Delta> kept_;  // of a beam search, until the end
  std::int64_t prompt_tokens_ = 0;
  std::size_t steps_ = 0;
  Duration lateness_{};
};

}  // namespace weir::sim
