#pragma once

// The HTTP engine: a Call is encoded, exchanged and decoded; nothing is repeated, limited or hidden
// here. Decorators do that.

#include <memory>
#include <string>

#include "weir/base/random.h"
#include "weir/engine/upstream.h"
#include "weir/model/engine.h"

namespace weir::engine {

struct HttpEngineOptions {
  std::string name = "default";  // how users call it
  std::string model;             // for calls that name none; empty: the server's base model
  UpstreamOptions upstream;
  json::Value extra;  // raw body fields of every call; the call's own win
};

// `client` must outlive the engine.
Result<std::unique_ptr<model::Engine>> NewHttpEngine(HttpEngineOptions options,
                                                     http::Client& client);

// The request that the engine would send for this call.
Result<RequestPreview> PreviewRequest(const HttpEngineOptions& options, http::Client& client,
                                      const model::Call& call, bool stream);

}  // namespace weir::engine
