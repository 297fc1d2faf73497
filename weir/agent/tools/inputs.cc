#include "weir/agent/tools/inputs.h"

#include <algorithm>
#include <set>

#include "weir/json/pointer.h"
#include "weir/json/writer.h"

namespace weir::agent {
namespace {

constexpr int kDeepest = 32;

// `seen`: what was referred to already.
bool Speaks(json::View root, json::View schema, std::string_view name,
            std::set<std::string_view>& seen, int depth) {
  if (!schema.IsObject() || depth == kDeepest) return false;
  if (schema.Find("properties").Find(name).exists()) return true;
  const auto speaks = [&](json::View part) { return Speaks(root, part, name, seen, depth + 1); };
  for (const std::string_view key : {"allOf", "anyOf", "oneOf"}) {
    if (std::ranges::any_of(schema.Find(key).items(), speaks)) return true;
  }
  for (const std::string_view key : {"if", "then", "else"}) {
    if (speaks(schema.Find(key))) return true;
  }
  for (const json::Member part : schema.Find("dependentSchemas").members()) {
    if (speaks(part.value)) return true;
  }
  const std::string_view reference = schema.Find("$ref").StringOr("");
  if (!reference.starts_with('#') || !seen.insert(reference).second) return false;
  const Result<json::View> target = json::Resolve(root, reference.substr(1));
  return target && speaks(*target);
}

}  // namespace

bool SpeaksOf(json::View schema, std::string_view name) {
  std::set<std::string_view> seen;
  return Speaks(schema, schema, name, seen, 0);
}

std::string MergedInputs(json::View schema, json::View row, json::View fixed,
                         json::View arguments) {
  const auto gives_model = [&](std::string_view key) {
    if (!arguments.Find(key).exists()) return false;
    return SpeaksOf(schema, key) || !(fixed.Find(key).exists() || row.Find(key).exists());
  };
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  for (const json::Member member : row.members()) {
    if (SpeaksOf(schema, member.key) || fixed.Find(member.key).exists()) continue;
    out.Field(member.key, member.value);
  }
  for (const json::Member member : fixed.members()) {
    if (!gives_model(member.key)) out.Field(member.key, member.value);
  }
  for (const json::Member member : arguments.members()) {
    if (gives_model(member.key)) out.Field(member.key, member.value);
  }
  out.EndObject();
  return text;
}

}  // namespace weir::agent
