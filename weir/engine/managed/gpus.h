#pragma once

// How many GPUs a server would see, as far as that can be told without asking a driver.

#include <optional>
#include <string>

#include "weir/base/result.h"
#include "weir/engine/managed/serve_command.h"

namespace weir::engine {

// Where NVIDIA's driver lists its devices.
inline constexpr const char* kGpuFolder = "/proc/driver/nvidia/gpus";

// The devices that `env` lets a process see; nothing when it cannot be told.
std::optional<std::int64_t> VisibleGpus(const Env& env, const std::string& folder = kGpuFolder);

// Fails with kConfigError when the options ask for more GPUs than the server would see. `env` is
// the server's.
Result<void> CheckGpus(const ServeOptions& options, const Env& env, const std::string& engine,
                       const std::string& folder = kGpuFolder);

}  // namespace weir::engine
