// How a walker asks: engines for steps, programs for `exec:`. What came is in the ledger before
// anything else knows of it.

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/events/label.h"
#include "weir/flow/batch.h"
#include "weir/flow/call.h"
#include "weir/flow/failures.h"
#include "weir/flow/prepare.h"
#include "weir/flow/walk.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

constexpr int kMostAttempts = 100;  // that are looked for

std::int64_t SumOf(const model::Usage& usage) {
  return usage.prompt_tokens.value_or(0) + usage.completion_tokens.value_or(0);
}

// What a call cost, whatever came of it.
void AddPaid(Finished& finished, const model::ReplyInfo& info, const model::Usage& usage) {
  AddTo(finished.prompt_tokens, usage.prompt_tokens);
  AddTo(finished.completion_tokens, usage.completion_tokens);
  AddTo(finished.cached_tokens, usage.cached_tokens);
  if (info.cost) finished.cost = finished.cost.value_or(0) + *info.cost;
}

}  // namespace

Result<std::shared_ptr<model::Engine>> Walker::EngineFor(const std::string& name, bool embeds) {
  const std::pair key(name, embeds);
  if (const auto known = made_.find(key); known != made_.end()) return known->second;
  WEIR_TRY(std::shared_ptr<model::Engine> engine,
           embeds ? engines_.GetEmbedder(name) : engines_.Get(name));
  made_.emplace(key, engine);
  return engine;
}

async::Task<bool> Walker::TakeTokens(Visit& visit, const model::Call& call) {
  const Result<void> taken = co_await purse_.Take(visit.ctx, visit.tokens, visit.node, call);
  if (!taken && !visit.ctx.cancelled()) Stop(taken.error());
  co_return taken && !stopped_;
}

Finished Walker::NewFinished(const Visit& visit) const {
  Finished finished;
  finished.pass = visit.where.pass;
  finished.row = visit.where.row;
  finished.child = visit.traveller.child;
  finished.node = visit.node.index;
  finished.input = visit.where.input;
  if (finished.pass > 0) finished.origin = visit.traveller.origin;
  return finished;
}

bool Walker::Keep(const Finished& finished) {
  const Result<void> kept = answers_.Record(finished);
  if (!kept) Stop(kept.error());
  return kept.has_value();
}

void Walker::Tell(const Visit& visit, const Finished& finished) const {
  const auto* error = std::get_if<Error>(&finished.outcome);
  if (error != nullptr) {
    visit.ctx.Emit("node.end", {{"row", std::string_view(visit.traveller.id)},
                                {"node", std::string_view(visit.node.node->id)},
                                {"ok", false},
                                {"error", std::string_view(Name(*error))},
                                {"message", std::string_view(error->message)}});
    return;
  }
  visit.ctx.Emit("node.end", {{"row", std::string_view(visit.traveller.id)},
                              {"node", std::string_view(visit.node.node->id)},
                              {"ok", true},
                              {"prompt_tokens", finished.prompt_tokens.value_or(0)},
                              {"completion_tokens", finished.completion_tokens.value_or(0)}});
}

// What the ledger has of it; null where it has nothing, or what it has is of another input.
const Finished* Walker::Recorded(const Visit& visit) {
  const Finished* known =
      answers_.Recorded(visit.where.pass, visit.where.row, visit.traveller.child, visit.node.index);
  if (known != nullptr && known->input == visit.where.input) return known;
  const Past* past = Before(visit);
  if (past == nullptr || !past->answer || IsAskedAnew(visit)) return nullptr;
  // In later passes the rows before it may be others now; the row itself is the same one.
  const bool same = visit.where.pass > 0 || past->answer->input == visit.where.input;
  return same ? &*past->answer : nullptr;
}

const agent::RetriedRow* Walker::SentBack(const Visit& visit) const {
  if (options_.sent_back.empty()) return nullptr;
  const std::string key = agents_.KeyOf(visit.traveller);
  const auto found =
      std::ranges::find_if(options_.sent_back, [&](const agent::RetriedRow& retried) {
        return retried.row == key && retried.node == visit.node.node->id;
      });
  return found == options_.sent_back.end() ? nullptr : &*found;
}

// Whether an answer of an earlier round is of no use: the row was sent back here, or at a node
// before this one; or a kill broke that new work off behind its end.
bool Walker::IsAskedAnew(const Visit& visit) {
  const std::string key = agents_.KeyOf(visit.traveller);
  const bool sent_back =
      std::ranges::any_of(options_.sent_back, [&](const agent::RetriedRow& retried) {
        const GraphNode* node = graph_.Find(retried.node);
        const bool its_row = key == retried.row || IsBelow(key, retried.row);
        return its_row && node != nullptr && node->index <= visit.node.index;
      });
  if (sent_back || visit.node.step() == nullptr || !visit.node.step()->agent) return sent_back;
  const Attempts any{.first = 0, .last = kMostAttempts};
  return agents_.BrokenOff(visit.node, key, any).has_value();
}

// What became of it before failed rows were tried again.
const Past* Walker::Before(const Visit& visit) {
  const Result<const Past*> past = answers_.Before(visit.where.pass, visit.traveller.origin,
                                                   visit.traveller.child, visit.node.index);
  if (!past) Stop(past.error());
  return past ? *past : nullptr;
}

async::Task<Walker::Fate> Walker::Ask(Visit& visit) {
  const GraphNode& node = visit.node;
  NodeStats& stats = stats_.nodes[node.index];
  const Finished* known = Recorded(visit);
  std::optional<Finished> finished;
  if (known != nullptr) {
    finished = *known;
    ++stats.reused;
    visit.walked.reused = true;
    stats.reused_tokens += known->completion_tokens.value_or(0);
  } else {
    visit.walked.worked = true;
    const bool works = node.step()->agent.has_value();
    if (works) {
      finished = co_await AskAgent(visit);
    } else {
      finished = co_await AskEngine(visit);
    }
    if (!finished) co_return Fate::kAborted;
    if (works) {
      const bool kept = co_await KeepWork(visit, *finished);
      if (!kept) co_return Fate::kAborted;
    } else if (!Keep(*finished)) {
      co_return Fate::kAborted;
    }
    Tell(visit, *finished);
  }
  const auto* error = std::get_if<Error>(&finished->outcome);
  const bool counted = finished->prompt_tokens && finished->completion_tokens;
  Count(visit.walked,
        {.node = node.index,
         .prompt_tokens = finished->prompt_tokens.value_or(0),
         .completion_tokens = finished->completion_tokens.value_or(0),
         .cached_tokens = finished->cached_tokens.value_or(0),
         .cached_of = finished->cached_tokens && counted ? *finished->prompt_tokens : 0,
         .cost = finished->cost.value_or(0),
         .tokens_unknown = error == nullptr && !counted,
         .cost_unknown = error == nullptr && !finished->cost,
         .agents = finished->agents,
         .confidences = finished->confidences});
  if (error != nullptr) co_return Fail(visit, *error);
  if (finished->thoughts.IsString()) {
    visit.traveller.Name(StrCat(node.node->id, "_reasoning"), finished->thoughts);
  }
  Give(visit, std::get<json::Value>(std::move(finished->outcome)));
  co_return Fate::kOn;
}

// Why no other call like one that failed can do better: its server does not answer at all any more,
// or does not have the model.
async::Task<std::optional<Error>> Walker::WhyGone(const Visit& visit, model::Engine& engine,
                                                  std::string name, Error error) {
  const async::Context& ctx = visit.ctx;
  const ErrorClass error_class = ClassOf(error);
  const bool doubted = stats_.nodes[visit.node.index].model_unlisted;
  if (error_class == ErrorClass::kNotFound && doubted) {
    const Askers askers{name, !options_.engine.empty(), {&visit.node}};
    const Result<void> serves = co_await StillServes(ctx, engine, askers);
    co_return serves ? std::nullopt : std::optional(serves.error());
  }
  const bool suspicious = error_class == ErrorClass::kNetwork ||
                          error_class == ErrorClass::kUnavailable || error.permanent;
  if (!suspicious) co_return std::nullopt;
  if (!engines_.IsAlive(name)) co_return Gone(name, error);
  const Result<model::EngineInfo> there = co_await engine.Describe(ctx);
  const bool gone =
      !there && (ClassOf(there.error()) == ErrorClass::kNetwork || there.error().permanent);
  co_return gone ? std::optional(Gone(name, error)) : std::nullopt;
}

// What was done before is not forgotten.
void Walker::TakePast(const Visit& visit, Finished& finished) {
  const Past* past = Before(visit);
  if (past == nullptr) return;
  finished.prompt_tokens = past->prompt_tokens;
  finished.completion_tokens = past->completion_tokens;
  finished.cached_tokens = past->cached_tokens;
  finished.cost = past->cost;
  finished.agents = past->agents;
  finished.confidences = past->confidences;
}

// What failed before, or was sent back, is asked with another seed.
int Walker::TriedBefore(const Visit& visit) {
  const Past* past = Before(visit);
  if (past == nullptr) return 0;
  const bool sent_back = SentBack(visit) != nullptr;
  const int times = sent_back ? answers_.rounds() : past->failures;
  return times * (visit.node.step()->retries + 1);
}

async::Task<std::optional<Walker::Place>> Walker::TakePlace(async::Context ctx,
                                                            std::string engine) {
  const std::string own_name = engines_.NameOf(engine);
  const async::SemaphoreOptions own{.permits = engines_.PlacesOf(own_name),
                                    .max_waiting = SIZE_MAX};
  async::Semaphore& engine_places = engine_places_.try_emplace(own_name, own).first->second;
  Place place;
  for (const auto& [from, to] :
       {std::pair(&engine_places, &place.of_engine), std::pair(&places_, &place.of_run)}) {
    Result<async::Semaphore::Permit> permit = co_await from->Acquire(ctx);
    if (!permit && !ctx.cancelled()) Stop(permit.error());
    if (!permit || stopped_) co_return std::nullopt;
    *to = *std::move(permit);
  }
  co_return place;
}

// Nothing when the run ends meanwhile.
async::Task<std::optional<Finished>> Walker::AskEngine(Visit& visit) {
  const Step& step = *visit.node.step();
  async::Context inside = visit.ctx;
  std::optional<events::LabelSink> labelled;
  if (inside.trace != nullptr) {
    events::EventLabels labels = {{"row", visit.traveller.id}, {"node", visit.node.node->id}};
    inside.trace = &labelled.emplace(*inside.trace, std::move(labels), inside.span);
    inside.span = 0;
  }
  const json::Value variables = Variables(visit);
  const std::string name = EngineOf(graph_.flow(), step, options_);
  Finished finished = NewFinished(visit);
  const bool embeds = step.batch && AsksForEmbeddings(visit.traveller.row);
  const Result<std::shared_ptr<model::Engine>> engine = EngineFor(name, embeds);
  if (!engine) {
    finished.outcome = engine.error();
    co_return finished;
  }
  TakePast(visit, finished);
  const int tried = TriedBefore(visit);
  std::int64_t spent = 0;
  for (int attempt = 0; attempt <= step.retries; ++attempt) {
    // First the place: what a call holds, such as pictures, must not wait in memory.
    std::optional<Place> place = co_await TakePlace(visit.ctx, name);
    if (!place) co_return std::nullopt;
    Result<model::Call> call = RowCall(graph_.flow(), visit.node, variables, visit.traveller.id,
                                       tried + attempt, engines_, options_);
    if (!call) {
      finished.outcome = call.error();
      break;
    }
    const bool granted = co_await TakeTokens(visit, *call);
    if (!granted) co_return std::nullopt;
    const Duration total = TakeTotal(*call, engines_, name);
    const async::Context limited = total > Duration::zero() ? inside.WithTimeout(total) : inside;
    if (const Result<void> kept = answers_.Asking(finished); !kept) Stop(kept.error());
    if (stopped_) co_return std::nullopt;
    const TimePoint start = visit.ctx.Now();
    ++stats_.nodes[visit.node.index].in_flight;
    const Result<model::Reply> reply = co_await (*engine)->Call(limited, *call);
    --stats_.nodes[visit.node.index].in_flight;
    place.reset();
    spent += SumOf(reply ? reply->usage : model::TrailOf(reply.error()).usage);
    visit.tokens.Settle(spent, reply ? reply->usage.completion_tokens : std::nullopt);
    if (!reply && visit.ctx.cancelled()) co_return std::nullopt;
    if (!reply) {
      const std::optional<Error> gone = co_await WhyGone(visit, **engine, name, reply.error());
      // The row is not to blame, and is asked again when the run goes on.
      if (gone) Stop(*gone);
      if (gone) co_return std::nullopt;
    }
    const AskedOnce asked{
        .engine = name, .call = &*call, .reply = &reply, .took = visit.ctx.Now() - start};
    Note(visit, asked, finished);
    const auto* error = std::get_if<Error>(&finished.outcome);
    if (error == nullptr || !MayTryAgain(*error)) break;
    if (attempt < step.retries) ++stats_.nodes[visit.node.index].retries;
  }
  co_return finished;
}

void Walker::Note(const Visit& visit, const AskedOnce& asked, Finished& finished) {
  NodeStats& stats = stats_.nodes[visit.node.index];
  NoteAnswer(visit, asked);
  const Result<model::Reply>& reply = *asked.reply;
  if (!reply) {
    finished.outcome = reply.error();
    AddPaid(finished, model::TrailOf(reply.error()).info, model::TrailOf(reply.error()).usage);
    return;
  }
  if (!reply->info.repairs.empty()) ++stats.repaired;
  AddPaid(finished, reply->info, reply->usage);
  Result<json::Value> answer = AnswerOf(visit.node, visit.traveller.row, *reply);
  if (!answer) {
    finished.outcome = answer.error();
    return;
  }
  finished.outcome = *std::move(answer);
  const model::Choice& choice = reply->choices.front();
  if (!choice.reasoning.empty()) {
    finished.thoughts = json::Value::Of(std::string_view(choice.reasoning));
  }
  if (choice.confidence) finished.confidences.push_back(choice.confidence->mean);
}

void Walker::NoteAnswer(const Visit& visit, AskedOnce asked) {
  NodeStats& stats = stats_.nodes[visit.node.index];
  stats.latencies.Add(asked.took);
  asked.row_id = visit.traveller.id;
  asked.row = visit.where.row;
  asked.node = &visit.node;
  const Result<void> noted = answers_.NoteCall(asked);
  if (!noted) Stop(noted.error());
  const Result<model::Reply>& reply = *asked.reply;
  ++stats_.session.calls;
  const model::ReplyInfo& info = reply ? reply->info : model::TrailOf(reply.error()).info;
  const model::Usage& usage = reply ? reply->usage : model::TrailOf(reply.error()).usage;
  stats_.session.prompt_tokens += usage.prompt_tokens.value_or(0);
  stats_.session.completion_tokens += usage.completion_tokens.value_or(0);
  stats.AddTries(info);
}

async::Task<Walker::Fate> Walker::AskProgram(Visit& visit) {
  const GraphNode& node = visit.node;
  const Finished* known = Recorded(visit);
  std::optional<Finished> finished;
  if (known != nullptr) {
    finished = *known;
    ++stats_.nodes[node.index].reused;
    visit.walked.reused = true;
  } else {
    visit.walked.worked = true;
    finished = co_await RunProgram(visit);
    if (!finished || !Keep(*finished)) co_return Fate::kAborted;
    Tell(visit, *finished);
  }
  if (const auto* error = std::get_if<Error>(&finished->outcome)) co_return Fail(visit, *error);
  json::Value items = std::get<json::Value>(std::move(finished->outcome));
  if (items.empty()) co_return Fate::kDropped;
  if (items.size() > kMostChildren) {
    co_return Fail(visit,
                   {.code = Code::kInvalidRequest,
                    .message = StrCat("the program of ", node.node->id, " gave ", items.size(),
                                      " outputs; a row becomes at most ", kMostChildren)});
  }
  if (items.size() > 1) {
    visit.items = std::move(items);
    co_return Fate::kSplit;
  }
  Give(visit, items.Share(items[0]));
  co_return Fate::kOn;
}

// Nothing when the run ends meanwhile. Of one output the row goes on, of several each is a row.
async::Task<std::optional<Finished>> Walker::RunProgram(Visit& visit) {
  const GraphNode& node = visit.node;
  std::string line;
  json::Writer out(line);
  out.BeginObject();
  out.Field("row_id", std::string_view(visit.traveller.id));
  out.Field("input", json::View(visit.traveller.row));
  for (const auto& [name, value] : visit.traveller.names) out.Field(name, json::View(value));
  out.EndObject();
  std::unique_ptr<ProgramPool>& pool = programs_[node.index];
  if (!pool) {
    pool = std::make_unique<ProgramPool>(
        *node.apply()->program, options_.folder.empty() ? graph_.flow().folder : options_.folder,
        options_.env, options_.program_errors);
  }
  NodeStats& stats = stats_.nodes[node.index];
  ++stats.in_flight;
  const TimePoint start = visit.ctx.Now();
  const Result<json::Value> items = co_await pool->Ask(visit.ctx, std::move(line));
  --stats.in_flight;
  if (!items && visit.ctx.cancelled()) co_return std::nullopt;
  stats.latencies.Add(visit.ctx.Now() - start);
  Finished finished = NewFinished(visit);
  if (!items) {
    finished.outcome = items.error();
    co_return finished;
  }
  finished.outcome = *items;
  if (node.output) {
    for (const json::View item : items->items()) {
      if (const Result<void> valid = node.output->Validate(item); !valid) {
        finished.outcome = valid.error();
        break;
      }
    }
  }
  co_return finished;
}

}  // namespace weir::flow
