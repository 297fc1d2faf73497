// How a walker lets an agent work: as a step is asked, but for as many turns as it takes.

#include <utility>

#include "weir/base/text.h"
#include "weir/flow/call.h"
#include "weir/flow/failures.h"
#include "weir/flow/walk.h"

namespace weir::flow {
namespace {

void AddFigures(const agent::Figures& figures, Finished& finished) {
  AddTo(finished.prompt_tokens, figures.prompt_tokens);
  AddTo(finished.completion_tokens, figures.completion_tokens);
  AddTo(finished.cached_tokens, figures.cached_tokens);
  if (figures.cost) finished.cost = finished.cost.value_or(0) + *figures.cost;
  finished.agents.Add(figures);
  finished.confidences.insert(finished.confidences.end(), figures.confidences.begin(),
                              figures.confidences.end());
}

}  // namespace

// What an agent is asked of every row: a step without a constraint, as it hands in by a tool.
Result<AgentWork> Walker::WorkAt(const Visit& visit, const json::Value& variables, int attempt) {
  const std::string& row_id = visit.traveller.id;
  WEIR_TRY(model::Call call,
           RowCall(graph_.flow(), visit.node, variables, row_id, attempt, engines_, options_));
  AgentWork work{
      .node = &visit.node, .row_id = row_id, .call = std::move(call), .attempt = attempt};
  work.seed =
      static_cast<std::uint64_t>(SeedOf(options_.seed, row_id, visit.node.node->id, attempt));
  work.key = agents_.KeyOf(visit.traveller);
  work.row = visit.traveller.row;
  if (const agent::RetriedRow* sent_back = SentBack(visit)) work.overrides = sent_back->overrides;
  return work;
}

// Nothing when the run ends meanwhile.
async::Task<std::optional<Finished>> Walker::AskAgent(Visit& visit) {
  const json::Value variables = Variables(visit);
  const std::string name = EngineOf(graph_.flow(), *visit.node.step(), options_);
  Finished finished = NewFinished(visit);
  const Result<std::shared_ptr<model::Engine>> engine = EngineFor(name);
  if (!engine) {
    finished.outcome = engine.error();
    co_return finished;
  }
  NodeStats& stats = stats_.nodes[visit.node.index];
  TakePast(visit, finished);
  const Attempts attempts = AttemptsAt(visit);
  const std::string key = agents_.KeyOf(visit.traveller);
  std::int64_t spent = 0;
  const int begun = agents_.BrokenOff(visit.node, key, attempts).value_or(attempts.first);
  for (int failed = attempts.first; failed < begun; ++failed) {
    Result<AgentWork> work = WorkAt(visit, variables, failed);
    if (!work) break;
    if (const auto figures = agents_.FiguresOf(*std::move(work))) AddFigures(*figures, finished);
  }
  for (int attempt = begun; attempt <= attempts.last; ++attempt) {
    // One place for as long as the agent works: so many agents are busy at once, not more.
    Result<async::Semaphore::Permit> permit = co_await places_.Acquire(visit.ctx);
    if (!permit && !visit.ctx.cancelled()) Stop(permit.error());
    if (!permit || stopped_) co_return std::nullopt;
    Result<AgentWork> work = WorkAt(visit, variables, attempt);
    if (!work) {
      finished.outcome = work.error();
      break;
    }
    const bool granted = co_await TakeTokens(visit, work->call);
    if (!granted) co_return std::nullopt;
    work->engine = engine->get();
    work->turn_timeout = TakeTotal(work->call, engines_, name);
    work->on_answer = [&](const Result<model::Reply>& reply, Duration took) {
      NoteAnswer(visit, {.engine = name, .reply = &reply, .took = took});
    };
    if (const Result<void> kept = answers_.Asking(finished); !kept) Stop(kept.error());
    if (stopped_) co_return std::nullopt;
    ++stats.in_flight;
    Agents::Worked worked = co_await agents_.Work(visit.ctx, *std::move(work));
    const agent::WorkResult& result = worked.result;
    --stats.in_flight;
    permit->Release();
    const std::int64_t used = result.figures.total_tokens();
    spent += used;
    visit.tokens.Settle(spent, used);
    if (visit.ctx.cancelled()) co_return std::nullopt;
    if (worked.hindrance != Agents::Hindrance::kNone) {
      const Error& why = result.submission.error();
      const bool elsewhere = worked.hindrance == Agents::Hindrance::kElsewhere;
      if (!elsewhere || !answers_.PutOff(finished, why)) Stop(why);
      co_return std::nullopt;
    }
    if (!result.submission) {
      const std::optional<Error> gone =
          co_await WhyGone(visit, **engine, name, result.submission.error());
      if (gone) Stop(*gone);
      if (gone) co_return std::nullopt;
    }
    NoteWork(visit, result, finished);
    const auto* error = std::get_if<Error>(&finished.outcome);
    if (error == nullptr || !MayTryAgain(*error)) break;
    if (attempt < attempts.last) ++stats.retries;
  }
  co_return finished;
}

// A row that was sent back and fails again keeps what it had handed in. False: there is nothing of
// that kind.
bool Walker::KeepEarlier(const Visit& visit, Finished& finished) {
  const auto* error = std::get_if<Error>(&finished.outcome);
  const Past* past = error != nullptr && SentBack(visit) != nullptr ? Before(visit) : nullptr;
  if (past == nullptr || !past->answer) return false;
  if (!std::holds_alternative<json::Value>(past->answer->outcome)) return false;
  const std::string message =
      StrCat("row ", visit.traveller.id, " was sent back and has failed (", Name(*error), ": ",
             Truncate(error->message, 300), "); it keeps its earlier result and is pending again");
  visit.ctx.Emit("agent.kept_earlier", {{"row", std::string_view(visit.traveller.id)},
                                        {"node", std::string_view(visit.node.node->id)},
                                        {"error", std::string_view(Name(*error))},
                                        {"message", std::string_view(message)}});
  finished.outcome = past->answer->outcome;
  finished.thoughts = past->answer->thoughts;
  return true;
}

// As Keep(), with what agents keep of a row.
async::Task<bool> Walker::KeepWork(Visit& visit, Finished& finished) {
  using Ending = Agents::Ending;
  const std::string key = agents_.KeyOf(visit.traveller);
  const Attempts attempts = AttemptsAt(visit);
  // What counts again has to be there before the ledger says so.
  const bool given_up = KeepEarlier(visit, finished);
  if (given_up) {
    const Result<void> counts =
        co_await agents_.Forget(visit.ctx, visit.node, key, attempts, Ending::kGivenUp);
    if (!counts) Stop(counts.error());
    if (!counts) co_return false;
  }
  if (!Keep(finished)) co_return false;
  if (given_up) co_return true;
  const bool failed = std::holds_alternative<Error>(finished.outcome);
  (void)co_await agents_.Forget(visit.ctx, visit.node, key, attempts,
                                failed ? Ending::kFailed : Ending::kDone);
  co_return true;
}

Attempts Walker::AttemptsAt(const Visit& visit) {
  const int tried = TriedBefore(visit);
  return {.first = tried, .last = tried + visit.node.step()->retries};
}

void Walker::NoteWork(const Visit& visit, const agent::WorkResult& result, Finished& finished) {
  AddFigures(result.figures, finished);
  if (!result.repairs.empty()) ++stats_.nodes[visit.node.index].repaired;
  if (result.submission) {
    finished.outcome = *result.submission;
  } else {
    finished.outcome = result.submission.error();
  }
}

}  // namespace weir::flow
