#include "weir/cli/answer.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::cli {
namespace {

using Kind = model::Constraint::Kind;

bool IsJson(Kind kind) { return kind == Kind::kJsonSchema || kind == Kind::kJsonObject; }

Result<void> CheckConstraint(const model::Constraint& constraint, const std::string& text) {
  if (IsJson(constraint.kind)) {
    const Result<json::Value> value = json::Read(text);
    if (!value) {
      return Fail(Code::kInvalidJson,
                  "the answer is not JSON although the server was told so; does it support "
                  "constrained output? See what it is: weir call -o json",
                  value.error().message);
    }
  }
  const std::vector<std::string>& choices = constraint.choices;
  if (constraint.kind == Kind::kChoice && std::ranges::find(choices, text) == choices.end()) {
    return Fail(Code::kConstraintViolated,
                StrCat("the answer is none of the choices ", Join(choices, ", "),
                       ": the server ignored the constraint"));
  }
  return {};
}

}  // namespace

Result<void> CheckAnswer(const CallRun& run, const model::Reply& reply) {
  const std::optional<model::Constraint>& constraint = run.call.constraint;
  for (const model::Choice& choice : reply.choices) {
    if (choice.finish == model::Finish::kLength) {
      return Fail(Code::kTruncated,
                  "the model hit its token limit before it was done; raise --max-tokens");
    }
    if (!constraint || !choice.tool_calls.empty()) continue;
    WEIR_CHECK(CheckConstraint(*constraint, choice.text));
  }
  const bool only_reasoning =
      run.reasoning == ShowReasoning::kOnly && run.flags.form() == Output::kText;
  if (only_reasoning && std::ranges::all_of(reply.choices, [](const model::Choice& choice) {
        return choice.reasoning.empty();
      })) {
    return Fail(Code::kEmptyModelResponse,
                "there is an answer, but no reasoning in it; does the model reason, and does the "
                "server tell it apart (vllm serve --reasoning-parser)? See the answer without "
                "--reasoning only");
  }
  return {};
}

std::optional<model::Degradation> UncheckedPart(const model::Call& call) {
  if (!call.constraint) return std::nullopt;
  const Kind kind = call.constraint->kind;
  if (kind == Kind::kJsonObject || kind == Kind::kChoice) return std::nullopt;
  return model::Degradation{
      .what = StrCat("check of the ", model::ConstraintName(kind), " constraint"),
      .why = kind == Kind::kJsonSchema
                 ? "this version checks that the answer is JSON, not that it fits the schema"
                 : "this version trusts the server to keep it"};
}

}  // namespace weir::cli
