#include <utility>

#include "weir/base/text.h"
#include "weir/wire/request_writer.h"

namespace weir::wire {
namespace {

using model::Constraint;

constexpr Version kTopLevelStructuralTag{0, 8, 5};

void WriteJsonSchema(const Constraint& constraint, RequestWriter& out) {
  json::Writer& json = out.Key("response_format");
  json.BeginObject();
  json.Field("type", "json_schema");
  json.Key("json_schema");
  json.BeginObject();
  json.Field("name", constraint.name);
  json.Field("schema", constraint.schema);
  if (constraint.strict) {
    json.Key("strict");
    json.Bool(*constraint.strict);
  }
  json.EndObject();
  json.EndObject();
}

void WriteChoices(const Constraint& constraint, json::Writer& json) {
  json.BeginArray();
  for (const std::string& choice : constraint.choices) json.String(choice);
  json.EndArray();
}

// The text form of a structural tag is what every spelling takes.
std::string TagText(const Constraint& constraint) {
  return constraint.schema.IsNull() ? constraint.text : json::Write(constraint.schema);
}

Result<void> WriteGuided(const Constraint& constraint, RequestWriter& out) {
  switch (constraint.kind) {
    case Constraint::Kind::kRegex:
      out.SetText("guided_regex", constraint.text);
      return {};
    case Constraint::Kind::kChoice:
      WriteChoices(constraint, out.Key("guided_choice"));
      return {};
    case Constraint::Kind::kGrammar:
      out.SetText("guided_grammar", constraint.text);
      return {};
    default:
      break;
  }
  if (!out.chat() || out.dialect().version < kTopLevelStructuralTag) {
    return Fail(
        Code::kUnsupportedConstraint,
        StrCat(out.dialect().name, " cannot enforce a structural tag on the ",
               model::ApiName(out.call().api), " API: use a JSON schema, or vLLM 0.11 or later"));
  }
  out.SetText("structural_tag", TagText(constraint));
  return {};
}

void WriteStructuredOutputs(const Constraint& constraint, RequestWriter& out) {
  json::Writer& json = out.Key("structured_outputs");
  json.BeginObject();
  json.Key(model::ConstraintName(constraint.kind));
  if (constraint.kind == Constraint::Kind::kChoice) {
    WriteChoices(constraint, json);
  } else if (constraint.kind == Constraint::Kind::kStructuralTag) {
    json.String(TagText(constraint));
  } else {
    json.String(constraint.text);
  }
  json.EndObject();
}

Result<void> Check(const Constraint& constraint) {
  const auto need = [](bool there, std::string_view what) -> Result<void> {
    if (there) return {};
    return Fail(Code::kInvalidRequest, StrCat("the constraint is empty: it needs ", what));
  };
  switch (constraint.kind) {
    case Constraint::Kind::kJsonSchema:
      return need(constraint.schema.IsObject() || constraint.schema.IsBool(), "a JSON schema");
    case Constraint::Kind::kJsonObject:
      return {};
    case Constraint::Kind::kRegex:
      return need(!constraint.text.empty(), "a regular expression");
    case Constraint::Kind::kChoice:
      return need(!constraint.choices.empty(), "at least one choice");
    case Constraint::Kind::kGrammar:
      return need(!constraint.text.empty(), "a grammar");
    case Constraint::Kind::kStructuralTag:
      return need(!constraint.text.empty() || constraint.schema.IsObject(), "a structural tag");
  }
  std::unreachable();
}

}  // namespace

Result<void> WriteConstraint(RequestWriter& out) {
  if (!out.call().constraint) return {};
  const Constraint& constraint = *out.call().constraint;
  WEIR_CHECK(Check(constraint));
  if (constraint.kind == Constraint::Kind::kJsonSchema) {
    WriteJsonSchema(constraint, out);
    return {};
  }
  if (constraint.kind == Constraint::Kind::kJsonObject) {
    json::Writer& json = out.Key("response_format");
    json.BeginObject();
    json.Field("type", "json_object");
    json.EndObject();
    return {};
  }
  if (out.dialect().constraints == ConstraintSpelling::kGuided) {
    return WriteGuided(constraint, out);
  }
  WriteStructuredOutputs(constraint, out);
  return {};
}

}  // namespace weir::wire
