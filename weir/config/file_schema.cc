#include "weir/base/text.h"
#include "weir/config/describe.h"
#include "weir/config/manual.h"
#include "weir/config/profiles.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::config {
namespace {

using json::Writer;

constexpr double kNanos = 1e9;

// Whole items (engines, profiles, adapters) by name, as JSON texts.
using Definitions = std::map<std::string, std::string>;

// Writes the members of `properties` of one object.
class SchemaWriter final : public Visitor {
 public:
  SchemaWriter(Writer& out, Definitions& definitions) : out_(out), definitions_(definitions) {}

  void Field(const Key& key, std::string& value) override {
    Property(key, {"string", "number", "null"}, [&] { out_.String(value); }, value.empty());
  }
  void Field(const Key& key, bool& value) override {
    Scalar(key, "boolean", [&] { out_.Bool(value); });
  }
  void Field(const Key& key, std::int64_t& value) override {
    Scalar(key, "integer", [&] { out_.Int(value); });
  }
  void Field(const Key& key, double& value) override {
    Scalar(key, "number", [&] { out_.Double(value); });
  }
  void Field(const Key& key, Duration& value) override {
    Scalar(Timed(key), "number", [&] { out_.Double(static_cast<double>(value.count()) / kNanos); });
  }
  void Field(const Key& key, std::vector<std::string>&) override {
    Member(key, [&](Writer& out) { Texts(out); });
  }
  void Field(const Key& key, std::vector<std::int64_t>&) override {
    Member(key, [](Writer& out) {
      Types(out, {"array", "null"});
      out.Key("items");
      out.BeginObject();
      out.Field("type", "integer");
      out.EndObject();
    });
  }
  void Field(const Key& key, std::map<std::string, std::string>&) override {
    Member(key, [](Writer& out) {
      Types(out, {"object", "null"});
      out.Key("additionalProperties");
      out.BeginObject();
      Types(out, {"string", "number", "boolean"});
      out.EndObject();
    });
  }
  void Field(const Key& key, json::Value&) override { Property(key, {"object", "null"}, {}, true); }
  void Field(const Key& key, std::optional<bool>&) override { Scalar(key, "boolean", {}); }
  void Field(const Key& key, std::optional<std::int64_t>&) override { Scalar(key, "integer", {}); }
  void Field(const Key& key, std::optional<double>&) override { Scalar(key, "number", {}); }
  void Field(const Key& key, std::optional<Duration>&) override {
    Scalar(Timed(key), "number", {});
  }

  void Word(const Key& key, const Words& words, std::size_t& index) override {
    Member(key, [&](Writer& out) {
      out.Key("enum");
      out.BeginArray();
      for (const std::string_view word : words.words) out.String(word);
      for (const Words::Alias& alias : words.aliases) {
        if (alias.refusal.empty()) WordAlias(out, alias);
      }
      out.Null();
      out.EndArray();
      if (key.short_for.empty()) out.Field("default", words.words[index]);
    });
  }

  void Section(const Key& key, const Describer& describe) override {
    Member(key, [&](Writer& out) {
      if (key.plain.empty()) return Object(out, describe, {"object", "null"});
      Object(out, describe, {"object", "string", "boolean", "null"});
    });
  }

  void Named(const Key& key, const NamedItems& items) override {
    std::string text;
    {
      Writer inner(text);
      inner.BeginObject();
      Object(inner, items.describe_any,
             key.plain.empty() ? Types_{"object", "null"} : Types_{"object", "string", "null"},
             IsItem::kYes);
      inner.EndObject();
    }
    definitions_[std::string(key.name)] = std::move(text);
    Member(key, [&](Writer& out) {
      Types(out, {"object", "array", "null"});
      for (const std::string_view word : {"additionalProperties", "items"}) {
        out.Key(word);
        out.BeginObject();
        out.Field("$ref", StrCat("#/$defs/", key.name));
        out.EndObject();
      }
    });
  }

  void Others(const Key& key,
              std::map<std::string, std::vector<std::string>, std::less<>>&) override {
    others_ = key.about;
  }

  enum class IsItem : std::uint8_t { kNo, kYes };
  using Types_ = std::initializer_list<std::string_view>;

  // The inside of a schema of an object.
  void Object(Writer& out, const Describer& describe, Types_ types, IsItem item = IsItem::kNo) {
    Types(out, types);
    out.Key("properties");
    out.BeginObject();
    if (item == IsItem::kYes) {
      out.Key("name");
      out.BeginObject();
      out.Field("type", "string");
      out.Field("description", "in a list: its name");
      out.EndObject();
    }
    SchemaWriter inner(out, definitions_);
    describe(inner);
    out.EndObject();
    out.Key("additionalProperties");
    if (inner.others_.empty()) return out.Bool(false);
    out.BeginObject();
    out.Field("description", inner.others_);
    Texts(out);
    out.EndObject();
  }

 private:
  static Key Timed(Key key) {
    if (!key.range.least) key.range.least = 0;
    return key;
  }

  static void Types(Writer& out, Types_ types) {
    out.Key("type");
    out.BeginArray();
    for (const std::string_view type : types) out.String(type);
    out.EndArray();
  }

  static void Texts(Writer& out) {
    Types(out, {"array", "string", "null"});
    out.Key("items");
    out.BeginObject();
    out.Field("type", "string");
    out.EndObject();
  }

  static void WordAlias(Writer& out, const Words::Alias& alias) {
    if (alias.word == "true" || alias.word == "false") return out.Bool(alias.word == "true");
    out.String(alias.word);
  }

  // The property and its older spellings.
  void Member(const Key& key, const std::function<void(Writer&)>& inside) {
    std::vector<std::string_view> names = {key.name};
    names.insert(names.end(), key.aliases.begin(), key.aliases.end());
    for (const std::string_view name : names) {
      const bool older = name != key.name;
      out_.Key(name);
      out_.BeginObject();
      const std::string about = older ? StrCat("the same as ", key.name)
                                : !key.short_for.empty()
                                    ? StrCat("short for ", key.short_for, ": ", key.about)
                                    : std::string(key.about);
      out_.Field("description", about);
      if (older) {
        out_.Key("deprecated");
        out_.Bool(true);
      }
      inside(out_);
      out_.EndObject();
    }
  }

  void Property(const Key& key, Types_ types, const std::function<void()>& value, bool nothing) {
    Member(key, [&](Writer& out) {
      Types(out, types);
      if (nothing || !key.short_for.empty()) return;
      out.Key("default");
      value();
    });
  }

  // A scalar that may also be written as a ${VARIABLE}.
  void Scalar(const Key& key, std::string_view type, const std::function<void()>& value) {
    Member(key, [&](Writer& out) {
      out.Key("anyOf");
      out.BeginArray();
      out.BeginObject();
      Types(out, {type, "null"});
      if (key.range.least) {
        out.Key(key.range.above ? "exclusiveMinimum" : "minimum");
        out.Double(*key.range.least);
      }
      if (key.range.most) {
        out.Key("maximum");
        out.Double(*key.range.most);
      }
      out.EndObject();
      if (!key.plain.empty()) {
        out.BeginObject();
        out.Field("const", key.plain);
        out.EndObject();
      }
      out.BeginObject();
      out.Field("$ref", "#/$defs/variable");
      out.EndObject();
      out.EndArray();
      if (!value || !key.short_for.empty()) return;
      out.Key("default");
      value();
    });
  }

  Writer& out_;
  Definitions& definitions_;
  std::string others_;  // what other keys mean; empty: there are none
};

}  // namespace

std::string FileSchema() {
  Config config;
  config.profiles = BuiltInProfiles();
  Definitions definitions;
  std::string text;
  Writer out(text);
  out.BeginObject();
  out.Field("$schema", "https://json-schema.org/draft/2020-12/schema");
  out.Field("title", "weir.yaml");
  SchemaWriter root(out, definitions);
  root.Object(out, [&](Visitor& v) { Describe(v, config); }, {"object", "null"});
  out.Key("$defs");
  out.BeginObject();
  for (const auto& [name, definition] : definitions) {
    out.Key(name);
    out.Raw(definition);
  }
  out.Key("variable");
  out.BeginObject();
  out.Field("type", "string");
  out.Field("pattern", "\\$\\{");
  out.Field("description", "${VARIABLE} or ${VARIABLE:-default}");
  out.EndObject();
  out.EndObject();
  out.EndObject();
  const Result<json::Value> value = json::Read(text);
  return value ? json::Write(*value, {.indent = 2}) + "\n" : text;
}

}  // namespace weir::config
