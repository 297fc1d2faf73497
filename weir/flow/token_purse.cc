#include "weir/flow/token_purse.h"

#include <algorithm>
#include <utility>

#include "weir/base/counts.h"
#include "weir/base/text.h"
#include "weir/text/token_estimate.h"

namespace weir::flow {
namespace {

std::unexpected<Error> Exceeded(std::int64_t spent, std::int64_t need, std::int64_t most) {
  const std::string why = spent >= most
                              ? StrCat("prompts and answers have had ", spent, " tokens, and ")
                              : StrCat("prompts and answers have had ", spent,
                                       " tokens, the next call may need ", need, ", and ");
  return Fail(
      Code::kBudgetExceeded,
      StrCat(why, most, " was the most; go on with --resume and a higher --max-total-tokens"));
}

}  // namespace

TokenPurse::Part::~Part() {
  if (purse_ == nullptr) return;
  if (under_way_) --purse_->under_way_;
  purse_->held_ -= held_;
  purse_->Wake();
}

void TokenPurse::Part::Settle(std::int64_t used, std::optional<std::int64_t> answer) {
  if (purse_ == nullptr) return;
  purse_->held_ += used - held_;
  held_ = used;
  if (std::exchange(under_way_, false)) --purse_->under_way_;
  std::optional<std::int64_t>& longest = purse_->answers_[node_];
  if (answer) longest = std::max(longest.value_or(0), *answer);
  purse_->Wake();
}

void TokenPurse::Wake() {
  for (async::WaitPoint* point : std::exchange(waiting_, {})) point->Notify();
}

std::int64_t TokenPurse::Spent() const {
  std::int64_t spent = 0;
  for (const NodeStats& node : stats_.nodes) spent += node.prompt_tokens + node.completion_tokens;
  return spent;
}

TokenPurse::Need TokenPurse::NeedOf(const GraphNode& node, const model::Call& call) const {
  const Step& step = *node.step();
  Need need{.prompt = text::EstimateTokens(call), .answer = answers_[node.index]};
  if (step.agent) {
    // What it has counts as a whole.
    if (step.agent->max_total_tokens) need = {.prompt = 0, .answer = step.agent->max_total_tokens};
    return need;
  }
  const model::Sampling& sampling = call.sampling;
  if (sampling.max_tokens.value_or(-1) < 0) return need;
  const std::int64_t candidates =
      std::max({std::int64_t{1}, sampling.n.value_or(1), sampling.best_of.value_or(1),
                sampling.beam_width.value_or(1)});
  need.answer = MultiplyCapped(*sampling.max_tokens, candidates);
  return need;
}

async::Task<Result<void>> TokenPurse::Take(async::Context ctx, Part& part, const GraphNode& node,
                                           const model::Call& call) {
  if (!most_) co_return Result<void>();
  for (;;) {
    const Need need = NeedOf(node, call);
    const std::int64_t tokens = AddCapped(need.prompt, need.answer.value_or(0));
    const std::int64_t spent = AddCapped(Spent(), held_);
    const bool fits = spent < *most_ && tokens <= *most_ - spent;
    if (fits && (need.answer || under_way_ == 0)) {
      // Beside one that nobody can foresee nothing else fits.
      const std::int64_t taken = need.answer ? tokens : *most_ - spent;
      part.purse_ = this;
      part.node_ = node.index;
      part.held_ += taken;
      part.under_way_ = true;
      held_ += taken;
      ++under_way_;
      co_return Result<void>();
    }
    if (under_way_ == 0) co_return Exceeded(spent, tokens, *most_);
    async::WaitPoint point(ctx);
    waiting_.push_back(&point);
    const async::Wake wake = co_await point.Wait();
    std::erase(waiting_, &point);
    if (wake != async::Wake::kNotified) co_return Fail(async::CancelledError());
  }
}

}  // namespace weir::flow
