#pragma once

// Walker: leads one row through the nodes of a graph. What a node does with a row is here; which
// rows are on their way, and in which order they are written, is run.cc's business.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/async/context.h"
#include "weir/async/semaphore.h"
#include "weir/flow/agents.h"
#include "weir/flow/answers.h"
#include "weir/flow/folder.h"
#include "weir/flow/graph.h"
#include "weir/flow/program.h"
#include "weir/flow/run.h"
#include "weir/flow/stats.h"
#include "weir/flow/token_purse.h"
#include "weir/flow/traveller.h"

namespace weir::flow {

inline constexpr std::size_t kMostChildren = 100'000;  // of one row at one node

// What a walk gave. Everything is in the order of the nodes and of the children, whatever ran side
// by side.
struct Walked {
  std::vector<Traveller> through;  // came to the end
  std::vector<NodeOutput> outputs;
  std::vector<RowError> errors;
  std::vector<Contribution> given;
  bool reused = false;   // something of it was known from before a resume ...
  bool worked = false;   // ... and something was not: models or programs were asked
  bool aborted = false;  // the run ends: nothing of this may be written
};

// Some nodes of a sequence, one after another: [from, to).
struct Stretch {
  const Sequence* nodes;
  std::size_t from;
  std::size_t to;
};

class Walker {
 public:
  // All of them outlive it.
  Walker(const Graph& graph, EngineHost& engines, Answers& answers, const RunOptions& options,
         RunStats& stats);
  ~Walker();

  // Which row of which pass is on its way.
  struct Where {
    std::size_t pass;
    std::uint64_t row;
    std::uint32_t input;  // RowSource::checksum() behind it
  };

  async::Task<Walked> Walk(async::Context ctx, Where where, Stretch stretch, Traveller traveller);

  // The agents of the graph.
  Agents& agents() { return agents_; }

  // Why the run cannot go on: the disk, the budget. Set once.
  const std::optional<Error>& stopped() const { return stopped_; }
  void Stop(Error error);

  // Of --set, laid over the flow's.
  json::View vars() const { return vars_; }

 private:
  enum class Fate : std::uint8_t { kOn, kDropped, kFailed, kSplit, kAborted };
  // One traveller before one node, and what comes of it.
  struct Visit {
    async::Context ctx;
    Where where;
    const GraphNode& node;
    Traveller& traveller;
    Walked& walked;
    json::Value items;  // of kSplit: one for each child
    TokenPurse::Part tokens = {};
  };

  async::Task<Fate> Pass(Visit& visit);
  async::Task<Fate> Ask(Visit& visit);
  async::Task<Fate> AskProgram(Visit& visit);
  async::Task<Fate> TakeBranches(Visit& visit);
  async::Task<Fate> TakeWay(Visit& visit);
  async::Task<Fate> MapItems(Visit& visit);
  Fate Compute(Visit& visit);

  async::Task<std::optional<Finished>> AskEngine(Visit& visit);
  async::Task<std::optional<Finished>> AskAgent(Visit& visit);
  async::Task<std::optional<Finished>> RunProgram(Visit& visit);
  async::Task<std::optional<Error>> WhyGone(const Visit& visit, model::Engine& engine,
                                            std::string name, Error error);
  const Finished* Recorded(const Visit& visit);
  const Past* Before(const Visit& visit);
  // What a review wants otherwise of it; null where it has not sent it back.
  const agent::RetriedRow* SentBack(const Visit& visit) const;
  bool KeepEarlier(const Visit& visit, Finished& finished);
  async::Task<bool> KeepWork(Visit& visit, Finished& finished);
  Finished NewFinished(const Visit& visit) const;
  // How often it was tried in earlier rounds.
  int TriedBefore(const Visit& visit);
  void TakePast(const Visit& visit, Finished& finished);
  Attempts AttemptsAt(const Visit& visit);
  bool IsAskedAnew(const Visit& visit);
  void NoteAnswer(const Visit& visit, AskedOnce asked);
  void NoteWork(const Visit& visit, const agent::WorkResult& result, Finished& finished);
  Result<AgentWork> WorkAt(const Visit& visit, const json::Value& variables, int attempt);
  // The answer of one attempt goes into the figures and is noted.
  void Note(const Visit& visit, const AskedOnce& asked, Finished& finished);
  bool Keep(const Finished& finished);
  Fate Fail(Visit& visit, Error error);
  void Give(Visit& visit, json::Value value, bool flat = true);
  void Tell(const Visit& visit, const Finished& finished) const;

  async::Task<std::vector<Walked>> WalkAll(async::Context ctx, Where where,
                                           std::vector<std::pair<Stretch, Traveller>> starts);
  void Count(Walked& walked, const Contribution& contribution);
  void Skip(const Sequence& nodes, std::size_t from, Walked& walked, std::size_t first_error);
  // The names that a template of the node begins with, with their values.
  json::Value Variables(const Visit& visit) const;
  Result<std::shared_ptr<model::Engine>> EngineFor(const std::string& name, bool embeds = false);
  // A place for the call of a step: one of its engine's, and then one of the run's, so that steps
  // which wait for a busy engine keep none from the others. Agents have one of the run's for all of
  // their work. Nothing when the run ends.
  struct Place {
    async::Semaphore::Permit of_engine;
    async::Semaphore::Permit of_run;
  };
  async::Task<std::optional<Place>> TakePlace(async::Context ctx, std::string engine);
  // Whether the call may be sent; the run stops when no tokens are left for it.
  async::Task<bool> TakeTokens(Visit& visit, const model::Call& call);

  const Graph& graph_;
  EngineHost& engines_;
  Answers& answers_;
  const RunOptions& options_;
  RunStats& stats_;
  json::Value vars_;
  std::vector<std::vector<std::string>> roots_;  // by node
  Agents agents_;
  async::Semaphore places_;
  std::map<std::string, async::Semaphore> engine_places_;  // by the engine's own name
  TokenPurse purse_;
  std::map<std::pair<std::string, bool>, std::shared_ptr<model::Engine>> made_;  // embedders: true
  std::map<std::size_t, std::unique_ptr<ProgramPool>> programs_;                 // by node
  std::optional<Error> stopped_;
};

}  // namespace weir::flow
