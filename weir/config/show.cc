#include "weir/config/show.h"

#include <algorithm>

#include "weir/base/expand.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/config/describe.h"
#include "weir/config/profiles.h"
#include "weir/json/pointer.h"
#include "weir/json/writer.h"
#include "weir/json/yaml.h"

namespace weir::config {
namespace {

// One line, or a block of them.
struct Shown {
  std::string key;
  std::string json;      // of a line
  std::string yaml;      // of a line
  std::string source;    // of a line
  std::string unusable;  // of a block: why it cannot be used
  bool is_block = false;
  std::vector<Shown> inside;
};

// 1 is written as 1.0 where it might as well be 1.5.
std::string Fraction(double value) {
  std::string text = StrCat(value);
  if (text.find_first_of(".eE") == text.npos) text += ".0";
  return text;
}

std::string Quoted(std::string_view text) {
  std::string out;
  json::AppendQuoted(out, text);
  return out;
}

std::string OneLine(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

class Shower final : public Visitor {
 public:
  Shower(const std::map<std::string, std::string>& sources, std::string path, Shown& block)
      : sources_(sources), path_(std::move(path)), block_(block) {}

  void Field(const Key& key, std::string& value) override {
    const std::string safe = Safe(key.name, value);
    const std::string text = key.has_variables ? EscapeDollars(safe) : safe;
    Line(key, value.empty(), Quoted(text), YamlText(text));
  }
  void Field(const Key& key, bool& value) override { Line(key, false, StrCat(value)); }
  void Field(const Key& key, std::int64_t& value) override { Line(key, false, StrCat(value)); }
  void Field(const Key& key, double& value) override { Line(key, false, Fraction(value)); }
  void Field(const Key& key, Duration& value) override { Line(key, false, PlainSeconds(value)); }
  void Field(const Key& key, std::vector<std::string>& value) override {
    Line(key, value.empty(), List(value));
  }
  void Field(const Key& key, std::vector<std::int64_t>& value) override {
    std::string text;
    json::Writer out(text);
    out.BeginArray();
    for (const std::int64_t number : value) out.Int(number);
    out.EndArray();
    Line(key, value.empty(), text);
  }
  void Field(const Key& key, std::map<std::string, std::string>& value) override {
    std::string text;
    json::Writer out(text);
    out.BeginObject();
    for (const auto& [name, item] : value) out.Field(name, EscapeDollars(Safe(name, item)));
    out.EndObject();
    Line(key, value.empty(), text);
  }
  void Field(const Key& key, json::Value& value) override {
    const std::string text = Redact(json::Write(value));
    Line(key, value.empty(), key.has_variables ? EscapeDollars(text) : text);
  }
  void Field(const Key& key, std::optional<bool>& value) override { Optional(key, value); }
  void Field(const Key& key, std::optional<std::int64_t>& value) override { Optional(key, value); }
  void Field(const Key& key, std::optional<double>& value) override { Optional(key, value); }
  void Field(const Key& key, std::optional<Duration>& value) override { Optional(key, value); }

  void Word(const Key& key, const Words& words, std::size_t& index) override {
    Line(key, false, Quoted(words.words[index]), std::string(words.words[index]));
  }

  void Section(const Key& key, const Describer& describe) override {
    Block(std::string(key.name), Below(path_, key.name), describe);
  }

  void Named(const Key& key, const NamedItems& items) override {
    Shown list{.key = std::string(key.name), .is_block = true};
    Shower inner(sources_, Below(path_, key.name), list);
    for (const std::string& name : items.names()) {
      inner.Block(name, Below(inner.path_, name),
                  [&](Visitor& item) { items.describe(item, name); });
    }
    if (!list.inside.empty()) block_.inside.push_back(std::move(list));
  }

  void Others(const Key&,
              std::map<std::string, std::vector<std::string>, std::less<>>& value) override {
    for (const auto& [name, texts] : value) Line({name, {}, ""}, false, List(texts));
  }

  void Unusable(std::optional<Error>& slot) override {
    if (slot) block_.unusable = OneLine(Redact(slot->message));
  }

  bool wants_all() const override { return false; }

 private:
  static std::string Below(std::string path, std::string_view key) {
    json::AppendToken(path, key);
    return path;
  }

  static std::string Safe(std::string_view key, std::string_view value) {
    return IsSecretName(key) ? RedactValue(value) : Redact(value);
  }

  static std::string List(const std::vector<std::string>& texts) {
    std::string text;
    json::Writer out(text);
    out.BeginArray();
    for (const std::string& item : texts) out.String(EscapeDollars(Redact(item)));
    out.EndArray();
    return text;
  }

  static std::string TextOf(bool value) { return StrCat(value); }
  static std::string TextOf(std::int64_t value) { return StrCat(value); }
  static std::string TextOf(double value) { return Fraction(value); }
  static std::string TextOf(Duration value) { return PlainSeconds(value); }

  template <class T>
  void Optional(const Key& key, const std::optional<T>& value) {
    if (value) return Line(key, false, TextOf(*value));
    if (!key.plain.empty()) return Line(key, false, Quoted(key.plain), std::string(key.plain));
    Line(key, true, "null");
  }

  void Line(const Key& key, bool nothing, std::string json, std::string yaml = {}) {
    if (!key.short_for.empty()) return;
    const std::string path = Below(path_, key.name);
    const auto found = sources_.find(path);
    if (found == sources_.end() && nothing) return;
    const bool built_in = path.starts_with("/profiles/");
    std::string source = found != sources_.end() ? found->second
                         : built_in              ? "built in"
                                                 : "default";
    if (yaml.empty()) yaml = json;
    block_.inside.push_back({.key = std::string(key.name),
                             .json = std::move(json),
                             .yaml = std::move(yaml),
                             .source = std::move(source)});
  }

  void Block(std::string key, std::string path, const Describer& describe) {
    Shown block{.key = std::move(key), .is_block = true};
    Shower inner(sources_, std::move(path), block);
    describe(inner);
    const bool is_item =
        path_ == "/engines" || path_ == "/profiles" || path_.ends_with("/adapters");
    if (is_item || !block.inside.empty()) block_.inside.push_back(std::move(block));
  }

  const std::map<std::string, std::string>& sources_;
  const std::string path_;
  Shown& block_;
};

void WriteYaml(const Shown& block, int depth, std::string& out) {
  const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
  if (!block.unusable.empty()) StrAppend(out, indent, "# cannot be used: ", block.unusable, "\n");
  for (const Shown& line : block.inside) {
    StrAppend(out, indent, YamlText(line.key), ":");
    if (!line.is_block) {
      StrAppend(out, " ", line.yaml, "  # ", OneLine(line.source), "\n");
    } else if (line.inside.empty()) {
      StrAppend(out, " {}\n");
    } else {
      StrAppend(out, "\n");
      WriteYaml(line, depth + 1, out);
    }
  }
}

void WriteJson(const Shown& block, json::Writer& out) {
  out.BeginObject();
  if (!block.unusable.empty()) out.Field("unusable", block.unusable);
  for (const Shown& line : block.inside) {
    out.Key(line.key);
    if (line.is_block) {
      WriteJson(line, out);
      continue;
    }
    out.BeginObject();
    out.Key("value");
    out.Raw(line.json);
    out.Field("from", line.source);
    out.EndObject();
  }
  out.EndObject();
}

std::map<std::string, std::string> SourcesOf(const Config& config) {
  std::map<std::string, std::string> sources;
  for (const Origin& origin : config.origins) sources[origin.pointer] = origin.source;
  return sources;
}

Shown Whole(Config config) {
  const std::map<std::string, std::string> sources = SourcesOf(config);
  Shown root{.is_block = true};
  Shower shower(sources, "", root);
  Describe(shower, config);
  return root;
}

Shown One(const Config& config, const EngineConfig& engine) {
  Config alone;
  alone.origins = config.origins;
  alone.engines.push_back(engine);
  Shown all = Whole(std::move(alone));
  std::erase_if(all.inside, [](const Shown& block) { return block.key != "engines"; });
  return all;
}

std::string Yaml(const Shown& root, const Config& config) {
  std::string out =
      StrCat("# The effective configuration, ",
             config.file.empty() ? "without a file" : StrCat("from ", config.file), ".\n");
  WriteYaml(root, 0, out);
  return out;
}

std::string Json(const Shown& root) {
  std::string out;
  json::Writer writer(out, {.indent = 2});
  WriteJson(root, writer);
  out += '\n';
  return out;
}

}  // namespace

std::string YamlText(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./").contains(c);
  };
  const bool letters = !text.empty() && std::ranges::all_of(text, plain) &&
                       ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z'));
  if (!letters) return Quoted(text);
  // Words such as `true` and `null` mean something else when they stand bare.
  const Result<json::YamlDocument> bare = json::ReadYaml(text, "");
  if (bare && bare->value.StringOr("") == text) return std::string(text);
  return Quoted(text);
}

std::string ShowYaml(const Config& config) { return Yaml(Whole(config), config); }
std::string ShowYaml(const Config& config, const EngineConfig& engine) {
  return Yaml(One(config, engine), config);
}
std::string ShowJson(const Config& config) { return Json(Whole(config)); }
std::string ShowJson(const Config& config, const EngineConfig& engine) {
  return Json(One(config, engine));
}

}  // namespace weir::config
