#pragma once

// What decorators ask of a server beside answers, so that they can be tested without one. Control
// is the real thing.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/async/context.h"
#include "weir/async/task.h"
#include "weir/model/engine.h"

namespace weir::engine {

// How a load ended well.
struct AdapterLoad {
  bool was_there = false;
  std::string note;  // worth telling, e.g. that it was loaded from another path; mostly empty
};

// Whether a server loads adapters while it runs.
enum class MayLoad : std::uint8_t {
  kYes,
  kNo,
  kUnknown,  // what stands in front of it does not say
};

// One server that may hold LoRA adapters. Thread-safe.
class AdapterHost {
 public:
  virtual ~AdapterHost() = default;

  virtual const std::string& address() const = 0;  // for messages
  virtual async::Task<Result<std::vector<model::ModelEntry>>> Models(async::Context ctx) = 0;
  // Loads it, and is content with one that is there. Errors keep the server's words.
  virtual async::Task<Result<AdapterLoad>> LoadAdapter(async::Context ctx, std::string name,
                                                       std::string path) = 0;
  virtual async::Task<Result<void>> UnloadAdapter(async::Context ctx, std::string name) = 0;
  // Asks without changing anything.
  virtual async::Task<Result<MayLoad>> MayLoadAdapters(async::Context ctx) = 0;
};

using AdapterHosts = std::vector<std::shared_ptr<AdapterHost>>;

// The servers of one engine. Thread-safe.
class HostFinder {
 public:
  virtual ~HostFinder() = default;

  // At least one.
  virtual async::Task<Result<AdapterHosts>> Find(async::Context ctx) = 0;
};

// Counts the tokens of a prompt exactly. Thread-safe.
class TokenCounter {
 public:
  virtual ~TokenCounter() = default;

  // `call` must outlive the task.
  virtual async::Task<Result<std::int64_t>> CountTokens(async::Context ctx,
                                                        const model::Call& call) = 0;
};

}  // namespace weir::engine
