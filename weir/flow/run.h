#pragma once

// Runs a graph over rows.
//
// Every row is a task that walks the graph; at most `window` of them are on their way at a time,
// admitted in order and written in order (row_queue.h), so that memory does not grow with the rows.
// A failed node ends its row alone. Where the graph has barriers, or lazy engines that may not run
// together, all rows go through the first part before any enters the next: a pass.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/agent/toolbox.h"
#include "weir/agent/workspace/review.h"
#include "weir/async/context.h"
#include "weir/async/task.h"
#include "weir/base/env.h"
#include "weir/flow/folder.h"
#include "weir/flow/graph.h"
#include "weir/flow/rows.h"
#include "weir/flow/stats.h"
#include "weir/model/call.h"
#include "weir/model/engine.h"

namespace weir::flow {

// What a run needs of the engines of a configuration. client/wiring has the real ones.
class EngineHost {
 public:
  virtual ~EngineHost() = default;

  // The engine of a name, ready to be asked; "": the default one.
  virtual Result<std::shared_ptr<model::Engine>> Get(const std::string& name) = 0;

  // The same engine for embeddings: see engine/embed_engine.h. Fails where it has none.
  virtual Result<std::shared_ptr<model::Engine>> GetEmbedder(const std::string& name);

  // The engine's own name, of whatever else it is called: a role, "" for the default one.
  virtual std::string NameOf(const std::string& name) { return name; }
  // Whether a managed engine that was started still runs; true for all others.
  virtual bool IsAlive(const std::string& /*name*/) { return true; }

  // Fills in what a profile says where the call says nothing. Fails for a profile that is not
  // there.
  virtual Result<void> ApplyProfile(const std::string& profile, model::Call& call) = 0;

  // Engines that this process starts and stops: "lazy" ones when they are needed, "persistent" ones
  // for the whole run.
  enum class Lifecycle : std::uint8_t { kElsewhere, kLazy, kPersistent };
  virtual Lifecycle LifecycleOf(const std::string& name) = 0;
  // Waits until the engine answers. Fails with the reason and the end of its log.
  virtual async::Task<Result<void>> Start(async::Context ctx, const std::string& name) = 0;
  // Waits until its process is gone. Never fails: what went wrong is told as an event.
  virtual async::Task<void> Stop(async::Context ctx, const std::string& name) = 0;
  // How many calls it and those that stand in for it take at once, as the configuration says.
  virtual std::size_t PlacesOf(const std::string& /*name*/) { return SIZE_MAX; }
  // The clock `total` of its calls.
  virtual Duration TotalOf(const std::string& name) = 0;
  // What the server of an engine has counted of its prefix cache since it began; nothing when it
  // does not tell.
  virtual async::Task<std::optional<ServerPrefixes>> PrefixesOf(async::Context ctx,
                                                                std::string name);
};

struct RunOptions {
  int concurrency = 16;    // calls at once, over all engines
  std::size_t window = 0;  // rows on their way at once; 0: 4 x concurrency
  std::string engine;      // -e: stands in for every engine; empty: none does
  std::uint64_t seed = 0;
  json::Value vars;  // of --set, laid over the flow's
  bool warmup = true;
  std::string folder;      // what programs run in; empty: the flow's
  Env env;                 // what programs get
  int program_errors = 2;  // where what they say on stderr goes
  // Rows that a review has sent back: they are asked anew whatever was answered before.
  std::vector<agent::RetriedRow> sent_back;
  std::string files;  // the glob of --files: agents work on the folder that it names ...
  std::string files_folder = ".";       // ... and what it counts from
  agent::Approver* approver = nullptr;  // whom tools that need a yes ask; null: nobody
  bool resumed = false;                 // then an input without any row is a mistake
  // What prompts and answers may have together, in tokens. The run stops, and may be resumed, when
  // the next call may need more than is left; calls that are under way end.
  std::optional<std::int64_t> max_total_tokens;
};

struct RunResult {
  enum class End : std::uint8_t {
    kDone,       // every row was tried
    kCancelled,  // by the context
    kStopped,    // by `error`: disk, budget, an engine that does not start
  };
  End end = End::kDone;
  std::optional<Error> error;
};

// Everything is told to the context's sink, too: run.start, node.end (at most one for each row and
// node), engine.start ..., run.end. All arguments outlive the task.
async::Task<RunResult> Run(async::Context ctx, const Graph& graph, RowSource& rows,
                           RunFolder& folder, EngineHost& engines, const RunOptions& options,
                           RunStats& stats);

// Whether a run could begin with the row: it is one, and what the flow's `input` says. Fails as the
// row itself did, or with the place that it has.
Result<void> CheckRow(const Graph& graph, const Row& row);

// What a run would ask, for --dry-run: the calls of the first rows with their prompts, nothing
// sent.
struct PlannedCall {
  std::string row_id;
  std::string node;
  std::string engine;
  model::Call call;
  bool embeds = false;  // its messages are texts to embed
};

// The calls that need no answer of another step.
Result<std::vector<PlannedCall>> Plan(const Graph& graph, const Row& row, EngineHost& engines,
                                      const RunOptions& options);

}  // namespace weir::flow
