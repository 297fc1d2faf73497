#include "weir/cli/ask.h"

#include "weir/base/text.h"

namespace weir::cli {
namespace {

// No answer, but what is known of the tries, and what they cost.
Outcome Failed(Error error) {
  Outcome outcome;
  outcome.reply.info = model::TrailOf(error).info;
  outcome.reply.usage = model::TrailOf(error).usage;
  outcome.error = std::move(error);
  return outcome;
}

async::Task<Outcome> Stream(async::Context ctx, model::Engine& engine, const model::Call& call,
                            ReplyPrinter& printer) {
  Outcome outcome;
  const Result<std::unique_ptr<model::ReplyStream>> stream = co_await engine.Stream(ctx, call);
  if (!stream) co_return Failed(stream.error());
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
  if (!reply) co_return Failed(std::move(reply).error());
  outcome.reply = *std::move(reply);
  co_return outcome;
}

}  // namespace

bool AsksForStream(const CallRun& run) {
  if (run.flags.stream) return *run.flags.stream;
  const model::Sampling& sampling = run.call.sampling;
  if (sampling.beam_width || sampling.best_of || run.call.confidence.threshold) return false;
  if (run.flags.form() == Output::kText) return true;
  const bool raw = run.call.extra.Find("prompt_logprobs").exists();
  return run.call.tools.empty() && !sampling.prompt_logprobs && !raw;
}

Outcome Ask(async::Loop& loop, Work& work, model::Engine& engine, const CallRun& run,
            ReplyPrinter& printer) {
  const async::Context ctx = work.NewContext(run.chosen.engine.http.upstream.timeouts.total);
  async::Span span(ctx, "cli.call");
  Outcome outcome = loop.Run(AsksForStream(run) ? Stream(span.context(), engine, run.call, printer)
                                                : Whole(span.context(), engine, run.call));
  if (outcome.error) span.Fail(*outcome.error);
  return outcome;
}

void TellAbout(const Terminal& terminal, const CallRun& run, const model::ReplyInfo& info) {
  for (const model::Degradation& degradation : info.degradations) {
    const std::string said = StrCat(degradation.what, ": ", degradation.why);
    if (!degradation.routine) {
      terminal.Warn(said);
    } else if (run.flags.verbose) {
      terminal.Note(said);
    }
  }
  if (!info.repairs.empty()) {
    terminal.Warn(StrCat("the answer was mended: ", Join(info.repairs, "; ")));
  }
}

}  // namespace weir::cli
