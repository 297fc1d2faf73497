#pragma once

// The HTTP engine: a Call is encoded, exchanged and decoded; nothing is repeated, limited or hidden
// here. Decorators do that.

#include <memory>
#include <string>

#include "weir/base/random.h"
#include "weir/engine/adapter.h"
#include "weir/engine/prompt_format.h"
#include "weir/engine/upstream.h"
#include "weir/model/engine.h"

namespace weir::engine {

// What is sent of a constraint. The answer is checked against all of it in any case.
enum class SendConstraint : std::uint8_t {
  kAsIs,
  kJsonObject,  // a schema is asked for as "some JSON object", for servers that know no more
  kNothing,
};

struct HttpEngineOptions {
  std::string name = "default";  // how users call it
  wire::ServerKind kind = wire::ServerKind::kVllm;
  std::string model;  // for calls that name none; empty: the server's base model
  // Which API messages go to. A chat call becomes a completions call by `prompt_format`.
  model::Api api = model::Api::kChat;
  PromptFormat prompt_format = PromptFormat::kRoles;
  UpstreamOptions upstream;
  json::Value extra;  // raw body fields of every call; the call's own win
  // A parameter that the server cannot carry is left out with a degradation instead of refused.
  bool degrade = false;
  SendConstraint send_constraint = SendConstraint::kAsIs;
  // Whole calls are streamed on the wire too, so that the clocks of first token and idle see them:
  // a long answer is then no silence. Not where the pieces of a stream say less than a whole reply.
  bool stream_inside = false;
  std::int64_t max_logprobs = 20;  // more are refused before anything is sent
  bool tells_bytes = false;        // the events of wire_log.h, to who listens
};

// `client` must outlive the engine.
Result<std::unique_ptr<model::Engine>> NewHttpEngine(HttpEngineOptions options,
                                                     http::Client& client);

// The request that the engine would send for this call, in the dialect of the options or else in
// the latest.
Result<RequestPreview> PreviewRequest(const HttpEngineOptions& options, http::Client& client,
                                      const model::Call& call, bool stream);

}  // namespace weir::engine
