#pragma once

// What a client is opened with, and what one call may want otherwise.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/env.h"
#include "weir/client/cancel.h"
#include "weir/model/call.h"

namespace weir {

// An engine that is made in code instead of a file.
struct EngineOptions {
  std::string name = "default";
  std::string kind = {};      // vllm, openai, ollama or sim; empty: what the address tells, or vllm
  std::string base_url = {};  // with or without /v1; https: and unix:PATH, too; empty: the kind's
  std::string model = {};     // empty: the server's own
  std::string api_key = {};   // empty: none
  std::vector<std::string> fallback = {};  // engines that are asked when this one fails, in order
  // Further keys of an engine, in YAML, as docs/configuration.md has them: "retry: {max_retries:
  // 0}".
  std::string settings = {};
};

struct ClientOptions {
  // The engine that calls go to: a name or a role of the configuration, "sim" for the embedded
  // simulator, or an address. Empty: the default one.
  std::string engine = {};
  std::string config = {};  // path of a weir.yaml; empty: the usual places
  // Made in code. They replace those of a file that have the same name; with them and without
  // `config` no file is looked for, and the first is the default.
  std::vector<EngineOptions> engines = {};
  Env env = {};             // the variables that may be read; empty: none
  std::size_t threads = 1;  // that serve the connections; one is enough for thousands of calls
  std::size_t stream_ahead = 64;  // pieces of a stream that may wait for its reader
};

// Of one call; what is set wins over the call's own.
struct CallOptions {
  std::string engine = {};   // another engine or role of the configuration; empty: the client's
  std::string model = {};    // empty: the call's
  std::string adapter = {};  // a LoRA adapter; empty: the call's
  std::string system = {};   // stands as a system message before the others
  std::optional<model::Sampling> sampling = {};
  std::optional<model::Constraint> constraint = {};
  std::optional<model::ConfidenceRule> confidence = {};
  std::optional<model::Reasoning> reasoning = {};  // whether and how much the model thinks
  std::optional<Duration> timeout = {};  // of the whole call; unset: the call's or the engine's
  std::optional<Cancel> cancel = {};     // unset: only the end of the client cancels
};

}  // namespace weir
