// The in-process door.

#include <algorithm>
#include <deque>
#include <iterator>
#include <utility>

#include "weir/base/text.h"
#include "weir/sim/core.h"
#include "weir/sim/playback.h"
#include "weir/wire/codec.h"

namespace weir::sim {
namespace {

using async::Context;
using async::Task;
using model::Delta;

// The error that a client of the HTTP door would have made of it.
Error ErrorOf(const Refusal& refusal, const wire::Dialect& dialect) {
  if (refusal.constraint) {
    return Fail(Code::kUnsupportedConstraint, refusal.error.message).error();
  }
  const std::string body = wire::EncodeError(refusal.error, dialect);
  return wire::DecodeError(refusal.error.status, body, refusal.retry_after);
}

Error EntryError(const Error& error, const wire::Dialect& dialect) {
  return error.code == Code::kBudgetExceeded ? ErrorOf(BusyRefusal(), dialect) : error;
}

Error DroppedError(Code code) {
  return Fail(code,
              "the connection ended before the reply did, as the script of the simulator asks")
      .error();
}

class SimStream final : public model::ReplyStream {
 public:
  SimStream(std::shared_ptr<SimCore> core, Plan plan, model::ReplyInfo info, bool usage,
            TimePoint began)
      : core_(std::move(core)),
        plan_(std::move(plan)),
        info_(std::move(info)),
        steps_(plan_.steps()),
        usage_owed_(usage),
        began_(began) {}

  Task<Result<bool>> Next(Context ctx, Delta& piece) override {
    if (error_) co_return Fail(*error_);
    if (pending_.empty() && step_ < steps_) {
      const Result<void> played = co_await PlayStep(ctx);
      if (!played) co_return Stop(played.error());
    }
    if (pending_.empty() && AtFault()) {
      const Result<void> fault = co_await PlayFault(ctx);
      co_return Stop(fault.error());
    }
    if (!pending_.empty()) {
      piece = std::move(pending_.front());
      pending_.pop_front();
      co_return true;
    }
    info_.total = ctx.Now() - began_;
    if (!std::exchange(usage_owed_, false)) co_return false;
    piece = Delta();
    piece.usage = plan_.usage;
    co_return true;
  }

  model::ReplyInfo info() const override { return info_; }

 private:
  bool AtFault() const { return plan_.drop_after == step_ || plan_.stall_after == step_; }

  Result<bool> Stop(Error error) {
    seat_.Release();
    error_ = std::move(error);
    return Fail(*error_);
  }

  // Fills `pending_` with the next step, or leaves it empty where the script breaks off.
  Task<Result<void>> PlayStep(Context ctx) {
    if (!started_) {
      Result<Scheduler::Seat> seat = co_await core_->scheduler().Enter(ctx);
      if (!seat) co_return Fail(EntryError(seat.error(), core_->options().dialect));
      seat_ = *std::move(seat);
      started_ = ctx.Now();
    }
    if (AtFault()) co_return Result<void>();
    if (!plan_.due.empty()) {
      const Result<void> waited = co_await WaitUntil(ctx, *started_ + plan_.due[step_]);
      if (!waited) co_return Fail(waited.error());
    }
    std::vector<Delta> deltas;
    AppendStep(plan_, step_, deltas);
    std::ranges::move(deltas, std::back_inserter(pending_));
    if (step_ == 0) info_.first_token = ctx.Now() - began_;
    if (++step_ == steps_) seat_.Release();
    co_return Result<void>();
  }

  Task<Result<void>> PlayFault(Context ctx) {
    if (plan_.drop_after == step_) co_return Fail(DroppedError(Code::kStreamTruncated));
    co_return co_await WaitForever(ctx);
  }

  const std::shared_ptr<SimCore> core_;
  const Plan plan_;
  model::ReplyInfo info_;
  const std::size_t steps_;
  std::size_t step_ = 0;
  bool usage_owed_;
  const TimePoint began_;
  std::optional<TimePoint> started_;
  Scheduler::Seat seat_;
  std::deque<Delta> pending_;
  std::optional<Error> error_;
};

class SimEngine final : public model::Engine {
 public:
  explicit SimEngine(std::shared_ptr<SimCore> core) : core_(std::move(core)) {}

  Task<Result<model::Reply>> Call(Context ctx, const model::Call& call) override {
    const TimePoint began = ctx.Now();
    Result<Outcome> outcome = co_await Decide(ctx, call);
    if (!outcome) co_return Fail(outcome.error());
    if (const auto* raw = std::get_if<RawAnswer>(&outcome->answer)) {
      co_return wire::DecodeReply(call.api, raw->body);
    }
    const Plan& plan = std::get<Plan>(outcome->answer);
    Result<Scheduler::Seat> seat = co_await core_->scheduler().Enter(ctx);
    if (!seat) co_return Fail(EntryError(seat.error(), core_->options().dialect));
    const TimePoint started = ctx.Now();
    if (!plan.due.empty()) {
      const Result<void> waited = co_await WaitUntil(ctx, started + plan.due.back());
      if (!waited) co_return Fail(waited.error());
    }
    if (plan.drop_after) co_return Fail(DroppedError(Code::kConnectionError));
    if (plan.stall_after) {
      const Result<void> stalled = co_await WaitForever(ctx);
      co_return Fail(stalled.error());
    }
    model::ReplyInfo info = NewInfo(ctx, call, plan);
    info.first_token = info.total = ctx.Now() - began;
    co_return WholeReply(plan, std::move(info));
  }

  Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(Context ctx,
                                                           const model::Call& call) override {
    const TimePoint began = ctx.Now();
    Result<Outcome> outcome = co_await Decide(ctx, call);
    if (!outcome) co_return Fail(outcome.error());
    if (std::holds_alternative<RawAnswer>(outcome->answer)) {
      co_return Fail(Code::kProtocolError,
                     "the answer is not a stream of events, as the script of the simulator asks");
    }
    Plan& plan = std::get<Plan>(outcome->answer);
    model::ReplyInfo info = NewInfo(ctx, call, plan);
    std::unique_ptr<model::ReplyStream> stream = std::make_unique<SimStream>(
        core_, std::move(plan), std::move(info), call.stream_usage, began);
    co_return std::move(stream);
  }

  Task<Result<model::EngineInfo>> Describe(Context) override {
    model::EngineInfo info;
    info.name = "sim";
    info.kind = "sim";
    info.model = core_->options().models.front().served_names.front();
    info.models = core_->Models();
    co_return info;
  }

 private:
  // Everything up to the plan: refusals are errors from here on.
  Task<Result<Outcome>> Decide(Context ctx, const model::Call& call) {
    const Result<void> valid = call.sampling.Validate();
    if (!valid) co_return Fail(valid.error());
    const Prompt prompt{call.prompt, call.prompt_token_ids};
    Outcome outcome = core_->Decide(call, std::span(&prompt, 1));
    if (outcome.delay > Duration::zero()) {
      const Result<void> waited = co_await async::Sleep(ctx, outcome.delay);
      if (!waited) co_return Fail(waited.error());
    }
    if (const auto* refusal = std::get_if<Refusal>(&outcome.answer)) {
      co_return Fail(ErrorOf(*refusal, core_->options().dialect));
    }
    co_return std::move(outcome);
  }

  model::ReplyInfo NewInfo(const Context& ctx, const model::Call& call, const Plan& plan) {
    model::ReplyInfo info = core_->NewInfo(plan, call.request_id, ctx.loop->WallNanos());
    info.engine = "sim";
    return info;
  }

  const std::shared_ptr<SimCore> core_;
};

}  // namespace

std::unique_ptr<model::Engine> NewSimEngine(std::shared_ptr<SimCore> core) {
  return std::make_unique<SimEngine>(std::move(core));
}

}  // namespace weir::sim
