#pragma once

// Calls to LoRA adapters: what is loaded is used, what can be loaded is loaded, and what is missing
// is said.

#include <memory>
#include <string>

#include "weir/engine/adapter_shelf.h"
#include "weir/model/engine.h"

namespace weir::engine {

// What a missing adapter means.
enum class AdapterFallback : std::uint8_t {
  kBase,   // the base model answers; the reply has a degradation "adapter"
  kError,  // the call fails with kConfigError, and nothing is sent
};

struct LoraOptions {
  AdapterFallback fallback = AdapterFallback::kBase;
  std::string remedy;  // how a missing one gets there; empty: `weir adapters load`
};

// Sees to it that the adapter of a call is there, by the order: it is loaded; it has a path and the
// server loads it; else the fallback. A call names its adapter in `adapter`, or one of the
// configuration in `model`. A server that answers 404 all the same, because it was started anew, is
// asked for its list again, once for each call. When the servers cannot be asked, the call goes on
// as it is and ends as it ends.
// Events: "adapter.load", "adapter.fallback".
std::unique_ptr<model::Engine> NewLoraEngine(std::unique_ptr<model::Engine> next,
                                             std::shared_ptr<AdapterShelf> shelf,
                                             LoraOptions options = {});

}  // namespace weir::engine
