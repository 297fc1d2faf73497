#pragma once

// The rooms of Ollama that lie beside generation, and what all of them share.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/sim/face/visit.h"
#include "weir/wire/ollama_server.h"

namespace weir::sim {

inline constexpr std::string_view kOllamaLines = "application/x-ndjson";

// A model that was asked for, as the core knows it: a name without a tag has the tag "latest".
struct OllamaFound {
  std::string name;
  const SimModel* model = nullptr;
};
std::optional<OllamaFound> FindOllamaModel(const SimOptions& options, std::string_view asked);

// The time that answers tell; it stands still when the simulator is deterministic.
std::int64_t OllamaWall(const Visit& visit);

async::Task<void> RespondOllamaError(Visit& visit, const wire::ServerError& error);

async::Task<void> ServeOllamaEmbed(Visit& visit);
async::Task<void> ServeOllamaEmbeddings(Visit& visit);
async::Task<void> ServeOllamaShow(Visit& visit);
async::Task<void> ServeOllamaTags(Visit& visit);
async::Task<void> ServeOllamaLoaded(Visit& visit);
async::Task<void> ServeOllamaVersion(Visit& visit);
async::Task<void> ServeOllamaRoot(Visit& visit);
async::Task<void> ServeOllamaPull(Visit& visit);
async::Task<void> ServeOllamaKnown(Visit& visit);  // delete, copy: a model that must be there
async::Task<void> ServeOllamaCreate(Visit& visit);

}  // namespace weir::sim
