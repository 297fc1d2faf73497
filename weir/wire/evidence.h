#pragma once

// Evidence: what a server lets see of its version when it does not tell it.

#include <optional>
#include <string_view>

#include "weir/wire/dialect.h"

namespace weir::wire {

// From its /openapi.json: the oldest version that has every field of chat requests that it lists,
// and is not older than what it lists no longer. Nothing when that lists no such fields.
std::optional<Dialect> DialectOfOpenApi(std::string_view body);

// From the body of an error: the last version that spoke so, or the latest. Nothing when it is no
// error of vLLM's.
std::optional<Dialect> DialectOfErrorBody(std::string_view body);

}  // namespace weir::wire
