#pragma once

// A snapshot of what the process was given. The command line takes one and passes it down; no other
// code reads the environment.

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

struct Env {
  std::map<std::string, std::string, std::less<>> variables;

  // The value of a variable; an empty value counts as unset.
  std::optional<std::string> Get(std::string_view name) const;
};

}  // namespace weir
