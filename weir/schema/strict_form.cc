#include "weir/schema/strict_form.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/pointer.h"
#include "weir/json/writer.h"
#include "weir/schema/schema.h"
#include "weir/schema/words.h"

namespace weir::schema {

// What is known about the values of one strict schema, for the way back.
struct StrictPlan {
  static constexpr std::size_t kNothing = std::numeric_limits<std::size_t>::max();

  struct Property {
    std::string name;
    std::size_t node = kNothing;
    bool null_is_absent = false;
  };
  struct Branch {
    std::string pointer;  // in the strict schema
    std::size_t node = kNothing;
    std::optional<Schema> check;
  };
  struct Node {
    std::vector<Property> properties;
    std::size_t items = kNothing;
    std::vector<Branch> branches;
    std::string definition;  // of a reference; "" is the root
    bool is_reference = false;

    bool is_leaf() const {
      return properties.empty() && items == kNothing && branches.empty() && !is_reference;
    }
  };

  std::vector<Node> nodes;
  std::size_t root = kNothing;
  std::map<std::string, std::size_t, std::less<>> definitions;
  bool wrapped = false;

  void Back(json::View reply, std::size_t at, json::Builder& out) const;
};

namespace {

constexpr std::string_view kStrictUri = "https://weir.invalid/strict";
constexpr std::string_view kWrapper = "value";
constexpr std::size_t kShownValueBytes = 200;  // of a keyword's value in a description

constexpr std::string_view kKept[] = {
    "multipleOf",       "minimum", "maximum",  "exclusiveMinimum",
    "exclusiveMaximum", "pattern", "minItems", "maxItems",
};
// Restrictions without a strict form. Keywords that are in no list here are annotations.
constexpr std::string_view kLost[] = {
    "minLength",
    "maxLength",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "prefixItems",
    "additionalItems",
    "not",
    "unevaluatedItems",
    "patternProperties",
    "unevaluatedProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependencies",
    "dependentSchemas",
    "if",
    "then",
    "else",
    "$dynamicRef",
    "$recursiveRef",
    "allOf",
};
constexpr std::string_view kFormats[] = {
    "date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid",
};

constexpr std::string_view kBesideReference[] = {
    "type",  "properties", "required", "additionalProperties", "items", "enum",
    "const", "anyOf",      "oneOf",
};

bool HasType(json::View schema, std::string_view name) {
  const json::View type = schema.Find("type");
  if (type.IsString()) return type.StringOr("") == name;
  return std::ranges::any_of(type.items(),
                             [&](json::View one) { return one.StringOr("") == name; });
}

// Whether the schema itself says that null is meant. When in doubt a null is taken for "absent",
// which is always right for a property that is not required.
bool SaysNull(json::View schema) {
  for (const std::string_view other : {"enum", "const", "allOf", "not", "if", "$ref"}) {
    if (schema.Find(other).exists()) return false;
  }
  const auto is_null = [](json::View branch) {
    return HasType(branch, "null") && branch.size() == 1;
  };
  const json::View any = schema.Find("anyOf");
  if (schema.Find("type").exists()) return HasType(schema, "null") && !any.exists();
  return std::ranges::any_of(any.items(), is_null) && !schema.Find("oneOf").exists();
}

// Whether the schema says enough itself to be written without its "anyOf" or "oneOf".
bool IsPlain(json::View schema) {
  for (const std::string_view key : {"properties", "items", "enum", "const"}) {
    if (schema.Find(key).exists()) return true;
  }
  return !schema.Find("anyOf").exists() && !schema.Find("oneOf").exists();
}

bool IsObjectSchema(json::View schema) {
  const json::View type = schema.Find("type");
  return type.exists() ? type.StringOr("") == "object" : schema.Find("properties").exists();
}

bool IsFalse(json::View schema) { return schema.IsBool() && !schema.BoolOr(true); }

// A JSON pointer as the fragment of a URI.
std::string Fragment(std::string_view pointer) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = "#";
  for (const char c : pointer) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '/' || c == '~' || c == '_' || c == '-';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      StrAppend(out, '%', kHex[byte >> 4], kHex[byte & 15]);
    }
  }
  return out;
}

// One keyword of a schema in words: `minLength 3`.
std::string Phrase(const json::Member& member) {
  return StrCat(member.key, " ", Truncate(json::Write(member.value), kShownValueBytes));
}

class Rewriter {
 public:
  explicit Rewriter(json::View root) : root_(root) {}

  Result<StrictForm> Run() {
    plan_->wrapped = root_.Find("$ref").exists() || !IsObjectSchema(root_) || !IsPlain(root_);
    out_.BeginObject();
    if (plan_->wrapped) {
      out_.Key("type");
      out_.String("object");
      out_.Key("properties");
      out_.BeginObject();
      out_.Key(kWrapper);
      WEIR_TRY(plan_->root, Nested(root_, "", StrCat("/properties/", kWrapper), false, 1));
      out_.EndObject();
      CloseObject({std::string(kWrapper)});
    } else {
      WEIR_TRY(plan_->root, Keywords(root_, "", "", false, 1));
    }
    WEIR_CHECK(Definitions());
    out_.EndObject();

    StrictForm form;
    form.schema = std::move(out_).Finish();
    WEIR_CHECK(CompileBranches(form.schema));
    form.notes = std::move(notes_);
    form.plan = std::move(plan_);
    return form;
  }

 private:
  using Index = std::size_t;

  void Note(bool widened, const std::string& pointer, std::string_view keyword,
            std::string_view message) {
    notes_.push_back(
        {.widened = widened,
         .pointer = pointer,
         .keyword = std::string(keyword),
         .message = StrCat("at ", pointer.empty() ? "the top level" : pointer, ": ", message)});
  }

  Result<void> Definitions() {
    bool open = false;
    for (const std::string_view key : {"$defs", "definitions"}) {
      for (const json::Member member : root_.Find(key).members()) {
        if (plan_->definitions.contains(member.key)) continue;
        if (!open) {
          out_.Key("$defs");
          out_.BeginObject();
          open = true;
        }
        std::string pointer = StrCat("/", key);
        std::string target = "/$defs";
        json::AppendToken(pointer, member.key);
        json::AppendToken(target, member.key);
        out_.Key(member.key);
        WEIR_TRY(const Index node, Nested(member.value, pointer, target, false, 1));
        plan_->definitions.emplace(member.key, node);
      }
    }
    if (open) out_.EndObject();
    return {};
  }

  // A schema as a value. `pointer` leads to it in the original and `target` in the strict form.
  Result<Index> Nested(json::View schema, const std::string& pointer, const std::string& target,
                       bool nullable, std::size_t depth) {
    out_.BeginObject();
    WEIR_TRY(const Index node, Keywords(schema, pointer, target, nullable, depth));
    out_.EndObject();
    return node;
  }

  Result<Index> Keywords(json::View schema, const std::string& pointer, const std::string& target,
                         bool nullable, std::size_t depth) {
    if (depth > limits::kJsonDepth) {
      return Fail(Code::kUnsupportedSchema, "the schema is too deep for a strict form");
    }
    if (IsFalse(schema)) {
      return Fail(Code::kUnsupportedSchema,
                  StrCat("at ", pointer, ": the schema `false` has no strict form"));
    }
    if (depth > 1 && schema.Find("$id").exists()) {
      return Fail(Code::kUnsupportedSchema,
                  StrCat("at ", pointer,
                         "/$id: schemas with names of their own inside another "
                         "have no strict form"));
    }
    const json::View all = schema.Find("allOf");
    if (all.size() == 1 && OnlyAnnotations(schema)) {
      std::string inner = StrCat(pointer, "/allOf/0");
      return Keywords(all[0], inner, target, nullable, depth + 1);
    }
    const Index node = plan_->nodes.size();
    plan_->nodes.emplace_back();
    WriteDescription(schema, pointer);
    if (const auto reference = schema.Find("$ref").AsString()) {
      WEIR_CHECK(Reference(*reference, schema, pointer, nullable, node));
      return node;
    }
    for (const std::string_view key : kKept) {
      if (!schema.Find(key).exists()) continue;
      out_.Key(key);
      out_.Copy(schema.Find(key));
    }
    if (HasWord(kFormats, schema.Find("format").StringOr(""))) {
      out_.Key("format");
      out_.Copy(schema.Find("format"));
    }
    if (IsPlain(schema)) {
      WEIR_CHECK(Plain(schema, pointer, target, nullable, depth, node));
      return node;
    }
    WEIR_CHECK(Alternatives(schema, pointer, target, nullable, depth, node));
    return node;
  }

  static bool OnlyAnnotations(json::View schema) {
    return std::ranges::all_of(schema.members(), [](const json::Member& member) {
      return member.key == "allOf" || member.key == "title" || member.key == "$comment";
    });
  }

  // Whether a keyword restricts values in a way that the strict form does not.
  static bool IsLost(json::View schema, std::string_view keyword) {
    if (schema.Find("$ref").exists()) {
      return HasWord(kLost, keyword) || HasWord(kKept, keyword) ||
             HasWord(kBesideReference, keyword);
    }
    const bool alternatives = keyword == "anyOf" || keyword == "oneOf";
    if (alternatives)
      return IsPlain(schema) || (keyword == "oneOf" && schema.Find("anyOf").exists());
    if (keyword == "type") return !IsPlain(schema);
    return HasWord(kLost, keyword);
  }

  // The description with all that is lost otherwise; the notes about it.
  void WriteDescription(json::View schema, const std::string& pointer) {
    std::vector<std::string> lost;
    for (const json::Member member : schema.members()) {
      const bool other_format =
          member.key == "format" && !HasWord(kFormats, member.value.StringOr(""));
      if (member.key == "default" || other_format) lost.push_back(Phrase(member));
      if (!IsLost(schema, member.key)) continue;
      lost.push_back(Phrase(member));
      Note(true, pointer, member.key,
           StrCat("\"", member.key, "\" cannot be said here and is only described"));
    }
    const std::string_view text = schema.Find("description").StringOr("");
    if (lost.empty() && text.empty()) return;
    out_.Key("description");
    out_.String(StrCat(text, text.empty() || lost.empty() ? "" : " ",
                       lost.empty() ? "" : StrCat("(", Join(lost, "; "), ")")));
  }

  void Closed(const std::string& pointer) {
    Note(false, pointer, "additionalProperties", "properties beyond the named ones are forbidden");
  }

  Result<void> Reference(std::string_view reference, json::View schema, const std::string& pointer,
                         bool nullable, Index node) {
    constexpr std::string_view kPlaces[] = {"#/$defs/", "#/definitions/"};
    std::string rewritten = plan_->wrapped ? StrCat("#/properties/", kWrapper) : "#";
    std::string name;
    if (reference != "#") {
      const auto place = std::ranges::find_if(
          kPlaces, [&](std::string_view prefix) { return reference.starts_with(prefix); });
      if (place != std::end(kPlaces)) name = reference.substr(place->size());
      if (name.empty() || name.find_first_of("/~%") != name.npos) {
        return Fail(Code::kUnsupportedSchema,
                    StrCat("at ", pointer, "/$ref: the strict form allows references to the root ",
                           "and to its definitions only, not ", reference));
      }
      rewritten = StrCat("#/$defs/", name);
    }
    StrictPlan::Node& planned = plan_->nodes[node];
    planned.definition = name;
    planned.is_reference = true;
    // A reference stands alone.
    const bool wrap = nullable || schema.size() > 1;
    if (wrap) {
      out_.Key("anyOf");
      out_.BeginArray();
      out_.BeginObject();
    }
    out_.Key("$ref");
    out_.String(rewritten);
    if (!wrap) return {};
    out_.EndObject();
    if (nullable) NullSchema();
    out_.EndArray();
    return {};
  }

  void NullSchema() {
    out_.BeginObject();
    out_.Key("type");
    out_.String("null");
    out_.EndObject();
  }

  Result<void> Alternatives(json::View schema, const std::string& pointer,
                            const std::string& target, bool nullable, std::size_t depth,
                            Index node) {
    const std::string_view key = schema.Find("anyOf").exists() ? "anyOf" : "oneOf";
    const json::View branches = schema.Find(key);
    if (key == "oneOf") {
      Note(true, pointer, key, "\"oneOf\" becomes \"anyOf\": several alternatives may fit");
    }
    out_.Key("anyOf");
    out_.BeginArray();
    for (std::size_t i = 0; i < branches.size(); ++i) {
      std::string inner = StrCat(pointer, "/", key, "/", i);
      std::string inner_target = StrCat(target, "/anyOf/", i);
      WEIR_TRY(const Index branch, Nested(branches[i], inner, inner_target, false, depth + 1));
      plan_->nodes[node].branches.push_back(
          {.pointer = std::move(inner_target), .node = branch, .check = std::nullopt});
    }
    if (nullable) NullSchema();
    out_.EndArray();
    return {};
  }

  // What stands for a schema that allows anything: the strict form has no such thing.
  void Anything(const std::string& pointer) {
    Note(false, pointer, "", "any value is narrowed to a string, a number, true, false or null");
    out_.Key("type");
    out_.BeginArray();
    for (const std::string_view type : {"string", "number", "boolean", "null"}) out_.String(type);
    out_.EndArray();
  }

  void Enumeration(json::View schema, bool nullable) {
    const json::View constant = schema.Find("const");
    out_.Key("enum");
    out_.BeginArray();
    bool has_null = false;
    if (constant.exists()) {
      out_.Copy(constant);
      has_null = constant.IsNull();
    } else {
      for (const json::View value : schema.Find("enum").items()) {
        out_.Copy(value);
        has_null = has_null || value.IsNull();
      }
    }
    if (nullable && !has_null) out_.Null();
    out_.EndArray();
  }

  Result<void> Plain(json::View schema, const std::string& pointer, const std::string& target,
                     bool nullable, std::size_t depth, Index node) {
    const bool fixed = schema.Find("enum").exists() || schema.Find("const").exists();
    if (fixed) Enumeration(schema, nullable);
    std::vector<std::string> types;
    const json::View type = schema.Find("type");
    if (type.IsString()) types.emplace_back(type.StringOr(""));
    for (const json::View one : type.items()) types.emplace_back(one.StringOr(""));
    if (types.empty() && !fixed) {
      if (schema.Find("properties").exists()) types.emplace_back("object");
      if (schema.Find("items").exists()) types.emplace_back("array");
      if (types.empty()) {
        Anything(pointer);
        return {};
      }
      Note(false, pointer, "type", "values of other types are forbidden");
    }
    if (!types.empty()) {
      if (nullable && !HasWord(types, "null")) types.emplace_back("null");
      WriteTypes(types);
    }
    if (fixed) {
      for (const std::string_view beside : {"properties", "items"}) {
        if (!schema.Find(beside).exists()) continue;
        Note(true, pointer, beside, StrCat("\"", beside, "\" beside fixed values is left out"));
      }
      return {};
    }
    if (HasWord(types, "object")) {
      WEIR_CHECK(Object(schema, pointer, target, depth, node));
    }
    if (HasWord(types, "array")) {
      WEIR_CHECK(Array(schema, pointer, target, depth, node));
    }
    return {};
  }

  void WriteTypes(const std::vector<std::string>& types) {
    out_.Key("type");
    if (types.size() == 1) return out_.String(types.front());
    out_.BeginArray();
    for (const std::string& one : types) out_.String(one);
    out_.EndArray();
  }

  void CloseObject(const std::vector<std::string>& names) {
    out_.Key("required");
    out_.BeginArray();
    for (const std::string& name : names) out_.String(name);
    out_.EndArray();
    out_.Key("additionalProperties");
    out_.Bool(false);
  }

  Result<void> Object(json::View schema, const std::string& pointer, const std::string& target,
                      std::size_t depth, Index node) {
    std::vector<std::string> required;
    for (const json::View name : schema.Find("required").items()) {
      required.emplace_back(name.StringOr(""));
    }
    const json::View others = schema.Find("additionalProperties");
    if (!IsFalse(others)) Closed(pointer);
    std::vector<std::string> names;
    out_.Key("properties");
    out_.BeginObject();
    const auto add = [&](std::string_view name, json::View value, bool optional) -> Result<void> {
      if (HasWord(names, name)) return {};
      std::string inner = StrCat(pointer, "/properties");
      std::string inner_target = StrCat(target, "/properties");
      json::AppendToken(inner, name);
      json::AppendToken(inner_target, name);
      names.emplace_back(name);
      out_.Key(name);
      WEIR_TRY(const Index child, Nested(value, inner, inner_target, optional, depth + 1));
      plan_->nodes[node].properties.push_back({.name = std::string(name),
                                               .node = child,
                                               .null_is_absent = optional && !SaysNull(value)});
      return {};
    };
    const json::View properties = schema.Find("properties");
    for (const json::Member member : properties.members()) {
      // The schema `false` says that there must be no such property.
      if (IsFalse(member.value)) continue;
      WEIR_CHECK(add(member.key, properties.Find(member.key), !HasWord(required, member.key)));
    }
    const json::Value anything = json::Value::Of(true);
    for (const std::string& name : required) {
      const json::View value = properties.Find(name).exists() ? properties.Find(name) : others;
      WEIR_CHECK(add(name, value.exists() ? value : anything, false));
    }
    out_.EndObject();
    CloseObject(names);
    return {};
  }

  Result<void> Array(json::View schema, const std::string& pointer, const std::string& target,
                     std::size_t depth, Index node) {
    json::View items = schema.Find("items");
    const json::Value anything = json::Value::Of(true);
    if (items.IsArray()) {
      Note(true, pointer, "items", "a list of schemas for the items cannot be said");
      items = anything;
    }
    if (!items.exists()) items = anything;
    out_.Key("items");
    WEIR_TRY(plan_->nodes[node].items,
             Nested(items, StrCat(pointer, "/items"), StrCat(target, "/items"), false, depth + 1));
    return {};
  }

  Result<void> CompileBranches(const json::Value& strict) {
    CompileOptions options;
    options.loader = [&](std::string_view uri) -> Result<json::Value> {
      if (uri == kStrictUri) return strict;
      return Fail(Code::kInvalidSchema, StrCat("nothing is known of ", uri));
    };
    for (StrictPlan::Node& node : plan_->nodes) {
      for (StrictPlan::Branch& branch : node.branches) {
        if (plan_->nodes[branch.node].is_leaf()) continue;
        json::Builder reference;
        reference.BeginObject();
        reference.Key("$ref");
        reference.String(StrCat(kStrictUri, Fragment(branch.pointer)));
        reference.EndObject();
        WEIR_TRY(branch.check, Schema::Compile(std::move(reference).Finish(), options));
      }
    }
    return {};
  }

  const json::View root_;
  json::Builder out_;
  std::vector<StrictNote> notes_;
  std::shared_ptr<StrictPlan> plan_ = std::make_shared<StrictPlan>();  // becomes the form's
};

}  // namespace

void StrictPlan::Back(json::View reply, std::size_t at, json::Builder& out) const {
  if (at == kNothing || nodes[at].is_leaf()) return out.Copy(reply);
  const Node& node = nodes[at];
  if (node.is_reference) {
    const auto found = definitions.find(node.definition);
    return Back(reply,
                node.definition.empty()      ? root
                : found == definitions.end() ? kNothing
                                             : found->second,
                out);
  }
  for (const Branch& branch : node.branches) {
    if (branch.check && branch.check->Accepts(reply)) return Back(reply, branch.node, out);
  }
  if (reply.IsObject() && !node.properties.empty()) {
    out.BeginObject();
    for (const json::Member member : reply.members()) {
      const auto property = std::ranges::find(node.properties, member.key, &Property::name);
      const bool known = property != node.properties.end();
      if (known && property->null_is_absent && member.value.IsNull()) continue;
      out.Key(member.key);
      Back(member.value, known ? property->node : kNothing, out);
    }
    return out.EndObject();
  }
  if (reply.IsArray()) {
    out.BeginArray();
    for (const json::View item : reply.items()) Back(item, node.items, out);
    return out.EndArray();
  }
  out.Copy(reply);
}

json::Value StrictForm::FromStrict(json::View reply) const {
  json::Builder out;
  const bool unwrap = plan->wrapped && reply.Find(kWrapper).exists();
  plan->Back(unwrap ? reply.Find(kWrapper) : reply, plan->root, out);
  return std::move(out).Finish();
}

Result<StrictForm> ToStrict(json::View schema) {
  WEIR_CHECK(Schema::Compile(schema));
  return Rewriter(schema).Run();
}

}  // namespace weir::schema
