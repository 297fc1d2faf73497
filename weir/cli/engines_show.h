#pragma once

// What `weir engines` prints of engines and of servers, as text and as JSON.

#include <string>
#include <vector>

#include "weir/config/config.h"
#include "weir/engine/managed/server_folder.h"

namespace weir::cli {

using engine::ServerRecord;

// "http://localhost:8000/v1", as other programs want it.
std::string PublicAddress(std::int64_t port);

// The engines of the configuration; `servers` are those that run.
std::string EnginesText(const config::Config& config, const std::vector<ServerRecord>& servers);
std::string EnginesJson(const config::Config& config, const std::vector<ServerRecord>& servers);

// Running servers; `now` in nanoseconds since 1970.
std::string ServersText(const std::vector<ServerRecord>& servers, std::int64_t now);
std::string ServersJson(const std::vector<ServerRecord>& servers, std::int64_t now);

}  // namespace weir::cli
