#include "weir/wire/evidence.h"

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/field_table.h"

namespace weir::wire {
namespace {

// Spellings that came and went; those that only came are in the table of fields.
constexpr Version kStructuredOutputsCame{0, 11, 0};
constexpr Version kGuidedWent{0, 12, 0};
constexpr std::string_view kLastFlatErrors = "0.10.0";

Dialect DialectOf(const Version& version) {
  return DialectOfVersion(StrCat(version.major, ".", version.minor, ".", version.patch));
}

}  // namespace

std::optional<Dialect> DialectOfOpenApi(std::string_view body) {
  const auto document = json::Read(body);
  if (!document) return std::nullopt;
  const json::View fields =
      document->Find("components").Find("schemas").Find("ChatCompletionRequest").Find("properties");
  if (!fields.IsObject()) return std::nullopt;
  Version oldest = kAlways;
  bool has_all = true;
  for (const FieldSince& field : kFields) {
    const Version since = field.For(ServerKind::kVllm, model::Api::kChat);
    if (since == kAlways || since == kNever) continue;
    const bool listed = fields.Find(field.key).exists();
    has_all = has_all && listed;
    if (listed) oldest = std::max(oldest, since);
  }
  const bool has_new_spelling = fields.Find("structured_outputs").exists();
  const bool has_old_spelling = fields.Find("guided_json").exists();
  if (has_new_spelling) oldest = std::max(oldest, kStructuredOutputsCame);
  if (has_new_spelling && !has_old_spelling) oldest = std::max(oldest, kGuidedWent);
  if (!has_new_spelling && !has_old_spelling) return std::nullopt;  // none of vLLM's
  if (has_all) return DialectOfVersion("");
  if (oldest == kAlways) oldest = Version{0, 6, 6};
  return DialectOf(oldest);
}

std::optional<Dialect> DialectOfErrorBody(std::string_view body) {
  const auto document = json::Read(body);
  if (!document) return std::nullopt;
  if (document->Find("object").StringOr("") == "error" && document->Find("message").IsString()) {
    return DialectOfVersion(kLastFlatErrors);
  }
  if (document->Find("error").Find("message").IsString()) return DialectOfVersion("");
  return std::nullopt;
}

}  // namespace weir::wire
