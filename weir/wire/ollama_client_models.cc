#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/ollama_client.h"

namespace weir::wire {
namespace {

// The object that a body must be.
Result<json::Value> ReadObject(std::string_view body, std::string_view what) {
  auto root = json::Read(body);
  if (!root || !root->IsObject()) {
    return Fail(
        Code::kProtocolError,
        StrCat(what, " is not a JSON object: the base URL probably does not name an Ollama"),
        Quoted(root ? body : root.error().message));
  }
  return *std::move(root);
}

std::unexpected<Error> Misses(std::string_view what, std::string_view field,
                              std::string_view body) {
  return Fail(Code::kProtocolError, StrCat(what, " has no field `", field, "`"), Quoted(body));
}

}  // namespace

Result<std::vector<model::ModelEntry>> DecodeOllamaTags(std::string_view body) {
  constexpr std::string_view kWhat = "the list of models";
  WEIR_TRY(const json::Value root, ReadObject(body, kWhat));
  const json::View list = root.Find("models");
  if (!list.IsArray() && !list.IsNull()) return Misses(kWhat, "models", body);
  std::vector<model::ModelEntry> models;
  for (const json::View card : list.items()) {
    model::ModelEntry& entry = models.emplace_back();
    entry.id = card.Find("name").StringOr(card.Find("model").StringOr(""));
    entry.max_model_len = card.Find("context_length").AsInt64();
    entry.extra = UnknownMembers(card, {"name", "model", "context_length"});
  }
  return models;
}

Result<std::string> DecodeOllamaVersion(std::string_view body) {
  constexpr std::string_view kWhat = "the version";
  WEIR_TRY(const json::Value root, ReadObject(body, kWhat));
  const json::View version = root.Find("version");
  if (!version.IsString()) return Misses(kWhat, "version", body);
  return StringOf(version);
}

Result<EncodedRequest> EncodeOllamaEmbed(const model::EmbedCall& call) {
  if (call.texts.empty()) return Fail(Code::kInvalidRequest, "there is no text to embed");
  if (!call.extra.IsNull() && !call.extra.IsObject()) {
    return Fail(Code::kInvalidRequest,
                StrCat("extra must be an object, not a ", json::KindName(call.extra.kind())));
  }
  EncodedRequest request{.path = "/api/embed", .body = {}, .degradations = {}};
  json::Writer json(request.body);
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
  // Otherwise the vector of a text that is too long is that of its beginning, and nobody knows.
  if (!call.extra.Find("truncate").exists()) {
    json.Key("truncate");
    json.Bool(false);
  }
  for (const json::Member member : call.extra.members()) {
    const bool own = member.key == "model" || member.key == "input" ||
                     (member.key == "dimensions" && call.dimensions);
    if (own) {
      request.degradations.push_back(
          {std::string(member.key), "the call sets this field itself; that of extra lost"});
    } else if (!member.value.IsNull()) {
      json.Field(member.key, member.value);
    }
  }
  json.EndObject();
  return request;
}

Result<model::Embeddings> DecodeOllamaEmbed(std::string_view body) {
  constexpr std::string_view kWhat = "the answer with embeddings";
  WEIR_TRY(const json::Value root, ReadObject(body, kWhat));
  const json::View vectors = root.Find("embeddings");
  if (!vectors.IsArray()) return Misses(kWhat, "embeddings", body);
  model::Embeddings out;
  out.model = StringOf(root.Find("model"));
  out.usage.prompt_tokens = CountOf(root.Find("prompt_eval_count"));
  out.usage.total_tokens = out.usage.prompt_tokens;
  for (const json::View vector : vectors.items()) {
    std::vector<float>& numbers = out.vectors.emplace_back();
    numbers.reserve(vector.size());
    for (const json::View item : vector.items()) {
      const std::optional<double> number = item.AsDouble();
      if (!number) {
        return Fail(Code::kProtocolError, StrCat(kWhat, " has a vector of other than numbers"),
                    Quoted(body));
      }
      numbers.push_back(static_cast<float>(*number));
    }
  }
  return out;
}

}  // namespace weir::wire
