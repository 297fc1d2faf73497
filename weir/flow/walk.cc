#include "weir/flow/walk.h"

#include <algorithm>
#include <utility>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/flow/call.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

json::Value ListOf(const std::vector<Traveller>& travellers) {
  json::Builder list;
  list.BeginArray();
  for (const Traveller& traveller : travellers) list.Copy(traveller.last);
  list.EndArray();
  return std::move(list).Finish();
}

// Whether rows may become several on this way.
bool Multiplies(const Way& way) {
  return std::ranges::any_of(way.nodes, [](const GraphNode& node) {
    const Apply* apply = node.apply();
    return apply != nullptr && (!apply->each.empty() || apply->program);
  });
}

// What a way gave: the last value, null when the row ended on it, a list where rows may multiply.
json::Value ValueOf(const Way& way, const std::vector<Traveller>& through) {
  if (Multiplies(way)) return ListOf(through);
  return through.empty() ? json::Value() : through.front().last;
}

std::string TextOf(json::View value) {
  return value.IsString() ? std::string(value.StringOr("")) : json::Write(value);
}

// Keys of a map are texts, so a text also fits the JSON of a value; numbers fit by their value,
// however they are written.
bool Fits(json::View equals, json::View on) {
  if (equals == on || TextOf(equals) == TextOf(on)) return true;
  if (equals.IsNumber() == on.IsNumber()) return false;
  const json::View text = equals.IsNumber() ? on : equals;
  const Result<json::Value> number = json::Read(text.StringOr(""));
  return number && number->IsNumber() && json::View(*number) == (equals.IsNumber() ? equals : on);
}

// One item of a list that `each` gave. The outputs of a program were looked at when it gave them.
Result<void> ObeysOutput(const GraphNode& node, json::View item) {
  if (!node.output || node.apply()->program) return {};
  return node.output->Validate(item);
}

// All but the travellers.
void Append(Walked& out, Walked& more) {
  out.aborted |= more.aborted;
  out.reused |= more.reused;
  out.worked |= more.worked;
  std::ranges::move(more.outputs, std::back_inserter(out.outputs));
  std::ranges::move(more.errors, std::back_inserter(out.errors));
  std::ranges::move(more.given, std::back_inserter(out.given));
}

// A traveller that begins a way: it sees what the row sees, and has given nothing yet.
Traveller Inside(const Traveller& outer) {
  Traveller inner = outer;
  inner.last = json::Value();
  inner.flat.clear();
  return inner;
}

}  // namespace

Walker::Walker(const Graph& graph, EngineHost& engines, Answers& answers, const RunOptions& options,
               RunStats& stats)
    : graph_(graph),
      engines_(engines),
      answers_(answers),
      options_(options),
      stats_(stats),
      vars_(VarsOf(graph.flow(), options)),
      agents_(graph, options, answers.path()),
      places_({.permits = static_cast<std::size_t>(options.concurrency), .max_waiting = SIZE_MAX}),
      purse_(options.max_total_tokens, stats) {
  for (const GraphNode* node : graph.all()) roots_.push_back(RootsOf(*node));
}

Walker::~Walker() = default;

void Walker::Count(Walked& walked, const Contribution& contribution) {
  stats_.Give(contribution);
  walked.given.push_back(contribution);
}

void Walker::Stop(Error error) {
  if (!stopped_) stopped_ = std::move(error);
}

async::Task<Walked> Walker::Walk(async::Context ctx, Where where, Stretch stretch,
                                 Traveller traveller) {
  Walked walked;
  for (std::size_t i = stretch.from; i < stretch.to; ++i) {
    const GraphNode& node = (*stretch.nodes)[i];
    const std::size_t errors = walked.errors.size();
    Visit visit{ctx, where, node, traveller, walked, {}};
    const Fate fate = co_await Pass(visit);
    switch (fate) {
      case Fate::kOn:
        continue;
      case Fate::kAborted:
        walked.aborted = true;
        co_return walked;
      case Fate::kDropped:
        Count(walked, {.node = node.index, .dropped = 1});
        co_return walked;
      case Fate::kFailed:
        Count(walked, {.node = node.index, .failed = 1});
        Skip(*stretch.nodes, i + 1, walked, errors);
        co_return walked;
      case Fate::kSplit:
        break;
    }
    std::vector<std::pair<Stretch, Traveller>> children;
    std::size_t k = 0;
    for (const json::View item : visit.items.items()) {
      Traveller child = traveller.Child(k++);
      Visit its_visit{ctx, where, node, child, walked, {}};
      if (Result<void> obeys = ObeysOutput(node, item); !obeys) {
        const std::size_t its_error = walked.errors.size();
        Fail(its_visit, std::move(obeys).error());
        Count(walked, {.node = node.index, .failed = 1});
        Skip(*stretch.nodes, i + 1, walked, its_error);
        continue;
      }
      Give(its_visit, visit.items.Share(item));
      children.emplace_back(Stretch{stretch.nodes, i + 1, stretch.to}, std::move(child));
    }
    std::vector<Walked> ends = co_await WalkAll(ctx, where, std::move(children));
    for (Walked& end : ends) {
      Append(walked, end);
      std::ranges::move(end.through, std::back_inserter(walked.through));
    }
    co_return walked;
  }
  walked.through.push_back(std::move(traveller));
  co_return walked;
}

// Side by side, but never more of them than there are places for calls: the others would only hold
// memory.
async::Task<std::vector<Walked>> Walker::WalkAll(
    async::Context ctx, Where where, std::vector<std::pair<Stretch, Traveller>> starts) {
  std::vector<Walked> ends(starts.size());
  if (starts.size() == 1) {
    ends[0] = co_await Walk(ctx, where, starts[0].first, std::move(starts[0].second));
    co_return ends;
  }
  struct Common {
    Walker& walker;
    Where where;
    std::vector<std::pair<Stretch, Traveller>>& starts;
    std::vector<Walked>& ends;
    std::size_t next = 0;
  };
  Common common{*this, where, starts, ends};
  const auto work = [](async::Context its_ctx, Common& its) -> async::Task<void> {
    while (its.next < its.starts.size()) {
      const std::size_t k = its.next++;
      auto& [stretch, traveller] = its.starts[k];
      its.ends[k] = co_await its.walker.Walk(its_ctx, its.where, stretch, std::move(traveller));
    }
  };
  async::TaskScope scope(ctx);
  const std::size_t workers =
      std::min(starts.size(), static_cast<std::size_t>(options_.concurrency));
  for (std::size_t i = 0; i < workers; ++i) {
    scope.Spawn(work(scope.context(), common));
  }
  co_await scope.Join();
  co_return ends;
}

// The nodes from here on do not see the row any more.
void Walker::Skip(const Sequence& nodes, std::size_t from, Walked& walked,
                  std::size_t first_error) {
  const auto skip = [&](const auto& self, const GraphNode& node) -> void {
    Count(walked, {.node = node.index, .skipped = 1});
    for (std::size_t i = first_error; i < walked.errors.size(); ++i) {
      walked.errors[i].skipped.push_back(node.node->id);
    }
    for (const Way& way : node.ways) {
      for (const GraphNode& inner : way.nodes) self(self, inner);
    }
  };
  for (std::size_t i = from; i < nodes.size(); ++i) skip(skip, nodes[i]);
}

async::Task<Walker::Fate> Walker::Pass(Visit& visit) {
  const GraphNode& node = visit.node;
  if (visit.ctx.cancelled() || stopped_) co_return Fate::kAborted;
  if (node.step() != nullptr) co_return co_await Ask(visit);
  if (const auto* apply = node.apply()) {
    if (apply->program) co_return co_await AskProgram(visit);
    co_return Compute(visit);
  }
  if (node.parallel() != nullptr) co_return co_await TakeBranches(visit);
  if (node.as_switch() != nullptr) co_return co_await TakeWay(visit);
  co_return co_await MapItems(visit);
}

Walker::Fate Walker::Fail(Visit& visit, Error error) {
  visit.walked.errors.push_back({.row_id = visit.traveller.id,
                                 .node = visit.node.node->id,
                                 .error = std::move(error),
                                 .skipped = {}});
  return Fate::kFailed;
}

// The value becomes what later nodes see, and is written.
void Walker::Give(Visit& visit, json::Value value, bool flat) {
  Traveller& traveller = visit.traveller;
  const GraphNode& node = visit.node;
  Count(visit.walked, {.node = node.index, .ok = 1});
  traveller.last = value;
  traveller.Name(node.node->id, value);
  if (!node.node->yield) return;
  if (flat) traveller.flat.emplace_back(node.index, value);
  if (!node.writes()) return;
  visit.walked.outputs.push_back(
      {.node = node.index, .row_id = traveller.id, .value = std::move(value)});
}

json::Value Walker::Variables(const Visit& visit) const {
  return VariablesOf(visit.traveller, roots_[visit.node.index], vars_);
}

Walker::Fate Walker::Compute(Visit& visit) {
  const GraphNode& node = visit.node;
  const json::Value variables = Variables(visit);
  if (!node.apply()->where.empty()) {
    const Result<bool> keeps = node.expression->Truth(variables);
    if (!keeps) return Fail(visit, keeps.error());
    if (!*keeps) return Fate::kDropped;
    Count(visit.walked, {.node = node.index, .ok = 1});
    return Fate::kOn;
  }
  if (!node.apply()->each.empty()) {
    Result<json::Value> items = node.expression->Evaluate(variables);
    if (!items) return Fail(visit, items.error());
    if (!items->IsArray()) {
      return Fail(visit, {.code = Code::kInvalidRequest,
                          .message = StrCat("`each` of ", node.node->id, " gave ",
                                            json::KindName(items->kind()), ", not a list")});
    }
    if (items->size() > kMostChildren) {
      return Fail(visit, {.code = Code::kInvalidRequest,
                          .message = StrCat("`each` of ", node.node->id, " gave ", items->size(),
                                            " items; a row becomes at most ", kMostChildren)});
    }
    if (items->empty()) return Fate::kDropped;
    visit.items = *std::move(items);
    return Fate::kSplit;
  }
  json::Builder object;
  object.BeginObject();
  for (const auto& [name, field] : node.fields) {
    const Result<json::Value> value = field.Evaluate(variables);
    if (!value) return Fail(visit, value.error());
    object.Key(name);
    object.Copy(*value);
  }
  object.EndObject();
  json::Value value = std::move(object).Finish();
  if (node.output) {
    if (const Result<void> valid = node.output->Validate(value); !valid) {
      return Fail(visit, valid.error());
    }
  }
  Give(visit, std::move(value));
  return Fate::kOn;
}

async::Task<Walker::Fate> Walker::TakeBranches(Visit& visit) {
  const GraphNode& node = visit.node;
  std::vector<std::pair<Stretch, Traveller>> starts;
  for (const Way& way : node.ways) {
    starts.emplace_back(Stretch{&way.nodes, 0, way.nodes.size()}, Inside(visit.traveller));
  }
  std::vector<Walked> ends = co_await WalkAll(visit.ctx, visit.where, std::move(starts));
  bool failed = false;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const Way& way = node.ways[i];
    Walked& end = ends[i];
    if (end.aborted) co_return Fate::kAborted;
    failed |= !way.join.empty() && !end.errors.empty();
    Append(visit.walked, end);
    if (end.through.size() == 1) {
      std::ranges::copy(end.through.front().flat, std::back_inserter(visit.traveller.flat));
    }
    if (way.join.empty()) continue;
    json::Value value = ValueOf(way, end.through);
    visit.traveller.last = value;
    visit.traveller.Name(way.join, std::move(value));
  }
  if (failed) co_return Fate::kFailed;
  Count(visit.walked, {.node = node.index, .ok = 1});
  co_return Fate::kOn;
}

async::Task<Walker::Fate> Walker::TakeWay(Visit& visit) {
  const GraphNode& node = visit.node;
  const Result<json::Value> on = node.expression->Evaluate(Variables(visit));
  if (!on) co_return Fail(visit, on.error());
  const std::vector<Case>& cases = node.as_switch()->cases;
  const std::string text = TextOf(*on);
  const auto found =
      std::ranges::find_if(cases, [&](const Case& its_case) { return Fits(its_case.equals, *on); });
  const auto chosen = static_cast<std::size_t>(found - cases.begin());
  if (chosen >= node.ways.size()) {
    co_return Fail(visit, {.code = Code::kInvalidRequest,
                           .message = StrCat("no case of ", node.node->id, " is '",
                                             Truncate(text, 100), "'; add one, or a `default:`")});
  }
  const Way& way = node.ways[chosen];
  Walked end = co_await Walk(visit.ctx, visit.where, Stretch{&way.nodes, 0, way.nodes.size()},
                             Inside(visit.traveller));
  if (end.aborted) co_return Fate::kAborted;
  const bool failed = !end.errors.empty();
  Append(visit.walked, end);
  if (failed) co_return Fate::kFailed;
  if (end.through.size() == 1) {
    std::ranges::copy(end.through.front().flat, std::back_inserter(visit.traveller.flat));
  }
  Give(visit, ValueOf(way, end.through), false);
  co_return Fate::kOn;
}

async::Task<Walker::Fate> Walker::MapItems(Visit& visit) {
  const GraphNode& node = visit.node;
  const Result<json::Value> over = node.expression->Evaluate(Variables(visit));
  if (!over) co_return Fail(visit, over.error());
  if (!over->IsArray() || over->size() > kMostChildren) {
    co_return Fail(
        visit,
        {.code = Code::kInvalidRequest,
         .message = over->IsArray() ? StrCat("`over` of ", node.node->id, " gave ", over->size(),
                                             " items; at most ", kMostChildren, " are mapped")
                                    : StrCat("`over` of ", node.node->id, " gave ",
                                             json::KindName(over->kind()), ", not a list")});
  }
  const Way& way = node.ways.front();
  std::vector<std::pair<Stretch, Traveller>> starts;
  std::size_t k = 0;
  for (const json::View item : over->items()) {
    Traveller inner = Inside(visit.traveller.Child(k));
    inner.Name(node.map()->as, over->Share(item));
    inner.Name("index", json::Value::Of(static_cast<std::uint64_t>(k++)));
    starts.emplace_back(Stretch{&way.nodes, 0, way.nodes.size()}, std::move(inner));
  }
  std::vector<Walked> ends = co_await WalkAll(visit.ctx, visit.where, std::move(starts));
  std::vector<Traveller> through;
  bool failed = false;
  for (Walked& end : ends) {
    if (end.aborted) co_return Fate::kAborted;
    failed |= !end.errors.empty();
    Append(visit.walked, end);
    std::ranges::move(end.through, std::back_inserter(through));
  }
  if (failed) co_return Fate::kFailed;
  Give(visit, ListOf(through));
  co_return Fate::kOn;
}

}  // namespace weir::flow
