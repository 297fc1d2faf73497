#include "weir/text/call_values.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/lenient.h"
#include "weir/json/pointer.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::text {
namespace {

using Kinds = Wanted::Kinds;

constexpr int kMaxSchemaDepth = 16;    // of schemas that refer to schemas
constexpr int kMaxSchemaVisits = 256;  // of one question

Kinds KindsOfType(std::string_view type) {
  static constexpr std::pair<std::string_view, Kinds> kTypes[] = {
      {"string", Wanted::kText},
      {"str", Wanted::kText},
      {"text", Wanted::kText},
      {"char", Wanted::kText},
      {"integer", Wanted::kInteger},
      {"int", Wanted::kInteger},
      {"long", Wanted::kInteger},
      {"number", Wanted::kNumber | Wanted::kInteger},
      {"float", Wanted::kNumber | Wanted::kInteger},
      {"double", Wanted::kNumber | Wanted::kInteger},
      {"boolean", Wanted::kBool},
      {"bool", Wanted::kBool},
      {"null", Wanted::kNull},
      {"array", Wanted::kArray},
      {"list", Wanted::kArray},
      {"tuple", Wanted::kArray},
      {"object", Wanted::kObject},
      {"dict", Wanted::kObject},
      {"map", Wanted::kObject},
  };
  const std::string lower = ToLower(type);
  for (const auto& [name, kinds] : kTypes) {
    if (name == lower) return kinds;
  }
  return Wanted::kAnything;
}

bool IsIntegral(json::View number) {
  return number.AsInt64() || number.NumberText().find_first_of(".eE") == std::string_view::npos;
}

Kinds KindOf(json::View value) {
  switch (value.kind()) {
    case json::Kind::kNull:
      return Wanted::kNull;
    case json::Kind::kBool:
      return Wanted::kBool;
    case json::Kind::kNumber:
      return IsIntegral(value) ? Wanted::kInteger : Wanted::kNumber;
    case json::Kind::kString:
      return Wanted::kText;
    case json::Kind::kArray:
      return Wanted::kArray;
    case json::Kind::kObject:
      return Wanted::kObject;
    case json::Kind::kAbsent:
      break;
  }
  return 0;
}

bool MayBeContainer(std::string_view text) {
  return text.starts_with('{') || text.starts_with('[');
}

// A document that was cut behind a key has null in its place, and the key may be a part of one.
bool EndsInKey(std::string_view text, const json::RepairReport& report) {
  if (report.complete) return false;
  const std::size_t end = text.find_last_not_of(" \t\r\n") + 1;
  return std::ranges::any_of(report.repairs, [end](const json::Repair& repair) {
    return repair.kind == json::RepairKind::kMissingValue && repair.offset >= end;
  });
}

// Copies `value` without the null at its very end.
void CopyWithoutEnd(json::View value, json::Builder& out) {
  if (value.IsArray()) {
    out.BeginArray();
    for (std::size_t i = 0; i + 1 < value.size(); ++i) out.Copy(value[i]);
    if (!value.empty()) CopyWithoutEnd(value[value.size() - 1], out);
    out.EndArray();
  } else if (value.IsObject()) {
    out.BeginObject();
    std::size_t left = value.size();
    for (const json::Member member : value.members()) {
      if (--left == 0 && member.value.IsNull()) break;
      out.Key(member.key);
      left == 0 ? CopyWithoutEnd(member.value, out) : out.Copy(member.value);
    }
    out.EndObject();
  } else {
    out.Copy(value);
  }
}

// What a text that cannot be text is, read with patience.
std::optional<std::string> ReadPatiently(std::string_view text, Kinds wanted, std::string_view key,
                                         CallList& list) {
  if ((wanted & Wanted::kBool) != 0) {
    if (EqualsIgnoreCase(text, "true")) return "true";
    if (EqualsIgnoreCase(text, "false")) return "false";
  }
  if ((wanted & Wanted::kNull) != 0) {
    if (text.empty() || EqualsIgnoreCase(text, "none") || EqualsIgnoreCase(text, "null")) {
      return "null";
    }
  }
  const auto mended = json::ReadLenient(text, {.max_depth = kMaxDepth});
  if (!mended) return std::nullopt;
  const Kinds kind = KindOf(mended->value);
  const Kinds numbers = Wanted::kNumber | Wanted::kInteger;
  const bool fits = (kind & wanted) != 0 || ((kind & numbers) != 0 && (wanted & numbers) != 0);
  if (!fits) return std::nullopt;
  list.Note(StrCat("\"", Truncate(key, 80), "\""), mended->report);
  return json::Write(WithoutCutKey(text, *mended));
}

}  // namespace

json::Value WithoutCutKey(std::string_view text, const json::Mended& mended) {
  if (!EndsInKey(text, mended.report)) return mended.value;
  json::Builder out;
  CopyWithoutEnd(mended.value, out);
  return std::move(out).Finish();
}

std::string Quoted(std::string_view text) {
  std::string out;
  json::AppendQuoted(out, text);
  return out;
}

std::string_view WithoutPartOf(std::string_view text, std::string_view mark) {
  for (std::size_t size = std::min(mark.size() - 1, text.size()); size > 0; --size) {
    if (text.ends_with(mark.substr(0, size))) return text.substr(0, text.size() - size);
  }
  return text;
}

Wanted Wanted::ArgumentsOf(const model::ToolSpec* tool) {
  if (tool == nullptr || !tool->parameters.IsObject()) return {};
  return {tool->parameters, tool->parameters};
}

json::View Wanted::Resolve(json::View schema) const {
  for (int hops = 0; hops < kMaxSchemaDepth; ++hops) {
    const auto reference = schema.Find("$ref").AsString();
    if (!reference || !reference->starts_with('#')) break;
    const auto target = json::Resolve(root_, reference->substr(1));
    schema = target ? *target : json::View();
  }
  return schema;
}

json::View Wanted::Lookup(json::View schema, std::string_view key, int depth) const {
  if (depth > 2) return {};
  schema = Resolve(schema);
  if (const json::View found = schema.Find("properties").Find(key); found.exists()) return found;
  for (const std::string_view word : {"allOf", "anyOf", "oneOf"}) {
    for (const json::View branch : schema.Find(word).items()) {
      if (const json::View found = Lookup(branch, key, depth + 1); found.exists()) return found;
    }
  }
  return {};
}

Wanted Wanted::Property(std::string_view key) const {
  const json::View found = Lookup(schema_, key, 0);
  return {found.exists() ? found : Resolve(schema_).Find("additionalProperties"), root_};
}

Wanted Wanted::Item() const {
  const json::View schema = Resolve(schema_);
  if (schema.Find("items").exists()) return {schema.Find("items"), root_};
  for (const std::string_view word : {"anyOf", "oneOf", "allOf"}) {
    for (const json::View branch : schema.Find(word).items()) {
      const json::View items = Resolve(branch).Find("items");
      if (items.exists()) return {items, root_};
    }
  }
  return {};
}

std::vector<std::string_view> Wanted::PropertyNames() const {
  std::vector<std::string_view> names;
  for (const json::Member member : Resolve(schema_).Find("properties").members()) {
    names.push_back(member.key);
  }
  return names;
}

Wanted::Kinds Wanted::kinds() const {
  int budget = kMaxSchemaVisits;
  const Kinds kinds = KindsOf(schema_, 0, budget);
  return kinds == 0 ? kAnything : kinds;
}

Wanted::Kinds Wanted::KindsOf(json::View schema, int depth, int& budget) const {
  if (depth > kMaxSchemaDepth || --budget < 0) return kAnything;
  schema = Resolve(schema);
  Kinds kinds = kAnything;
  const json::View type = schema.Find("type");
  if (type.IsString()) {
    kinds = KindsOfType(type.StringOr(""));
  } else if (!type.empty()) {
    kinds = 0;
    for (const json::View one : type.items()) kinds |= KindsOfType(one.StringOr(""));
  } else if (schema.Find("properties").IsObject()) {
    kinds = kObject;
  } else if (schema.Find("items").exists()) {
    kinds = kArray;
  }
  if (const json::View choices = schema.Find("enum"); !choices.empty()) {
    Kinds listed = 0;
    for (const json::View choice : choices.items()) listed |= KindOf(choice);
    kinds &= listed;
  }
  if (const json::View only = schema.Find("const"); only.exists()) kinds &= KindOf(only);
  for (const std::string_view word : {"anyOf", "oneOf"}) {
    const json::View branches = schema.Find(word);
    if (branches.empty()) continue;
    Kinds some = 0;
    for (const json::View branch : branches.items()) some |= KindsOf(branch, depth + 1, budget);
    kinds &= some;
  }
  for (const json::View branch : schema.Find("allOf").items()) {
    kinds &= KindsOf(branch, depth + 1, budget);
  }
  if (schema.Find("nullable").BoolOr(false)) kinds |= kNull;
  return kinds;
}

std::string BendText(std::string_view text, const Wanted& wanted, std::string_view key,
                     CallList& list) {
  const Kinds kinds = wanted.kinds();
  if (kinds == Wanted::kText) return Quoted(text);
  const std::string_view trimmed = Trim(text);
  const auto strict = json::Read(trimmed, {.max_depth = kMaxDepth});
  if (strict && !strict->IsString() && (KindOf(*strict) & kinds) != 0) return json::Write(*strict);

  if ((kinds & Wanted::kText) != 0) {
    const bool said = kinds != Wanted::kAnything;
    if (said && (kinds & Wanted::kNull) != 0 && trimmed == "None") return "null";
    if (said && MayBeContainer(trimmed)) {
      const Kinds containers = kinds & (Wanted::kArray | Wanted::kObject);
      if (auto json = ReadPatiently(trimmed, containers, key, list)) return *std::move(json);
    }
    return Quoted(text);
  }
  if (strict && strict->IsString()) {
    const std::string_view inner = strict->StringOr("");
    list.Note(StrCat("\"", Truncate(key, 80), "\" stood in quotes"));
    return ReadPatiently(Trim(inner), kinds, key, list).value_or(Quoted(inner));
  }
  return ReadPatiently(trimmed, kinds, key, list).value_or(Quoted(text));
}

std::string ReadDeclaredJson(std::string_view text, std::string_view key, CallList& list) {
  const std::string_view trimmed = Trim(text);
  if (trimmed.empty()) return Quoted(text);
  if (const auto strict = json::Read(trimmed, {.max_depth = kMaxDepth}))
    return json::Write(*strict);
  return ReadPatiently(trimmed, Wanted::kAnything & ~Wanted::kText, key, list)
      .value_or(Quoted(text));
}

}  // namespace weir::text
