#include "weir/sim/constraint/breaking.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>

#include "weir/base/text.h"
#include "weir/sim/constraint/breaking_words.h"
#include "weir/sim/constraint/edit.h"
#include "weir/sim/constraint/numbers.h"

namespace weir::sim {
namespace {

using json::Value;
using json::View;
using Schemas = std::vector<Value>;

Value Constants(std::span<const Value> values) {
  return Edit(View()).Set("enum", ListOf(values)).Build();
}

// In place of a schema, together with what references into it need.
Value InPlaceOf(View schema, View replacement) {
  Edit out(schema);
  out.Keep({"$schema", "$id", "$anchor", "$defs", "definitions"});
  for (const json::Member member : replacement.members()) {
    out.Set(member.key, Value::CopyOf(member.value));
  }
  return out.Build();
}

Schemas OneOf(View schema, const std::vector<Value>& values) {
  if (values.empty()) return {};
  return {InPlaceOf(schema, Constants(values))};
}

Value ShortText() {
  constexpr int kLongest = 12;
  return Edit(View()).Set("type", std::string_view("string")).Set("maxLength", kLongest).Build();
}

std::uint64_t CountOf(View schema, std::string_view keyword, std::uint64_t fallback) {
  return schema.Find(keyword).AsUint64().value_or(fallback);
}

Schemas WrongType(View schema) {
  const View type = schema.Find("type");
  const auto allowed = [&](std::string_view name) {
    if (type.IsString()) return type.StringOr("") == name;
    const auto items = type.items();
    return std::any_of(items.begin(), items.end(),
                       [&](View item) { return item.StringOr("") == name; });
  };
  const auto simple = [&](std::string_view name, std::string_view limit, int value) {
    Edit edit{View()};
    edit.Set("type", name);
    if (!limit.empty()) edit.Set(limit, value);
    return InPlaceOf(schema, edit.Build());
  };
  Schemas out;
  constexpr int kLongest = 24;
  if (!allowed("string")) out.push_back(simple("string", "maxLength", kLongest));
  if (!allowed("integer") && !allowed("number")) {
    out.push_back(
        InPlaceOf(schema, Edit(simple("integer", "minimum", 0)).Set("maximum", 999).Build()));
  }
  if (!allowed("boolean")) out.push_back(simple("boolean", {}, 0));
  if (!allowed("null")) out.push_back(simple("null", {}, 0));
  if (!allowed("array")) out.push_back(simple("array", "maxItems", 0));
  return out;
}

Schemas WrongLength(View schema, std::string_view keyword) {
  Edit edit(schema);
  edit.Remove({keyword, "format"}).Set("type", std::string_view("string"));
  const std::uint64_t bound = CountOf(schema, keyword, 0);
  if (keyword == "minLength") {
    if (bound == 0) return {};
    edit.Set("maxLength", std::min(CountOf(schema, "maxLength", bound - 1), bound - 1));
  } else {
    constexpr std::uint64_t kSpare = 16;
    edit.Set("minLength", std::max(CountOf(schema, "minLength", 0), bound + 1));
    edit.Set("maxLength", bound + kSpare);
  }
  return {edit.Build()};
}

Schemas NotListed(View schema, std::string_view keyword) {
  Schemas out;
  const View listed = schema.Find(keyword);
  const auto items = listed.items();
  const bool texts = keyword == "const" ? listed.IsString()
                                        : std::all_of(items.begin(), items.end(),
                                                      [](View v) { return v.IsString(); });
  if (texts) {
    Edit edit(schema);
    edit.Remove({keyword}).Set("type", std::string_view("string"));
    constexpr int kShortest = 3;
    constexpr int kLongest = 24;
    if (!schema.Find("minLength").exists()) edit.Set("minLength", kShortest);
    if (!schema.Find("maxLength").exists()) edit.Set("maxLength", kLongest);
    out.push_back(edit.Build());
  }
  const Value rest = Edit(schema).Keep({"type", "minimum", "maximum", "multipleOf"}).Build();
  const Value own = Edit(schema).Keep({keyword}).Build();
  std::ranges::move(OneOf(schema, Odd(rest, own)), std::back_inserter(out));
  return out;
}

// Each value alone: some will be wrong for all the branches, or right for two.
Schemas OddOnes(View schema) {
  Schemas out;
  for (const Value& value : OddValues()) {
    out.push_back(InPlaceOf(schema, Constants(std::span(&value, 1))));
  }
  return out;
}

Schemas WithoutRequired(View schema) {
  Schemas out;
  for (const View name : schema.Find("required").items()) {
    if (!name.IsString()) continue;
    const std::string_view missing = name.StringOr("");
    std::vector<Value> kept;
    for (const View other : schema.Find("required").items()) {
      if (other.StringOr("") != missing) kept.push_back(Value::CopyOf(other));
    }
    const Value properties = Edit(schema.Find("properties")).Set(missing, Value::Of(false)).Build();
    out.push_back(Edit(schema)
                      .Set("type", std::string_view("object"))
                      .Set("properties", properties)
                      .Set("required", ListOf(kept))
                      .Build());
  }
  return out;
}

Schemas WithoutDependent(View schema) {
  Schemas out;
  for (const json::Member rule : schema.Find("dependentRequired").members()) {
    const View declared = schema.Find("properties").Find(rule.key);
    const Value there =
        WithProperty(schema, rule.key, declared.exists() ? declared : Value::Of(true));
    for (const View name : rule.value.items()) {
      const Value properties =
          Edit(there.Find("properties")).Set(name.StringOr(""), Value::Of(false)).Build();
      out.push_back(
          Edit(there).Remove({"dependentRequired"}).Set("properties", properties).Build());
    }
  }
  return out;
}

Schemas WithStranger(View schema, std::string_view keyword) {
  Schemas out;
  const Value open = Edit(schema).Remove({keyword}).Build();
  for (const std::string_view name : {"extra", "note", "comment", "Extra Field", "x", "9"}) {
    if (schema.Find("properties").Find(name).exists()) continue;
    out.push_back(
        Edit(WithProperty(open, name, ShortText())).Set("additionalProperties", false).Build());
  }
  return out;
}

Schemas TooFewMembers(View schema) {
  Edit properties(schema.Find("properties"));
  for (const json::Member member : schema.Find("properties").members()) {
    const auto is_it = [&](View name) { return name.StringOr("") == member.key; };
    const auto required = schema.Find("required").items();
    if (std::none_of(required.begin(), required.end(), is_it)) {
      properties.Set(member.key, Value::Of(false));
    }
  }
  return {Edit(schema)
              .Remove({"minProperties", "patternProperties"})
              .Set("type", std::string_view("object"))
              .Set("properties", properties.Build())
              .Set("additionalProperties", false)
              .Build()};
}

Schemas TooManyMembers(View schema) {
  const std::uint64_t wanted = CountOf(schema, "maxProperties", 0) + 1;
  constexpr std::uint64_t kMost = 64;
  if (wanted > kMost) return {};
  Value out = Edit(schema).Remove({"maxProperties"}).Build();
  std::uint64_t there = schema.Find("required").size();
  for (const json::Member member : schema.Find("properties").members()) {
    if (there >= wanted) break;
    const std::size_t before = out.Find("required").size();
    out = WithProperty(out, member.key, member.value);
    there += out.Find("required").size() - before;
  }
  const Value text = ShortText();
  View other = schema.Find("additionalProperties");
  if (!other.IsObject()) other = text;
  for (std::uint64_t i = 1; there < wanted; ++i, ++there) {
    out = WithProperty(out, StrCat("extra_", i), other);
  }
  return {std::move(out)};
}

Schemas WrongCount(View schema, std::string_view keyword) {
  Edit edit(schema);
  edit.Remove({keyword}).Set("type", std::string_view("array"));
  const std::uint64_t bound = CountOf(schema, keyword, 0);
  if (keyword == "minItems") {
    if (bound == 0) return {};
    edit.Set("maxItems", std::min(CountOf(schema, "maxItems", bound - 1), bound - 1));
  } else {
    edit.Set("minItems", std::max(CountOf(schema, "minItems", 0), bound + 1));
    edit.Set("maxItems", bound + 2);
  }
  return {edit.Build()};
}

// Two equal items behind those that have schemas of their own.
Schemas EqualItems(View root, View schema) {
  const std::size_t at = PrefixOf(schema);
  const View declared = schema.Find(schema.Find("items").IsArray() ? "additionalItems" : "items");
  Edit item(declared);
  for (const std::string_view word : {"$defs", "definitions", "$schema"}) {
    if (root.Find(word).exists()) item.Set(word, Value::CopyOf(root.Find(word)));
  }
  Schemas out;
  for (const Value& value : Sample(item.Build(), 8)) {
    const Value constant = Constants(std::span(&value, 1));
    const Value open = Edit(schema).Remove({"uniqueItems"}).Build();
    const Value one = WithItemAt(root, open, at, constant);
    out.push_back(WithItemAt(root, one, at + 1, constant));
  }
  return out;
}

Schemas TooManyItems(View root, View schema, std::string_view keyword) {
  const Value open = Edit(schema).Remove({keyword}).Build();
  // Schemas beside this one may speak of some more.
  constexpr std::size_t kBeside = 4;
  Schemas out;
  for (std::size_t i = 0; i < kBeside; ++i) {
    out.push_back(WithItemAt(root, open, PrefixOf(schema) + i, ShortText()));
  }
  return out;
}

Schemas NothingContained(View schema) {
  Edit empty(schema);
  empty.Remove({"contains"}).Set("type", std::string_view("array")).Set("maxItems", 0);
  return {empty.Build()};
}

bool IsOld(View root) {
  const std::string_view dialect = root.Find("$schema").StringOr("");
  return dialect.find("draft-0") != dialect.npos || dialect.find("2019-09") != dialect.npos;
}

}  // namespace

std::size_t PrefixOf(View schema) {
  const View items = schema.Find("items");
  return items.IsArray() ? items.size() : schema.Find("prefixItems").size();
}

Value WithItemAt(View root, View schema, std::size_t index, View child) {
  Edit out(schema);
  out.Set("type", std::string_view("array"));
  out.Set("minItems", std::max<std::uint64_t>(CountOf(schema, "minItems", 0), index + 1));
  const View items = schema.Find("items");
  if (!IsOld(root) && !items.IsArray()) {
    out.Set("prefixItems", WithItem(schema.Find("prefixItems"), index, child));
    return out.Build();
  }
  out.Set("items", WithItem(items.IsArray() ? items : View(), index, child));
  if (items.exists() && !items.IsArray()) out.Set("additionalItems", Value::CopyOf(items));
  return out.Build();
}

Value WithProperty(View schema, std::string_view name, View child) {
  std::vector<Value> required;
  bool there = false;
  for (const View other : schema.Find("required").items()) {
    required.push_back(Value::CopyOf(other));
    there = there || other.StringOr("") == name;
  }
  if (!there) required.push_back(Value::Of(name));
  const Value properties = Edit(schema.Find("properties")).Set(name, Value::CopyOf(child)).Build();
  return Edit(schema)
      .Set("type", std::string_view("object"))
      .Set("properties", properties)
      .Set("required", ListOf(required))
      .Build();
}

Schemas SchemasBreaking(View root, View schema, std::string_view keyword) {
  const auto is = [&](auto... words) { return ((keyword == std::string_view(words)) || ...); };
  if (is("type")) return WrongType(schema);
  if (is("enum", "const")) return NotListed(schema, keyword);
  if (is("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")) {
    return OneOf(schema, NumbersBreaking(schema, keyword));
  }
  if (is("minLength", "maxLength") && !schema.Find("pattern").exists()) {
    return WrongLength(schema, keyword);
  }
  if (is("minLength", "maxLength", "pattern", "format")) {
    return OneOf(schema, TextsBreaking(schema, keyword));
  }
  if (is("required")) return WithoutRequired(schema);
  if (is("dependentRequired")) return WithoutDependent(schema);
  if (is("additionalProperties", "unevaluatedProperties", "propertyNames")) {
    return WithStranger(schema, keyword);
  }
  if (is("minProperties")) return TooFewMembers(schema);
  if (is("maxProperties")) return TooManyMembers(schema);
  if (is("minItems", "maxItems")) return WrongCount(schema, keyword);
  if (is("uniqueItems")) return EqualItems(root, schema);
  if (is("contains")) return NothingContained(schema);
  if (is("items", "additionalItems", "unevaluatedItems"))
    return TooManyItems(root, schema, keyword);
  if (is("anyOf", "oneOf", "not")) return OddOnes(schema);
  return {};
}

}  // namespace weir::sim
