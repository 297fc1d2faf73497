#include "weir/config/import_agent_scripts.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>
#include <utility>

#include "weir/base/text.h"
#include "weir/config/import_python_tokens.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"

namespace weir::config {
namespace {

namespace fs = std::filesystem;
using Tokens = std::span<const PythonToken>;

constexpr int kMostFoldersAbove = 8;
constexpr int kDeepestType = 16;

std::string_view JsonTypeOf(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 20> kTypes = {
      {{"str", "string"},      {"string", "string"},  {"Path", "string"},   {"int", "integer"},
       {"integer", "integer"}, {"float", "number"},   {"number", "number"}, {"bool", "boolean"},
       {"boolean", "boolean"}, {"list", "array"},     {"List", "array"},    {"array", "array"},
       {"tuple", "array"},     {"Sequence", "array"}, {"dict", "object"},   {"Dict", "object"},
       {"object", "object"},   {"Mapping", "object"}, {"None", "null"},     {"null", "null"}}};
  const auto* const at =
      std::ranges::find(kTypes, name, &std::pair<std::string_view, std::string_view>::first);
  return at == kTypes.end() ? "" : at->second;
}

// A type as it is declared: list[str], int | None, Optional[float], Literal["a", "b"].
class TypeReader {
 public:
  explicit TypeReader(Tokens tokens) : tokens_(tokens) {}

  void Write(json::Builder& out) { Union(out, {}); }

 private:
  const PythonToken& Look() const {
    static const PythonToken kNothing;
    return at_ < tokens_.size() ? tokens_[at_] : kNothing;
  }
  bool Skip(std::string_view sign) {
    if (!Look().Is(sign)) return false;
    ++at_;
    return true;
  }

  // Types between `|`, and `more` beside them.
  void Union(json::Builder& out, std::string_view more) {
    std::vector<json::Value> types;
    do {
      json::Builder one;
      Atom(one);
      types.push_back(std::move(one).Finish());
    } while (Skip("|"));
    if (!more.empty()) types.push_back(SchemaOfType(more));
    if (types.size() == 1) return out.Copy(types.front());
    out.BeginObject();
    out.Key("anyOf");
    out.BeginArray();
    for (const json::Value& type : types) out.Copy(type);
    out.EndArray();
    out.EndObject();
  }

  void Atom(json::Builder& out) {
    std::string name;
    while (Look().kind == PythonKind::kName || Look().Is(".")) {
      if (Look().kind == PythonKind::kName) name = Look().text;  // the last part of a.b
      ++at_;
    }
    if (name == "Literal" && Skip("[")) return Literal(out);
    if (++depth_ > kDeepestType || !Skip("[")) return out.Copy(SchemaOfType(name));
    if (name == "Optional") {
      Union(out, "null");
    } else if (name == "Union") {
      UnionOfList(out);
    } else {
      out.BeginObject();
      const std::string_view type = JsonTypeOf(name);
      if (!type.empty()) {
        out.Key("type");
        out.String(type);
      }
      if (type == "array") {
        out.Key("items");
        Union(out, {});
      }
      out.EndObject();
    }
    SkipRest();
    --depth_;
  }

  void UnionOfList(json::Builder& out) {
    out.BeginObject();
    out.Key("anyOf");
    out.BeginArray();
    do Union(out, {});
    while (Skip(","));
    out.EndArray();
    out.EndObject();
  }

  void Literal(json::Builder& out) {
    out.BeginObject();
    out.Key("enum");
    out.BeginArray();
    for (; at_ < tokens_.size() && !Look().Is("]"); ++at_) {
      if (Look().kind == PythonKind::kText) out.String(Look().text);
      if (const auto whole = ParseInt(Look().text)) out.Int(*whole);
    }
    out.EndArray();
    out.EndObject();
    Skip("]");
  }

  // Behind the bracket that ends this type.
  void SkipRest() {
    for (int open = 1; at_ < tokens_.size() && open > 0; ++at_) {
      if (Look().Is("[")) ++open;
      if (Look().Is("]")) --open;
    }
  }

  Tokens tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

// What a default is, where it is a plain value.
json::Value ValueOf(Tokens tokens) {
  if (tokens.empty()) return {};
  const PythonToken& first = tokens.front();
  if (tokens.size() == 1 && first.kind == PythonKind::kText)
    return json::Value::Of(std::string_view(first.text));
  if (first.IsName("True") || first.IsName("False")) return json::Value::Of(first.IsName("True"));
  std::string text;
  for (const PythonToken& token : tokens) {
    if (token.kind != PythonKind::kNumber && token.kind != PythonKind::kSign) return {};
    text += token.text;
  }
  Result<json::Value> value = json::Read(text);  // 5, -0.5, [], {}
  return value ? *std::move(value) : json::Value();
}

// name: type = Input("name", default=value)
std::optional<ScriptInput> InputOf(Tokens line) {
  if (line.size() < 6 || line[0].kind != PythonKind::kName || !line[1].Is(":")) return {};
  const auto equals = std::ranges::find_if(line, [](const PythonToken& t) { return t.Is("="); });
  const auto at = static_cast<std::size_t>(equals - line.begin());
  if (at + 3 >= line.size() || !line[at + 1].IsName("Input") || !line[at + 2].Is("(") ||
      line[at + 3].kind != PythonKind::kText) {
    return {};
  }
  json::Builder type;
  TypeReader(line.subspan(2, at - 2)).Write(type);
  ScriptInput input{.name = line[at + 3].text, .schema = std::move(type).Finish(), .value = {}};
  Tokens rest = line.subspan(at + 4);
  if (rest.empty() || !rest.front().Is(",")) return input;
  rest = rest.subspan(1);
  if (rest.size() > 2 && rest[0].kind == PythonKind::kName && rest[1].Is("=")) {
    if (!rest[0].IsName("default")) return input;
    rest = rest.subspan(2);
  }
  while (!rest.empty() && !rest.back().Is(")")) rest = rest.first(rest.size() - 1);
  if (rest.size() <= 1) return input;
  input.value = ValueOf(rest.first(rest.size() - 1));
  return input;
}

}  // namespace

json::Value SchemaOfType(std::string_view type) {
  json::Builder out;
  out.BeginObject();
  if (const std::string_view known = JsonTypeOf(type); !known.empty()) {
    out.Key("type");
    out.String(known);
  }
  out.EndObject();
  return std::move(out).Finish();
}

FoundScript FindScript(const std::string& folder, const std::string& script) {
  std::error_code failed;
  fs::path above = fs::absolute(folder.empty() ? "." : folder, failed).lexically_normal();
  const std::string beside = (above / script).lexically_normal().string();
  for (int i = 0; i < kMostFoldersAbove && !failed; ++i) {
    const fs::path path = (above / script).lexically_normal();
    if (fs::is_regular_file(path, failed)) return {.path = path.string(), .found = true};
    failed.clear();
    if (!above.has_relative_path()) break;
    above = above.parent_path();
  }
  return {.path = beside, .found = false};
}

Result<Script> ReadScript(std::string_view text, std::string_view file) {
  WEIR_TRY(const std::vector<PythonToken> tokens, PythonTokens(text, file));
  Script script;
  bool changes = false;
  std::size_t begin = 0;
  while (tokens[begin].kind != PythonKind::kEnd) {
    std::size_t end = begin + 1;
    while (!tokens[end].starts_line && tokens[end].kind != PythonKind::kEnd) ++end;
    const Tokens line = Tokens(tokens).subspan(begin, end - begin);
    const bool imports = line[0].IsName("import") || line[0].IsName("from");
    if (imports && line.size() > 1) {
      if (line[1].IsName("grail")) {
        script.declares = true;
      } else if (!line[1].IsName("typing") && !line[1].IsName("__future__")) {
        changes = true;
      }
    }
    changes |= std::ranges::any_of(line, [](const PythonToken& token) {
      return token.IsName("write_file") || token.IsName("run_command") || token.IsName("open");
    });
    if (auto input = InputOf(line)) script.inputs.push_back(*std::move(input));
    begin = end;
  }
  script.only_looks = script.declares && !changes;
  return script;
}

}  // namespace weir::config
