#include "weir/flow/batch.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/wire/control_server.h"
#include "weir/wire/server_codec.h"

namespace weir::flow {
namespace {

std::optional<model::Api> ApiOf(std::string_view url) {
  if (url == "/v1/chat/completions") return model::Api::kChat;
  if (url == "/v1/completions") return model::Api::kCompletions;
  if (url == "/v1/responses") return model::Api::kResponses;
  return std::nullopt;
}

constexpr std::string_view kEmbeddings = "/v1/embeddings";

wire::Dialect LatestVllm() { return {}; }

// The same for the same request in every run.
std::string IdOf(std::string_view kind, std::string_view custom_id) {
  Random random(StableHash(custom_id.data(), custom_id.size()));
  return StrCat(kind, HexId(random, 16));
}

// `failure` is null where there is none.
std::string Line(std::string_view custom_id, std::int64_t status, json::View body,
                 const BatchFailure* failure) {
  std::string line;
  json::Writer out(line);
  out.BeginObject();
  out.Field("id", IdOf("weir-", custom_id));
  out.Field("custom_id", custom_id);
  out.PlainKey("response");
  out.BeginObject();
  out.PlainKey("status_code");
  out.Int(status);
  out.Field("request_id", IdOf("weir-batch-", custom_id));
  out.Field("body", body);
  out.EndObject();
  out.PlainKey("error");
  if (failure == nullptr) {
    out.Null();
  } else {
    out.BeginObject();
    out.PlainKey("error");
    out.BeginObject();
    out.Field("message", failure->message);
    out.Field("type", failure->name);
    out.PlainKey("param");
    out.Null();
    out.PlainKey("code");
    out.Int(status);
    out.EndObject();
    out.EndObject();
  }
  out.EndObject();
  return line + "\n";
}

// What weir does not read of a request for embeddings goes to the server as it is.
json::Value Beside(json::View body, std::optional<std::int64_t> dimensions) {
  constexpr std::string_view kRead[] = {"model", "input", "dimensions", "encoding_format",
                                        "request_id"};
  json::Builder rest;
  rest.BeginObject();
  if (dimensions) {
    rest.Key("dimensions");
    rest.Int(*dimensions);
  }
  for (const auto& [key, value] : body.members()) {
    if (std::ranges::find(kRead, key) != std::end(kRead) || value.IsNull()) continue;
    rest.Key(key);
    rest.Copy(value);
  }
  rest.EndObject();
  return std::move(rest).Finish();
}

Result<model::Call> EmbeddingCall(json::View body) {
  const std::expected<wire::IncomingEmbedding, wire::ServerError> incoming =
      wire::DecodeEmbedding(json::Write(body), LatestVllm());
  if (!incoming) return Fail(Code::kInvalidRequest, incoming.error().message);
  if (incoming->texts.empty()) {
    return Fail(Code::kInvalidRequest,
                "`input` must be a text or a list of texts: weir sends neither token ids nor "
                "`messages` to be embedded");
  }
  model::Call call;
  call.model = incoming->model;
  call.messages.reserve(incoming->texts.size());
  for (const std::string& text : incoming->texts) {
    call.messages.push_back(model::Message::Text(model::Role::kUser, text));
  }
  call.sampling.max_tokens = 0;  // vectors are no tokens
  call.extra = Beside(body, incoming->dimensions);
  return call;
}

Result<json::Value> EmbeddingReply(json::View row, const model::Reply& reply) {
  std::vector<std::vector<float>> vectors;
  for (const json::View list : json::View(reply.choices.front().value).items()) {
    std::vector<float>& vector = vectors.emplace_back();
    vector.reserve(list.size());
    for (const json::View number : list.items()) {
      vector.push_back(static_cast<float>(number.AsDouble().value_or(0)));
    }
  }
  model::ReplyInfo info = reply.info;
  if (info.id.empty()) info.id = IdOf("embd-", row.Find("custom_id").StringOr(""));
  const bool base64 = row.Find("body").Find("encoding_format").StringOr("") == "base64";
  return json::Read(wire::EncodeEmbedding(info, vectors, base64,
                                          reply.usage.prompt_tokens.value_or(0), LatestVllm()));
}

}  // namespace

Flow BatchFlow(std::string engine, std::string model) {
  Flow flow;
  flow.name = "openai-batch";
  flow.engine = std::move(engine);
  flow.id = "custom_id";
  flow.warmup = false;
  Step step;
  step.batch = true;
  step.model = std::move(model);
  flow.nodes.push_back({.id = std::string(kBatchStep), .place = {}, .what = std::move(step)});
  return flow;
}

Result<json::Value> PromptRequest(json::View job) {
  const json::View id = job.Find("id");
  const json::View prompts = job.Find("prompts");
  const json::View schema = job.Find("schema");
  const json::View document = job.Find("document_text");
  const auto fail = [](std::string_view what) {
    return Fail(Code::kInvalidRequest,
                StrCat("a job has {\"id\", \"prompts\": {\"system\", \"user\"}, \"schema\", "
                       "\"document_text\"}; ",
                       what));
  };
  if (!id.IsString() && !id.IsNumber()) return fail("`id` must be a text or a number");
  if (!prompts.IsObject()) return fail("`prompts` must be an object of texts");
  for (const auto& [name, text] : prompts.members()) {
    if (name != "system" && name != "user") return fail(StrCat("there is no prompt `", name, "`"));
    if (!text.IsString()) return fail(StrCat("`prompts.", name, "` must be a text"));
  }
  if (schema.exists() && !schema.IsNull() && !schema.IsObject())
    return fail("`schema` must be an object");
  if (document.exists() && !document.IsNull() && !document.IsString())
    return fail("`document_text` must be a text");
  for (const auto& [name, value] : job.members()) {
    const bool known =
        name == "id" || name == "prompts" || name == "schema" || name == "document_text";
    if (!known) return fail(StrCat("there is no `", name, "`"));
  }
  std::string user(prompts.Find("user").StringOr(""));
  const std::string_view text = document.StringOr("");
  if (!user.empty() && !text.empty()) user += "\n\n";
  user += text;
  if (user.empty()) return fail("`prompts.user` and `document_text` are both empty");

  json::Builder out;
  out.BeginObject();
  out.Key("custom_id");
  out.String(id.IsString() ? std::string(id.StringOr("")) : json::Write(id));
  out.Key("method");
  out.String("POST");
  out.Key("url");
  out.String("/v1/chat/completions");
  out.Key("body");
  out.BeginObject();
  out.Key("messages");
  out.BeginArray();
  const auto message = [&out](std::string_view role, std::string_view content) {
    out.BeginObject();
    out.Key("role");
    out.String(role);
    out.Key("content");
    out.String(content);
    out.EndObject();
  };
  const std::string_view system = prompts.Find("system").StringOr("");
  if (!system.empty()) message("system", system);
  message("user", user);
  out.EndArray();
  if (schema.IsObject()) {
    out.Key("response_format");
    out.BeginObject();
    out.Key("type");
    out.String("json_schema");
    out.Key("json_schema");
    out.BeginObject();
    out.Key("name");
    out.String("answer");
    out.Key("schema");
    out.Copy(schema);
    out.EndObject();
    out.EndObject();
  }
  out.EndObject();
  out.EndObject();
  return std::move(out).Finish();
}

bool AsksForEmbeddings(json::View row) { return row.Find("url").StringOr("") == kEmbeddings; }

Result<model::Call> BatchCall(json::View row, const std::string& model) {
  const std::string_view url = row.Find("url").StringOr("");
  const std::optional<model::Api> api = ApiOf(url);
  const bool embeds = AsksForEmbeddings(row);
  if (!api && !embeds) {
    return Fail(Code::kInvalidRequest,
                StrCat("URL ", Truncate(url, 100),
                       " was used. Supported endpoints: /v1/chat/completions, /v1/completions, "
                       "/v1/responses, /v1/embeddings"));
  }
  if (!row.Find("body").IsObject()) {
    return Fail(Code::kInvalidRequest, "the request has no `body`, which must be an object");
  }
  if (embeds) {
    WEIR_TRY(model::Call call, EmbeddingCall(row.Find("body")));
    if (!model.empty()) call.model = model;
    return call;
  }
  std::expected<wire::IncomingCall, wire::ServerError> incoming =
      wire::DecodeRequest(*api, json::Write(row.Find("body")), LatestVllm());
  if (!incoming) return Fail(Code::kInvalidRequest, incoming.error().message);
  if (incoming->stream)
    return Fail(Code::kInvalidRequest, "Request must not be sent in stream mode");
  model::Call call = std::move(incoming->call);
  if (*api == model::Api::kChat && call.messages.empty()) {
    return Fail(Code::kInvalidRequest, "`messages` is empty: a chat needs at least one message");
  }
  if (!model.empty()) call.model = model;
  return call;
}

Result<json::Value> BatchReply(json::View row, const model::Reply& reply) {
  if (AsksForEmbeddings(row)) return EmbeddingReply(row, reply);
  const model::Api api = ApiOf(row.Find("url").StringOr("")).value_or(model::Api::kChat);
  return json::Read(wire::EncodeReply(api, reply, LatestVllm()));
}

std::string BatchLine(std::string_view custom_id, json::View body) {
  constexpr std::int64_t kOk = 200;
  return Line(custom_id, kOk, body, nullptr);
}

std::string BatchErrorLine(std::string_view custom_id, const BatchFailure& failure) {
  constexpr std::int64_t kBadRequest = 400;
  constexpr std::int64_t kNoAnswer = 500;
  const bool refused = failure.name == "invalid_request" || failure.name == "invalid_json" ||
                       failure.name == "config_error";
  const std::int64_t status =
      failure.http_status > 0 ? failure.http_status : (refused ? kBadRequest : kNoAnswer);
  return Line(custom_id, status, json::Value(), &failure);
}

}  // namespace weir::flow
