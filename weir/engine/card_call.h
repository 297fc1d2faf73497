#pragma once

// The first half of card_engine.h: a call, made what a model's card says it needs.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/card_engine.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"
#include "weir/text/model_card.h"

namespace weir::engine {

// How a reply to the call has to be read.
struct CardPlan {
  text::ToolMode mode = text::ToolMode::kNative;
  std::unique_ptr<const model::Call> call;  // null: it goes out as it is
  std::vector<model::Degradation> degradations;
};

// Fails with kUnsupportedParam when the tools of the call cannot be had with what else it asks for.
// `wanted` and `switching` are those of CardOptions.
Result<CardPlan> PlanFor(const text::ModelCard& card, std::optional<text::ToolMode> wanted,
                         ThinkingField switching, const model::Call& call);

// The schema of an answer that is one call of one of the tools: any of {"name", "arguments"}, each
// with its own arguments. With `or_answer`, one more for an answer in words (or of the schema
// `answer`, when that is not null), under the name AnswerName().
json::Value SchemaOfCalls(std::span<const model::ToolSpec> tools, bool or_answer,
                          json::View answer);
// A name for an answer that no tool has.
std::string AnswerName(std::span<const model::ToolSpec> tools);

}  // namespace weir::engine
