#pragma once

// One moment of what went on, printed.

#include <optional>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/cli/command.h"
#include "weir/events/activity_state.h"

namespace weir::cli {

struct SnapshotForm {
  bool as_json = false;
  std::string agent;   // its id: nothing of the others; empty: all
  std::string source;  // where the events come from
};

// A frame of the terminal's size, or of $COLUMNS and $LINES where stdout is none; or JSON.
void PrintSnapshot(Session& session, events::ActivityState state, const SnapshotForm& form);

// Leaves only what belongs to the agents of that id.
void KeepAgent(events::ActivityState& state, std::string_view agent);

// "+12.5" is so many seconds after `first`; "23:59:59.123" is that time of its day, or of the next
// one when it had passed; "2026-01-31T23:59:59Z" is itself. Fails with kConfigError.
Result<events::Moment> MomentOf(std::string_view text, events::Moment first);

}  // namespace weir::cli
