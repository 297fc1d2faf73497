#include "weir/cli/run_call.h"

#include "weir/base/text.h"
#include "weir/cli/answer.h"
#include "weir/cli/ask.h"
#include "weir/cli/input.h"
#include "weir/cli/listeners.h"
#include "weir/cli/live_engine.h"
#include "weir/cli/print.h"
#include "weir/client/preview.h"
#include "weir/client/proxy_advice.h"
#include "weir/client/wiring.h"

namespace weir::cli {
namespace {

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
  const Result<engine::RequestPreview> preview =
      client::Preview(run.chosen.engine, *transport, run.call, AsksForStream(run));
  if (!preview) return Refuse(session, run.flags, preview.error());
  std::string text = StrCat(preview->method, " ", preview->url, "\n");
  for (const http::Header& header : preview->headers) {
    StrAppend(text, header.name, ": ", header.value, "\n");
  }
  StrAppend(text, "\n", preview->body, "\n");
  session.terminal.Out(text);
  for (const std::string& note : preview->notes) session.terminal.Note(note);
  return kExitOk;
}

// The answer on stdout, the rest on stderr.
int Report(Session& session, const CallRun& run, Outcome outcome, ReplyPrinter& printer) {
  const Terminal& terminal = session.terminal;
  const model::Reply& reply = outcome.reply;
  std::optional<Error> error = std::move(outcome.error);
  if (error) {
    error = WithAdvice(*std::move(error), run.chosen, session);
  } else if (const Result<void> good = CheckAnswer(run, reply); !good) {
    error = good.error();
  }
  printer.EndLines();
  TellAbout(terminal, run, reply.info);
  const CommonFlags& flags = run.flags;
  if (flags.has_prompt && flags.prompt != kStdin && !flags.with_stdin && StdinIsLeft()) {
    terminal.Note(
        "nothing was read of what stands at stdin, as there is a prompt; --stdin puts it in front "
        "(and < /dev/null keeps this note away)");
  }
  printer.Finish(reply, error);
  if (run.flags.verbose && !reply.choices.empty()) terminal.Note(Summary(reply));
  if (!error) return kExitOk;
  terminal.Problem(*error);
  // Who has asked for JSON sees the answer already.
  const bool hidden = error->code == Code::kInvalidJson && run.flags.form() != Output::kJson;
  if (hidden) terminal.Note("see what the answer is: weir call -o json");
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
  // What is checked is shown once it is known to be good, unless pieces were asked for. What nobody
  // watches as it comes may wait for its end as well.
  const bool checked = run.call.constraint || !run.call.tools.empty();
  run.call.buffer = checked ? !run.flags.stream.value_or(false) : !PrintsPieces(run);
  if (run.flags.dry_run) return DryRun(session, run);

  async::Loop loop;  // outlives the connections of the fleet
  Result<Listeners> listeners =
      Listeners::Open(loop, run.chosen.config.events, run.flags.events_file, session);
  if (!listeners) return Refuse(session, run.flags, listeners.error());
  Work work(loop, session.terminal, listeners->sinks());
  Result<LiveEngine> live = LiveEngine::Open(loop, work.NewContext({}), run.chosen, session.env);
  if (!live) return Refuse(session, run.flags, live.error());

  ReplyPrinter printer(session.terminal, run, PrintsPieces(run));
  Outcome outcome = Ask(loop, work, live->engine(), run, printer);
  live->Close(loop, work.NewContext({}));
  listeners->Finish(session.terminal);
  return Report(session, run, std::move(outcome), printer);
}

}  // namespace weir::cli
