#pragma once

// What a review shows: rows, diffs and conflicts, as text and as JSON.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "weir/agent/workspace/review.h"

namespace weir::cli {

std::string_view StateWord(agent::ReviewState state);  // "pending", "accepted", ...

// How a person names the row: by its title where no other has it, else by its id, with the node in
// front where several nodes have that.
std::string RowName(const agent::Review& review, const agent::ReviewItem& item);

// What stands for a row in lists: its name, behind its title where others have that, too.
std::string RowTitle(const agent::Review& review, const agent::ReviewItem& item);

// A line for each row, at most `width` columns wide.
std::string ReviewTable(const agent::Review& review, int width);
// One document, with its newline.
std::string ReviewJson(const std::string& run, const agent::Review& review);

// Which row it is, what the agent says of it, and its files.
std::string RowHeader(const agent::Review& review, const agent::ReviewItem& item, bool colour);

// A unified diff for a terminal: nothing in it moves the cursor.
std::string ShownDiff(std::string_view diff, bool colour);

// What conflicts, both sides of it, and what to do next.
std::string ConflictText(const std::string& run, const std::string& row,
                         const std::vector<agent::Conflict>& conflicts, bool written);

}  // namespace weir::cli
