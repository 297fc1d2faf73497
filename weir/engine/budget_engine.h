#pragma once

// Budgets: what cannot fit is refused before it is sent, what is spent is counted, and both have
// ceilings for one call and for everything together.

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "weir/engine/ports.h"
#include "weir/model/engine.h"

namespace weir::engine {

// What an engine costs, for a million tokens each. Unset: unknown, and so is every cost.
struct Prices {
  std::optional<double> input;
  std::optional<double> output;
  // Of prompt tokens that the server's cache had; unset: as `input`. With it, a reply that does not
  // tell how many those were has no known cost.
  std::optional<double> cached_input;
  std::string currency = "USD";

  bool known() const { return input && output; }
  // Unset where a price or a count is unknown or negative; never a guess. No more tokens count as
  // cached than the prompt has.
  std::optional<double> CostOf(const model::Usage& usage) const;
};

struct SharedBudgetOptions {
  std::optional<std::int64_t> max_tokens;  // prompts and answers together
  std::optional<double> max_cost;          // in the currency of the prices, which is one for all
};

// What many calls may spend together, over all threads. Each reserves the most that one attempt may
// need before it is sent, and settles what it has used: a call may be refused for what others have
// reserved and will not use, and the ceiling is passed only by what repeated attempts have used.
class SharedBudget {
 public:
  explicit SharedBudget(SharedBudgetOptions options) : options_(options) {}

  // A part of the budget. What is not settled is given back.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(Reservation&&) noexcept = default;
    Reservation& operator=(Reservation&& other) noexcept;
    ~Reservation();

    // An earlier attempt of the call may have used as much as was reserved: it counts as spent
    // beside what is settled, even above the ceiling.
    void ChargeAttempt();
    // The call has used that much, which is not negative. An unset cost counts as what was
    // reserved.
    void Settle(std::int64_t tokens, std::optional<double> cost);
    // It is not known what it has used: all that was reserved counts.
    void SettleAll();

   private:
    friend class SharedBudget;
    std::shared_ptr<SharedBudget> budget_;  // null: nothing is reserved
    std::int64_t tokens_ = 0;
    std::int64_t cost_ = 0;
  };

  // Fails with kBudgetExceeded, with kConfigError when there is a ceiling of cost and `cost` is not
  // known.
  static Result<Reservation> Reserve(std::shared_ptr<SharedBudget> budget, std::int64_t tokens,
                                     std::optional<double> cost);

  const SharedBudgetOptions& options() const { return options_; }
  std::int64_t spent_tokens() const { return spent_tokens_; }
  double spent_cost() const;

 private:
  const SharedBudgetOptions options_;
  // Taken is spent and reserved. Costs are counted in billionths.
  std::atomic<std::int64_t> taken_tokens_ = 0;
  std::atomic<std::int64_t> spent_tokens_ = 0;
  std::atomic<std::int64_t> taken_cost_ = 0;
  std::atomic<std::int64_t> spent_cost_ = 0;
};

struct BudgetOptions {
  std::string engine;  // its name, for messages
  Prices prices;
  // Where a call sets no context window, its model's max_model_len in the server's list counts,
  // which is asked for once and then every ten minutes. Calls that are sure to be small do not ask.
  bool ask_window = true;
  std::int64_t small = 1024;           // tokens of prompt and answer that are sure to fit anywhere
  std::int64_t assumed_answer = 1024;  // what a call without max_tokens reserves for its answer
};

// Refuses with kBudgetExceeded what does not fit: prompt + max_tokens against the context window,
// prompt + max_tokens of all candidates against call.budget.max_total_tokens, and both against
// `shared`, which may be null. A call without max_tokens, or with a negative one, is refused only
// when its prompt alone does not fit; a ceiling of its own then becomes its max_tokens, except
// where the context window ends the answer before. Replies get the cost of their own usage.
//
// Attempts that failed after the server may have worked on them count against `shared` with all
// that was reserved, because nobody tells what they used: those before a reply or a stream, which
// its info names, and the last one of a call that failed. What cannot be known: the attempts before
// that last one, since an error tells only how the call ended, and whether a timeout struck before
// the server had the request.
//
// Prompts are estimated as text/token_estimate.h does, or counted by `counter` when there is one
// and the prompt is not sure to fit; an estimate stands in for a count that fails.
std::unique_ptr<model::Engine> NewBudgetEngine(std::unique_ptr<model::Engine> next,
                                               BudgetOptions options,
                                               std::shared_ptr<SharedBudget> shared = nullptr,
                                               std::shared_ptr<TokenCounter> counter = nullptr);

}  // namespace weir::engine
