#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/wire/codec.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/openai_server.h"

namespace weir::wire {
namespace {

// An id for a permission card. vLLM draws it; made from the name, the bytes stay the same.
std::string PermissionId(std::string_view name, std::int64_t created, bool short_ids) {
  std::uint64_t hash = 14695981039346656037ULL ^ static_cast<std::uint64_t>(created);
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  std::string digits = HexText(hash);
  if (!short_ids) digits += std::string(digits.rbegin(), digits.rend());
  return StrCat("modelperm-", digits);
}

void WritePermission(std::string_view name, std::int64_t created, bool short_ids,
                     json::Writer& out) {
  out.BeginObject();
  out.Field("id", PermissionId(name, created, short_ids));
  out.Field("object", "model_permission");
  out.Key("created");
  out.Int(created);
  constexpr std::pair<std::string_view, bool> kFlags[] = {
      {"allow_create_engine", false},  {"allow_sampling", true}, {"allow_logprobs", true},
      {"allow_search_indices", false}, {"allow_view", true},     {"allow_fine_tuning", false}};
  for (const auto& [flag, value] : kFlags) {
    out.Key(flag);
    out.Bool(value);
  }
  out.Field("organization", "*");
  out.Key("group");
  out.Null();
  out.Key("is_blocking");
  out.Bool(false);
  out.EndObject();
}

// What the servers that are not vLLM tell of a model.
void WriteShortCard(const model::ModelEntry& entry, std::int64_t created, const Dialect& dialect,
                    json::Writer& out) {
  const std::string_view owner = dialect.kind == ServerKind::kOllama ? "library" : "system";
  out.BeginObject();
  out.Field("id", entry.id);
  out.Field("object", "model");
  out.Key("created");
  out.Int(created);
  out.Field("owned_by", owner);
  out.EndObject();
}

}  // namespace

Result<std::vector<model::ModelEntry>> DecodeModels(std::string_view body) {
  auto root = json::Read(body);
  if (!root) {
    return Fail(Code::kProtocolError,
                "the list of models is not JSON: the base URL probably does not name a model "
                "server",
                Quoted(root.error().message));
  }
  const json::View data = root->Find("data");
  if (!data.IsArray()) {
    return Fail(Code::kProtocolError, "the list of models has no field `data`", Quoted(body));
  }
  std::vector<model::ModelEntry> models;
  for (const json::View card : data.items()) {
    model::ModelEntry& entry = models.emplace_back();
    entry.id = StringOf(card.Find("id"));
    entry.root = StringOf(card.Find("root"));
    entry.parent = StringOf(card.Find("parent"));
    entry.owned_by = StringOf(card.Find("owned_by"));
    entry.max_model_len = card.Find("max_model_len").AsInt64();
    entry.extra = UnknownMembers(card, {"id", "root", "parent", "owned_by", "max_model_len",
                                        "object", "created", "permission"});
  }
  return models;
}

std::string EncodeModel(const model::ModelEntry& model, std::int64_t created,
                        const Dialect& dialect) {
  std::string body;
  json::Writer out(body);
  WriteShortCard(model, created, dialect, out);
  return body;
}

std::string EncodeModels(const std::vector<model::ModelEntry>& models, std::int64_t created,
                         const Dialect& dialect) {
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  out.Field("object", "list");
  out.Key("data");
  out.BeginArray();
  for (const model::ModelEntry& entry : models) {
    if (dialect.kind != ServerKind::kVllm) {
      WriteShortCard(entry, created, dialect, out);
      continue;
    }
    out.BeginObject();
    out.Field("id", entry.id);
    out.Field("object", "model");
    out.Key("created");
    out.Int(created);
    out.Field("owned_by", entry.owned_by.empty() ? "vllm" : entry.owned_by);
    out.Field("root", entry.root.empty() ? entry.id : entry.root);
    out.Key("parent");
    entry.parent.empty() ? out.Null() : out.String(entry.parent);
    out.Key("max_model_len");
    entry.max_model_len ? out.Int(*entry.max_model_len) : out.Null();
    out.Key("permission");
    out.BeginArray();
    WritePermission(entry.id, created, dialect.short_ids, out);
    out.EndArray();
    for (const json::Member member : entry.extra.members()) out.Field(member.key, member.value);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return body;
}

}  // namespace weir::wire
