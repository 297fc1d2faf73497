#include "weir/flow/call.h"

#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/engine/withheld.h"
#include "weir/flow/batch.h"
#include "weir/flow/media.h"
#include "weir/json/builder.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

using model::Message;
using model::Role;

// What asks for JSON where the step says nothing else: servers that ignore the constraint, or read
// only a part of the schema, keep to it better.
std::string Instruction(const Step& step) {
  if (!step.output.schema || step.constraint || step.agent) return {};
  if (step.instruction) return *step.instruction;
  return StrCat(
      "Answer with one JSON value that obeys this JSON Schema, and with nothing beside it:\n",
      json::Write(*step.output.schema));
}

Result<void> AddMedia(const Flow& flow, const GraphNode& node, json::View variables,
                      Message& question) {
  const auto add = [&](json::View source) -> Result<void> {
    if (!source.IsString()) {
      return Fail(Code::kInvalidRequest,
                  StrCat("`media` of ", node.node->id, " gave ", json::KindName(source.kind()),
                         "; it must give a path or an address, or a list of them"));
    }
    WEIR_TRY(model::Part part, MediaOf(flow, source.StringOr("")));
    question.parts.push_back(std::move(part));
    return {};
  };
  for (const text::Expression& media : node.media) {
    WEIR_TRY(const json::Value value, media.Evaluate(variables));
    if (value.IsNull()) continue;
    if (!value.IsArray()) {
      WEIR_CHECK(add(value));
      continue;
    }
    for (const json::View item : value.items()) {
      WEIR_CHECK(add(item));
    }
  }
  return {};
}

}  // namespace

json::Value VarsOf(const Flow& flow, const RunOptions& options) {
  const json::View below = flow.vars;
  const json::View above = options.vars;
  json::Builder out;
  out.BeginObject();
  for (const auto& [key, value] : below.members()) {
    if (above.Find(key).exists()) continue;
    out.Key(key);
    out.Copy(value);
  }
  for (const auto& [key, value] : above.members()) {
    out.Key(key);
    out.Copy(value);
  }
  out.EndObject();
  return std::move(out).Finish();
}

std::string EngineOf(const Flow& flow, const Step& step, const RunOptions& options) {
  if (!options.engine.empty()) return options.engine;
  return step.engine.empty() ? flow.engine : step.engine;
}

Result<model::Call> StepCall(const Flow& flow, const GraphNode& node, json::View variables,
                             EngineHost& engines, const RunOptions& options) {
  const Step& step = *node.step();
  model::Call call;
  call.series = node.node->id;
  call.sampling = step.sampling;
  call.reasoning = step.reasoning;
  call.confidence = step.confidence;
  call.adapter = step.adapter;
  // A model belongs to its engine.
  if (options.engine.empty()) call.model = step.model;
  if (step.constraint) {
    call.constraint = step.constraint;
  } else if (step.output.schema && !step.agent) {
    call.constraint = model::Constraint{.schema = *step.output.schema, .text = {}, .choices = {}};
    call.constraint->name = node.node->id;
  }
  const std::string& profile = step.profile.empty() ? flow.profile : step.profile;
  if (!profile.empty()) {
    WEIR_CHECK(engines.ApplyProfile(profile, call));
  }
  if (step.timeout) {
    if (!call.timeouts) call.timeouts.emplace();
    call.timeouts->total = *step.timeout;
  }
  std::string system;
  if (node.system) {
    WEIR_TRY(system, node.system->Render(variables));
  }
  const std::string instruction = Instruction(step);
  if (!system.empty() && !instruction.empty()) system += "\n\n";
  system += instruction;
  if (!system.empty()) call.messages.push_back(Message::Text(Role::kSystem, std::move(system)));
  return call;
}

Result<model::Call> RowCall(const Flow& flow, const GraphNode& node, json::View variables,
                            std::string_view row_id, int attempt, EngineHost& engines,
                            const RunOptions& options) {
  if (node.step()->batch) return BatchCall(variables.Find("row"), node.step()->model);
  WEIR_TRY(model::Call call, StepCall(flow, node, variables, engines, options));
  if (!call.sampling.seed) {
    call.sampling.seed = SeedOf(options.seed, row_id, node.node->id, attempt);
  }
  WEIR_TRY(std::string user, node.user->Render(variables));
  Message question = Message::Text(Role::kUser, std::move(user));
  WEIR_CHECK(AddMedia(flow, node, variables, question));
  call.messages.push_back(std::move(question));
  return call;
}

Duration TakeTotal(model::Call& call, EngineHost& engines, const std::string& engine) {
  const Duration total = call.timeouts ? call.timeouts->total : engines.TotalOf(engine);
  call.timeouts.reset();
  return total;
}

Result<json::Value> AnswerOf(const GraphNode& node, json::View row, const model::Reply& reply) {
  if (node.step()->batch) return BatchReply(row, reply);
  if (reply.choices.empty()) {
    return Fail(Code::kEmptyModelResponse, "the reply has no choice in it");
  }
  const model::Choice& choice = reply.choices.front();
  if (choice.finish == model::Finish::kAbort) return Fail(engine::AbortedAnswer());
  if (choice.finish == model::Finish::kContentFilter) return Fail(engine::FilteredAnswer(choice));
  if (!choice.value.IsNull()) return choice.value;
  const Step& step = *node.step();
  if (step.output.schema && !step.constraint) return json::Value();  // `null` was the answer
  if (choice.finish == model::Finish::kLength && !step.keeps_cut) {
    return Fail(Code::kTruncated, StrCat("the answer was cut at the token limit after ",
                                         reply.usage.completion_tokens
                                             ? StrCat(*reply.usage.completion_tokens, " tokens")
                                             : std::string("an unknown number of tokens"),
                                         "; raise max_tokens of ", node.node->id,
                                         ", or set keep_cut: true to take it as it is"));
  }
  const std::string& text = choice.text.empty() ? choice.refusal : choice.text;
  if (text.empty()) {
    return Fail(Code::kEmptyModelResponse, "the model answered with an empty text");
  }
  return json::Value::Of(std::string_view(text));
}

std::int64_t SeedOf(std::uint64_t run_seed, std::string_view row_id, std::string_view node,
                    int attempt) {
  std::uint64_t hash = StableHash(row_id.data(), row_id.size(), run_seed);
  hash = StableHash(node.data(), node.size(), hash);
  hash = StableHash(&attempt, sizeof(attempt), hash);
  return static_cast<std::int64_t>(hash & 0x7FFF'FFFF);  // what every server takes
}

}  // namespace weir::flow
