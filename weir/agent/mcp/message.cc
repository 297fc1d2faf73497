#include "weir/agent/mcp/message.h"

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::agent::mcp {
namespace {

constexpr std::size_t kShownBytes = 80;  // of what was sent, in a message

bool IsId(json::View id) { return id.IsString() || id.AsInt64().has_value(); }

// Null counts as absent: several servers write it.
Result<json::Value> ObjectOf(const json::Value& document, std::string_view key) {
  const json::View found = document.Find(key);
  if (!found.exists() || found.IsNull()) return json::Value();
  if (found.IsObject()) return document.Share(found);
  return WrongMessage(StrCat("a message whose `", key, "` is ", json::KindName(found.kind()),
                             " where an object belongs"));
}

Result<Message> ParseCall(const json::Value& document) {
  Message message;
  const json::View method = document.Find("method");
  if (method.StringOr("").empty()) return WrongMessage("a message whose `method` is no name");
  message.method = method.StringOr("");
  const json::View id = document.Find("id");
  if (id.exists()) {
    if (!IsId(id)) return WrongMessage("a request whose `id` is neither an integer nor a text");
    message.kind = Message::Kind::kRequest;
    message.id = document.Share(id);
  }
  WEIR_TRY(message.body, ObjectOf(document, "params"));
  return message;
}

Result<Message> ParseFailure(const json::Value& document, json::View error) {
  Message message{.kind = Message::Kind::kError};
  const json::View id = document.Find("id");
  if (IsId(id)) {
    message.id = document.Share(id);
  } else if (id.exists() && !id.IsNull()) {
    return WrongMessage("an error whose `id` is neither an integer nor a text");
  }
  const std::optional<std::int64_t> code = error.Find("code").AsInt64();
  const std::optional<std::string_view> complaint = error.Find("message").AsString();
  if (!code || !complaint) return WrongMessage("an error without `code` and `message`");
  message.code = *code;
  message.complaint = *complaint;
  return message;
}

Result<Message> ParseAnswer(const json::Value& document) {
  const json::View error = document.Find("error");
  const json::View result = document.Find("result");
  if (error.exists() == result.exists()) {
    return WrongMessage("a message that needs one of `method`, `result` and `error`");
  }
  if (error.exists()) return ParseFailure(document, error);
  if (!IsId(document.Find("id")))
    return WrongMessage("a result that does not say which request it is for");
  if (!result.IsObject()) return WrongMessage("a result that is no object");
  return Message{.kind = Message::Kind::kResult,
                 .id = document.Share(document.Find("id")),
                 .body = document.Share(result)};
}

template <class Fill>
std::string WriteMessage(Fill fill) {
  std::string text;
  json::Writer writer(text);
  writer.BeginObject();
  writer.Field("jsonrpc", "2.0");
  fill(writer);
  writer.EndObject();
  return text;
}

}  // namespace

Result<Message> ParseMessage(std::string_view text, std::size_t max_bytes) {
  const Result<json::Value> document = json::Read(text, {.max_bytes = max_bytes});
  if (!document) {
    return Fail(Code::kProtocolError, StrCat("what is no JSON: ", Truncate(text, kShownBytes)),
                document.error().message);
  }
  if (document->IsArray()) {
    return WrongMessage("several messages in one array, which this protocol does not have");
  }
  if (document->Find("jsonrpc").StringOr("") != "2.0") {
    return WrongMessage(
        StrCat("what is no message of JSON-RPC 2.0: ", Truncate(text, kShownBytes)));
  }
  return document->Find("method").exists() ? ParseCall(*document) : ParseAnswer(*document);
}

std::string WriteRequest(std::int64_t id, std::string_view method, json::View params) {
  return WriteMessage([&](json::Writer& writer) {
    writer.Key("id");
    writer.Int(id);
    writer.Field("method", method);
    if (params.exists()) writer.Field("params", params);
  });
}

std::string WriteNotification(std::string_view method, json::View params) {
  return WriteMessage([&](json::Writer& writer) {
    writer.Field("method", method);
    if (params.exists()) writer.Field("params", params);
  });
}

std::string WriteResult(json::View id, json::View result) {
  return WriteMessage([&](json::Writer& writer) {
    writer.Field("id", id);
    writer.Field("result", result);
  });
}

std::string WriteError(json::View id, std::int64_t code, std::string_view complaint) {
  return WriteMessage([&](json::Writer& writer) {
    writer.Field("id", id);
    writer.Key("error");
    writer.BeginObject();
    writer.Key("code");
    writer.Int(code);
    writer.Field("message", complaint);
    writer.EndObject();
  });
}

}  // namespace weir::agent::mcp
