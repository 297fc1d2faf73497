#pragma once

// The recording door: a server that answers with what another one says. Behind a recording dialer
// it writes cassettes (`weir sim --record`), behind a replaying one it plays them without that
// other server (`weir sim --replay`).

#include <memory>

#include "weir/http/client.h"
#include "weir/http/server.h"

namespace weir::sim {

struct ForwardOptions {
  // Nothing is behind the dialer but a recording: a request that cannot be sent is one that was
  // not recorded, and gets a 404 that names the nearest one instead of a 502.
  bool replays = false;
  // Between them only the connecting has an end: a model may think as long as its client waits.
  http::ClientTimeouts timeouts = {.first_token = {}, .idle = {}};
};

// Sends every request on to `upstream`, through connections of `dialer`, and gives back what comes,
// piece by piece. Fields that concern one connection only stay behind, all others pass, keys too.
// The upstream is asked not to compress, so that a recording can be read. A client that hangs up
// ends its request upstream; an upstream that breaks off breaks its answer off.
//
// One handler may serve several loops. It keeps connections on them: destroy it before the loops.
std::unique_ptr<http::Handler> NewForwardHandler(http::Url upstream,
                                                 std::unique_ptr<http::Dialer> dialer,
                                                 ForwardOptions options = {});

}  // namespace weir::sim
