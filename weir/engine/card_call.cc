#include "weir/engine/card_call.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/writer.h"
#include "weir/text/call_writer.h"

namespace weir::engine {
namespace {

using model::Message;
using model::Role;
using text::ReasoningSwitch;
using text::ToolMode;
using ChoiceKind = model::ToolChoice::Kind;

// A copy of a schema whose references into itself lead to where it stands now.
void CopyMoved(json::Builder& out, json::View schema, std::string_view place) {
  if (schema.IsObject()) {
    out.BeginObject();
    for (const auto& [key, value] : schema.members()) {
      out.Key(key);
      const std::string_view target = key == "$ref" ? value.StringOr("") : "";
      if (target.starts_with('#')) {
        out.String(StrCat(place, target.substr(1)));
      } else {
        CopyMoved(out, value, place);
      }
    }
    out.EndObject();
  } else if (schema.IsArray()) {
    out.BeginArray();
    for (std::size_t i = 0; i < schema.size(); ++i) CopyMoved(out, schema[i], place);
    out.EndArray();
  } else {
    out.Copy(schema);
  }
}

bool RefersToItself(json::View schema) {
  if (schema.IsObject()) {
    return std::ranges::any_of(schema.members(), [](const auto& member) {
      return (member.key == "$ref" && member.value.StringOr("").starts_with('#')) ||
             RefersToItself(member.value);
    });
  }
  if (!schema.IsArray()) return false;
  for (std::size_t i = 0; i < schema.size(); ++i) {
    if (RefersToItself(schema[i])) return true;
  }
  return false;
}

// Schemas that refer to themselves stand in "$defs", where references are sure to be followed.
class CallSchemas {
 public:
  void Add(std::string_view name, json::View arguments) { variants_.push_back({name, arguments}); }

  json::Value Finish() {
    json::Builder out;
    out.BeginObject();
    if (variants_.size() == 1) {
      AddMembers(out, 0);
    } else {
      out.Key("anyOf");
      out.BeginArray();
      for (std::size_t i = 0; i < variants_.size(); ++i) {
        out.BeginObject();
        AddMembers(out, i);
        out.EndObject();
      }
      out.EndArray();
    }
    AddDefinitions(out);
    out.EndObject();
    return std::move(out).Finish();
  }

 private:
  struct Variant {
    std::string_view name;
    json::View arguments;  // null: none are taken
  };

  static std::string DefinitionName(std::size_t index) { return StrCat("arguments", index); }

  void AddMembers(json::Builder& out, std::size_t index) const {
    const Variant& variant = variants_[index];
    out.Key("type");
    out.String("object");
    out.Key("properties");
    out.BeginObject();
    out.Key("name");
    out.BeginObject();
    out.Key("const");
    out.String(variant.name);
    out.EndObject();
    out.Key("arguments");
    if (!variant.arguments.IsObject()) {
      out.BeginObject();
      out.Key("type");
      out.String("object");
      out.Key("properties");
      out.BeginObject();
      out.EndObject();
      out.Key("additionalProperties");
      out.Bool(false);
      out.EndObject();
    } else if (RefersToItself(variant.arguments)) {
      out.BeginObject();
      out.Key("$ref");
      out.String(StrCat("#/$defs/", DefinitionName(index)));
      out.EndObject();
    } else {
      out.Copy(variant.arguments);
    }
    out.EndObject();
    out.Key("required");
    out.BeginArray();
    out.String("name");
    out.String("arguments");
    out.EndArray();
    out.Key("additionalProperties");
    out.Bool(false);
  }

  void AddDefinitions(json::Builder& out) const {
    bool any = false;
    for (std::size_t i = 0; i < variants_.size(); ++i) {
      if (!RefersToItself(variants_[i].arguments)) continue;
      if (!std::exchange(any, true)) {
        out.Key("$defs");
        out.BeginObject();
      }
      out.Key(DefinitionName(i));
      CopyMoved(out, variants_[i].arguments, StrCat("#/$defs/", DefinitionName(i)));
    }
    if (any) out.EndObject();
  }

  std::vector<Variant> variants_;
};

// {"answer": SCHEMA}, closed.
json::Value AnswerArguments(json::View answer) {
  json::Builder out;
  out.BeginObject();
  out.Key("type");
  out.String("object");
  out.Key("properties");
  out.BeginObject();
  out.Key("answer");
  if (!answer.exists() || answer.IsNull()) {
    out.BeginObject();
    out.Key("type");
    out.String("string");
    out.EndObject();
  } else if (RefersToItself(answer)) {
    CopyMoved(out, answer, "#/properties/answer");
  } else {
    out.Copy(answer);
  }
  out.EndObject();
  out.Key("required");
  out.BeginArray();
  out.String("answer");
  out.EndArray();
  out.Key("additionalProperties");
  out.Bool(false);
  out.EndObject();
  return std::move(out).Finish();
}

// The words go before everything else, into the first system message where there is one.
void TellInSystem(std::vector<Message>& messages, std::string words) {
  if (!messages.empty() && messages.front().role == Role::kSystem) {
    std::vector<model::Part>& parts = messages.front().parts;
    parts.push_back({.kind = model::Part::Kind::kText, .text = "\n\n" + std::move(words)});
    return;
  }
  messages.insert(messages.begin(), Message::Text(Role::kSystem, std::move(words)));
}

// Calls and results of earlier turns, as this model would have written and read them.
std::vector<Message> InWords(const std::vector<Message>& messages, const text::Family& family) {
  std::vector<Message> said;
  bool after_result = false;
  for (const Message& message : messages) {
    if (message.role == Role::kTool) {
      if (!after_result) said.push_back({.role = Role::kUser});
      const std::string result = text::WriteToolResult(message.AllText());
      std::vector<model::Part>& parts = said.back().parts;
      parts.push_back(
          {.kind = model::Part::Kind::kText, .text = StrCat(after_result ? "\n" : "", result)});
      std::ranges::copy_if(message.parts, std::back_inserter(parts), [](const model::Part& part) {
        return part.kind != model::Part::Kind::kText;
      });
      after_result = true;
      continue;
    }
    after_result = false;
    Message copy = message;
    for (const model::ToolCall& call : std::exchange(copy.tool_calls, {})) {
      std::string written = text::WriteCall(family, call.name, call.arguments);
      if (!copy.parts.empty()) written.insert(0, "\n");
      copy.parts.push_back({.kind = model::Part::Kind::kText, .text = std::move(written)});
    }
    said.push_back(std::move(copy));
  }
  return said;
}

std::span<const model::ToolSpec> Offered(const model::Call& call, model::ToolSpec& only) {
  if (call.tool_choice.kind != ChoiceKind::kNamed) return call.tools;
  const auto named = std::ranges::find(call.tools, call.tool_choice.name, &model::ToolSpec::name);
  if (named == call.tools.end()) return call.tools;
  only = *named;
  return {&only, 1};
}

bool HasPicture(const Message& message) {
  return std::ranges::any_of(message.parts, [](const model::Part& part) {
    return part.kind == model::Part::Kind::kImage || part.kind == model::Part::Kind::kVideo;
  });
}

Error NotBeside(const model::Constraint& constraint, std::string_view how) {
  return Error{.code = Code::kUnsupportedParam,
               .message = StrCat("tools are offered to this model ", how,
                                 ", and a constraint of "
                                 "kind ",
                                 model::ConstraintName(constraint.kind),
                                 " cannot hold beside it; leave one of them out, or set another "
                                 "`tool_mode` of the engine")};
}

Result<void> Guide(model::Call& call) {
  using Kind = model::Constraint::Kind;
  const bool has_schema = call.constraint && call.constraint->kind == Kind::kJsonSchema;
  if (call.constraint && !has_schema) {
    return Fail(NotBeside(*call.constraint, "by a schema (tool mode `guided`)"));
  }
  model::ToolSpec only;
  const std::span<const model::ToolSpec> offered = Offered(call, only);
  const bool must_call =
      call.tool_choice.kind == ChoiceKind::kRequired || call.tool_choice.kind == ChoiceKind::kNamed;
  const json::View answer = has_schema ? json::View(call.constraint->schema) : json::View();
  json::Value schema = SchemaOfCalls(offered, !must_call, answer);
  std::string words =
      "You can call tools. Here they are, each with the JSON Schema of its arguments:\n";
  for (const model::ToolSpec& tool : offered) {
    StrAppend(words, "- ", tool.name, tool.description.empty() ? "" : ": ", tool.description,
              "; arguments: ", tool.parameters.IsNull() ? "none" : json::Write(tool.parameters),
              "\n");
  }
  words += R"(Answer with one JSON object {"name": TOOL, "arguments": {...}} and nothing else.)";
  if (!must_call) {
    StrAppend(words, R"( When no tool is needed, answer with {"name": ")", AnswerName(offered),
              R"(", "arguments": {"answer": YOUR ANSWER}}.)");
  }
  TellInSystem(call.messages, std::move(words));
  model::Constraint constraint;
  constraint.kind = Kind::kJsonSchema;
  constraint.schema = std::move(schema);
  constraint.name = "call";
  call.constraint = std::move(constraint);
  return {};
}

void SetKwarg(model::Call& call, std::string_view key, bool value) {
  json::Builder out;
  out.BeginObject();
  for (const auto& [name, member] : call.chat_template_kwargs.members()) {
    if (name == key) continue;
    out.Key(name);
    out.Copy(member);
  }
  out.Key(key);
  out.Bool(value);
  out.EndObject();
  call.chat_template_kwargs = std::move(out).Finish();
}

// Where the server can be told: by these switches of the template, or by its own.
void SetThinking(std::initializer_list<std::string_view> switches, ThinkingField switching,
                 bool enable, model::Call& call, std::vector<model::Degradation>& degradations) {
  switch (switching) {
    case ThinkingField::kTemplate:
      for (const std::string_view key : switches) SetKwarg(call, key, enable);
      return;
    case ThinkingField::kOwn:
      call.reasoning.enable = enable;
      return;
    case ThinkingField::kNone:
      return degradations.push_back(
          {"thinking",
           "servers of this kind have no switch for it; an effort (`reasoning_effort`) "
           "is what some of their models know"});
  }
}

// Thinking is switched on or off the way the family wants it.
void SwitchThinking(const text::ModelCard& card, ThinkingField switching, bool enable,
                    model::Call& call, std::vector<model::Degradation>& degradations) {
  call.reasoning.enable.reset();
  switch (card.reasoning) {
    case ReasoningSwitch::kThinking:
      return SetThinking({"thinking"}, switching, enable, call, degradations);
    case ReasoningSwitch::kEnableThinking:
      return SetThinking({"enable_thinking"}, switching, enable, call, degradations);
    case ReasoningSwitch::kEffort:
      if (enable) return;
      if (!call.reasoning.effort) call.reasoning.effort = "low";
      return degradations.push_back(
          {"thinking", "this model cannot stop thinking; it is asked for as little as it can"});
    case ReasoningSwitch::kAlways:
      if (!enable) degradations.push_back({"thinking", "this model always thinks"});
      return;
    case ReasoningSwitch::kSystemPrompt:
      return TellInSystem(call.messages, enable ? "detailed thinking on" : "detailed thinking off");
    case ReasoningSwitch::kNone:
      break;
  }
  if (!card.pattern.empty()) {
    if (enable) degradations.push_back({"thinking", "this model does not think"});
    return;
  }
  // Of a model that no card knows; templates overlook what they have no use for.
  SetThinking({"enable_thinking", "thinking"}, switching, enable, call, degradations);
}

}  // namespace

std::string AnswerName(std::span<const model::ToolSpec> tools) {
  std::string name = "answer";
  while (std::ranges::find(tools, name, &model::ToolSpec::name) != tools.end()) {
    name.insert(0, "final_");
  }
  return name;
}

json::Value SchemaOfCalls(std::span<const model::ToolSpec> tools, bool or_answer,
                          json::View answer) {
  const std::string name = AnswerName(tools);
  const json::Value arguments = AnswerArguments(answer);
  CallSchemas schemas;
  for (const model::ToolSpec& tool : tools) schemas.Add(tool.name, tool.parameters);
  if (or_answer) schemas.Add(name, arguments);
  return schemas.Finish();
}

Result<CardPlan> PlanFor(const text::ModelCard& card, std::optional<ToolMode> wanted,
                         ThinkingField switching, const model::Call& call) {
  if (card.vision == false && std::ranges::any_of(call.messages, HasPicture)) {
    return Fail(
        Code::kUnsupportedParam,
        StrCat("models like ", card.pattern,
               " see no pictures (`vision: false` of their card): leave the media out, name a "
               "model that sees, or, where this one does, give it a card of your own with `vision: "
               "true` in the file of `model_cards`; nothing was sent"));
  }
  CardPlan plan;
  const bool has_tools = !call.tools.empty() && call.tool_choice.kind != ChoiceKind::kNone;
  const bool switches = call.reasoning.enable.has_value();
  plan.mode = has_tools ? wanted.value_or(card.pattern.empty() ? ToolMode::kNative : card.tool_mode)
                        : ToolMode::kNative;
  if (plan.mode == ToolMode::kNone) {
    return Fail(Code::kUnsupportedParam,
                StrCat(wanted ? std::string("the engine has `tool_mode: none`")
                              : StrCat("models like ", card.pattern, " cannot call tools"),
                       "; leave the tools out, or set `tool_mode: "
                       "guided` or `prompted` of the engine to try"));
  }
  if (plan.mode == ToolMode::kNative && !switches) return plan;

  if (plan.mode != ToolMode::kNative && call.tool_choice.kind == ChoiceKind::kNamed &&
      std::ranges::find(call.tools, call.tool_choice.name, &model::ToolSpec::name) ==
          call.tools.end()) {
    return Fail(Code::kInvalidRequest, StrCat("tool_choice names \"", call.tool_choice.name,
                                              "\", which is not among the tools"));
  }

  auto owned = std::make_unique<model::Call>(call);
  model::Call& changed = *owned;
  plan.call = std::move(owned);
  if (switches) {
    SwitchThinking(card, switching, *call.reasoning.enable, changed, plan.degradations);
  }
  if (plan.mode == ToolMode::kNative) return plan;
  const text::Family& family = text::CallFamilyOf(text::FamilyOf(card));
  changed.messages = InWords(call.messages, family);
  if (plan.mode == ToolMode::kGuided) {
    WEIR_CHECK(Guide(changed));
  } else {
    if (call.constraint) {
      return Fail(NotBeside(*call.constraint, "in the prompt (tool mode `prompted`)"));
    }
    TellInSystem(changed.messages, text::DescribeTools(family, call.tools, call.tool_choice));
    // Marks are often special tokens, which servers leave out of texts.
    changed.sampling.skip_special_tokens = false;
  }
  changed.tools.clear();
  changed.tool_choice = {};
  changed.parallel_tool_calls.reset();
  plan.degradations.push_back(
      {.what = "tools",
       .why = StrCat(
           plan.mode == ToolMode::kGuided ? "offered by a schema" : "described in the prompt",
           wanted ? ", as the engine's `tool_mode` says" : ", as this model has none"),
       .routine = true});
  return plan;
}

}  // namespace weir::engine
