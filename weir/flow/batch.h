#pragma once

// OpenAI's batch files as a flow of one step: each row is a request, its answer is the reply as a
// server would have sent it.

#include <string>
#include <string_view>

#include "weir/base/error.h"
#include "weir/base/result.h"
#include "weir/flow/flow.h"
#include "weir/json/value.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"

namespace weir::flow {

inline constexpr std::string_view kBatchStep = "batch";

// Rows are {"custom_id", "method", "url", "body"}. `engine` and `model` stand in for those of the
// bodies; empty: the default engine, the bodies' own models.
Flow BatchFlow(std::string engine, std::string model);

// The same request from a job of the form {"id", "prompts": {"system", "user"}, "schema",
// "document_text"}: the document stands behind the user's prompt, the schema binds the answer.
// Fails with kInvalidRequest, naming the member.
Result<json::Value> PromptRequest(json::View job);

// Whether a row asks for embeddings, which another engine than that of answers gives:
// engine/embed_engine.h.
bool AsksForEmbeddings(json::View row);

// The call of one row. Fails with kInvalidRequest in the server's words: a url that is no chat,
// completion, response or embedding, a body that a server would refuse, a stream.
Result<model::Call> BatchCall(json::View row, const std::string& model);

// The reply as the body of a response.
Result<json::Value> BatchReply(json::View row, const model::Reply& reply);

// A line of the output file.
std::string BatchLine(std::string_view custom_id, json::View body);
struct BatchFailure {
  std::string name;  // "http_429", "invalid_request", ...
  std::string message;
  std::int64_t http_status = 0;
};
std::string BatchErrorLine(std::string_view custom_id, const BatchFailure& failure);

}  // namespace weir::flow
