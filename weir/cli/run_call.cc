#include "weir/cli/run_call.h"

#include "weir/base/text.h"
#include "weir/cli/answer.h"
#include "weir/cli/listeners.h"
#include "weir/cli/print.h"
#include "weir/cli/reply_printer.h"
#include "weir/cli/work.h"
#include "weir/client/proxy_advice.h"
#include "weir/client/wiring.h"

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

int DryRun(Session& session, const CallRun& run) {
  if (run.chosen.engine.kind == config::Kind::kSim) {
    return Refuse(session, run.flags,
                  Error{.code = Code::kConfigError,
                        .message = "the embedded simulator gets no HTTP request; give an address "
                                   "with -e to see one"});
  }
  const std::unique_ptr<http::Client> transport =
      client::BuildTransport(run.chosen.engine, session.env);
  const Result<engine::RequestPreview> preview = engine::PreviewRequest(
      client::HttpOptionsOf(run.chosen.engine), *transport, run.call, AsksForStream(run));
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

// Runs the call with the limit `total` over all of it.
Outcome Ask(async::Loop& loop, Work& work, model::Engine& engine, const CallRun& run,
            ReplyPrinter& printer) {
  const async::Context ctx = work.NewContext(run.chosen.engine.http.upstream.timeouts.total);
  async::Span span(ctx, "cli.call");
  Outcome outcome = loop.Run(AsksForStream(run) ? Stream(span.context(), engine, run.call, printer)
                                                : Whole(span.context(), engine, run.call));
  if (outcome.error) span.Fail(*outcome.error);
  return outcome;
}

// What is to be known of an answer beside it.
void TellAbout(const Session& session, const CallRun& run, const model::ReplyInfo& info) {
  for (const model::Degradation& degradation : info.degradations) {
    const std::string said = StrCat(degradation.what, ": ", degradation.why);
    if (!degradation.routine) {
      session.terminal.Warn(said);
    } else if (run.flags.verbose) {
      session.terminal.Note(said);
    }
  }
  if (!info.repairs.empty()) {
    session.terminal.Warn(StrCat("the answer was mended: ", Join(info.repairs, "; ")));
  }
}

// The answer on stdout, the rest on stderr.
int Report(Session& session, const CallRun& run, Outcome outcome, ReplyPrinter& printer) {
  const Terminal& terminal = session.terminal;
  const model::Reply& reply = outcome.reply;
  std::optional<Error> error = std::move(outcome.error);
  if (error) {
    error = client::WithProxyAdvice(*std::move(error), run.chosen.engine, session.env);
  } else if (const Result<void> good = CheckAnswer(run, reply); !good) {
    error = good.error();
  }
  printer.EndLines();
  TellAbout(session, run, reply.info);
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
  // What is checked is shown once it is known to be good, unless pieces were asked for.
  run.call.buffer = run.call.constraint && !run.flags.stream.value_or(false);
  if (run.flags.dry_run) return DryRun(session, run);

  async::Loop loop;  // outlives the connections of the fleet
  Result<Listeners> listeners =
      Listeners::Open(loop, run.chosen.config.events, run.flags.events_file, session);
  if (!listeners) return Refuse(session, run.flags, listeners.error());
  Result<client::Fleet> fleet =
      client::Fleet::Build(run.chosen.config, run.chosen.engine, session.env);
  if (!fleet) return Refuse(session, run.flags, fleet.error());
  const Result<std::shared_ptr<model::Engine>> engine = fleet->Get(run.chosen.route);
  if (!engine) return Refuse(session, run.flags, engine.error());

  ReplyPrinter printer(session.terminal, run, PrintsPieces(run));
  Work work(loop, session.terminal, listeners->sinks());
  Outcome outcome = Ask(loop, work, **engine, run, printer);
  listeners->Finish(session.terminal);
  return Report(session, run, std::move(outcome), printer);
}

}  // namespace weir::cli
