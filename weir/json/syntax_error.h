#pragma once

// Says in plain words what is wrong with a text that the reader refused. The fast parser only knows
// "syntax error"; this slower second look runs on the error path alone.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weir::json {

struct SyntaxError {
  std::size_t offset = 0;  // of the first byte that is wrong; the size of the text at its end
  std::string what;        // "expected ',' or '}', found 'x'"
};

// Nullopt when the text is one JSON document no deeper than `max_depth`.
std::optional<SyntaxError> FindSyntaxError(std::string_view text, std::size_t max_depth);

// "line 3, column 5 (byte 42)". Lines and columns count from 1, columns in characters.
std::string Place(std::string_view text, std::size_t offset);

}  // namespace weir::json
