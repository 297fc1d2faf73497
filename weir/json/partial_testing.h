#pragma once

// What "monotone" means for snapshots, as a relation that tests and fuzzers check.

#include <cstddef>
#include <string_view>

#include "weir/json/value.h"
#include "weir/json/writer.h"

namespace weir::json {

// Whether `after` is `before` grown. The `open` outermost values on the way to the last child may
// have changed in the way of their kind; everything else must be the same to the byte.
inline bool Grew(View before, std::size_t open, View after) {
  if (!before.exists()) return true;
  if (before.kind() != after.kind()) return false;
  if (open == 0) return Write(before) == Write(after);
  if (before.IsString()) return after.StringOr("").starts_with(before.StringOr(""));
  if (before.IsNumber()) return after.NumberText().starts_with(before.NumberText());
  if (!before.IsArray() && !before.IsObject()) return before == after;
  if (after.size() < before.size()) return false;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const bool last = i + 1 == before.size();
    const bool object = before.IsObject();
    if (object && before.members()[i].key != after.members()[i].key) return false;
    const View old_child = object ? before.members()[i].value : before[i];
    const View new_child = object ? after.members()[i].value : after[i];
    if (!Grew(old_child, last ? open - 1 : 0, new_child)) return false;
  }
  return true;
}

}  // namespace weir::json
