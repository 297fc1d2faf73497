#pragma once

// Name lookup: from a host to the addresses to try.

#include <string>

#include "weir/http/lookups.h"
#include "weir/http/race.h"

namespace weir::http {

// The addresses of a host, in the order in which they are to be tried; a literal address is its
// own. Fails with kConnectionError when there is none, with kTimeout or kCancelled when `ctx` ends.
// `lookups` must outlive the task.
async::Task<Result<Endpoints>> Resolve(async::Context ctx, std::string host, std::uint16_t port,
                                       Lookups& lookups = Lookups::OfSystem());

}  // namespace weir::http
