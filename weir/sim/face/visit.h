#pragma once

// Visit: one HTTP request at the simulator's door, and what the rooms behind it share.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weir/http/server.h"
#include "weir/sim/core.h"

namespace weir::sim {

class BatchDesk;

struct Visit {
  http::Exchange& exchange;
  SimCore& core;
  BatchDesk& desk;
  int status = 0;  // what was answered, for the counters
  TimePoint began = exchange.context().Now();
  std::shared_ptr<const ScriptedReply> script = {};  // what was laid down for it; null: nothing

  const wire::Dialect& dialect() const { return core.options().dialect; }
  std::string_view path() const;
  // The value of `name` in the query; nothing decoded. Empty: it is not there.
  std::string_view Query(std::string_view name) const;
  std::int64_t WallNanos() const { return exchange.context().loop->WallNanos(); }
};

// Whole answers. `visit` must outlive the task.
async::Task<void> RespondJson(Visit& visit, int status, std::string body);
async::Task<void> RespondText(Visit& visit, int status, std::string_view content_type,
                              std::string body);
async::Task<void> RespondEmpty(Visit& visit, int status);
// An error in the envelope of the dialect.
async::Task<void> RespondError(Visit& visit, Refusal refusal);

// No key, or a wrong one.
async::Task<void> RespondUnauthorized(Visit& visit);
// A path that does not exist (`allowed` is empty), or does with another method.
async::Task<void> RespondLost(Visit& visit, std::string_view allowed);

// The refusal of a body that is not application/json, or nullopt. Only vLLM asks.
std::optional<Refusal> RefuseMedia(const Visit& visit);

// The fields that every answer of this dialect has, with a content type, and what the script adds.
http::Headers AnswerHeaders(const Visit& visit, std::string_view content_type);

using Room = async::Task<void> (*)(Visit& visit);

struct Route {
  std::string_view method;
  std::string_view path;  // "*" stands for one name
  Room serve;
  // Null, or whether the server has it with these options; without it the path does not exist.
  bool (*there)(const SimOptions& options) = nullptr;
};

// Does what a rule lays down for the path of the visit, or lets the room of `route` answer.
async::Task<void> Serve(Visit& visit, const Route& route);

// Whether a server has the Files and Batch API: OpenAI's. The latest vLLM is played as if it had
// it, which no real one does, so that a client of batches can be tried without a provider.
bool HasBatches(const SimOptions& options);

// The rooms, each in a file of its own.
std::span<const Route> GenerateRoutes();   // chat, completions
std::span<const Route> ResponsesRoutes();  // the Responses API
std::span<const Route> ControlRoutes();    // health, version, models, tokens, adapters, sleep
std::span<const Route> EmbeddingRoutes();  // vectors
std::span<const Route> FileRoutes();       // uploads, and the results of batches
std::span<const Route> BatchRoutes();      // batches
std::span<const Route> OllamaRoutes();     // everything of Ollama
std::span<const Route> WatchRoutes();      // /sim/...: what a test asks of the simulator itself

}  // namespace weir::sim
