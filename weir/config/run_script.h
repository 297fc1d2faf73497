#pragma once

#include <string_view>

namespace weir::config {

// run_script.py: the program that starts the tool scripts of an imported bundle. It lies beside the
// definition, under this name.
inline constexpr std::string_view kScriptRunnerName = "run_script";
extern const std::string_view kScriptRunner;

}  // namespace weir::config
