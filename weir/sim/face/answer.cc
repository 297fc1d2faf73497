// One request that was understood, on its way to an answer.

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/sim/face/format.h"
#include "weir/sim/face/let_others_run.h"
#include "weir/sim/fault.h"
#include "weir/wire/control_server.h"

namespace weir::sim {
namespace {

using async::Context;
using async::Task;

constexpr std::size_t kWriteBytes = 16 * 1024;  // events that are due together go out together

std::vector<Prompt> PromptsOf(const wire::IncomingCall& incoming) {
  std::vector<Prompt> prompts;
  prompts.reserve(incoming.prompts.size() + incoming.token_prompts.size() + 1);
  for (const std::string& text : incoming.prompts) prompts.push_back({text, {}});
  for (const auto& ids : incoming.token_prompts) prompts.push_back({{}, ids});
  if (prompts.empty()) prompts.emplace_back();
  return prompts;
}

// Counts the request in /load as long as it lives.
class Loaded {
 public:
  explicit Loaded(SimCore& core) : load_(core.load()) { ++load_; }
  ~Loaded() { --load_; }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;

 private:
  std::atomic<std::int64_t>& load_;
};

// One request: the visit, what was asked, and what will be played. Its ways to answer are not
// inlined: the compiler would lay the frames of all of them into one, and a stream that waits for
// its next token would pay for those it does not take.
class Player {
 public:
  Player(Visit& visit, std::shared_ptr<wire::IncomingCall> incoming, FormatMaker make)
      : visit_(visit),
        incoming_(std::move(incoming)),
        stream_(incoming_->stream),
        make_(make),
        ctx_(visit.exchange.context()),
        loaded_(visit.core) {}

  Task<void> Play() {
    Outcome outcome = Decide();
    visit_.script = std::move(outcome.script);
    if (outcome.delay > Duration::zero()) {
      const Result<void> waited = co_await async::Sleep(ctx_, outcome.delay);
      if (!waited) co_return;
    }
    if (const auto* refusal = std::get_if<Refusal>(&outcome.answer)) {
      co_return co_await Refuse(*refusal);
    }
    if (const auto* raw = std::get_if<RawAnswer>(&outcome.answer)) {
      co_return co_await RespondRaw(*raw);
    }
    taken_ = &std::get<Taken>(outcome.answer);
    const Result<void> prepared = co_await taken_->performance.Prepare(ctx_);
    if (!prepared && prepared.error().code != Code::kUnsupportedConstraint) co_return;
    if (!prepared) co_return co_await Refuse(ConstraintRefusal(prepared.error()));
    if (incoming_->engine_error) {
      Refusal late;
      late.error = *incoming_->engine_error;
      late.stage = Refusal::Stage::kEngine;
      co_return co_await Refuse(late);
    }
    incoming_->call.messages = {};  // the engine has its tokens
    incoming_->call.tools = {};
    info_ = visit_.core.NewInfo(incoming_->call.api, taken_->model, incoming_->call.request_id,
                                visit_.WallNanos());
    taken_->performance.Name(info_.id, incoming_->call.api == model::Api::kCompletions);
    format_ = make_(incoming_, visit_.dialect(), info_);
    tamper_.emplace(visit_.script == nullptr ? std::span<const Fault>() : visit_.script->faults);
    if (stream_) {
      incoming_ = nullptr;
      co_await PlayStream();
    } else {
      co_await PlayWhole();
    }
  }

 private:
  Outcome Decide() {
    const std::vector<Prompt> prompts = PromptsOf(*incoming_);
    return visit_.core.Decide({.call = incoming_->call,
                               .prompts = prompts,
                               .headers = &visit_.exchange.head().headers,
                               .stream = stream_,
                               .path = visit_.path(),
                               .calls_dropped = incoming_->null_choice && !stream_,
                               .compact_json = incoming_->compact_json});
  }

  std::string_view StreamType() {
    if (format_ == nullptr) format_ = make_(incoming_, visit_.dialect(), {});
    return format_->stream_type();
  }

  // One step at a time where a fault counts them.
  std::size_t run() const { return tamper_->active() ? 1 : kInstantRun; }

  [[gnu::noinline]] Task<void> PlayWhole() {
    const Result<void> entered = taken_->performance.Enter(ctx_, visit_.core.scheduler());
    if (!entered) co_return co_await Refuse(BusyRefusal(entered.error().message));
    model::Assembler assembler;
    std::vector<model::Delta> deltas;
    for (bool more = true; more;) {
      if (const Fault* fault = tamper_->EndsWholeBefore(taken_->performance.steps())) {
        co_return co_await EndBadly(*fault);
      }
      const Result<bool> next = co_await taken_->performance.Next(ctx_, run(), deltas);
      if (!next) co_return;
      if (info_.first_token == Duration::zero()) info_.first_token = ctx_.Now() - visit_.began;
      for (const model::Delta& delta : deltas) assembler.Add(delta);
      deltas.clear();
      more = *next;
    }
    if (const Fault* fault = tamper_->EndsWholeBefore(EventTamper::kEnd)) {
      co_return co_await EndBadly(*fault);
    }
    model::Reply reply = std::move(assembler).Finish(std::move(info_));
    reply.usage = taken_->performance.usage();
    AddPrompts(reply);
    co_await RespondWhole(format_->Whole(reply));
  }

  // What was asked for of the prompt: chat carries it once, completions with each choice.
  void AddPrompts(model::Reply& reply) {
    const std::size_t prompts =
        std::max(taken_->prompt_logprobs.size(), taken_->prompt_tokens.size());
    if (prompts == 0) return;
    const bool chat = incoming_->call.api != model::Api::kCompletions;
    const std::size_t each = std::max<std::size_t>(1, reply.choices.size() / prompts);
    for (std::size_t i = 0; i < (chat ? 1 : reply.choices.size()); ++i) {
      const std::size_t prompt = std::min(i / each, prompts - 1);
      if (prompt < taken_->prompt_logprobs.size()) {
        (chat ? reply.prompt_logprobs : reply.choices[i].prompt_logprobs) =
            taken_->prompt_logprobs[prompt];
      }
      if (prompt < taken_->prompt_tokens.size()) {
        const json::Value ids = wire::TokenIds(taken_->prompt_tokens[prompt]);
        if (chat) {
          reply.prompt_token_ids = ids;
        } else {
          reply.choices[i].extra = wire::WithPromptTokenIds(reply.choices[i].extra, ids);
        }
      }
    }
  }

  [[gnu::noinline]] Task<void> RespondWhole(std::string body) {
    const WholeTamper changed = tamper_->TamperWhole(body);
    const http::Headers headers = AnswerHeaders(visit_, "application/json");
    visit_.status = 200;
    if (changed.plain()) {
      (void)co_await visit_.exchange.Respond(200, headers, body);
      co_return;
    }
    const Result<void> begun = co_await visit_.exchange.BeginSized(200, headers, changed.length);
    if (!begun) co_return;
    const Result<void> sent = co_await Send(body);
    if (!sent) co_return;
    if (changed.ending != nullptr) co_return co_await EndBadly(*changed.ending);
    (void)co_await visit_.exchange.End();
  }

  // The headers leave before the request has its turn: waiting is silence, as with the real one.
  [[gnu::noinline]] Task<void> PlayStream() {
    http::Headers headers = AnswerHeaders(visit_, format_->stream_type());
    visit_.status = 200;
    const Result<void> begun = co_await visit_.exchange.Begin(200, headers);
    if (!begun) co_return;
    headers = {};  // thousands of streams keep what is left here while they wait
    const Result<void> entered = taken_->performance.Enter(ctx_, visit_.core.scheduler());
    std::string out;
    if (!entered) {
      format_->AppendError(BusyRefusal(entered.error().message).error, out);
      co_return co_await SendLast(std::move(out));
    }
    format_->AppendBegin(out);
    std::vector<model::Delta> deltas;
    for (bool more = true; more;) {
      if (const Fault* fault = tamper_->EndsBefore(taken_->performance.steps())) {
        const Result<void> sent = co_await Send(out);
        if (sent) co_await EndBadly(*fault);
        co_return;
      }
      const std::size_t step = taken_->performance.steps();
      const Result<bool> next = co_await taken_->performance.Next(ctx_, run(), deltas);
      if (!next) co_return;
      more = *next;
      const std::size_t before = out.size();
      for (const model::Delta& delta : deltas) format_->Append(delta, out);
      deltas.clear();
      if (tamper_->active()) Tamper(step, before, out);
      if (out.size() < kWriteBytes && !more) break;
      // Events that are made first, and then sent one right after the other, wake a client that
      // waits for them once, and not each time: with thousands of streams, waking it costs more
      // than all the rest.
      LetOthersRun others{*ctx_.loop};
      co_await others;
      if (more) visit_.core.lateness().Add(ctx_.Now() - taken_->performance.due());
      const Result<void> sent = co_await Send(out);
      if (!sent) co_return;
      out.clear();
    }
    if (const Fault* fault = tamper_->EndsBefore(EventTamper::kEnd)) {
      const Result<void> sent = co_await Send(out);
      if (sent) co_await EndBadly(*fault);
      co_return;
    }
    std::string tail;
    format_->AppendEnd(taken_->performance.usage(), tail);
    tamper_->TamperEnd(tail);
    out += tail;
    co_await SendLast(std::move(out));
  }

  void Tamper(std::size_t step, std::size_t from, std::string& out) {
    std::string events = out.substr(from);
    out.resize(from);
    tamper_->Tamper(step, events);
    out += events;
  }

  Task<Result<void>> Send(std::string_view bytes) {
    if (bytes.empty()) co_return Result<void>();
    const Fault* drip = tamper_->drip();
    if (drip == nullptr || taken_->performance.steps() < drip->after) {
      co_return co_await visit_.exchange.Write(bytes);
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const Result<void> sent = co_await visit_.exchange.Write(bytes.substr(i, 1));
      if (!sent) co_return sent;
      const Result<void> waited = co_await async::Sleep(ctx_, drip->pause);
      if (!waited) co_return waited;
    }
    co_return Result<void>();
  }

  [[gnu::noinline]] Task<void> SendLast(std::string bytes) {
    const Result<void> sent = co_await Send(bytes);
    if (sent) (void)co_await visit_.exchange.End();
  }

  [[gnu::noinline]] Task<void> EndBadly(const Fault& fault) {
    if (const std::optional<http::BreakOff> how = BreakOffOf(fault)) {
      co_return co_await visit_.exchange.Break(*how);
    }
    switch (fault.kind) {
      case Fault::Kind::kStall:
        (void)co_await async::WaitForever(ctx_);
        co_return;
      case Fault::Kind::kNoFinish:
        (void)co_await visit_.exchange.End();
        co_return;
      case Fault::Kind::kErrorEvent: {
        const Refusal broken = BrokenRefusal(fault);
        if (!stream_) co_return co_await RespondError(visit_, broken);
        std::string tail;
        format_->AppendError(broken.error, tail);
        co_return co_await SendLast(std::move(tail));
      }
      default:
        co_return;
    }
  }

  [[gnu::noinline]] Task<void> Refuse(const Refusal& refusal) {
    if (!stream_ || refusal.stage == Refusal::Stage::kFront) {
      co_return co_await RespondError(visit_, refusal);
    }
    const http::Headers headers = AnswerHeaders(visit_, StreamType());
    visit_.status = 200;
    const Result<void> begun = co_await visit_.exchange.Begin(200, headers);
    if (!begun) co_return;
    std::string out;
    format_->AppendError(refusal.error, out);
    const Result<void> sent = co_await visit_.exchange.Write(out);
    if (sent) (void)co_await visit_.exchange.End();
  }

  [[gnu::noinline]] Task<void> RespondRaw(const RawAnswer& raw) {
    const std::string_view type = !raw.content_type.empty() ? std::string_view(raw.content_type)
                                  : stream_                 ? StreamType()
                                                            : "application/json";
    const http::Headers headers = AnswerHeaders(visit_, type);
    visit_.status = 200;
    (void)co_await visit_.exchange.Respond(200, headers, raw.body);
  }

  Visit& visit_;
  std::shared_ptr<wire::IncomingCall> incoming_;  // null while a stream plays
  const bool stream_;
  const FormatMaker make_;
  const Context ctx_;
  const Loaded loaded_;
  Taken* taken_ = nullptr;
  model::ReplyInfo info_;
  std::unique_ptr<AnswerFormat> format_;
  std::optional<EventTamper> tamper_;
};

}  // namespace

Task<void> Answer(Visit& visit, std::shared_ptr<wire::IncomingCall> incoming, FormatMaker make) {
  Player player(visit, std::move(incoming), make);
  co_await player.Play();
}

}  // namespace weir::sim
