#pragma once

// What walkers make of errors of a node.

#include <cstdint>
#include <optional>
#include <string>

#include "weir/base/error.h"

namespace weir::flow {

// Whether beginning anew may help: not where the fault is in the flow or in the configuration.
bool MayTryAgain(const Error& error);

// The server of an engine does not answer any more: why the run ends.
Error Gone(const std::string& engine, const Error& error);

// A count that is unknown stays as it was.
void AddTo(std::optional<std::int64_t>& sum, const std::optional<std::int64_t>& more);

}  // namespace weir::flow
