#include "weir/client/wiring.h"

#include "weir/engine/decorators.h"
#include "weir/engine/http_engine.h"
#include "weir/sim/sim.h"

namespace weir::client {
namespace {

template <class T>
void Fill(std::optional<T>& field, const std::optional<T>& fallback) {
  if (!field) field = fallback;
}

}  // namespace

std::unique_ptr<http::Client> BuildTransport(const config::EngineConfig& config, const Env& env) {
  http::DialOptions dial{.tls = config.tls, .proxy = http::ProxyFromEnv(env)};
  return std::make_unique<http::Client>(http::ClientOptions{},
                                        http::NewSystemDialer(std::move(dial)));
}

Result<std::unique_ptr<model::Engine>> BuildEngine(const config::EngineConfig& config,
                                                   http::Client& transport,
                                                   engine::RetryObserver on_retry) {
  std::unique_ptr<model::Engine> engine;
  if (config.kind == config::Kind::kSim) {
    WEIR_TRY(std::shared_ptr<sim::SimCore> core, sim::NewSimCore(config.sim));
    engine = sim::NewSimEngine(std::move(core));
  } else {
    WEIR_TRY(engine, engine::NewHttpEngine(config.http, transport));
  }
  engine = engine::NewLimitEngine(std::move(engine), config.limits);
  engine = engine::NewRetryEngine(std::move(engine), config.retry, Random::FromSystem(),
                                  std::move(on_retry));
  return engine;
}

model::Call WithDefaults(model::Call call, const config::EngineConfig& config) {
  model::Sampling& own = call.sampling;
  const model::Sampling& defaults = config.defaults;
  Fill(own.max_tokens, defaults.max_tokens);
  Fill(own.min_tokens, defaults.min_tokens);
  Fill(own.temperature, defaults.temperature);
  Fill(own.top_p, defaults.top_p);
  Fill(own.top_k, defaults.top_k);
  Fill(own.min_p, defaults.min_p);
  Fill(own.frequency_penalty, defaults.frequency_penalty);
  Fill(own.presence_penalty, defaults.presence_penalty);
  Fill(own.repetition_penalty, defaults.repetition_penalty);
  Fill(own.seed, defaults.seed);
  Fill(own.logprobs, defaults.logprobs);
  Fill(own.prompt_logprobs, defaults.prompt_logprobs);
  Fill(own.skip_special_tokens, defaults.skip_special_tokens);
  if (own.stop.empty()) own.stop = defaults.stop;
  if (call.model.empty()) call.model = config.http.model;
  if (!call.timeouts) call.timeouts = config.http.upstream.timeouts;
  return call;
}

}  // namespace weir::client
