#include "weir/cli/run_call.h"

#include <csignal>

#include "weir/async/signals.h"
#include "weir/base/text.h"
#include "weir/cli/print.h"
#include "weir/client/wiring.h"
#include "weir/events/event.h"
#include "weir/json/reader.h"

namespace weir::cli {
namespace {

using model::Delta;
using model::Reply;

bool IsOneAnswer(const model::Call& call) {
  const std::int64_t raw_n = call.extra.Find("n").AsInt64().value_or(1);
  return call.sampling.n.value_or(1) == 1 && call.sampling.beam_width.value_or(1) == 1 &&
         raw_n == 1;
}

// Prints the pieces of a stream as they come, and remembers what the end needs.
class StreamPrinter {
 public:
  StreamPrinter(Session& session, const CallRun& run)
      : terminal_(session.terminal), run_(run), live_(IsOneAnswer(run.call)) {}

  void Print(const Delta& delta) {
    if (run_.flags.form() == Output::kJson) return terminal_.Out(DeltaJson(delta));
    if (!live_) return;  // several answers at once would mix
    if (run_.reasoning == ShowReasoning::kShow) terminal_.Raw(delta.reasoning);
    const std::string& text = run_.reasoning == ShowReasoning::kOnly ? delta.reasoning : delta.text;
    if (text.empty()) return;
    terminal_.Out(text);
    last_ = text.back();
  }

  // What could not be printed piece by piece, and the newline that the model did not write.
  void Finish(const Reply& reply) {
    if (run_.flags.form() == Output::kJson) return;
    if (!live_) return PrintWhole(reply);
    std::string rest;
    for (const model::Choice& choice : reply.choices) {
      if (run_.reasoning == ShowReasoning::kOnly) break;
      model::Choice calls;
      calls.tool_calls = choice.tool_calls;
      rest += AnswerText(calls, run_.reasoning);
    }
    if (last_ != '\n' && last_ != 0) terminal_.Out("\n");
    if (!rest.empty()) terminal_.Out(rest + "\n");
  }

  // After an error: the terminal's next line begins at its left edge.
  void BreakOff() {
    if (last_ != '\n' && last_ != 0 && run_.flags.form() == Output::kText) terminal_.Out("\n");
  }

  void PrintWhole(const Reply& reply) {
    if (run_.flags.form() == Output::kJson) return terminal_.Out(ReplyJson(reply));
    for (const model::Choice& choice : reply.choices) {
      if (reply.choices.size() > 1) terminal_.Out(StrCat("--- answer ", choice.index, "\n"));
      if (run_.reasoning == ShowReasoning::kShow && !choice.reasoning.empty()) {
        terminal_.Raw(choice.reasoning + "\n");
      }
      const std::string text = AnswerText(choice, run_.reasoning);
      terminal_.Out(text);
      if (!text.ends_with('\n')) terminal_.Out("\n");
    }
  }

 private:
  Terminal& terminal_;
  const CallRun& run_;
  const bool live_;
  char last_ = 0;
};

async::Task<Result<Reply>> StreamReply(async::Context ctx, model::Engine& engine,
                                       const model::Call& call, StreamPrinter& printer) {
  WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await engine.Stream(ctx, call));
  model::Assembler assembler;
  Delta piece;
  for (;;) {
    WEIR_CO_TRY(const bool more, co_await stream->Next(ctx, piece));
    if (!more) co_return std::move(assembler).Finish(stream->info());
    printer.Print(piece);
    assembler.Add(piece);
  }
}

// The answer is whole; is it what was asked for? Only what can be told without a schema compiler or
// a pattern engine is told, and the caller says what was not looked at.
Result<void> CheckAnswer(const model::Call& call, const Reply& reply) {
  for (const model::Choice& choice : reply.choices) {
    if (choice.finish == model::Finish::kLength) {
      return Fail(Code::kTruncated,
                  "the model hit its token limit before it was done; raise --max-tokens");
    }
    if (!call.constraint || !choice.tool_calls.empty()) continue;
    const model::Constraint& constraint = *call.constraint;
    const bool json = constraint.kind == model::Constraint::Kind::kJsonSchema ||
                      constraint.kind == model::Constraint::Kind::kJsonObject;
    if (json) {
      const Result<json::Value> value = json::Read(choice.text);
      if (!value) {
        return Fail(Code::kInvalidJson,
                    "the answer is not JSON although the server was told so; does it support "
                    "constrained output? See what it is: weir call -o json",
                    value.error().message);
      }
    }
    const std::vector<std::string>& choices = constraint.choices;
    if (constraint.kind == model::Constraint::Kind::kChoice &&
        std::ranges::find(choices, choice.text) == choices.end()) {
      return Fail(Code::kConstraintViolated,
                  StrCat("the answer is none of the choices ", Join(choices, ", "),
                         ": the server ignored the constraint"));
    }
  }
  return {};
}

bool FullyChecked(const model::Call& call) {
  return !call.constraint || call.constraint->kind == model::Constraint::Kind::kJsonObject ||
         call.constraint->kind == model::Constraint::Kind::kChoice;
}

int DryRun(Session& session, const CallRun& run, http::Client& transport, bool stream) {
  if (run.engine.kind == config::Kind::kSim) {
    session.terminal.Problem(Error{.code = Code::kConfigError,
                                   .message = "the embedded simulator gets no HTTP request; give "
                                              "an address with -e to see one"});
    return kExitConfig;
  }
  const Result<engine::RequestPreview> preview =
      engine::PreviewRequest(run.engine.http, transport, run.call, stream);
  if (!preview) {
    session.terminal.Problem(preview.error());
    return ExitCode(preview.error());
  }
  std::string text = StrCat(preview->method, " ", preview->url, "\n");
  for (const http::Header& header : preview->headers) {
    StrAppend(text, header.name, ": ", header.value, "\n");
  }
  StrAppend(text, "\n", preview->body, "\n");
  session.terminal.Out(text);
  return kExitOk;
}

int Report(Session& session, const CallRun& run, StreamPrinter& printer, const Result<Reply>& reply,
           bool stream) {
  Terminal& terminal = session.terminal;
  const auto failed = [&](const Error& error) {
    if (run.flags.form() == Output::kJson) terminal.Out(ErrorJson(error));
    terminal.Problem(error);
    return ExitCode(error);
  };
  if (!reply) {
    printer.BreakOff();
    return failed(reply.error());
  }
  if (stream) {
    printer.Finish(*reply);
  } else {
    printer.PrintWhole(*reply);
  }
  for (const model::Degradation& degradation : reply->info.degradations) {
    terminal.Warn(StrCat(degradation.what, ": ", degradation.why));
  }
  if (!FullyChecked(run.call)) {
    terminal.Note(StrCat("note: this version does not check the answer against the ",
                         model::ConstraintName(run.call.constraint->kind), " constraint"));
  }
  if (run.flags.verbose) terminal.Note(Summary(*reply));
  if (terminal.out_error()) {
    terminal.Problem(*terminal.out_error());
    return ExitCode(*terminal.out_error());
  }
  const Result<void> good = CheckAnswer(run.call, *reply);
  if (good) return kExitOk;
  terminal.Problem(good.error());
  return ExitCode(good.error());
}

}  // namespace

int RunCall(Session& session, const CallRun& run) {
  async::Loop loop;
  const std::unique_ptr<http::Client> transport = client::BuildTransport(run.engine, session.env);
  const bool stream = run.flags.stream.value_or(run.flags.form() == Output::kText);
  CallRun filled = run;
  filled.call = client::WithDefaults(run.call, run.engine);
  if (run.flags.dry_run) return DryRun(session, filled, *transport, stream);

  Result<std::unique_ptr<events::JsonlSink>> sink;
  if (!run.flags.events_file.empty()) sink = events::OpenJsonl(loop, run.flags.events_file);
  const auto on_retry = [&](int retry, const Error& error, Duration delay) {
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(delay).count();
    session.terminal.Warn(StrCat(Describe(error), "; trying again in ", FormatMillis(millis), " (",
                                 retry, " of ", filled.engine.retry.max_retries, ")"));
  };
  const Result<std::unique_ptr<model::Engine>> engine =
      client::BuildEngine(filled.engine, *transport, on_retry);
  const Error* problem = !sink ? &sink.error() : !engine ? &engine.error() : nullptr;
  if (problem != nullptr) {
    session.terminal.Problem(*problem);
    return ExitCode(*problem);
  }

  async::Cancellation cancellation;
  const async::SignalWatch interrupt(loop, {SIGINT, SIGTERM}, [&](int) { cancellation.Cancel(); });
  async::Context ctx(loop);
  ctx.cancellation = &cancellation;
  ctx.trace = sink->get();
  const Duration total = filled.call.timeouts->total;
  if (total > Duration::zero()) ctx = ctx.WithTimeout(total);

  StreamPrinter printer(session, filled);
  Result<Reply> reply;
  {
    async::Span span(ctx, "cli.call");
    reply = span.End(loop.Run(stream ? StreamReply(span.context(), **engine, filled.call, printer)
                                     : (*engine)->Call(span.context(), filled.call)));
  }
  return Report(session, filled, printer, reply, stream);
}

}  // namespace weir::cli
