#pragma once

// Performance: one request on its way through the engine: the prompts that wait for their turns,
// and the authors that write when a step is due. Both doors play it; a stream and a whole reply say
// the same.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
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
  bool at_once = false;       // a beam search: nothing is delivered before everything is there
  bool opened_first = false;  // a stream begins with a delta of nothing for each of many answers
  bool in_one = false;        // tokens that come at once are one delta: a whole reply
  bool continuous_usage = false;      // every delta tells the counts so far
  bool cached_shown = false;          // usage tells the cached tokens
  bool nothing_cached_shown = true;   // ... also when there are none
  bool thoughts_counted = false;      // ... and those of thoughts
  std::int64_t cache_block = 0;       // usage tells the tokens that blocks of so many keep; 0: not
  std::string refusal;                // every answer says this beside its text
  std::vector<json::Value> openings;  // by part: the `extra` of its answers' first deltas, or none
};

// Steps that are taken at a time in the instant pace.
inline constexpr std::size_t kInstantRun = 64;
// Tokens that the answers of one request may try in all (Author::Prepare): a count and not a time,
// so that every machine says the same.
inline constexpr std::int64_t kTriedTokens = 4096;

class Performance {
 public:
  Performance(std::vector<Part> parts, PerformanceOptions options);

  // The engine then knows the prompts by the id of their reply; `numbered`: with their places
  // behind it ("cmpl-1-0"). Before Enter().
  void Name(std::string_view id, bool numbered);

  // Readies the authors, in slices: the loop has its turn in between. Before Enter(). Fails with
  // kUnsupportedConstraint when there is no answer, or when the context ends.
  async::Task<Result<void>> Prepare(async::Context ctx);

  // Queues every prompt. Fails with kBudgetExceeded when the server takes no more.
  Result<void> Enter(const async::Context& ctx, Scheduler& scheduler);

  // Waits for the next step, and appends what it brings: a delta for each choice that wrote. In the
  // instant pace that is up to `run` steps. False once all is said. Fails when the context ends.
  async::Task<Result<bool>> Next(async::Context ctx, std::size_t run,
                                 std::vector<model::Delta>& out);

  // The prompt's tokens and what was written so far.
  model::Usage usage() const;
  std::size_t steps() const { return steps_; }  // that are done
  TimePoint due() const { return due_; }        // when the last step was

 private:
  std::size_t WriteStep(Part& part, std::vector<model::Delta>& out);
  std::int64_t WriteInOne(Part& part, std::size_t steps, std::vector<model::Delta>& out);
  void OpenAll(const Part& part, std::vector<model::Delta>& out);
  model::Delta& DeltaOf(const Part& part, const Author& author, std::vector<model::Delta>& out);
  json::Value OpeningOf(const Part& part) const;
  void Close(Part& part, Scheduler::Turn& turn);
  void Abort(Part& part, std::vector<model::Delta>& out);
  model::Usage UsageOf(const Author& author) const;

  std::vector<Part> parts_;
  std::vector<Scheduler::Turn> turns_;
  std::vector<bool> done_;
  PerformanceOptions options_;
  bool opened_ = false;
  std::vector<model::Delta> kept_;  // of a beam search until the end: one for each answer
  std::int64_t prompt_tokens_ = 0;
  std::int64_t first_prompt_ = 0;  // tokens of the first one
  std::size_t steps_ = 0;
  TimePoint due_;
};

}  // namespace weir::sim
