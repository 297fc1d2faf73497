#include <array>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/field_table.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/request_reader.h"

namespace weir::wire {
namespace {

using model::Constraint;

constexpr Version kGuidedGone{0, 12, 0};
constexpr Version kTagAsFormat{0, 8, 5};

// A schema may come as an object or as the text of one.
json::Value SchemaOf(json::View schema) {
  if (const std::optional<std::string_view> text = schema.AsString()) {
    if (auto read = json::Read(*text)) return *std::move(read);
  }
  return json::Value::CopyOf(schema);
}

// The constraint under one of the names of vLLM; nullopt when it is not set.
std::optional<Constraint> ConstraintOf(Constraint::Kind kind, json::View value) {
  if (!IsSet(value)) return std::nullopt;
  Constraint constraint;
  constraint.kind = kind;
  switch (kind) {
    case Constraint::Kind::kJsonSchema:
      constraint.schema = SchemaOf(value);
      break;
    case Constraint::Kind::kChoice:
      constraint.choices = StringsOf(value);
      break;
    case Constraint::Kind::kJsonObject:
      if (!value.BoolOr(false)) return std::nullopt;
      break;
    default:
      constraint.text = StringOf(value);
  }
  return constraint;
}

void ReadResponseFormat(RequestReader& in, model::Call& call) {
  const json::View format = in.Take("response_format");
  if (!IsSet(format)) return;
  const std::string_view type = format.Find("type").StringOr("");
  if (type == "json_object") {
    call.constraint = Constraint{.kind = Constraint::Kind::kJsonObject};
  } else if (type == "json_schema") {
    const json::View schema = format.Find("json_schema");
    if (!schema.IsObject()) {
      in.Refuse(
          "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
          "response_format");
      return;
    }
    Constraint constraint;
    constraint.schema = json::Value::CopyOf(schema.Find("schema"));
    constraint.name = schema.Find("name").StringOr("");
    constraint.strict = schema.Find("strict").AsBool();
    call.constraint = std::move(constraint);
  } else if (type == "structural_tag" && in.dialect().version >= kTagAsFormat) {
    call.constraint =
        Constraint{.kind = Constraint::Kind::kStructuralTag, .schema = json::Value::CopyOf(format)};
  } else if (type != "text") {
    in.Complain("literal_error", "response_format.type",
                in.dialect().version >= kTagAsFormat
                    ? "Input should be 'text', 'json_object', 'json_schema' or 'structural_tag'"
                    : "Input should be 'text', 'json_object' or 'json_schema'",
                format.Find("type"));
  }
}

void ReadGuided(RequestReader& in, model::Call& call) {
  constexpr std::pair<std::string_view, Constraint::Kind> kGuided[] = {
      {"guided_json", Constraint::Kind::kJsonSchema},
      {"guided_regex", Constraint::Kind::kRegex},
      {"guided_choice", Constraint::Kind::kChoice},
      {"guided_grammar", Constraint::Kind::kGrammar},
      {"guided_json_object", Constraint::Kind::kJsonObject},
  };
  for (const auto& [key, kind] : kGuided) {
    auto constraint = ConstraintOf(kind, in.Take(key));
    if (constraint && !call.constraint) call.constraint = std::move(constraint);
  }
  if (!in.chat() || in.dialect().version < kTopLevelStructuralTag) return;
  auto tag = ConstraintOf(Constraint::Kind::kStructuralTag, in.Take("structural_tag"));
  if (tag && !call.constraint) call.constraint = std::move(tag);
}

}  // namespace

void ReadStructuredOutputs(json::View object, RequestReader& in, IncomingCall& out) {
  if (!IsSet(object)) return;
  model::Call& call = out.call;
  int count = call.constraint ? 1 : 0;
  for (const Constraint::Kind kind :
       {Constraint::Kind::kJsonSchema, Constraint::Kind::kRegex, Constraint::Kind::kChoice,
        Constraint::Kind::kGrammar, Constraint::Kind::kJsonObject,
        Constraint::Kind::kStructuralTag}) {
    if (auto constraint = ConstraintOf(kind, object.Find(model::ConstraintName(kind)))) {
      call.constraint = std::move(constraint);
      ++count;
    }
  }
  using Kind = Constraint::Kind;
  const bool json = call.constraint && (call.constraint->kind == Kind::kJsonSchema ||
                                        call.constraint->kind == Kind::kJsonObject);
  out.compact_json = json && object.Find("disable_any_whitespace").BoolOr(false);
  if (count == 0) {
    in.Refuse("You must use one kind of structured outputs constraint but none are specified.",
              "structured_outputs");
  } else if (count > 1) {
    in.Refuse(
        "You can only use one kind of constraints for structured outputs ('json', 'regex' or "
        "'choice').",
        "structured_outputs");
  }
}

void ReadConstraint(RequestReader& in, IncomingCall& out) {
  ReadResponseFormat(in, out.call);
  if (in.dialect().constraints == ConstraintSpelling::kStructuredOutputs) {
    ReadStructuredOutputs(in.Take("structured_outputs"), in, out);
  }
  if (in.dialect().version < kGuidedGone) ReadGuided(in, out.call);
}

}  // namespace weir::wire
