#pragma once

// What listens on a port of this machine, and whether it is ready.

#include <string>
#include <vector>

#include "weir/engine/http_engine.h"

namespace weir::engine {

// Whether a server could listen there.
bool PortIsFree(std::int64_t port);

struct ServerSight {
  enum class What : std::uint8_t {
    kNothing,
    kModels,  // it lists models, at /v1/models or /models
    kOther,   // it does not
  };
  What what = What::kNothing;
  std::vector<std::string> models;

  bool Has(const std::string& model) const;  // an empty one is any
};

// `options` says how to ask: kind, key, clocks; its address is replaced. `client` must outlive the
// task.
async::Task<ServerSight> LookAtPort(async::Context ctx, http::Client& client,
                                    HttpEngineOptions options, std::int64_t port);

// Whether the server at the address of `options` answers 200 at `health` (or has no such path, if
// it is the usual one) and lists `model` (empty: any). Fails with kConfigError when waiting is in
// vain: another model, a key that is missing.
async::Task<Result<void>> CheckServer(async::Context ctx, http::Client& client,
                                      HttpEngineOptions options, std::string health,
                                      std::string model);

}  // namespace weir::engine
