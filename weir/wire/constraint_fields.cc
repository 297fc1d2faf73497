#include <utility>

#include "weir/base/text.h"
#include "weir/wire/field_table.h"
#include "weir/wire/request_writer.h"

namespace weir::wire {
namespace {

using model::Constraint;

constexpr Version kResponsesStructuredOutputs{0, 17, 0};

// {"type":"json_schema",...}; its members are a level deeper in chat than in responses.
void WriteFormat(const Constraint& constraint, bool deep, json::Writer& json) {
  const bool has_schema = constraint.kind == Constraint::Kind::kJsonSchema;
  json.BeginObject();
  json.Field("type", has_schema ? "json_schema" : "json_object");
  if (has_schema) {
    if (deep) {
      json.Key("json_schema");
      json.BeginObject();
    }
    json.Field("name", constraint.name);
    json.Field("schema", constraint.schema);
    if (constraint.strict) {
      json.Key("strict");
      json.Bool(*constraint.strict);
    }
    if (deep) json.EndObject();
  }
  json.EndObject();
}

void WriteFormatMember(const Constraint& constraint, RequestWriter& out) {
  if (!out.responses()) {
    WriteFormat(constraint, true, out.Key("response_format"));
    return;
  }
  json::Writer& json = out.Key("text");
  json.BeginObject();
  json.Key("format");
  WriteFormat(constraint, false, json);
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
  } else if (constraint.kind == Constraint::Kind::kJsonObject) {
    json.Bool(true);
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

bool IsJson(Constraint::Kind kind) {
  return kind == Constraint::Kind::kJsonSchema || kind == Constraint::Kind::kJsonObject;
}

Result<void> WriteForOpenAi(const Constraint& constraint, RequestWriter& out) {
  if (IsJson(constraint.kind) && (out.chat() || out.responses())) {
    WriteFormatMember(constraint, out);
    return {};
  }
  return Fail(
      Code::kUnsupportedConstraint,
      StrCat("OpenAI cannot enforce the constraint ", model::ConstraintName(constraint.kind),
             " on the ", model::ApiName(out.call().api),
             " API: it knows JSON schemas and json_object, on chat and responses; use one "
             "of these, or a vLLM server"));
}

}  // namespace

Result<void> WriteConstraint(RequestWriter& out) {
  if (!out.call().constraint) return {};
  const Constraint& constraint = *out.call().constraint;
  WEIR_CHECK(Check(constraint));
  if (out.openai()) return WriteForOpenAi(constraint, out);
  // vLLM reads json_object out of `text` and then does nothing about it.
  const bool ignored = out.responses() && constraint.kind == Constraint::Kind::kJsonObject;
  if (IsJson(constraint.kind) && !ignored) {
    WriteFormatMember(constraint, out);
    return {};
  }
  out.SetVersionMatters();
  if (out.responses() && out.dialect().version < kResponsesStructuredOutputs) {
    return Fail(Code::kUnsupportedConstraint,
                StrCat(out.dialect().name, " cannot enforce the constraint ",
                       model::ConstraintName(constraint.kind),
                       " on the responses API: use a JSON schema, or the chat API"));
  }
  if (out.dialect().constraints == ConstraintSpelling::kGuided) {
    return WriteGuided(constraint, out);
  }
  WriteStructuredOutputs(constraint, out);
  return {};
}

}  // namespace weir::wire
