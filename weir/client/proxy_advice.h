#pragma once

// Who a failure is about when a proxy stands between: the server, or the proxy.

#include "weir/base/env.h"
#include "weir/base/error.h"
#include "weir/config/config.h"

namespace weir::client {

// `error` as it came from an engine of `config`. Plain http goes through an HTTP proxy request by
// request, so that an error status may be the proxy's own: the sentence then names the proxy and
// what to do about it. Errors of other ways, and those that speak of the proxy, stay as they are.
Error WithProxyAdvice(Error error, const config::EngineConfig& config, const Env& env);

}  // namespace weir::client
