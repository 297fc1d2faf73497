#pragma once

// The one place, with cli, that names concrete classes: which engines there are and in which order
// behaviour is put around them.

#include <memory>

#include "weir/config/config.h"
#include "weir/http/client.h"
#include "weir/model/engine.h"

namespace weir::client {

// The transport of an engine: its TLS settings and the proxies of the environment.
std::unique_ptr<http::Client> BuildTransport(const config::EngineConfig& config, const Env& env);

// The engine with its decorators, outer to inner: retry, limit, and the engine itself. `transport`
// must outlive it.
Result<std::unique_ptr<model::Engine>> BuildEngine(const config::EngineConfig& config,
                                                   http::Client& transport,
                                                   engine::RetryObserver on_retry = {});

// A call as `config` completes it: what it leaves open comes from the engine's defaults.
model::Call WithDefaults(model::Call call, const config::EngineConfig& config);

}  // namespace weir::client
