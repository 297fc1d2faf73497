#include "weir/base/env.h"

namespace weir {

std::optional<std::string> Env::Get(std::string_view name) const {
  const auto found = variables.find(name);
  if (found == variables.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

}  // namespace weir
