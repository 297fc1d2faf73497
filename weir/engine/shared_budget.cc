#include <cmath>
#include <utility>

#include "weir/base/text.h"
#include "weir/engine/budget_engine.h"

namespace weir::engine {
namespace {

constexpr double kMillion = 1e6;
constexpr double kBillionths = 1e9;
constexpr double kMostCost = 4e9;  // above it billionths overflow

std::int64_t Billionths(double cost) {
  return static_cast<std::int64_t>(std::llround(std::min(cost, kMostCost) * kBillionths));
}

// Adds `amount` if the sum stays within `most`. What was taken before is left in `taken`.
bool TakeUpTo(std::atomic<std::int64_t>& sum, std::int64_t amount, std::optional<std::int64_t> most,
              std::int64_t& taken) {
  taken = sum.load(std::memory_order_relaxed);
  do {
    if (most && amount > *most - taken) return false;
  } while (!sum.compare_exchange_weak(taken, taken + amount, std::memory_order_relaxed));
  return true;
}

}  // namespace

std::optional<double> Prices::CostOf(const model::Usage& usage) const {
  if (!known() || !usage.prompt_tokens || !usage.completion_tokens) return std::nullopt;
  if (cached_input && !usage.cached_tokens) return std::nullopt;
  const auto prompt = static_cast<double>(*usage.prompt_tokens);
  const auto cached = cached_input ? static_cast<double>(*usage.cached_tokens) : 0.0;
  const auto answer = static_cast<double>(*usage.completion_tokens);
  return ((prompt - cached) * *input + cached * cached_input.value_or(0) + answer * *output) /
         kMillion;
}

SharedBudget::Reservation& SharedBudget::Reservation::operator=(Reservation&& other) noexcept {
  std::swap(budget_, other.budget_);
  std::swap(tokens_, other.tokens_);
  std::swap(cost_, other.cost_);
  return *this;
}

SharedBudget::Reservation::~Reservation() {
  if (budget_ == nullptr) return;
  budget_->taken_tokens_ -= tokens_;
  budget_->taken_cost_ -= cost_;
}

void SharedBudget::Reservation::Settle(std::int64_t tokens, std::optional<double> cost) {
  const std::shared_ptr<SharedBudget> budget = std::exchange(budget_, nullptr);
  if (budget == nullptr) return;
  const std::int64_t spent = cost ? Billionths(*cost) : cost_;
  budget->taken_tokens_ += tokens - tokens_;
  budget->spent_tokens_ += tokens;
  budget->taken_cost_ += spent - cost_;
  budget->spent_cost_ += spent;
}

void SharedBudget::Reservation::SettleAll() { Settle(tokens_, std::nullopt); }

double SharedBudget::spent_cost() const {
  return static_cast<double>(spent_cost_.load()) / kBillionths;
}

Result<SharedBudget::Reservation> SharedBudget::Reserve(std::shared_ptr<SharedBudget> budget,
                                                        std::int64_t tokens,
                                                        std::optional<double> cost) {
  const SharedBudgetOptions& options = budget->options_;
  if (options.max_cost && !cost) {
    return Fail(Code::kConfigError,
                "there is a ceiling of cost, but the engine has no prices that it could be held "
                "with; set its prices for input and output, or take the ceiling away");
  }
  std::int64_t taken = 0;
  if (!TakeUpTo(budget->taken_tokens_, tokens, options.max_tokens, taken)) {
    return Fail(Code::kBudgetExceeded,
                StrCat("the call may need ", tokens, " tokens, but of the ", *options.max_tokens,
                       " that all calls have together ", *options.max_tokens - taken,
                       " are left; nothing was sent"));
  }
  const std::int64_t price = Billionths(cost.value_or(0));
  const std::optional<std::int64_t> most =
      options.max_cost ? std::optional(Billionths(*options.max_cost)) : std::nullopt;
  if (!TakeUpTo(budget->taken_cost_, price, most, taken)) {
    budget->taken_tokens_ -= tokens;
    return Fail(Code::kBudgetExceeded, StrCat("the call may cost ", *cost, ", but of the ",
                                              *options.max_cost, " that all calls have together ",
                                              static_cast<double>(*most - taken) / kBillionths,
                                              " are left; nothing was sent"));
  }
  Reservation reservation;
  reservation.tokens_ = tokens;
  reservation.cost_ = price;
  reservation.budget_ = std::move(budget);
  return reservation;
}

}  // namespace weir::engine
