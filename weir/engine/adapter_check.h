#pragma once

// The look at all adapters of a configuration before work begins: what is there, what can be got,
// what will be missing, and what to do about it. Nothing is changed.

#include <string>
#include <vector>

#include "weir/engine/adapter_shelf.h"

namespace weir::engine {

struct AdapterFinding {
  enum class State : std::uint8_t {
    kLoaded,
    kLoadable,  // it is loaded with the first call that wants it
    kMissing,
  };

  std::string name;
  State state = State::kMissing;
  std::string path;    // of the configuration
  std::string detail;  // "on 1 of 2 servers"; mostly empty
  std::string remedy;  // kMissing: what to do
};

std::string_view AdapterStateName(AdapterFinding::State state);  // "loaded", ...

// One finding for each adapter, in their order. A server that does not answer is an error when none
// does. That a path exists on the server is not known before it is loaded. `hosts` must outlive the
// task.
async::Task<Result<std::vector<AdapterFinding>>> CheckAdapters(async::Context ctx,
                                                               HostFinder& hosts,
                                                               AdapterShelfOptions options);

}  // namespace weir::engine
