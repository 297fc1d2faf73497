#pragma once

// The request that a call would become, for people to look at before anything is sent.

#include "weir/config/config.h"
#include "weir/engine/upstream.h"
#include "weir/http/client.h"
#include "weir/model/call.h"

namespace weir::client {

// After everything that changes a call on its way: defaults, candidates, the model's card. In the
// dialect of the configuration, or else the latest. Fails as the call would before it is sent.
Result<engine::RequestPreview> Preview(const config::EngineConfig& config, http::Client& transport,
                                       const model::Call& call, bool stream);

}  // namespace weir::client
