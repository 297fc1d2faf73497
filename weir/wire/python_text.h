#pragma once

// How Python writes and reads what vLLM's messages quote: floats, repr() of JSON values, and the
// complaints of its JSON parser.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "weir/json/value.h"

namespace weir::wire {

// repr() of a float: "1.0", "0.1", "1e-05".
std::string PythonFloat(double value);

// repr() of a text: 'it', or "it's".
std::string PythonRepr(std::string_view text);
// repr() of a JSON value as Python's parser reads it: {'a': [1, None, True]}.
std::string PythonRepr(json::View value);

struct PythonJsonFault {
  std::string_view message;  // "Expecting value"
  std::size_t position = 0;  // in characters
};

// What Python's json.loads() says about `text`, and where; nullopt when it takes it (Python is
// more lenient than our reader: NaN, half surrogates).
std::optional<PythonJsonFault> FindPythonJsonFault(std::string_view text);

}  // namespace weir::wire
