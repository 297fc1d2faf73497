#pragma once

// The waist. Everything above speaks Engine; the HTTP engines, the simulator and every decorator
// implement it.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/async/context.h"
#include "weir/async/task.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"

namespace weir::model {

// One answer in flight. Destroying it hangs up: the request is closed upstream.
class ReplyStream {
 public:
  virtual ~ReplyStream() = default;

  // Fills `piece` with the next piece of the answer and returns true, or returns false once the
  // answer is complete. The piece is the caller's, so that its texts keep their memory from one to
  // the next; it must outlive the task. At most one call may be outstanding. After an error or the
  // end, every later call returns the same again.
  virtual async::Task<Result<bool>> Next(async::Context ctx, Delta& piece) = 0;

  // What is known so far; complete once Next() has returned false.
  virtual ReplyInfo info() const = 0;
};

struct ModelEntry {
  std::string id;
  std::string root;
  std::string parent;  // an adapter names its base model here
  std::string owned_by;
  std::optional<std::int64_t> max_model_len;
  json::Value extra;
};

struct EngineInfo {
  std::string name;
  std::string kind;      // "vllm", "openai", "ollama", "sim"
  std::string base_url;  // empty in process
  std::string model;     // what calls without a model get
  std::string dialect;   // what it is taken to understand, by name; empty: nobody could ask
  std::string version;   // of the server, in its own words, if it tells it
  std::vector<ModelEntry> models;
};

// A thread-safe handle. Calls run on the loop of their context.
class Engine {
 public:
  virtual ~Engine() = default;

  // Asks and waits for the whole reply. `call` must outlive the returned task.
  virtual async::Task<Result<Reply>> Call(async::Context ctx, const model::Call& call) = 0;

  // Asks, and returns once the server has accepted the request. `call` must outlive the returned
  // task; the stream owns what it needs.
  virtual async::Task<Result<std::unique_ptr<ReplyStream>>> Stream(async::Context ctx,
                                                                   const model::Call& call) = 0;

  // What is there, asked of the server.
  virtual async::Task<Result<EngineInfo>> Describe(async::Context ctx) = 0;

  // A temporary would die before the task runs.
  void Call(async::Context ctx, model::Call&& call) = delete;
  void Stream(async::Context ctx, model::Call&& call) = delete;
};

// Drains a stream into a whole reply. `stream` must outlive the task.
async::Task<Result<Reply>> Collect(async::Context ctx, ReplyStream& stream);

}  // namespace weir::model
