#include "weir/cli/live_engine.h"

namespace weir::cli {

Result<LiveEngine> LiveEngine::Open(async::Loop& loop, const async::Context& ctx,
                                    const ChosenEngine& chosen, const Env& env) {
  LiveEngine live;
  live.route_ = chosen.route;
  if (!client::HasManaged(chosen.config, chosen.engine)) {
    WEIR_TRY(live.fleet_, client::Fleet::Build(chosen.config, chosen.engine, env));
    WEIR_TRY(live.engine_, live.fleet_->Get(chosen.route));
    return live;
  }
  client::EngineHostOptions options{
      .config = chosen.config, .chosen = chosen.engine, .route = chosen.route, .env = env};
  WEIR_TRY(live.host_, loop.Run(client::EngineHost::Open(ctx, std::move(options))));
  WEIR_CHECK(loop.Run(live.host_->Start(ctx, live.route_)));
  Result<std::shared_ptr<model::Engine>> engine = live.host_->Get(live.route_);
  if (!engine) {
    live.Close(loop, ctx);
    return std::unexpected<Error>(std::move(engine).error());
  }
  live.engine_ = *std::move(engine);
  return live;
}

void LiveEngine::Close(async::Loop& loop, const async::Context& ctx) {
  if (host_ != nullptr) loop.Run(host_->Stop(ctx, route_));
}

}  // namespace weir::cli
