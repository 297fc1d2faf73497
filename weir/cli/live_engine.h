#pragma once

// The engine that a command asks, with its server where weir starts that.

#include <memory>
#include <optional>
#include <string>

#include "weir/cli/call_flags.h"
#include "weir/client/engine_host.h"
#include "weir/client/wiring.h"

namespace weir::cli {

class LiveEngine {
 public:
  // Waits until the server answers, if it has to be started. `loop` must outlive the result.
  static Result<LiveEngine> Open(async::Loop& loop, const async::Context& ctx,
                                 const ChosenEngine& chosen, const Env& env);

  model::Engine& engine() const { return *engine_; }

  // Stops the server that was started, and waits for it.
  void Close(async::Loop& loop, const async::Context& ctx);

 private:
  LiveEngine() = default;

  std::unique_ptr<client::EngineHost> host_;  // null: no engine has a server of its own
  std::optional<client::Fleet> fleet_;        // ... and then they are here
  std::string route_;
  std::shared_ptr<model::Engine> engine_;
};

}  // namespace weir::cli
