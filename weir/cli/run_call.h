#pragma once

// Runs one call and prints what comes: the common end of `call` and `complete`.

#include "weir/cli/call_flags.h"

namespace weir::cli {

enum class ShowReasoning : std::uint8_t { kHide, kShow, kOnly };

struct CallRun {
  CommonFlags flags;
  model::Call call;
  ChosenEngine chosen;
  ShowReasoning reasoning = ShowReasoning::kHide;  // show: on stderr; only: instead of the answer
  bool markdown = false;                           // the answer is rendered, which needs a terminal
};

// Says why nothing is asked, as JSON on stdout too when JSON was asked for. Returns the exit code.
int Refuse(Session& session, const CommonFlags& flags, const Error& error);

// Returns the exit code. Ctrl-C cancels: the connection is closed at once and the code is 4.
int RunCall(Session& session, const CallRun& run);

}  // namespace weir::cli
