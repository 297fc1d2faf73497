#include "weir/schema/subset.h"

#include <algorithm>
#include <utility>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/json/pointer.h"
#include "weir/schema/subset_table.h"
#include "weir/schema/words.h"

namespace weir::schema {
namespace {

constexpr std::string_view kNames[] = {"xgrammar", "guidance", "outlines", "llama.cpp",
                                       "openai-strict"};

// Where schemas are inside a schema.
constexpr std::string_view kOne[] = {
    "items",
    "additionalProperties",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "propertyNames",
    "additionalItems",
    "unevaluatedItems",
    "unevaluatedProperties",
};
constexpr std::string_view kList[] = {"allOf", "anyOf", "oneOf", "prefixItems", "items"};
constexpr std::string_view kMap[] = {
    "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies",
};
constexpr std::string_view kKnownFormats[] = {"date", "time", "date-time", "uuid"};
constexpr std::string_view kUsualFormats[] = {"duration", "email", "hostname", "ipv4", "ipv6"};

bool HoldsContainer(json::View value) {
  if (value.IsObject()) return true;
  return std::ranges::any_of(value.items(),
                             [](json::View item) { return item.IsArray() || item.IsObject(); });
}

// Whether a keyword restricts nothing with this value.
bool IsNeutral(std::string_view keyword, json::View value) {
  if (value.IsBool()) return keyword != "not" && value.BoolOr(true) == (keyword != "uniqueItems");
  if (keyword == "minContains") return false;
  if (keyword.starts_with("min") && keyword != "minimum") return value.AsUint64() == 0U;
  if (keyword == "items" || keyword == "enum" || keyword == "const") return false;
  return (value.IsObject() || value.IsArray()) && value.empty() && keyword != "not";
}

bool AllowsObjects(json::View schema) {
  const json::View type = schema.Find("type");
  if (!type.exists()) return schema.Find("properties").exists();
  return type.StringOr("") == "object" || std::ranges::any_of(type.items(), [](json::View one) {
           return one.StringOr("") == "object";
         });
}

bool HasOptionalProperty(json::View schema) {
  const json::View required = schema.Find("required");
  return std::ranges::any_of(schema.Find("properties").members(), [&](const json::Member& member) {
    return std::ranges::none_of(required.items(),
                                [&](json::View name) { return name.StringOr("") == member.key; });
  });
}

class Explainer {
 public:
  Explainer(json::View root, Decoder decoder) : root_(root), decoder_(decoder) {}

  std::vector<Finding> Run() {
    Look(root_, "", 0);
    return std::move(findings_);
  }

 private:
  bool Counts(const Fact& fact, json::View schema, json::View value, bool is_root) const {
    const auto beside = [&](std::string_view key) { return schema.Find(key).exists(); };
    const std::string_view text = value.StringOr("");
    switch (fact.when) {
      case When::kAlways:
        return true;
      case When::kRoot:
        return is_root;
      case When::kRootIsNoObject:
        return is_root && !(schema.Find("type").StringOr("") == "object");
      case When::kMissing:
        return !value.exists() && AllowsObjects(schema);
      case When::kNotAllRequired:
        return HasOptionalProperty(schema);
      case When::kNotFalse:
        return value.BoolOr(true);
      case When::kNotInteger:
        return schema.Find("type").StringOr("") != "integer";
      case When::kNotAnchored:
        return !text.starts_with('^') || !text.ends_with('$');
      case When::kBesidePattern:
        return beside("pattern") || beside("format");
      case When::kBesideLength:
        return beside("minLength") || beside("maxLength");
      case When::kBesideProperties:
        return beside("properties");
      case When::kNotScalar:
        return HoldsContainer(value) || (fact.keyword == "const" && value.IsArray());
      case When::kRemote:
        return !text.starts_with('#');
      case When::kKnownFormat:
        return HasWord(kKnownFormats, text);
      case When::kUsualFormat:
        return HasWord(kUsualFormats, text);
      case When::kUri:
        return text == "uri";
    }
    return false;
  }

  // The first row that answers for the keyword; `value` is absent when it is not there.
  void Judge(json::View schema, std::string_view keyword, json::View value,
             const std::string& pointer) {
    for (const Fact& fact : Facts()) {
      if (fact.keyword != keyword || !Counts(fact, schema, value, pointer.empty())) continue;
      const Cell& cell = fact.cells[static_cast<std::size_t>(decoder_)];
      if (!cell.filled) continue;
      return Tell(pointer, keyword, cell, value.exists());
    }
  }

  void Tell(const std::string& pointer, std::string_view keyword, const Cell& cell, bool is_there) {
    if (cell.verdict == Verdict::kEnforced && cell.remark.empty()) return;
    std::string message =
        StrCat("at ", pointer.empty() ? "the top level" : pointer, ": ", DecoderName(decoder_), " ",
               cell.verdict == Verdict::kEnforced  ? "enforces"
               : cell.verdict == Verdict::kIgnored ? "ignores"
                                                   : "refuses",
               is_there ? " " : " a missing ", "\"", keyword, "\"",
               cell.verdict == Verdict::kEnforced ? " in part" : "",
               cell.remark.empty() ? "" : ": ", cell.remark, cell.certain ? "" : " (not certain)");
    findings_.push_back({.pointer = pointer,
                         .keyword = std::string(keyword),
                         .verdict = cell.verdict,
                         .certain = cell.certain,
                         .message = std::move(message)});
  }

  void Look(json::View schema, const std::string& pointer, std::size_t depth) {
    if (!schema.IsObject() || depth > limits::kJsonDepth) return;
    if (pointer.empty() && !schema.Find("type").exists()) Judge(schema, "type", {}, pointer);
    for (const json::Member member : schema.members()) {
      const bool closes = member.key == "additionalProperties" || member.key == "properties";
      if (closes || !IsNeutral(member.key, member.value)) {
        Judge(schema, member.key, member.value, pointer);
      }
      Inside(member, pointer, depth);
    }
    JudgeMissing(schema, pointer);
  }

  void JudgeMissing(json::View schema, const std::string& pointer) {
    for (const Fact& fact : Facts()) {
      if (fact.when != When::kMissing || schema.Find(fact.keyword).exists()) continue;
      const Cell& cell = fact.cells[static_cast<std::size_t>(decoder_)];
      if (cell.filled && Counts(fact, schema, {}, pointer.empty())) {
        Tell(pointer, fact.keyword, cell, false);
      }
    }
  }

  void Inside(const json::Member& member, const std::string& pointer, std::size_t depth) {
    std::string inner = pointer;
    json::AppendToken(inner, member.key);
    if (HasWord(kOne, member.key)) Look(member.value, inner, depth + 1);
    if (HasWord(kList, member.key)) {
      std::size_t index = 0;
      for (const json::View item : member.value.items()) {
        Look(item, StrCat(inner, "/", index++), depth + 1);
      }
    }
    if (!HasWord(kMap, member.key)) return;
    for (const json::Member named : member.value.members()) {
      std::string at = inner;
      json::AppendToken(at, named.key);
      Look(named.value, at, depth + 1);
    }
  }

  const json::View root_;
  const Decoder decoder_;
  std::vector<Finding> findings_;
};

}  // namespace

std::string_view DecoderName(Decoder decoder) { return kNames[static_cast<std::size_t>(decoder)]; }

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kEnforced:
      return "enforced";
    case Verdict::kIgnored:
      return "ignored";
    case Verdict::kRefused:
      return "refused";
  }
  return "";
}

std::vector<Finding> Explain(json::View schema, Decoder decoder) {
  return Explainer(schema, decoder).Run();
}

}  // namespace weir::schema
