#include "weir/wire/chunk_tree.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/codec.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/reply_parts.h"

namespace weir::wire {
namespace {

constexpr auto kTopFields = {std::string_view("id"),
                             std::string_view("object"),
                             std::string_view("created"),
                             std::string_view("model"),
                             std::string_view("choices"),
                             std::string_view("usage"),
                             std::string_view("system_fingerprint")};
constexpr auto kDeltaFields = {std::string_view("role"),      std::string_view("content"),
                               std::string_view("reasoning"), std::string_view("reasoning_content"),
                               std::string_view("refusal"),   std::string_view("tool_calls")};
constexpr auto kChatChoiceFields = {
    std::string_view("index"),         std::string_view("delta"),
    std::string_view("logprobs"),      std::string_view("token_ids"),
    std::string_view("finish_reason"), std::string_view("stop_reason")};
constexpr auto kTextChoiceFields = {
    std::string_view("index"),         std::string_view("text"),
    std::string_view("logprobs"),      std::string_view("token_ids"),
    std::string_view("finish_reason"), std::string_view("stop_reason")};

void Note(json::View view, std::string& text) {
  if (const std::optional<std::string_view> value = view.AsString()) text = *value;
}

void DecodeToolCalls(json::View entries, std::vector<model::ToolCallDelta>& out) {
  std::int64_t position = 0;
  for (const json::View entry : entries.items()) {
    const json::View function = entry.Find("function");
    model::ToolCallDelta& call = out.emplace_back();
    call.index = entry.Find("index").AsInt64().value_or(position);
    call.id = StringOf(entry.Find("id"));
    call.name = StringOf(function.Find("name"));
    call.arguments = CallArgumentsOf(function);
    ++position;
  }
}

Result<void> DecodeChoice(model::Api api, json::View choice, model::Delta& out) {
  out.has_choice = true;
  out.choice = choice.Find("index").AsInt64().value_or(0);
  if (api == model::Api::kChat) {
    const json::View delta = choice.Find("delta");
    WEIR_CHECK(ReadContent(delta, out.text, out.reasoning));
    out.refusal = StringOf(delta.Find("refusal"));
    DecodeToolCalls(delta.Find("tool_calls"), out.tool_calls);
  } else {
    out.text = StringOf(choice.Find("text"));
  }
  out.tokens = DecodeLogprobs(choice.Find("logprobs"));
  out.token_ids = IntsOf(choice.Find("token_ids"));
  DecodeFinish(choice, out.finish, out.finish_text, out.stop_reason);
  return {};
}

// An event without choices by which somebody between keeps the connection open.
bool SaysNothing(json::View root) {
  return (root.IsObject() && root.empty()) || root.Find("type").StringOr("") == "ping";
}

// Unknown fields of the event stand as they are; those of its choice under "choice", those of the
// choice's delta under "delta".
json::Value ExtraOf(json::View root, json::View choice,
                    std::initializer_list<std::string_view> choice_fields) {
  const json::View delta = choice.Find("delta");
  const bool in_choice = HasUnknown(choice, choice_fields);
  const bool in_delta = HasUnknown(delta, kDeltaFields);
  if (!in_choice && !in_delta) return UnknownMembers(root, kTopFields);
  json::Builder builder;
  builder.BeginObject();
  CopyUnknown(root, kTopFields, builder);
  if (in_choice) {
    builder.Key("choice");
    builder.BeginObject();
    CopyUnknown(choice, choice_fields, builder);
    builder.EndObject();
  }
  if (in_delta) {
    builder.Key("delta");
    builder.BeginObject();
    CopyUnknown(delta, kDeltaFields, builder);
    builder.EndObject();
  }
  builder.EndObject();
  return std::move(builder).Finish();
}

}  // namespace

Result<void> DecodeChunkTree(model::Api api, std::string_view data, model::Delta& out,
                             model::ReplyInfo& info) {
  auto read = json::Read(data);
  if (!read) {
    return Fail(Code::kProtocolError, "an event of the stream is not JSON",
                Quoted(read.error().message));
  }
  const json::Value& root = *read;
  if (IsSet(root.Find("error")) || root.Find("object").StringOr("") == "error") {
    return Fail(DecodeError(0, data));
  }
  const json::View choices = root.Find("choices");
  const json::View usage = root.Find("usage");
  if (!choices.IsArray() && !usage.IsObject()) {
    if (SaysNothing(root)) return {};
    return Fail(Code::kProtocolError,
                "an event of the stream is neither a chunk nor an error: it has no choices",
                Quoted(data));
  }
  if (choices.size() > 1) {
    return Fail(Code::kProtocolError,
                StrCat("an event of the stream holds ", choices.size(),
                       " choices at once; one for each event is what weir reads"));
  }

  Note(root.Find("id"), info.id);
  Note(root.Find("model"), info.model);
  Note(root.Find("system_fingerprint"), info.system_fingerprint);
  info.created = root.Find("created").AsInt64().value_or(info.created);
  const json::View choice = choices[0];
  if (choice.exists()) {
    WEIR_CHECK(DecodeChoice(api, choice, out));
  }
  if (usage.IsObject()) out.usage = DecodeUsage(usage);
  out.extra =
      ExtraOf(root, choice, api == model::Api::kChat ? kChatChoiceFields : kTextChoiceFields);
  return {};
}

}  // namespace weir::wire
