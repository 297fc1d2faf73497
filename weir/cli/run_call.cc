#include "weir/cli/run_call.h"

#include <csignal>

#include "weir/async/signals.h"
#include "weir/base/text.h"
#include "weir/cli/answer.h"
#include "weir/cli/print.h"
#include "weir/cli/reply_printer.h"
#include "weir/client/proxy_advice.h"
#include "weir/client/wiring.h"
#include "weir/engine/verifier.h"
#include "weir/events/event.h"

namespace weir::cli {
namespace {

// How a call ended: a whole reply, or an error and what came before it.
struct Outcome {
  model::Reply reply;
  std::optional<Error> error;
};

// Whether the server is asked for a stream. One JSON document is, too, so that a clock that runs
// out or Ctrl-C leaves the part that came. Asked whole are: beams, which nothing is sent of before
// the end; and for one document tool calls and log-probabilities of the prompt, which a whole reply
// carries better.
bool AsksForStream(const CallRun& run) {
  if (run.flags.stream) return *run.flags.stream;
  const model::Sampling& sampling = run.call.sampling;
  if (sampling.beam_width) return false;
  if (run.flags.form() == Output::kText) return true;
  const bool raw = run.call.extra.Find("prompt_logprobs").exists();
  return run.call.tools.empty() && !sampling.prompt_logprobs && !raw;
}

// Whether pieces are printed as they come.
bool PrintsPieces(const CallRun& run) {
  const bool text = run.flags.form() == Output::kText;
  return AsksForStream(run) && run.flags.stream.value_or(text);
}

int DryRun(Session& session, const CallRun& run, http::Client& transport) {
  if (run.engine.kind == config::Kind::kSim) {
    return Refuse(session, run.flags,
                  Error{.code = Code::kConfigError,
                        .message = "the embedded simulator gets no HTTP request; give an address "
                                   "with -e to see one"});
  }
  const Result<engine::RequestPreview> preview =
      engine::PreviewRequest(run.engine.http, transport, run.call, AsksForStream(run));
  if (!preview) return Refuse(session, run.flags, preview.error());
  std::string text = StrCat(preview->method, " ", preview->url, "\n");
  for (const http::Header& header : preview->headers) {
    StrAppend(text, header.name, ": ", header.value, "\n");
  }
  StrAppend(text, "\n", preview->body, "\n");
  session.terminal.Out(text);
  return kExitOk;
}

async::Task<Outcome> Stream(async::Context ctx, model::Engine& engine, const model::Call& call,
                            ReplyPrinter& printer) {
  Outcome outcome;
  const Result<std::unique_ptr<model::ReplyStream>> stream = co_await engine.Stream(ctx, call);
  if (!stream) {
    outcome.error = stream.error();
    co_return outcome;
  }
  model::Assembler received;
  model::Delta piece;
  for (;;) {
    const Result<bool> more = co_await (*stream)->Next(ctx, piece);
    if (!more) outcome.error = more.error();
    if (!more || !*more) break;
    printer.Print(piece);
    received.Add(piece);
  }
  outcome.reply = std::move(received).Finish((*stream)->info());
  co_return outcome;
}

async::Task<Outcome> Whole(async::Context ctx, model::Engine& engine, const model::Call& call) {
  Outcome outcome;
  Result<model::Reply> reply = co_await engine.Call(ctx, call);
  if (reply) {
    outcome.reply = *std::move(reply);
  } else {
    outcome.error = reply.error();
  }
  co_return outcome;
}

// Runs the call on its own loop, with the limit `total` over all of it. Ctrl-C cancels it.
Outcome Ask(async::Loop& loop, TraceSink* trace, model::Engine& engine, const CallRun& run,
            ReplyPrinter& printer) {
  async::Cancellation cancellation;
  const async::SignalWatch interrupt(loop, {SIGINT, SIGTERM}, [&](int) { cancellation.Cancel(); });
  async::Context ctx(loop);
  ctx.cancellation = &cancellation;
  ctx.trace = trace;
  const Duration total = run.call.timeouts->total;
  if (total > Duration::zero()) ctx = ctx.WithTimeout(total);

  async::Span span(ctx, "cli.call");
  Outcome outcome = loop.Run(AsksForStream(run) ? Stream(span.context(), engine, run.call, printer)
                                                : Whole(span.context(), engine, run.call));
  if (outcome.error) span.Fail(*outcome.error);
  return outcome;
}

// The answer on stdout, what is to be known about it on stderr.
int Report(Session& session, const CallRun& run, const engine::Verifier* verifier, Outcome outcome,
           ReplyPrinter& printer) {
  const Terminal& terminal = session.terminal;
  model::Reply& reply = outcome.reply;
  std::optional<Error> error = std::move(outcome.error);
  if (error) {
    error = client::WithProxyAdvice(*std::move(error), run.engine, session.env);
  } else if (const Result<void> good = CheckAnswer(run, verifier, reply); !good) {
    error = good.error();
  }
  for (const model::Degradation& degradation : reply.info.degradations) {
    terminal.Warn(StrCat(degradation.what, ": ", degradation.why));
  }
  // True of every answer of its kind, good ones too: told where it can be skipped, unless the
  // constraint itself may be a mistake.
  if (verifier != nullptr && verifier->unchecked()) {
    const model::Degradation& unchecked = *verifier->unchecked();
    const std::string said = StrCat("no ", unchecked.what, ": ", unchecked.why);
    if (verifier->doubtful()) {
      terminal.Warn(said);
    } else if (run.flags.verbose) {
      terminal.Note(said);
    }
    reply.info.degradations.push_back(unchecked);
  }
  printer.Finish(reply, error);
  if (run.flags.verbose && !reply.choices.empty()) terminal.Note(Summary(reply));
  if (terminal.out_error()) error = terminal.out_error();
  if (!error) return kExitOk;
  terminal.Problem(*error);
  return ExitCode(*error);
}

}  // namespace

int Refuse(Session& session, const CommonFlags& flags, const Error& error) {
  if (flags.form() == Output::kJson) session.terminal.Out(ErrorJson(error));
  session.terminal.Problem(error);
  return ExitCode(error);
}

int RunCall(Session& session, const CallRun& given) {
  CallRun run = given;
  run.call = client::WithDefaults(given.call, given.engine);
  async::Loop loop;  // outlives the connections of the transport
  const std::unique_ptr<http::Client> transport = client::BuildTransport(run.engine, session.env);
  if (run.flags.dry_run) return DryRun(session, run, *transport);

  std::optional<engine::Verifier> verifier;
  if (run.call.constraint) {
    Result<engine::Verifier> made = engine::Verifier::Make(*run.call.constraint);
    if (!made) return Refuse(session, run.flags, made.error());
    verifier = *std::move(made);
  }
  Result<std::unique_ptr<events::JsonlSink>> sink;
  if (!run.flags.events_file.empty()) sink = events::OpenJsonl(loop, run.flags.events_file);
  if (!sink) return Refuse(session, run.flags, sink.error());
  const auto on_retry = [&](int retry, const Error& error, Duration delay) {
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(delay).count();
    const Error advised = client::WithProxyAdvice(error, run.engine, session.env);
    session.terminal.Warn(StrCat(Describe(advised), "; trying again in ", FormatMillis(millis),
                                 " (", retry, " of ", run.engine.retry.max_retries, ")"));
  };
  const Result<std::unique_ptr<model::Engine>> engine =
      client::BuildEngine(run.engine, *transport, on_retry);
  if (!engine) return Refuse(session, run.flags, engine.error());

  ReplyPrinter printer(session.terminal, run, PrintsPieces(run));
  Outcome outcome = Ask(loop, sink->get(), **engine, run, printer);
  return Report(session, run, verifier ? &*verifier : nullptr, std::move(outcome), printer);
}

}  // namespace weir::cli
