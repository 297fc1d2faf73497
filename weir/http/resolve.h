#pragma once

// Name lookup with the system's resolver.

#include <string>

#include "weir/http/race.h"

namespace weir::http {

// The addresses of a host, in the order in which they are to be tried; a literal address is its
// own. Fails with kConnectionError when there is none, with kTimeout or kCancelled when `ctx` ends.
async::Task<Result<Endpoints>> Resolve(async::Context ctx, std::string host, std::uint16_t port);

}  // namespace weir::http
