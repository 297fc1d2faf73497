#include "weir/wire/embeddings_client.h"

#include <bit>
#include <cstring>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/wire/extra_fields.h"
#include "weir/wire/json_fields.h"

namespace weir::wire {
namespace {

Error NotTheAnswer(std::string_view what) {
  return Error{.code = Code::kProtocolError,
               .message = StrCat("the answer holds no ", what,
                                 "; is this the address of a model server, and does its model "
                                 "have them?")};
}

std::optional<std::vector<float>> Unpack(std::string_view base64) {
  static_assert(std::endian::native == std::endian::little);
  const std::optional<std::string> bytes = Base64Decode(base64);
  if (!bytes || bytes->size() % sizeof(float) != 0) return std::nullopt;
  std::vector<float> vector(bytes->size() / sizeof(float));
  std::memcpy(vector.data(), bytes->data(), bytes->size());
  return vector;
}

std::optional<std::vector<float>> VectorOf(json::View embedding) {
  if (const std::optional<std::string_view> packed = embedding.AsString()) return Unpack(*packed);
  if (!embedding.IsArray()) return std::nullopt;
  std::vector<float> vector;
  vector.reserve(embedding.items().size());
  for (const json::View item : embedding.items()) {
    const std::optional<double> number = item.AsDouble();
    if (!number) return std::nullopt;
    vector.push_back(static_cast<float>(*number));
  }
  return vector;
}

}  // namespace

Result<EncodedRequest> EncodeEmbeddings(const model::EmbedCall& call) {
  if (call.texts.empty()) return Fail(Code::kInvalidRequest, "there is no text to embed");
  std::string body;
  json::Writer json(body);
  json.BeginObject();
  if (!call.model.empty()) json.Field("model", call.model);
  json.Key("input");
  json.BeginArray();
  for (const std::string& text : call.texts) json.String(text);
  json.EndArray();
  if (call.dimensions) {
    json.Key("dimensions");
    json.Int(*call.dimensions);
  }
  json.Field("encoding_format", call.as_base64 ? "base64" : "float");
  constexpr std::string_view kOwn[] = {"model", "input", "dimensions", "encoding_format"};
  std::vector<model::Degradation> degradations;
  WEIR_CHECK(
      WriteExtra(call.extra, {.reserved = kOwn, .written = {}, .joined = {}}, json, degradations));
  json.EndObject();
  return EncodedRequest{
      .path = "/v1/embeddings", .body = std::move(body), .degradations = std::move(degradations)};
}

Result<model::Embeddings> DecodeEmbeddings(std::string_view body) {
  const Result<json::Value> answer = json::Read(body);
  if (!answer || !answer->Find("data").IsArray()) return Fail(NotTheAnswer("embeddings"));
  const auto items = answer->Find("data").items();
  model::Embeddings out;
  out.id = answer->Find("id").StringOr("");
  out.created = answer->Find("created").AsInt64().value_or(0);
  out.model = answer->Find("model").StringOr("");
  out.vectors.resize(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto index = static_cast<std::size_t>(
        items[i].Find("index").AsInt64().value_or(static_cast<std::int64_t>(i)));
    std::optional<std::vector<float>> vector = VectorOf(items[i].Find("embedding"));
    if (!vector || index >= out.vectors.size() || !out.vectors[index].empty()) {
      return Fail(NotTheAnswer("embeddings that can be read"));
    }
    out.vectors[index] = *std::move(vector);
  }
  const json::View usage = answer->Find("usage");
  out.usage.prompt_tokens = CountOf(usage.Find("prompt_tokens"));
  out.usage.total_tokens = CountOf(usage.Find("total_tokens"));
  return out;
}

Result<model::Tokens> DecodeTokens(std::string_view body) {
  const Result<json::Value> answer = json::Read(body);
  if (!answer || !answer->Find("tokens").IsArray()) return Fail(NotTheAnswer("tokens"));
  model::Tokens out;
  for (const json::View item : answer->Find("tokens").items()) {
    const std::optional<std::int64_t> id = item.AsInt64();
    if (!id) return Fail(NotTheAnswer("tokens that can be read"));
    out.ids.push_back(*id);
  }
  out.max_model_len = answer->Find("max_model_len").AsInt64();
  return out;
}

}  // namespace weir::wire
