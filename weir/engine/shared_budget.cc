#include <algorithm>
#include <cmath>
#include <utility>

#include "weir/base/counts.h"
#include "weir/base/text.h"
#include "weir/engine/budget_engine.h"

namespace weir::engine {
namespace {

constexpr double kMillion = 1e6;
constexpr double kBillionths = 1e9;
constexpr double kMostCost = 4e9;  // above it billionths overflow

std::int64_t Billionths(double cost) {
  const double bounded = std::clamp(cost, 0.0, kMostCost);
  return static_cast<std::int64_t>(std::llround(bounded * kBillionths));
}

void AddTo(std::atomic<std::int64_t>& sum, std::int64_t amount) {
  std::int64_t before = sum.load(std::memory_order_relaxed);
  while (!sum.compare_exchange_weak(before, AddCapped(before, amount), std::memory_order_relaxed)) {
  }
}

// Adds `amount` if the sum stays within `most`. What was taken before is left in `taken`.
bool TakeUpTo(std::atomic<std::int64_t>& sum, std::int64_t amount, std::int64_t most,
              std::int64_t& taken) {
  taken = sum.load(std::memory_order_relaxed);
  do {
    if (amount > most - taken) return false;
  } while (!sum.compare_exchange_weak(taken, taken + amount, std::memory_order_relaxed));
  return true;
}

}  // namespace

std::optional<double> Prices::CostOf(const model::Usage& usage) const {
  if (!known() || !usage.prompt_tokens || !usage.completion_tokens) return std::nullopt;
  if (cached_input && !usage.cached_tokens) return std::nullopt;
  const std::int64_t cache_hits = cached_input ? *usage.cached_tokens : 0;
  if (std::min({*usage.prompt_tokens, *usage.completion_tokens, cache_hits}) < 0) {
    return std::nullopt;
  }
  const auto prompt = static_cast<double>(*usage.prompt_tokens);
  const double cached = std::min(prompt, static_cast<double>(cache_hits));
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

void SharedBudget::Reservation::ChargeAttempt() {
  if (budget_ == nullptr) return;
  AddTo(budget_->taken_tokens_, tokens_);
  AddTo(budget_->spent_tokens_, tokens_);
  AddTo(budget_->taken_cost_, cost_);
  AddTo(budget_->spent_cost_, cost_);
}

void SharedBudget::Reservation::Settle(std::int64_t tokens, std::optional<double> cost) {
  const std::shared_ptr<SharedBudget> budget = std::exchange(budget_, nullptr);
  if (budget == nullptr) return;
  const std::int64_t spent = cost ? Billionths(*cost) : cost_;
  AddTo(budget->taken_tokens_, tokens - tokens_);
  AddTo(budget->spent_tokens_, tokens);
  AddTo(budget->taken_cost_, spent - cost_);
  AddTo(budget->spent_cost_, spent);
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
  const std::int64_t most_tokens = options.max_tokens.value_or(INT64_MAX);
  std::int64_t taken = 0;
  if (!TakeUpTo(budget->taken_tokens_, tokens, most_tokens, taken)) {
    return Fail(Code::kBudgetExceeded, StrCat("the call may need ", tokens, " tokens, but of the ",
                                              most_tokens, " that all calls have together ",
                                              most_tokens - taken, " are left; nothing was sent"));
  }
  const std::int64_t price = Billionths(cost.value_or(0));
  const std::int64_t most_cost = options.max_cost ? Billionths(*options.max_cost) : INT64_MAX;
  if (!TakeUpTo(budget->taken_cost_, price, most_cost, taken)) {
    budget->taken_tokens_ -= tokens;
    return Fail(
        Code::kBudgetExceeded,
        StrCat("the call may cost ", cost.value_or(0), ", but of the ",
               static_cast<double>(most_cost) / kBillionths, " that all calls have together ",
               static_cast<double>(most_cost - taken) / kBillionths,
               " are left; nothing was sent"));
  }
  Reservation reservation;
  reservation.tokens_ = tokens;
  reservation.cost_ = price;
  reservation.budget_ = std::move(budget);
  return reservation;
}

}  // namespace weir::engine
