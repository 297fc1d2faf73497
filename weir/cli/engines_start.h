#pragma once

// `weir engines up` and `warmup`: servers that go on when this process has ended.

#include <optional>
#include <string>
#include <vector>

#include "weir/cli/command.h"
#include "weir/config/config.h"

namespace weir::cli {

struct StartJob {
  config::Config config;
  std::vector<std::string> engines;  // by name, in this order
  bool json = false;
  bool with_names = false;  // in front of the addresses
  bool lenient = false;     // a failure is a warning as long as one is ready
};

// Starts all of them and prints where they are; those that weir does not start are only looked at.
// Returns the exit code.
int StartEngines(Session& session, StartJob job);

}  // namespace weir::cli
