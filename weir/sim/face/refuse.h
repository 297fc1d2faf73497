#pragma once

// Refusals that a room of the simulator makes itself.

#include <string>

#include "weir/sim/admission.h"

namespace weir::sim {

Refusal RefusalOf(wire::ServerError error);

// An empty `param` or `code` is not told.
Refusal Refuse(int status, std::string message, std::string param = {}, std::string code = {});

}  // namespace weir::sim
