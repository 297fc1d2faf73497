#pragma once

// How busy a server is, as it tells itself.

#include "weir/async/context.h"
#include "weir/engine/http_engine.h"
#include "weir/wire/load_reader.h"

namespace weir::engine {

// Whether servers of that kind tell it at all.
bool TellsLoad(wire::ServerKind kind);

// Reads the server's figures once. Fails with kUnsupportedParam where the kind of server has none.
// `client` must outlive the task.
async::Task<Result<wire::ServerLoad>> FetchServerLoad(async::Context ctx, HttpEngineOptions options,
                                                      http::Client& client);

}  // namespace weir::engine
