#pragma once

// From a step and a row to a call, and from a reply to the step's value.

#include <cstdint>
#include <string>

#include "weir/base/result.h"
#include "weir/flow/graph.h"
#include "weir/flow/run.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"

namespace weir::flow {

// The engine that a step asks; "": the default one.
std::string EngineOf(const Flow& flow, const Step& step, const RunOptions& options);

// What {{ vars }} is: the flow's, with those of --set over them.
json::Value VarsOf(const Flow& flow, const RunOptions& options);

// What a step asks of every row: everything but the words of the user. Of its clocks only `total`
// means something. Fails with what the profile
// or the system prompt lack; `variables` is what the system prompt reads.
Result<model::Call> StepCall(const Flow& flow, const GraphNode& node, json::View variables,
                             EngineHost& engines, const RunOptions& options);

// The call of one row. `attempt` counts from 0; each has a seed of its own.
Result<model::Call> RowCall(const Flow& flow, const GraphNode& node, json::View variables,
                            std::string_view row_id, int attempt, EngineHost& engines,
                            const RunOptions& options);

// The clock `total` of a call that was made here: the step's, its profile's, or the engine's. It is
// taken out of the call, whose other clocks stay the engine's.
Duration TakeTotal(model::Call& call, EngineHost& engines, const std::string& engine);

// The value of the step: the verified JSON, or the text. Fails with kEmptyModelResponse,
// kContentFilter, kStreamTruncated and kTruncated.
Result<json::Value> AnswerOf(const GraphNode& node, json::View row, const model::Reply& reply);

// The same for the same run, row, node and attempt, wherever it runs.
std::int64_t SeedOf(std::uint64_t run_seed, std::string_view row_id, std::string_view node,
                    int attempt);

}  // namespace weir::flow
