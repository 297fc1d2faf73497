#include "weir/engine/judge.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/schema/coerce.h"

namespace weir::engine {
namespace {

constexpr int kMostInvented = 99;  // as in Verifier::Mend()

Error BadArguments(const model::ToolCall& call, const Error& why) {
  return Error{
      .code = why.code,
      .message = StrCat("the arguments of the tool ", call.name, " are wrong: ", why.message)};
}

}  // namespace

Result<Judge> Judge::Make(const model::Call& call, const VerifyOptions& options) {
  Judge judge;
  judge.options_ = options;
  if (call.constraint) {
    WEIR_TRY(judge.verifier_, Verifier::Make(*call.constraint));
    judge.unchecked_ = judge.verifier_->unchecked();
    if (judge.unchecked_) judge.unchecked_->routine = !judge.verifier_->doubtful();
  }
  for (const model::ToolSpec& tool : call.tools) {
    if (tool.parameters.IsNull()) continue;
    // What weir cannot compile the server may: its arguments are then the tool's own business.
    Result<schema::Schema> arguments = schema::Schema::Compile(tool.parameters);
    if (!arguments && arguments.error().code == Code::kInvalidSchema) {
      return Fail(
          Code::kInvalidSchema,
          StrCat("the tool ", tool.name, " has no valid schema: ", arguments.error().message));
    }
    if (arguments) judge.tools_.push_back({tool.name, *std::move(arguments)});
  }
  return judge;
}

// A constrained answer that was cut off, or that is not there.
Result<void> Judge::CheckEnd(const model::Choice& choice) const {
  if (!verifier_) return {};
  if (choice.finish == model::Finish::kLength) {
    return Fail(Code::kTruncated, "the answer was cut at its token limit; raise max_tokens");
  }
  if (choice.text.empty() && choice.refusal.empty() && !choice.reasoning.empty()) {
    return Fail(Code::kEmptyModelResponse,
                "there is reasoning, but no answer; the server's reasoning parser may not fit the "
                "model, or the model stopped in its thoughts");
  }
  return {};
}

Result<void> Judge::MendToolCall(model::ToolCall& call, std::vector<std::string>& repairs) const {
  const auto tool = std::ranges::find(tools_, call.name, &Tool::name);
  if (tool == tools_.end()) return {};
  if (Trim(call.arguments).empty()) {
    call.arguments = "{}";
    repairs.push_back(StrCat("the tool ", call.name, " was called without arguments: {}"));
  }
  const Result<json::Mended> read =
      json::ReadLenient(call.arguments, {.strictness = options_.strictness});
  if (!read) return Fail(BadArguments(call, read.error()));
  if (!read->report.complete) {
    return Fail(Code::kInvalidJson,
                StrCat("the arguments of the tool ", call.name, " end in the middle"));
  }
  json::Value value = read->value;
  bool changed = read->report.count > 0;
  if (!tool->arguments.Accepts(value)) {
    const Result<void> valid = tool->arguments.Validate(value);
    if (!options_.coerce) return Fail(BadArguments(call, valid.error()));
    Result<schema::Coerced> coerced =
        schema::Coerce(tool->arguments, value, {.max_penalty = kMostInvented});
    if (!coerced) return Fail(BadArguments(call, valid.error()));
    for (const schema::Change& change : coerced->changes) {
      repairs.push_back(
          StrCat("tool ", call.name, ": ", schema::ChangeName(change.kind), ": ", change.note));
    }
    value = std::move(coerced->value);
    changed = true;
  }
  for (const json::Repair& repair : read->report.repairs) {
    repairs.push_back(StrCat("tool ", call.name, ": ", json::RepairName(repair.kind), " at byte ",
                             repair.offset));
  }
  if (changed) call.arguments = json::Write(value);
  return {};
}

Result<void> Judge::MendChoice(model::Choice& choice, std::vector<std::string>& repairs) const {
  for (model::ToolCall& call : choice.tool_calls) {
    WEIR_CHECK(MendToolCall(call, repairs));
  }
  if (!choice.tool_calls.empty() || !choice.refusal.empty()) return {};
  WEIR_CHECK(CheckEnd(choice));
  if (!verifier_) return {};
  WEIR_TRY(Verifier::Answer answer, verifier_->Mend(choice.text, {.strictness = options_.strictness,
                                                                  .coerce = options_.coerce}));
  choice.text = std::move(answer.text);
  choice.value = std::move(answer.value);
  std::ranges::move(answer.repairs, std::back_inserter(repairs));
  return {};
}

Result<void> Judge::Mend(model::Reply& reply) const {
  for (model::Choice& choice : reply.choices) {
    WEIR_CHECK(MendChoice(choice, reply.info.repairs));
  }
  if (unchecked_) reply.info.degradations.push_back(*unchecked_);
  return {};
}

Result<void> Judge::Check(const model::Reply& reply) const {
  for (const model::Choice& choice : reply.choices) {
    for (const model::ToolCall& call : choice.tool_calls) {
      model::ToolCall copy = call;
      std::vector<std::string> repairs;
      WEIR_CHECK(MendToolCall(copy, repairs));
    }
    if (!verifier_ || !choice.tool_calls.empty() || !choice.refusal.empty()) continue;
    WEIR_CHECK(CheckEnd(choice));
    WEIR_CHECK(verifier_->Check(choice.text));
  }
  return {};
}

}  // namespace weir::engine
