#pragma once

// Agents: what the agent nodes of a run need beside an engine: tools, which rows share, a workspace
// and a checkpoint for each row, and a transcript that people can read.
//
//   RUN/agents/NODE/ROW.journal   of work that is under way: the checkpoint
//   RUN/agents/NODE/ROW.json      the conversation of work that has ended
//   RUN/workspaces/               weir/agent/workspace/workspace.h

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/agent/loop.h"
#include "weir/agent/toolbox.h"
#include "weir/agent/workspace/workspace.h"
#include "weir/async/context.h"
#include "weir/flow/graph.h"
#include "weir/flow/run.h"
#include "weir/flow/traveller.h"
#include "weir/json/value.h"
#include "weir/model/engine.h"

namespace weir::flow {

// Which attempts at a row there may be, as the walker counts them.
struct Attempts {
  int first = 0;
  int last = 0;
};

// One row before an agent node. What it points to outlives the work.
struct AgentWork {
  const GraphNode* node = nullptr;
  model::Engine* engine = nullptr;
  std::string row_id;  // for people
  std::string key;     // Agents::KeyOf()
  json::View row;
  model::Call call;
  std::uint64_t seed = 0;
  Duration turn_timeout{};
  int attempt = 0;       // each has a checkpoint of its own
  json::View overrides;  // of the review that has sent the row back; absent: none
  std::function<void(const Result<model::Reply>& reply, Duration took)> on_answer;
};

class Agents {
 public:
  Agents(const Graph& graph, const RunOptions& options, std::string run_folder);
  ~Agents();

  // The folder of a queue: others work in it meanwhile, and rows come over weeks, so that they
  // begin from the source as it is at Open(). That of a run is its own, and has one snapshot.
  struct Queue {
    std::vector<std::string> without;  // files and folders that workers write: never of the source
  };

  // Makes what every agent node needs: a missing program, a server that does not start or a source
  // that is too large is found before the first row.
  async::Task<Result<void>> Open(async::Context ctx, std::optional<Queue> queue = {});
  // Ends the servers of tools; `done`: no work will go on, so that checkpoints are of no more use.
  async::Task<void> Close(async::Context ctx, bool done);

  // What every turn of an agent offers.
  const std::vector<model::ToolSpec>& ToolsOf(const GraphNode& node) const {
    return kits_.at(node.index).toolbox->specs();
  }

  // What keeps a row from being worked that is not to blame for it.
  enum class Hindrance : std::uint8_t {
    kNone,
    kDisk,       // that of the folder is full or fails, and no row can be worked
    kElsewhere,  // another process is at work on the row
  };
  struct Worked {
    agent::WorkResult result;
    Hindrance hindrance = Hindrance::kNone;  // of the error in it
  };

  // Lets an agent work on a row until it hands in or fails. What it changed is then ready for the
  // review.
  async::Task<Worked> Work(async::Context ctx, AgentWork work);

  // Under what the work on a row is kept: WorkKey(), in folders of earlier versions its id.
  std::string KeyOf(const Traveller& traveller) const;

  // What an attempt at a row took whose checkpoint is still there; nothing where there is none.
  std::optional<agent::Figures> FiguresOf(AgentWork work) const;

  // The attempt that a kill broke off, if there is one: attempts are counted by the walker.
  std::optional<int> BrokenOff(const GraphNode& node, const std::string& key,
                               Attempts attempts) const;

  // What came of the row is known: its checkpoints are of no more use, and of work that failed
  // nothing is left but its transcript.
  enum class Ending : std::uint8_t {
    kDone,
    kFailed,
    kGivenUp,  // it failed, and what it had made before counts again
  };
  // Fails where the disk does not let what was made before count again.
  async::Task<Result<void>> Forget(async::Context ctx, const GraphNode& node, std::string key,
                                   Attempts attempts, Ending ending);

 private:
  struct Kit {
    std::unique_ptr<agent::Toolbox> toolbox;
    agent::WorkspaceMode mode = agent::WorkspaceMode::kNone;
  };
  struct Room;  // what one row has

  async::Task<Result<void>> OpenWorkspaces(async::Context ctx);
  Result<void> TryWorkspaces(bool& busy);
  agent::WorkspaceStore::Options WorkspaceOptions(const GraphNode& node,
                                                  agent::WorkspaceMode mode) const;
  std::string JournalOf(const GraphNode& node, const std::string& key, int attempt) const;
  std::string PathOf(const GraphNode& node, const std::string& key, std::string_view ending) const;
  Result<void> OpenFolder();
  async::Task<Result<void>> Prepare(async::Context ctx, const AgentWork& work, Room& room);
  async::Task<Result<void>> Finish(async::Context ctx, const AgentWork& work,
                                   agent::WorkResult& result);
  void WriteTranscript(const AgentWork& work, const agent::WorkResult& result) const;

  const Graph& graph_;
  const RunOptions& options_;
  const std::string run_folder_;
  bool ids_are_keys_ = false;        // the folder is of a version that kept work by ids
  std::optional<Queue> queue_;       // unset: the folder is that of a run
  std::map<std::size_t, Kit> kits_;  // by node
  std::map<agent::WorkspaceMode, std::unique_ptr<agent::WorkspaceStore>> stores_;
};

}  // namespace weir::flow
