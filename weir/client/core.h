#pragma once

// Core: what a client, its sessions and its streams share: the engines, and the threads that serve
// them.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "weir/client/loop_thread.h"
#include "weir/client/options.h"
#include "weir/client/prompt.h"
#include "weir/client/wiring.h"
#include "weir/config/config.h"
#include "weir/model/engine.h"

namespace weir::client {

// What is done with an engine and a call, on a loop; both outlive the task.
using Job = std::move_only_function<async::Task<Result<model::Reply>>(
    async::Context ctx, model::Engine& engine, const model::Call& call)>;

// Hears how it ended, on that loop. It must be short and must not wait.
using Done = std::move_only_function<void(Result<model::Reply>)>;

class Core {
 public:
  static Result<std::shared_ptr<Core>> Open(ClientOptions options);
  ~Core() { Close(); }

  // Begins a job on one of the loops, which is given back for whoever has more to say to it. `done`
  // is called exactly once in any case; when the call cannot even be begun, here and now.
  LoopThread& Start(Prompt prompt, const CallOptions& options, Job job, Done done);

  // The same, and waits.
  Result<model::Reply> Wait(Prompt prompt, const CallOptions& options, Job job);

  // Cancels what runs and waits for its end; whatever is started later is cancelled, too.
  void Close();

  std::size_t stream_ahead() const { return options_.stream_ahead; }
  const Env& env() const { return options_.env; }

 private:
  // An engine, or the route that a role stands for.
  struct Target {
    std::string route;                   // what the fleet is asked for
    const config::EngineConfig* config;  // of the first engine; part of the core
  };
  // A call that is ready to be made.
  struct Order {
    std::shared_ptr<model::Engine> engine;
    const config::EngineConfig* config;
    model::Call call;
    Duration total{};
    std::optional<Cancel> cancel;
  };

  explicit Core(ClientOptions options) : options_(std::move(options)) {}
  Result<void> Build();
  Result<Target> TargetOf(std::string_view name);
  Result<Order> Prepare(Prompt prompt, const CallOptions& options);
  static async::Task<void> Carry(async::Context ctx, const Core& core, Order order, Job job,
                                 Done done);

  // In the order of their needs: connections close before their loops.
  const ClientOptions options_;
  config::Config config_;
  config::EngineConfig chosen_;
  Target default_target_{};
  std::vector<std::unique_ptr<LoopThread>> loops_;
  std::atomic<std::size_t> next_loop_ = 0;
  std::optional<Fleet> fleet_;
};

// Job: the whole reply.
async::Task<Result<model::Reply>> CallWhole(async::Context ctx, model::Engine& engine,
                                            const model::Call& call);

}  // namespace weir::client
