#pragma once

// The review by hand, on a terminal: row by row, a key and Enter.

#include <string_view>

#include "weir/cli/review_actions.h"

namespace weir::cli {

// Asks for each pending row until all are decided, skipped, or the person has enough. False: a row
// conflicts and stays pending, or something failed.
bool AskRows(ReviewActions& actions);

// Shows a text a page at a time where it is longer than the terminal.
void ShowPaged(Terminal& terminal, std::string_view text);

}  // namespace weir::cli
