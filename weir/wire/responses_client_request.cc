#include <utility>

#include "weir/base/text.h"
#include "weir/wire/media.h"
#include "weir/wire/request_writer.h"
#include "weir/wire/responses_client.h"

namespace weir::wire {
namespace {

using model::Message;
using model::Part;
using model::Role;

constexpr Version kResponsesCame{0, 10, 0};

Result<void> CheckResponses(const model::Call& call, const Dialect& dialect) {
  if (call.api != model::Api::kResponses) {
    return Fail(Code::kInvalidRequest, StrCat("a call of the ", model::ApiName(call.api),
                                              " API cannot be sent to the responses API"));
  }
  if (dialect.kind == ServerKind::kVllm && dialect.version < kResponsesCame) {
    return Fail(
        Code::kUnsupportedParam,
        StrCat(dialect.name, " has no responses API, which came with 0.10: use the chat API"));
  }
  WEIR_CHECK(call.sampling.Validate());
  if (call.messages.empty()) {
    return Fail(Code::kInvalidRequest, "a responses call needs at least one message");
  }
  if (!call.prompt.empty() || !call.prompt_token_ids.empty()) {
    return Fail(Code::kInvalidRequest,
                "a responses call takes messages; a prompt belongs to the completions API");
  }
  if (call.sampling.max_tokens == 0) {
    return Fail(Code::kInvalidRequest, "max_tokens must be at least 1");
  }
  return {};
}

void WriteTextPart(std::string_view type, const Part& part, json::Writer& json) {
  json.BeginObject();
  json.Field("type", type);
  json.Field("text", part.text);
  if (type == "output_text") {  // vLLM does not recognize the part without them
    json.Key("annotations");
    json.BeginArray();
    json.EndArray();
  }
  json.EndObject();
}

void WriteImagePart(const Part& part, json::Writer& json) {
  json.BeginObject();
  json.Field("type", "input_image");
  json.Field("image_url", part.url);
  json.Field("detail", part.detail.empty() ? "auto" : part.detail);  // vLLM insists on it
  json.EndObject();
}

void WriteFilePart(const Part& part, json::Writer& json) {
  const bool inside = part.url.starts_with("data:");
  json.BeginObject();
  json.Field("type", "input_file");
  if (inside && !part.format.empty()) json.Field("filename", part.format);
  json.Field(inside ? "file_data" : "file_url", part.url);
  json.EndObject();
}

Result<void> WriteAudioPart(const Part& part, RequestWriter& out, json::Writer& json) {
  const std::optional<InlineAudio> audio = ReadInlineAudio(part);
  if (!audio) {
    return out.Refuse("messages.audio",
                      "the responses API fetches no audio: send it inline, as a data: URL with "
                      "base64, or use the chat API");
  }
  json.BeginObject();
  json.Field("type", "input_audio");
  json.Key("input_audio");
  json.BeginObject();
  json.Field("data", audio->data);
  json.Field("format", audio->format);
  json.EndObject();
  json.EndObject();
  return {};
}

Result<void> WritePart(Role role, const Part& part, RequestWriter& out, json::Writer& json) {
  switch (part.kind) {
    case Part::Kind::kText:
      WriteTextPart(role == Role::kAssistant ? "output_text" : "input_text", part, json);
      return {};
    case Part::Kind::kImage:
      WriteImagePart(part, json);
      return {};
    case Part::Kind::kFile:
      WriteFilePart(part, json);
      return {};
    case Part::Kind::kAudio:
      return WriteAudioPart(part, out, json);
    case Part::Kind::kVideo:
      return out.Refuse("messages.video",
                        "the responses API takes no videos: use the chat API, or send some frames "
                        "as images");
    case Part::Kind::kRaw:
      if (!part.raw.IsObject()) {
        return Fail(Code::kInvalidRequest, "a raw part of a message must be a JSON object");
      }
      json.Value(part.raw);
      return {};
  }
  std::unreachable();
}

Result<void> WriteContent(std::string_view key, const Message& message, RequestWriter& out,
                          json::Writer& json) {
  json.Key(key);
  if (message.parts.empty()) {
    json.String("");
    return {};
  }
  if (message.parts.size() == 1 && message.parts[0].kind == Part::Kind::kText) {
    json.String(message.parts[0].text);
    return {};
  }
  json.BeginArray();
  for (const Part& part : message.parts) {
    if (!part.uuid.empty()) {
      out.Degrade("messages.uuid", "the responses API has no names for cached media");
    }
    WEIR_CHECK(WritePart(message.role, part, out, json));
  }
  json.EndArray();
  return {};
}

// What it thought goes back to vLLM only: OpenAI takes no thoughts but its own, sealed ones.
void WriteThoughts(const Message& message, std::size_t place, RequestWriter& out,
                   json::Writer& json) {
  if (message.reasoning.empty()) return;
  if (out.openai()) {
    out.Degrade("messages.reasoning", "OpenAI takes no thoughts back: they were left out");
    return;
  }
  json.BeginObject();
  json.Field("type", "reasoning");
  json.Field("id", StrCat("rs_", place));
  json.Key("summary");
  json.BeginArray();
  json.EndArray();
  json.Key("content");
  json.BeginArray();
  json.BeginObject();
  json.Field("type", "reasoning_text");
  json.Field("text", message.reasoning);
  json.EndObject();
  json.EndArray();
  json.EndObject();
}

void WriteToolCalls(const Message& message, json::Writer& json) {
  for (const model::ToolCall& call : message.tool_calls) {
    json.BeginObject();
    json.Field("type", "function_call");
    json.Field("call_id", call.id);
    json.Field("name", call.name);
    json.Field("arguments", call.arguments);
    json.EndObject();
  }
}

// The members of the message that its item has no place for. `has_item` tells whether there is one.
void WriteExtra(const Message& message, bool has_item, RequestWriter& out, json::Writer& json) {
  for (const json::Member member : message.extra.members()) {
    const bool computed = member.key == "type" || member.key == "role" || member.key == "content" ||
                          member.key == "call_id" || member.key == "output";
    if (computed || !has_item) {
      out.Degrade(StrCat("messages.", member.key),
                  computed ? "the message sets this field itself; that of its extra fields lost"
                           : "an assistant that only calls tools has no item to put it into");
    } else if (!member.value.IsNull()) {
      json.Field(member.key, member.value);
    }
  }
}

// One message is one item, except for the assistant's.
Result<void> WriteMessage(const Message& message, std::size_t place, RequestWriter& out,
                          json::Writer& json) {
  if (!message.name.empty()) {
    out.Degrade("messages.name", "the responses API has no names of authors");
  }
  WriteThoughts(message, place, out, json);
  const bool has_item = !message.parts.empty() ||
                        (message.tool_calls.empty() && message.reasoning.empty()) ||
                        message.role == Role::kTool;
  if (has_item) {
    json.BeginObject();
    if (message.role == Role::kTool) {
      json.Field("type", "function_call_output");
      json.Field("call_id", message.tool_call_id);
      WEIR_CHECK(WriteContent("output", message, out, json));
    } else {
      json.Field("type", "message");
      json.Field("role", model::RoleName(message.role));
      WEIR_CHECK(WriteContent("content", message, out, json));
    }
  }
  WriteExtra(message, has_item, out, json);
  if (has_item) json.EndObject();
  WriteToolCalls(message, json);
  return {};
}

// Whether a message is nothing but a text, as the instructions are.
bool IsPlain(const Message& message) {
  return message.parts.size() == 1 && message.parts[0].kind == Part::Kind::kText &&
         message.name.empty() && message.extra.members().empty();
}

Result<void> WriteInput(RequestWriter& out) {
  const std::vector<Message>& messages = out.call().messages;
  const Message& first = messages.front();
  const bool instructs = messages.size() > 1 && first.role == Role::kSystem && IsPlain(first);
  if (instructs) out.SetText("instructions", first.parts[0].text);
  json::Writer& json = out.Key("input");
  json.BeginArray();
  for (std::size_t i = instructs ? 1 : 0; i < messages.size(); ++i) {
    WEIR_CHECK(WriteMessage(messages[i], i, out, json));
  }
  json.EndArray();
  return {};
}

void WriteStore(RequestWriter& out) {
  if (!out.call().extra.Find("store").exists()) out.SetBool("store", false);
}

Result<void> WriteResponsesMembers(RequestWriter& out) {
  const model::Call& call = out.call();
  const std::string& model = call.adapter.empty() ? call.model : call.adapter;
  if (!model.empty()) out.SetText("model", model);
  WEIR_CHECK(WriteInput(out));
  out.Offer("echo", call.echo);
  if (call.suffix) {
    WEIR_CHECK(out.Carries("suffix"));
  }
  WEIR_CHECK(WriteTools(out));
  WEIR_CHECK(WriteConstraint(out));
  WEIR_CHECK(WriteSampling(out));
  WEIR_CHECK(WriteReasoning(out));
  WriteRequestMeta(out);
  WriteStore(out);
  if (out.stream()) out.SetBool("stream", true);
  return {};
}

}  // namespace

Result<EncodedRequest> EncodeResponsesRequest(const model::Call& call,
                                              const EncodeOptions& options) {
  WEIR_CHECK(CheckResponses(call, options.dialect));
  RequestWriter out(call, options);
  const Result<void> written = WriteResponsesMembers(out);
  if (out.failure()) return Fail(*out.failure());
  WEIR_CHECK(written);
  return std::move(out).Finish("/v1/responses");
}

}  // namespace weir::wire
