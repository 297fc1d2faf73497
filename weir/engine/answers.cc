#include "weir/engine/answers.h"

#include <algorithm>
#include <utility>

#include "weir/base/counts.h"

namespace weir::engine {
namespace {

void AddTo(std::optional<std::int64_t>& sum, const std::optional<std::int64_t>& more) {
  if (more) sum = AddCapped(sum.value_or(0), *more);
}

void AddCost(std::optional<double>& sum, const std::optional<double>& more) {
  if (more) sum = sum.value_or(0) + *more;
}

void AddUsage(model::Usage& sum, const model::Usage& more) {
  AddTo(sum.prompt_tokens, more.prompt_tokens);
  AddTo(sum.completion_tokens, more.completion_tokens);
  AddTo(sum.total_tokens, more.total_tokens);
  AddTo(sum.cached_tokens, more.cached_tokens);
  AddTo(sum.reasoning_tokens, more.reasoning_tokens);
}

class BufferedStream final : public model::ReplyStream {
 public:
  BufferedStream(model::Reply reply, std::optional<Error> verdict)
      : reply_(std::move(reply)), verdict_(std::move(verdict)) {
    const auto& choices = reply_.choices;
    const auto sure = [](const model::Choice& choice) { return choice.confidence.has_value(); };
    if (std::ranges::none_of(choices, sure)) return;
    for (const model::Choice& choice : choices) {
      reply_.info.confidences.push_back(choice.confidence);
    }
  }

  async::Task<Result<bool>> Next(async::Context /*ctx*/, model::Delta& piece) override {
    if (at_ < reply_.choices.size()) {
      piece = PieceOf(reply_.choices[at_++]);
      if (at_ == reply_.choices.size()) {
        piece.usage = reply_.usage;
        piece.extra = reply_.extra;
      }
      co_return true;
    }
    if (verdict_) co_return Fail(*verdict_);
    co_return false;
  }

  model::ReplyInfo info() const override { return reply_.info; }

 private:
  static model::Delta PieceOf(const model::Choice& choice) {
    model::Delta piece;
    piece.choice = choice.index;
    piece.has_choice = true;
    piece.text = choice.text;
    piece.reasoning = choice.reasoning;
    piece.refusal = choice.refusal;
    for (std::size_t i = 0; i < choice.tool_calls.size(); ++i) {
      const model::ToolCall& call = choice.tool_calls[i];
      piece.tool_calls.push_back({.index = static_cast<std::int64_t>(i),
                                  .id = call.id,
                                  .name = call.name,
                                  .arguments = call.arguments});
    }
    piece.tokens = choice.tokens;
    piece.token_ids = choice.token_ids;
    piece.finish = choice.finish;
    piece.finish_text = choice.finish_text;
    piece.stop_reason = choice.stop_reason;
    return piece;
  }

  model::Reply reply_;
  const std::optional<Error> verdict_;
  std::size_t at_ = 0;
};

}  // namespace

void EarlierAnswers::Add(const model::Reply& reply, std::optional<Error> error, Duration duration) {
  const std::vector<model::Attempt>& failed = reply.info.attempts;
  attempts_.insert(attempts_.end(), failed.begin(), failed.end());
  for (const model::Attempt& tried : failed) duration -= tried.duration + tried.waited;
  attempts_.push_back({.engine = reply.info.engine,
                       .error = std::move(error),
                       .duration = std::max(duration, Duration::zero())});
  AddUsage(usage_, reply.usage);
  AddCost(cost_, reply.info.cost);
  if (reply.info.cost) currency_ = reply.info.currency;
}

void EarlierAnswers::JoinTo(model::Reply& reply) const {
  std::vector<model::Attempt>& attempts = reply.info.attempts;
  attempts.insert(attempts.begin(), attempts_.begin(), attempts_.end());
  AddUsage(reply.usage, usage_);
  if (!reply.info.cost) reply.info.currency = currency_;
  AddCost(reply.info.cost, cost_);
}

std::unique_ptr<model::ReplyStream> NewBufferedStream(model::Reply reply,
                                                      std::optional<Error> verdict) {
  return std::make_unique<BufferedStream>(std::move(reply), std::move(verdict));
}

}  // namespace weir::engine
