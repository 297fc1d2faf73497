#pragma once

// The tokens that a run may have (--max-total-tokens), among calls that run side by side: each
// takes what it may need before it is sent, so that the ceiling is passed only by what estimates
// are off.

#include <cstdint>
#include <optional>
#include <vector>

#include "weir/async/context.h"
#include "weir/async/wait.h"
#include "weir/flow/graph.h"
#include "weir/flow/stats.h"
#include "weir/model/call.h"

namespace weir::flow {

// Belongs to one loop. What is counted in `stats` is spent.
class TokenPurse {
 public:
  // What a row at one node holds: of the call that is under way what it may need, of those before
  // what they have used, until the figures of the run have it. Gives it back when it is destroyed.
  class Part {
   public:
    Part() = default;
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    ~Part();

    // The call has ended; all that the row has used here so far, and `answer` tokens of it in this
    // call (unset: unknown).
    void Settle(std::int64_t used, std::optional<std::int64_t> answer);

   private:
    friend class TokenPurse;
    TokenPurse* purse_ = nullptr;  // null: nothing was taken
    std::size_t node_ = 0;
    std::int64_t held_ = 0;
    bool under_way_ = false;
  };

  // Unset `most`: everything is granted at once. `stats` outlives it.
  TokenPurse(std::optional<std::int64_t> most, const RunStats& stats)
      : most_(most), stats_(stats), answers_(stats.nodes.size()) {}

  // Waits until the call fits beside those that are under way. Fails with kBudgetExceeded when it
  // would not fit alone, with kCancelled. A call whose answer nobody can foresee, as its node has
  // given none and it has no max_tokens, goes alone.
  async::Task<Result<void>> Take(async::Context ctx, Part& part, const GraphNode& node,
                                 const model::Call& call);

 private:
  struct Need {
    std::int64_t prompt = 0;
    std::optional<std::int64_t> answer;  // of all candidates
  };

  Need NeedOf(const GraphNode& node, const model::Call& call) const;
  std::int64_t Spent() const;
  void Wake();

  const std::optional<std::int64_t> most_;
  const RunStats& stats_;
  std::vector<std::optional<std::int64_t>> answers_;  // the longest so far, by node
  std::int64_t held_ = 0;
  std::size_t under_way_ = 0;
  std::vector<async::WaitPoint*> waiting_;
};

}  // namespace weir::flow
