// The in-process door.

#include <algorithm>
#include <deque>
#include <iterator>
#include <utility>

#include "weir/base/text.h"
#include "weir/sim/core.h"
#include "weir/sim/fault.h"
#include "weir/wire/codec.h"
#include "weir/wire/control_server.h"

namespace weir::sim {
namespace {

using async::Context;
using async::Task;
using model::Delta;

// Where a client of the HTTP door would have sent the call.
std::string_view PathOf(model::Api api) {
  switch (api) {
    case model::Api::kChat:
      return "/v1/chat/completions";
    case model::Api::kCompletions:
      return "/v1/completions";
    case model::Api::kResponses:
      return "/v1/responses";
  }
  std::unreachable();
}

// The error that a client of the HTTP door would have made of it.
Error ErrorOf(const Refusal& refusal, const wire::Dialect& dialect) {
  if (refusal.constraint) {
    return Fail(Code::kUnsupportedConstraint, refusal.error.message).error();
  }
  const std::string body = wire::EncodeError(refusal.error, dialect);
  const auto retry_after = refusal.headers.Find("retry-after");
  return wire::DecodeError(refusal.error.status, body, retry_after.value_or(""));
}

// ... of a fault that ends an answer. `stream`: it had begun.
Error FaultError(const Fault& fault, bool stream, const wire::Dialect& dialect) {
  if (fault.kind == Fault::Kind::kErrorEvent) {
    return ErrorOf(BrokenRefusal(fault), dialect);
  }
  return Fail(stream ? Code::kStreamTruncated : Code::kConnectionError,
              "the connection ended before the reply did, as the script of the simulator asks")
      .error();
}

// One request from the plan to its last delta.
class Played {
 public:
  Played(std::shared_ptr<SimCore> core, Outcome outcome, bool stream)
      : core_(std::move(core)),
        outcome_(std::move(outcome)),
        tamper_(outcome_.script == nullptr ? std::span<const Fault>() : outcome_.script->faults),
        stream_(stream) {}

  // Appends what comes next; false once all is said.
  Task<Result<bool>> Next(Context ctx, std::vector<Delta>& out) {
    Performance& performance = taken().performance;
    if (!std::exchange(entered_, true)) {
      const Result<void> entered = performance.Enter(ctx, core_->scheduler());
      if (!entered) co_return Fail(Problem(entered.error()));
    }
    if (const Fault* fault = tamper_.EndsBefore(performance.steps())) {
      if (fault->kind != Fault::Kind::kStall) {
        co_return Fail(FaultError(*fault, stream_, core_->options().dialect));
      }
      const Result<void> stalled = co_await async::WaitForever(ctx);
      co_return Fail(stalled.error());
    }
    const std::size_t run = tamper_.active() ? 1 : kInstantRun;
    co_return co_await performance.Next(ctx, run, out);
  }

  Taken& taken() { return std::get<Taken>(outcome_.answer); }

 private:
  Error Problem(const Error& error) const {
    if (error.code != Code::kBudgetExceeded) return error;
    return ErrorOf(BusyRefusal(error.message), core_->options().dialect);
  }

  const std::shared_ptr<SimCore> core_;
  Outcome outcome_;
  EventTamper tamper_;
  const bool stream_;
  bool entered_ = false;
};

class SimStream final : public model::ReplyStream {
 public:
  SimStream(Played played, model::ReplyInfo info, bool usage, TimePoint began)
      : played_(std::move(played)), info_(std::move(info)), usage_owed_(usage), began_(began) {}

  Task<Result<bool>> Next(Context ctx, Delta& piece) override {
    if (error_) co_return Fail(*error_);
    while (pending_.empty() && more_) {
      const Result<bool> next = co_await played_.Next(ctx, batch_);
      if (!next) {
        error_ = next.error();
        co_return Fail(*error_);
      }
      more_ = *next;
      std::ranges::move(batch_, std::back_inserter(pending_));
      batch_.clear();
      if (info_.first_token == Duration::zero()) info_.first_token = ctx.Now() - began_;
    }
    if (!pending_.empty()) {
      piece = std::move(pending_.front());
      pending_.pop_front();
      co_return true;
    }
    info_.total = ctx.Now() - began_;
    if (!std::exchange(usage_owed_, false)) co_return false;
    piece = Delta();
    piece.usage = played_.taken().performance.usage();
    co_return true;
  }

  model::ReplyInfo info() const override { return info_; }

 private:
  Played played_;
  model::ReplyInfo info_;
  bool usage_owed_;
  const TimePoint began_;
  bool more_ = true;
  std::vector<Delta> batch_;
  std::deque<Delta> pending_;
  std::optional<Error> error_;
};

class SimEngine final : public model::Engine {
 public:
  SimEngine(std::shared_ptr<SimCore> core, std::string name)
      : core_(std::move(core)), name_(std::move(name)) {}

  Task<Result<model::Reply>> Call(Context ctx, const model::Call& call) override {
    const TimePoint began = ctx.Now();
    Result<Outcome> outcome = co_await Decide(ctx, call, false);
    if (!outcome) co_return Fail(outcome.error());
    if (const auto* raw = std::get_if<RawAnswer>(&outcome->answer)) {
      co_return wire::DecodeReply(call.api, raw->body);
    }
    Played played(core_, *std::move(outcome), false);
    model::Assembler assembler;
    std::vector<Delta> deltas;
    model::ReplyInfo info = NewInfo(ctx, call, played.taken());
    for (bool more = true; more;) {
      const Result<bool> next = co_await played.Next(ctx, deltas);
      if (!next) co_return Fail(next.error());
      more = *next;
      for (const Delta& delta : deltas) assembler.Add(delta);
      deltas.clear();
    }
    info.first_token = info.total = ctx.Now() - began;
    model::Reply reply = std::move(assembler).Finish(std::move(info));
    const Taken& taken = played.taken();
    reply.usage = taken.performance.usage();
    if (!taken.prompt_logprobs.empty()) reply.prompt_logprobs = taken.prompt_logprobs.front();
    if (!taken.prompt_tokens.empty()) {
      reply.prompt_token_ids = wire::TokenIds(taken.prompt_tokens.front());
    }
    co_return std::move(reply);
  }

  Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(Context ctx,
                                                           const model::Call& call) override {
    const TimePoint began = ctx.Now();
    Result<Outcome> outcome = co_await Decide(ctx, call, true);
    if (!outcome) co_return Fail(outcome.error());
    if (std::holds_alternative<RawAnswer>(outcome->answer)) {
      co_return Fail(Code::kProtocolError,
                     "the answer is not a stream of events, as the script of the simulator asks");
    }
    Played played(core_, *std::move(outcome), true);
    model::ReplyInfo info = NewInfo(ctx, call, played.taken());
    std::unique_ptr<model::ReplyStream> stream =
        std::make_unique<SimStream>(std::move(played), std::move(info), call.stream_usage, began);
    co_return std::move(stream);
  }

  Task<Result<model::EngineInfo>> Describe(Context) override {
    model::EngineInfo info;
    info.name = "sim";
    info.kind = "sim";
    info.model = core_->options().models.front().served_names.front();
    info.dialect = core_->options().dialect.name;
    info.models = core_->Models();
    co_return info;
  }

 private:
  // Everything up to the first token: refusals are errors from here on.
  Task<Result<Outcome>> Decide(Context ctx, const model::Call& call, bool stream) {
    const Result<void> valid = call.sampling.Validate();
    if (!valid) co_return Fail(valid.error());
    const bool only_echo = call.api == model::Api::kCompletions && call.echo == true;
    if (call.sampling.max_tokens == 0 && !only_echo) {
      co_return Fail(Code::kInvalidRequest,
                     "max_tokens must be at least 1 (0 is only for completions with echo)");
    }
    const Prompt prompt{call.prompt, call.prompt_token_ids};
    Outcome outcome = core_->Decide(
        {.call = call, .prompts = {&prompt, 1}, .stream = stream, .path = PathOf(call.api)});
    if (outcome.delay > Duration::zero()) {
      const Result<void> waited = co_await async::Sleep(ctx, outcome.delay);
      if (!waited) co_return Fail(waited.error());
    }
    if (const auto* refusal = std::get_if<Refusal>(&outcome.answer)) {
      co_return Fail(ErrorOf(*refusal, core_->options().dialect));
    }
    if (auto* taken = std::get_if<Taken>(&outcome.answer)) {
      WEIR_CO_CHECK(co_await taken->performance.Prepare(ctx));
    }
    co_return std::move(outcome);
  }

  model::ReplyInfo NewInfo(const Context& ctx, const model::Call& call, Taken& taken) {
    model::ReplyInfo info =
        core_->NewInfo(call.api, taken.model, call.request_id, ctx.loop->WallNanos());
    info.engine = name_;
    // Nobody gave it one, and it went through no server that would.
    if (info.request_id.empty()) info.request_id = info.id;
    taken.performance.Name(info.id, call.api == model::Api::kCompletions);
    return info;
  }

  const std::shared_ptr<SimCore> core_;
  const std::string name_;
};

}  // namespace

std::unique_ptr<model::Engine> NewSimEngine(std::shared_ptr<SimCore> core, std::string name) {
  return std::make_unique<SimEngine>(std::move(core), std::move(name));
}

}  // namespace weir::sim
