#pragma once

// Where the configuration file is.

#include <optional>
#include <string>

#include "weir/base/env.h"
#include "weir/base/result.h"

namespace weir::config {

struct FoundFile {
  std::string path;
  std::string text;
};

// The first of: `named`, $WEIR_CONFIG, ./weir.yaml, $HOME/.config/weir/weir.yaml. One that was
// named must exist.
Result<std::optional<FoundFile>> FindFile(const std::string& named, const Env& env);

// nullopt: there is no such file.
Result<std::optional<std::string>> ReadFile(const std::string& path);

}  // namespace weir::config
