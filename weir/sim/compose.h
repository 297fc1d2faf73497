#pragma once

// Compose: writes one choice: prose, a constrained answer, a tool call or a scripted text, ended
// where the sampling rules of the server end it.

#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/model/call.h"
#include "weir/sim/plan.h"
#include "weir/sim/script.h"

namespace weir::sim {

struct ComposeOptions {
  const model::Call& call;
  const std::vector<std::string>& topics;  // words to take up
  std::uint64_t seed = 0;                  // of this choice
  std::int64_t room = 0;                   // most tokens that may be written
  bool short_ids = true;                   // of tool calls: 16 hexadecimal digits, not 32
};

// Fails with kUnsupportedConstraint when a constraint cannot be served.
Result<PlannedChoice> Compose(const ComposeOptions& options);

// The same, with what the script lays down for it.
PlannedChoice ComposeScripted(const ComposeOptions& options, const ScriptedReply& reply);

}  // namespace weir::sim
