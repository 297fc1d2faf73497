#pragma once

// Admission: what a server checks before a model sees a request, with the server's own words.

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/sim/adapters.h"
#include "weir/sim/prompt.h"
#include "weir/sim/sim.h"
#include "weir/wire/server_codec.h"

namespace weir::sim {

// The request is refused.
struct Refusal {
  enum class Stage : std::uint8_t {
    kFront,   // by an HTTP error status, also for a stream
    kEngine,  // a stream has begun by then: an error event
  };

  wire::ServerError error;
  Stage stage = Stage::kFront;
  bool constraint = false;  // a constraint that cannot be served
  http::Headers headers;    // Retry-After and others of a script
};

struct Admitted {
  std::size_t model = 0;                // index in SimOptions::models
  std::string adapter;                  // empty: the base model
  std::string name;                     // as replies name it
  std::vector<RenderedPrompt> prompts;  // cut as the request asks
  std::vector<std::int64_t> rooms;      // per prompt: most tokens that may be written
};

// The refusal of a model that is not there.
Refusal UnknownModel(const SimOptions& options, std::string_view name);

// The model that a call names, the first when it names none; no prompts yet.
std::expected<Admitted, Refusal> FindModel(const SimOptions& options, const Adapters& adapters,
                                           const model::Call& call);

std::expected<Admitted, Refusal> Admit(const SimOptions& options, const Adapters& adapters,
                                       const model::Call& call, std::span<const Prompt> prompts,
                                       bool stream);

}  // namespace weir::sim
