#pragma once

// Engines with a server of their own, where this process has not started it.

#include <functional>
#include <memory>
#include <string>

#include "weir/model/engine.h"

namespace weir::client {

// An engine as `find` makes it at the first call for which it can; until then each call fails as
// `find` does. Calls that do not reach the server say how it is started.
std::shared_ptr<model::Engine> NewManagedEngine(
    std::string name, std::function<Result<std::shared_ptr<model::Engine>>()> find);

// What is said of an engine whose server is not there.
Error ServerIsAway(const std::string& name);

}  // namespace weir::client
