#pragma once

// Addresses of servers, as people write them.

#include <string>
#include <string_view>

#include "weir/config/config.h"

namespace weir::config {

// Whether -e means an address, not the name of an engine.
bool LooksLikeAddress(std::string_view name);

// The address without the path of an endpoint behind /v1, and a socket's path made absolute.
std::string PlainAddress(std::string_view text);

// The address with http:// in front when it is HOST:PORT, maybe with a path.
std::string WithScheme(std::string_view text);

// Why no server can stand at the address, with the remedy; nothing if one can.
Result<void> CheckAddress(std::string_view text);

// What an address says about the server: OpenAI's host, Ollama's port; else vLLM.
Kind KindOfAddress(std::string_view address);

}  // namespace weir::config
