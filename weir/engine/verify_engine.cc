#include <algorithm>
#include <atomic>
#include <map>

#include "weir/base/text.h"
#include "weir/engine/answers.h"
#include "weir/engine/decorators.h"
#include "weir/engine/feedback.h"
#include "weir/engine/judge.h"

namespace weir::engine {
namespace {

constexpr std::size_t kShownOfAnswer = 200;

bool NeedsJudge(const model::Call& call) { return call.constraint || !call.tools.empty(); }

bool WantsJson(const model::Call& call) {
  return call.constraint && (call.constraint->kind == model::Constraint::Kind::kJsonSchema ||
                             call.constraint->kind == model::Constraint::Kind::kJsonObject);
}

// Whether a decoder that enforces what was sent cannot have written this. The degradations of a
// reply say what was not: all of it ("constraint") or a keyword ("constraint.maxLength").
bool ShowsIgnorance(const model::Call& call, const model::ReplyInfo& info, const Error& error) {
  const bool broken = error.code == Code::kInvalidJson || error.code == Code::kSchemaMismatch ||
                      error.code == Code::kConstraintViolated;
  if (!call.constraint || !broken) return false;
  return std::ranges::none_of(info.degradations, [&](const model::Degradation& lost) {
    return lost.what == "constraint" ||
           (lost.what.starts_with("constraint.") && error.code == Code::kSchemaMismatch);
  });
}

// Ends a stream that cannot become good any more: a model that writes nothing but white space
// inside of JSON would go on until its token limit, and what has left its regex or its grammar does
// not come back. JSON may still be mended, and is judged as a whole.
class Watch {
 public:
  Watch(const Judge& judge, std::size_t most_blank)
      : verifier_(judge.of_words()), most_(most_blank) {}

  Result<void> Feed(const model::Delta& piece) {
    Seen& seen = seen_[piece.choice];
    WEIR_CHECK(CheckBlank(piece.text, seen));
    return CheckLanguage(piece.text, seen);
  }

 private:
  struct Seen {
    std::size_t blank = 0;  // in a row
    std::size_t good = 0;   // bytes that the matcher took
    bool begun = false;
    std::optional<schema::Matcher> matcher;
  };

  Result<void> CheckLanguage(std::string_view text, Seen& seen) const {
    if (verifier_ == nullptr || text.empty()) return {};
    if (!std::exchange(seen.begun, true)) seen.matcher = verifier_->Watch();
    if (!seen.matcher) return {};
    for (const char c : text) {
      if (!seen.matcher->Advance({&c, 1})) break;
      ++seen.good;
    }
    if (!seen.matcher->Dead()) return {};
    const bool gave_up = seen.matcher->GaveUp();
    seen.matcher.reset();
    if (gave_up) return {};
    return std::unexpected<Error>(verifier_->BrokenAt(seen.good));
  }

  Result<void> CheckBlank(std::string_view text, Seen& seen) const {
    for (const char c : text) {
      seen.blank = c == ' ' || c == '\n' || c == '\t' || c == '\r' ? seen.blank + 1 : 0;
      if (seen.blank <= most_) continue;
      return Fail(Code::kConstraintViolated,
                  StrCat("the answer runs away into white space (", seen.blank,
                         " in a row): the stream was ended; a smaller schema, a higher "
                         "temperature or the server's --structured-outputs-config "
                         "(disable_any_whitespace) helps"));
    }
    return {};
  }

  const Verifier* const verifier_;  // the judge's
  const std::size_t most_;
  std::map<std::int64_t, Seen> seen_;  // by choice
};

void EmitRepairs(const async::Context& ctx, const std::string& engine,
                 const std::vector<std::string>& repairs) {
  for (const std::string& repair : repairs) {
    ctx.Emit("verify:repair", {{"engine", engine}, {"repair", repair}});
  }
}

bool SaysNothing(const model::Delta& piece) {
  return piece.text.empty() && piece.reasoning.empty() && piece.refusal.empty() &&
         piece.tool_calls.empty() && piece.finish == model::Finish::kNone && piece.tokens.empty() &&
         piece.token_ids.empty() && !piece.usage && piece.extra.IsNull();
}

// Calls of tools, held back until the choice that they belong to has ended: half a call is of no
// use to anybody, and a whole one can still be mended.
class HeldCalls {
 public:
  // Takes the calls out of the piece. False: nothing is left of it.
  bool Take(model::Delta& piece) {
    if (piece.tool_calls.empty()) return true;
    model::Delta calls;
    calls.has_choice = true;
    calls.choice = piece.choice;
    calls.tool_calls = std::exchange(piece.tool_calls, {});
    held_[piece.choice].Add(calls);
    return !SaysNothing(piece);
  }

  // Gives the calls of the piece's choice back, mended.
  void Give(const Judge& judge, model::Delta& piece, std::vector<std::string>& repairs) {
    auto held = held_.extract(piece.choice);
    if (held.empty()) return;
    model::Reply reply = std::move(held.mapped()).Finish({});
    for (model::Choice& choice : reply.choices) {
      choice.finish = piece.finish;
      judge.MendCalls(choice, repairs);
      for (model::ToolCall& call : choice.tool_calls) {
        piece.tool_calls.push_back({.index = static_cast<std::int64_t>(piece.tool_calls.size()),
                                    .id = std::move(call.id),
                                    .name = std::move(call.name),
                                    .arguments = std::move(call.arguments)});
      }
    }
  }

  // A piece for calls whose choice never said that it has ended. False: there are none.
  bool Next(model::Delta& piece) const {
    if (held_.empty()) return false;
    piece = {};
    piece.has_choice = true;
    piece.choice = held_.begin()->first;
    return true;
  }

 private:
  std::map<std::int64_t, model::Assembler> held_;  // by choice
};

// A stream whose words are handed on as they come, and whose calls as soon as they are whole and
// mended; the verdict is its end.
class JudgedStream final : public model::ReplyStream {
 public:
  JudgedStream(std::unique_ptr<model::ReplyStream> next, Judge judge, std::size_t max_blank)
      : next_(std::move(next)), judge_(std::move(judge)), watch_(judge_, max_blank) {}

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override {
    if (failure_) co_return Fail(*failure_);
    if (ended_) co_return false;
    Result<bool> more = true;
    do {
      more = co_await next_->Next(ctx, piece);
      if (!more) co_return more;
    } while (*more && !calls_.Take(piece));
    Result<void> good;
    if (*more || calls_.Next(piece)) {
      const bool whole = !*more || piece.finish != model::Finish::kNone;
      if (whole) GiveCalls(ctx, piece);
      more = true;
      seen_.Add(piece);
      good = watch_.Feed(piece);
    } else {
      ended_ = true;
      good = judge_.Check(std::move(seen_).Finish({}));
    }
    if (good) co_return more;
    failure_ = good.error();
    last_ = next_->info();
    next_.reset();
    co_return Fail(*failure_);
  }

  model::ReplyInfo info() const override {
    model::ReplyInfo info = next_ ? next_->info() : last_;
    info.repairs.insert(info.repairs.end(), repairs_.begin(), repairs_.end());
    if (judge_.unchecked()) info.degradations.push_back(*judge_.unchecked());
    return info;
  }

 private:
  void GiveCalls(const async::Context& ctx, model::Delta& piece) {
    std::vector<std::string> repairs;
    calls_.Give(judge_, piece, repairs);
    EmitRepairs(ctx, next_->info().engine, repairs);
    repairs_.insert(repairs_.end(), repairs.begin(), repairs.end());
  }

  std::unique_ptr<model::ReplyStream> next_;  // null once the verdict was bad
  model::ReplyInfo last_;
  const Judge judge_;
  Watch watch_;
  HeldCalls calls_;
  std::vector<std::string> repairs_;
  model::Assembler seen_;
  bool ended_ = false;
  std::optional<Error> failure_;
};

// What came of one asking.
struct Answer {
  model::Reply reply;
  std::optional<Error> error;
  bool broken_off = false;  // here, because of what the answer had become
};

// Drains a stream for as long as it may become good.
async::Task<Answer> Drain(async::Context ctx, model::ReplyStream& stream, Watch watch) {
  Answer answer;
  model::Assembler seen;
  model::Delta piece;
  for (;;) {
    const Result<bool> more = co_await stream.Next(ctx, piece);
    if (!more) answer.error = more.error();
    if (!more || !*more) break;
    seen.Add(piece);
    if (const Result<void> fine = watch.Feed(piece); !fine) {
      answer.error = fine.error();
      answer.broken_off = true;
      break;
    }
  }
  answer.reply = std::move(seen).Finish(stream.info());
  co_return answer;
}

// What an error shows of a reply that was not accepted.
std::string WhatCame(const model::Reply& reply) {
  std::string came;
  for (const model::Choice& choice : reply.choices) {
    for (const model::ToolCall& call : choice.tool_calls) {
      StrAppend(came, came.empty() ? "the calls were: " : "; ", call.name, "(",
                Truncate(call.arguments, kShownOfAnswer), ")");
    }
  }
  const std::string& text = reply.text();
  if (text.empty()) return came;
  StrAppend(came, came.empty() ? "" : "; ", "the answer was: ", Truncate(text, kShownOfAnswer));
  return came;
}

class VerifyEngine final : public model::Engine {
 public:
  VerifyEngine(std::shared_ptr<model::Engine> next, VerifyOptions options)
      : next_(std::move(next)), options_(options) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    return NeedsJudge(call) ? JudgedCall(ctx, call) : next_->Call(ctx, call);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    if (!NeedsJudge(call)) return next_->Stream(ctx, call);
    return call.buffer ? Buffered(ctx, call) : Live(ctx, call);
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

 private:
  // The last reply there was, good or not, and what is wrong with it.
  struct Verdict {
    model::Reply reply;
    std::optional<Error> error;
    bool answered = false;  // false: the error is not about the reply, there is none
  };

  async::Task<Result<model::Reply>> JudgedCall(async::Context ctx, const model::Call& call) {
    async::Span span(ctx, "engine.verify");
    Verdict verdict = co_await AskUntilGood(span.context(), call, false);
    if (!verdict.error) co_return std::move(verdict.reply);
    span.Fail(*verdict.error);
    if (verdict.answered && verdict.error->cause.empty()) {
      verdict.error->cause = WhatCame(verdict.reply);
    }
    co_return Fail(*std::move(verdict.error));
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Buffered(async::Context ctx,
                                                                    const model::Call& call) {
    async::Span span(ctx, "engine.verify");
    Verdict verdict = co_await AskUntilGood(span.context(), call, true);
    if (verdict.error) span.Fail(*verdict.error);
    if (verdict.error && !verdict.answered) co_return Fail(*std::move(verdict.error));
    co_return NewBufferedStream(std::move(verdict.reply), std::move(verdict.error));
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Live(async::Context ctx,
                                                                const model::Call& call) {
    async::Span span(ctx, "engine.verify");
    WEIR_CO_TRY(Judge judge, Judge::Make(call, options_, schemas_));
    WEIR_CO_TRY(std::unique_ptr<model::ReplyStream> stream,
                co_await next_->Stream(span.context(), call));
    co_return std::make_unique<JudgedStream>(std::move(stream), std::move(judge), MostBlank(call));
  }

  async::Task<Verdict> AskUntilGood(async::Context ctx, const model::Call& call, bool streamed) {
    Verdict verdict;
    const Result<Judge> judge = Judge::Make(call, options_, schemas_);
    if (!judge) {
      verdict.error = judge.error();
      co_return verdict;
    }
    EarlierAnswers earlier;
    model::Call asked = call;
    for (int attempt = 1;; ++attempt) {
      const TimePoint start = ctx.Now();
      Answer answer = co_await Ask(ctx, asked, *judge, streamed);
      if (answer.error && !answer.broken_off) {
        // A stream that broke has left a part, which its reader gets.
        const bool part = streamed && !answer.reply.choices.empty();
        earlier.JoinTo(*answer.error);
        if (part) earlier.JoinTo(answer.reply);
        verdict = {
            .reply = std::move(answer.reply), .error = std::move(answer.error), .answered = part};
        co_return verdict;
      }
      verdict.reply = std::move(answer.reply);
      verdict.answered = true;
      const std::optional<Breach> breach =
          answer.error ? Breach{.error = *answer.error} : judge->Mend(verdict.reply);
      EmitRepairs(ctx, verdict.reply.info.engine, verdict.reply.info.repairs);
      if (!breach) {
        verdict.error.reset();
        earlier.JoinTo(verdict.reply);
        co_return verdict;
      }
      const Error& error = breach->error;
      verdict.error = error;
      // White space that does not end is JSON, for a decoder.
      const bool runs_away = answer.broken_off && WantsJson(call);
      if (options_.constraint_sent && !runs_away &&
          ShowsIgnorance(call, verdict.reply.info, error)) {
        Blame(ctx, verdict.reply.info, error);
      }
      const bool withheld = error.code == Code::kContentFilter;  // asking again changes nothing
      if (withheld || attempt >= options_.max_attempts || verdict.reply.choices.empty()) break;
      std::optional<model::Call> again =
          AskAgain(asked, verdict.reply.choices[breach->choice], error,
                   {.attempt = attempt + 1,
                    .longer_by = options_.longer_by,
                    .max_tokens = options_.default_max_tokens});
      if (!again) break;
      ctx.Emit("verify:retry", {{"attempt", std::int64_t{attempt} + 1},
                                {"max_attempts", std::int64_t{options_.max_attempts}},
                                {"error", Name(error)},
                                {"message", error.message}});
      earlier.Add(verdict.reply, error, ctx.Now() - start);
      asked = *std::move(again);
    }
    earlier.JoinTo(verdict.reply);
    if (const std::size_t tries = earlier.attempts() + 1; tries > 1) {
      StrAppend(verdict.error->message, " (after ", tries, " attempts)");
    }
    SetTrail(*verdict.error, {.info = verdict.reply.info, .usage = verdict.reply.usage});
    co_return verdict;
  }

  async::Task<Answer> Ask(async::Context ctx, const model::Call& call, const Judge& judge,
                          bool streamed) {
    Answer answer;
    if (!streamed) {
      Result<model::Reply> reply = co_await next_->Call(ctx, call);
      if (reply) {
        answer.reply = *std::move(reply);
      } else {
        answer.error = reply.error();
      }
      co_return answer;
    }
    const Result<std::unique_ptr<model::ReplyStream>> stream = co_await next_->Stream(ctx, call);
    if (!stream) {
      answer.error = stream.error();
      co_return answer;
    }
    co_return co_await Drain(ctx, **stream, Watch(judge, MostBlank(call)));
  }

  std::size_t MostBlank(const model::Call& call) const {
    return WantsJson(call) ? options_.max_blank_bytes : std::string::npos;
  }

  // Once: the server is the same for all calls that follow.
  void Blame(const async::Context& ctx, const model::ReplyInfo& info, const Error& error) {
    if (blamed_.exchange(true)) return;
    ctx.Emit("verify:ignored",
             {{"engine", info.engine}, {"error", Name(error)}, {"message", error.message}});
  }

  const std::shared_ptr<model::Engine> next_;
  const VerifyOptions options_;
  std::atomic<bool> blamed_ = false;
  schema::Cache schemas_;  // programs ask for few, again and again
};

}  // namespace

Result<void> VerifyOptions::Validate() const {
  if (max_attempts < 1)
    return Fail(Code::kConfigError, "structured.max_attempts must be at least 1");
  if (!(longer_by >= 1)) return Fail(Code::kConfigError, "structured.longer_by must be at least 1");
  return {};
}

std::unique_ptr<model::Engine> NewVerifyEngine(std::shared_ptr<model::Engine> next,
                                               VerifyOptions options) {
  return std::make_unique<VerifyEngine>(std::move(next), options);
}

}  // namespace weir::engine
