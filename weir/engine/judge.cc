#include "weir/engine/judge.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/engine/withheld.h"
#include "weir/json/reader.h"
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

// Arguments of which nothing but the last bracket is missing, as some servers stream them.
std::optional<json::Value> Closed(std::string_view arguments, json::Strictness strictness) {
  if (strictness == json::Strictness::kStrict) return std::nullopt;
  const Result<json::Value> value = json::Read(StrCat(arguments, "}"));
  return value && value->IsObject() ? std::optional(*value) : std::nullopt;
}

}  // namespace

Result<Judge> Judge::Make(const model::Call& call, const VerifyOptions& options,
                          schema::Cache& schemas) {
  Judge judge;
  judge.options_ = options;
  judge.must_call_ = call.tool_choice.kind == model::ToolChoice::Kind::kRequired ||
                     call.tool_choice.kind == model::ToolChoice::Kind::kNamed;
  if (call.constraint) {
    WEIR_TRY(judge.verifier_, Verifier::Make(*call.constraint, schemas));
    judge.unchecked_ = judge.verifier_->unchecked();
    if (judge.unchecked_) judge.unchecked_->routine = !judge.verifier_->doubtful();
  }
  for (const model::ToolSpec& tool : call.tools) {
    judge.names_.push_back(tool.name);
    if (tool.parameters.IsNull()) continue;
    // What weir cannot compile the server may: its arguments are then the tool's own business.
    Result<schema::Schema> arguments = schemas.Get(tool.parameters);
    if (!arguments && arguments.error().code == Code::kInvalidSchema) {
      return Fail(
          Code::kInvalidSchema,
          StrCat("the tool ", tool.name, " has no valid schema: ", arguments.error().message));
    }
    if (arguments) judge.tools_.push_back({tool.name, *std::move(arguments), tool.as_said});
  }
  return judge;
}

// A constrained answer or a tool call that was cut off, filtered or refused: what is wrong is not
// its form.
Result<void> Judge::CheckCut(const model::Choice& choice) const {
  const bool must_fit = verifier_ || !choice.tool_calls.empty();
  if (choice.finish == model::Finish::kContentFilter && (must_fit || must_call_)) {
    return Fail(FilteredAnswer(choice));
  }
  if (verifier_ && IsRefusal(choice)) return Fail(RefusedAnswer(choice));
  if (choice.finish != model::Finish::kLength || !must_fit) return {};
  return Fail(Code::kTruncated, "the answer was cut at its token limit; raise max_tokens");
}

Result<void> Judge::CheckForced(const model::Choice& choice) const {
  if (!must_call_ || !choice.tool_calls.empty() || !choice.refusal.empty()) return {};
  return Fail(Code::kConstraintViolated,
              "the model had to call a tool and did not; does the server know how to force one for "
              "this model? See weir doctor");
}

// A constrained answer that is not there.
Result<void> Judge::CheckEnd(const model::Choice& choice) const {
  if (!verifier_) return {};
  if (choice.text.empty() && !choice.reasoning.empty()) {
    return Fail(Code::kEmptyModelResponse,
                "there is reasoning, but no answer; the server's reasoning parser may not fit the "
                "model, or the model stopped in its thoughts");
  }
  return {};
}

// Models invent tools.
Result<void> Judge::CheckKnown(const model::ToolCall& call) const {
  if (std::ranges::find(names_, call.name) != names_.end()) return {};
  return Fail(Code::kConstraintViolated,
              StrCat("there is no tool '", call.name, "'; there are ", Join(names_, ", ")));
}

Result<void> Judge::CheckToolCall(const model::ToolCall& call) const {
  WEIR_CHECK(CheckKnown(call));
  const auto tool = std::ranges::find(tools_, call.name, &Tool::name);
  if (tool == tools_.end()) return {};
  const bool none = Trim(call.arguments).empty();
  const Result<json::Value> value = json::Read(none ? "{}" : std::string_view(call.arguments));
  if (!value) return Fail(BadArguments(call, value.error()));
  if (tool->as_said) return {};
  const Result<void> valid = tool->arguments.Validate(*value);
  if (!valid) return Fail(BadArguments(call, valid.error()));
  return {};
}

Result<void> Judge::MendToolCall(model::ToolCall& call, std::vector<std::string>& repairs) const {
  WEIR_CHECK(CheckKnown(call));
  const auto tool = std::ranges::find(tools_, call.name, &Tool::name);
  if (tool == tools_.end()) return {};
  if (Trim(call.arguments).empty()) {
    call.arguments = "{}";
    repairs.push_back(StrCat("the tool ", call.name, " was called without arguments: {}"));
  }
  const Result<json::Mended> read =
      json::ReadLenient(call.arguments, {.strictness = options_.strictness});
  if (!read) return Fail(BadArguments(call, read.error()));
  const std::optional<json::Value> closed =
      read->report.complete ? std::nullopt : Closed(call.arguments, options_.strictness);
  if (!read->report.complete && !closed) {
    return Fail(Code::kInvalidJson,
                StrCat("the arguments of the tool ", call.name, " end in the middle"));
  }
  json::Value value = closed.value_or(read->value);
  bool changed = read->report.count > 0;
  if (!tool->as_said && !tool->arguments.Accepts(value)) {
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

void Judge::MendCalls(model::Choice& choice, std::vector<std::string>& repairs) const {
  if (choice.finish == model::Finish::kLength || choice.finish == model::Finish::kContentFilter) {
    return;
  }
  std::vector<model::ToolCall> calls = choice.tool_calls;
  std::vector<std::string> said;
  for (model::ToolCall& call : calls) {
    if (!MendToolCall(call, said)) return;
  }
  choice.tool_calls = std::move(calls);
  std::ranges::move(said, std::back_inserter(repairs));
}

Result<void> Judge::MendChoice(model::Choice& choice, std::vector<std::string>& repairs) const {
  WEIR_CHECK(CheckCut(choice));
  for (model::ToolCall& call : choice.tool_calls) {
    WEIR_CHECK(MendToolCall(call, repairs));
  }
  WEIR_CHECK(CheckForced(choice));
  if (!choice.tool_calls.empty()) return {};
  WEIR_CHECK(CheckEnd(choice));
  if (!verifier_) return {};
  WEIR_TRY(Verifier::Answer answer, verifier_->Mend(choice.text, {.strictness = options_.strictness,
                                                                  .coerce = options_.coerce}));
  choice.text = std::move(answer.text);
  choice.value = std::move(answer.value);
  std::ranges::move(answer.repairs, std::back_inserter(repairs));
  return {};
}

std::optional<Breach> Judge::Mend(model::Reply& reply) const {
  if (unchecked_) reply.info.degradations.push_back(*unchecked_);
  for (std::size_t i = 0; i < reply.choices.size(); ++i) {
    const Result<void> good = MendChoice(reply.choices[i], reply.info.repairs);
    if (!good) return Breach{.error = good.error(), .choice = i};
  }
  return std::nullopt;
}

// A schema in OpenAI's strict form makes nulls of absent properties: they do not count.
Result<void> Judge::CheckText(std::string_view text) const {
  Result<void> good = verifier_->Check(text);
  if (good || good.error().code != Code::kSchemaMismatch) return good;
  const Result<Verifier::Answer> mended = verifier_->Mend(text, {});
  const std::string_view only = schema::ChangeName(schema::ChangeKind::kNullDropped);
  const auto harmless = [&](const std::string& repair) { return repair.starts_with(only); };
  if (mended && std::ranges::all_of(mended->repairs, harmless)) return {};
  return good;
}

Result<void> Judge::Check(const model::Reply& reply) const {
  for (const model::Choice& choice : reply.choices) {
    WEIR_CHECK(CheckCut(choice));
    for (const model::ToolCall& call : choice.tool_calls) {
      WEIR_CHECK(CheckToolCall(call));
    }
    WEIR_CHECK(CheckForced(choice));
    if (!verifier_ || !choice.tool_calls.empty()) continue;
    WEIR_CHECK(CheckEnd(choice));
    WEIR_CHECK(CheckText(choice.text));
  }
  return {};
}

}  // namespace weir::engine
