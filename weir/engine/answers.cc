#include "weir/engine/answers.h"

#include <algorithm>
#include <utility>

#include "weir/base/counts.h"

namespace weir::engine {
namespace {

void AddCost(std::optional<double>& sum, const std::optional<double>& more) {
  if (more) sum = sum.value_or(0) + *more;
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

void EarlierAnswers::JoinTo(model::ReplyInfo& info, model::Usage& usage) const {
  info.attempts.insert(info.attempts.begin(), attempts_.begin(), attempts_.end());
  AddUsage(usage, usage_);
  if (!info.cost) info.currency = currency_;
  AddCost(info.cost, cost_);
}

void EarlierAnswers::JoinTo(Error& error) const {
  model::CallTrail trail = model::TrailOf(error);
  JoinTo(trail.info, trail.usage);
  SetTrail(error, std::move(trail));
}

void SetTrail(Error& error, model::CallTrail trail) {
  error.trail = std::make_shared<const model::CallTrail>(std::move(trail));
}

void AddFailure(std::vector<model::Attempt>& attempts, const std::string& engine,
                const Error& error, Duration duration) {
  const model::CallTrail& trail = model::TrailOf(error);
  for (const model::Attempt& tried : trail.info.attempts) {
    attempts.push_back(tried);
    if (attempts.back().engine.empty()) attempts.back().engine = engine;
    duration -= tried.duration + tried.waited;
  }
  attempts.push_back(
      {.engine = engine, .error = error, .duration = std::max(duration, Duration::zero())});
  attempts.back().error->trail.reset();
}

std::unique_ptr<model::ReplyStream> NewBufferedStream(model::Reply reply,
                                                      std::optional<Error> verdict) {
  return std::make_unique<BufferedStream>(std::move(reply), std::move(verdict));
}

}  // namespace weir::engine
