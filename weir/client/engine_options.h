#pragma once

// The configuration of a client: a file, engines made in code, or both.

#include "weir/client/options.h"
#include "weir/config/config.h"

namespace weir::client {

// Fails with kConfigError.
Result<config::Config> ConfigOf(const ClientOptions& options);

}  // namespace weir::client
