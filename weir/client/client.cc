#include "weir/client/client.h"

#include "weir/client/proxy_advice.h"
#include "weir/client/wiring.h"
#include "weir/config/config.h"
#include "weir/model/engine.h"

namespace weir {

// In the order of their needs: the engine uses the transports of the fleet, all use the loop.
struct Client::State {
  async::Loop loop;
  Env env;
  config::EngineConfig config;
  std::optional<client::Fleet> fleet;
  std::shared_ptr<model::Engine> engine;

  async::Context NewContext(const model::Call& call) {
    const async::Context ctx(loop);
    const Duration total =
        call.timeouts ? call.timeouts->total : config.http.upstream.timeouts.total;
    return total > Duration::zero() ? ctx.WithTimeout(total) : ctx;
  }

  Result<model::Reply> Run(async::Task<Result<model::Reply>> task) {
    Result<model::Reply> reply = loop.Run(std::move(task));
    if (reply) return reply;
    return Fail(client::WithProxyAdvice(std::move(reply).error(), config, env));
  }
};

namespace {

async::Task<Result<model::Reply>> Drain(async::Context ctx, model::Engine& engine,
                                        const model::Call& call,
                                        const std::function<bool(const model::Delta&)>& on_delta) {
  WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await engine.Stream(ctx, call));
  model::Assembler assembler;
  model::Delta piece;
  for (;;) {
    WEIR_CO_TRY(const bool more, co_await stream->Next(ctx, piece));
    if (!more) co_return std::move(assembler).Finish(stream->info());
    assembler.Add(piece);
    if (!on_delta(piece)) co_return Fail(async::CancelledError());
  }
}

}  // namespace

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::Open(ClientOptions options) {
  auto state = std::make_unique<State>();
  WEIR_TRY(const config::Config config, config::Load(options.config, options.env));
  WEIR_TRY(state->config, config::ResolveEngine(config, options.engine, options.env));
  state->env = std::move(options.env);
  WEIR_TRY(state->fleet, client::Fleet::Build(config, state->config, state->env));
  WEIR_TRY(state->engine, state->fleet->Get(state->config.name));
  return Client(std::move(state));
}

Result<model::Reply> Client::Call(const model::Call& call) {
  return state_->Run(state_->engine->Call(state_->NewContext(call), call));
}

Result<model::Reply> Client::Stream(const model::Call& call,
                                    const std::function<bool(const model::Delta&)>& on_delta) {
  return state_->Run(Drain(state_->NewContext(call), *state_->engine, call, on_delta));
}

}  // namespace weir
