#pragma once

// Whether the hosts of a configuration's engines can be found from here.

#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/env.h"
#include "weir/config/config.h"

namespace weir::cli {

// One sentence for each host that the system's resolver does not know, with the engine and the way
// out. Addresses, local names and hosts behind a proxy are not looked up. Returns within `most`,
// and calls unknown what has no answer by then.
std::vector<std::string> UnknownHosts(const config::Config& config, const Env& env, Duration most);

}  // namespace weir::cli
