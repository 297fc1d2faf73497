// VLLM_* and OLLAMA_* variables: shell lines, KEY=value lines, Helm values, manifests.

#include <algorithm>
#include <array>

#include "weir/base/expand.h"
#include "weir/base/text.h"
#include "weir/config/import_source.h"
#include "weir/json/pointer.h"

namespace weir::config {
namespace {

using json::Value;

constexpr std::string_view kVariablesExample = "VLLM_BASE_URL=http://localhost:8000\n";

struct Setting {
  std::string_view variable;  // behind VLLM_ or OLLAMA_
  std::string_view path;      // in the engine
};
constexpr Setting kSettings[] = {{"BASE_URL", "base_url"},
                                 {"MODEL", "model"},
                                 {"TIMEOUT", "timeouts.total"},
                                 {"MAX_RETRIES", "retry.max_retries"},
                                 {"RETRY_BASE_DELAY", "retry.base_delay"},
                                 {"RETRY_MAX_DELAY", "retry.max_delay"},
                                 {"RETRY_BACKOFF_MULTIPLIER", "retry.multiplier"},
                                 {"MAX_TOKENS", "defaults.max_tokens"},
                                 {"TEMPERATURE", "defaults.temperature"}};

bool IsVariable(std::string_view name) {
  return !name.empty() && name[0] >= 'A' && name[0] <= 'Z' && std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool IsOurs(std::string_view name) {
  return name.starts_with("VLLM_") || name.starts_with("OLLAMA_");
}

constexpr std::size_t kMostVariables = 1000;

Error TooMany(const ImportJob& job, json::Mark mark) {
  return job.Wrong(mark, StrCat("there are more than ", kMostVariables,
                                " variables; keep those that start with VLLM_ or OLLAMA_"));
}

// Shell lines and KEY=value lines.
class Lines {
 public:
  explicit Lines(const ImportJob& job) : job_(job) { variables_.kind = json::Kind::kObject; }

  Result<SourceNode> Read(std::string_view text) {
    for (const std::string_view raw : Split(text, '\n')) {
      ++line_;
      std::string_view line = Trim(raw);
      const bool says = !line.empty() && !line.starts_with('#') && !line.starts_with("set ");
      column_ = static_cast<int>(line.data() - raw.data()) + 1;
      if (!says) continue;
      WEIR_CHECK(One(line));
      if (variables_.keys.size() > kMostVariables) return Fail(TooMany(job_, mark()));
    }
    return std::move(variables_);
  }

 private:
  json::Mark mark() const { return {.line = line_, .column = column_}; }

  Result<void> One(std::string_view line) {
    for (const std::string_view word : {"export ", "ENV ", "- "}) {
      if (line.starts_with(word)) line = Trim(line.substr(word.size()));
    }
    const std::size_t equals = line.find('=');
    const std::string_view name = Trim(line.substr(0, equals));
    if (equals == line.npos || name.empty() || name.contains(' ')) {
      // The line is not repeated: it may hold a key.
      return Fail(job_.Wrong(
          mark(), StrCat("expected NAME=value; write it like ", Trim(kVariablesExample))));
    }
    WEIR_TRY(const std::string value, ValueOf(name, Trim(line.substr(equals + 1))));
    const bool known = std::ranges::find(variables_.keys, name) != variables_.keys.end();
    SourceNode node{.kind = json::Kind::kString, .text = value, .mark = mark(), .key_mark = mark()};
    if (!known) {
      variables_.Add(name, std::move(node));
    } else {  // as in a shell, the last one counts
      const auto at = std::ranges::find(variables_.keys, name) - variables_.keys.begin();
      variables_.children[static_cast<std::size_t>(at)] = std::move(node);
    }
    return {};
  }

  Result<std::string> ValueOf(std::string_view name, std::string_view text) const {
    const char quote = text.empty() ? '\0' : text[0];
    const bool quoted = quote == '"' || quote == '\'';
    if (quoted) {
      const std::size_t end = text.find(quote, 1);
      if (end == text.npos) {
        return Fail(job_.Wrong(mark(), StrCat("the value of ", Truncate(name, 60),
                                              " has no closing quotation mark; add it")));
      }
      text = text.substr(1, end - 1);
    } else {
      const std::size_t comment = text.find(" #");
      text = Trim(text.substr(0, std::min(comment, text.find(';'))));
    }
    if (quote == '\'') return std::string(text);
    if (text.contains("$(") || text.contains('`')) {
      return Fail(job_.Wrong(mark(), StrCat(Truncate(name, 60),
                                            " is made by a command, and none is run here; write "
                                            "its value or a ${VARIABLE}")));
    }
    return WithBraces(text);
  }

  // $NAME as ${NAME}.
  static std::string WithBraces(std::string_view text) {
    std::string out;
    while (!text.empty()) {
      const std::size_t dollar = text.find('$');
      out += text.substr(0, dollar);
      if (dollar == text.npos) break;
      text.remove_prefix(dollar + 1);
      std::size_t length = 0;
      while (length < text.size() &&
             (std::isalnum(static_cast<unsigned char>(text[length])) != 0 || text[length] == '_')) {
        ++length;
      }
      if (length == 0) {
        out += '$';
      } else {
        StrAppend(out, "${", text.substr(0, length), "}");
      }
      text.remove_prefix(length);
    }
    return out;
  }

  const ImportJob& job_;
  SourceNode variables_;
  int line_ = 0;
  int column_ = 1;
};

// Variables anywhere in a YAML document: maps of them, lists of {name, value}, "NAME=value".
class Manifest {
 public:
  explicit Manifest(const json::YamlDocument& document) : document_(document) {}

  void Walk(json::View value, const std::string& pointer) {
    if (value.IsArray()) {
      for (std::size_t i = 0; i < value.size() && !full(); ++i) {
        std::string inner = pointer;
        json::AppendToken(inner, i);
        Item(value[i], inner);
      }
    }
    for (const auto& [key, item] : value.members()) {
      if (full()) return;
      std::string inner = pointer;
      json::AppendToken(inner, key);
      const bool container = item.IsObject() || item.IsArray();
      if (IsVariable(key) && !container) {
        Add(key, item, document_.KeyMarkOf(inner));
      } else if (container) {
        Walk(item, inner);
      } else {
        others.emplace_back(key);
      }
    }
  }

  bool full() const { return variables.keys.size() >= kMostVariables; }

  SourceNode variables{.kind = json::Kind::kObject};
  std::vector<std::string> others;

 private:
  void Item(json::View item, const std::string& pointer) {
    const std::string_view name = item.Find("name").StringOr("");
    const bool from_secret = item.Find("valueFrom").exists();
    if (IsVariable(name) && (item.Find("value").exists() || from_secret)) {
      const json::Mark mark = document_.MarkOf(pointer);
      if (!from_secret) return Add(name, item.Find("value"), mark);
      variables.Add(name, {.kind = json::Kind::kString,
                           .text = StrCat("${", name, "}"),
                           .mark = mark,
                           .key_mark = mark});
      return;
    }
    const std::string_view text = item.StringOr("");
    const std::size_t equals = text.find('=');
    if (equals != text.npos && IsVariable(text.substr(0, equals))) {
      const Value value = Value::Of(text.substr(equals + 1));
      return Add(text.substr(0, equals), value, document_.MarkOf(pointer));
    }
    Walk(item, pointer);
  }

  void Add(std::string_view name, json::View value, json::Mark mark) {
    if (value.IsNull()) return;
    std::string text(value.IsNumber() ? value.NumberText() : value.StringOr(""));
    if (value.IsBool()) text = value.BoolOr(false) ? "true" : "false";
    if (std::ranges::find(variables.keys, name) != variables.keys.end()) return;
    variables.Add(name,
                  {.kind = json::Kind::kString, .text = text, .mark = mark, .key_mark = mark});
  }

  const json::YamlDocument& document_;
};

class Variables {
 public:
  Variables(ImportJob& job, const json::YamlDocument& document) : job_(job), root_(job, document) {}

  Result<void> Take() {
    const bool vllm = Names("VLLM_");
    const bool ollama = Names("OLLAMA_");
    if (!vllm && !ollama) {
      return Fail(job_.Wrong({}, StrCat("no variable here starts with VLLM_ or OLLAMA_ and has a ",
                                        "value; expected lines such as\n\n", kVariablesExample)));
    }
    const ImportOrigin start = root_.Origin();
    job_.draft.Set({"default_engine"}, Value::Of(vllm ? "vllm" : "ollama"), start);
    if (vllm) Engine("vllm", "VLLM_", "http://localhost:8000");
    if (vllm && ollama) {
      job_.draft.Set({"engines", "vllm", "fallback"}, Value::Of("ollama"), start,
                     "when vLLM does not answer");
    }
    if (ollama) Engine("ollama", "OLLAMA_", "http://localhost:11434");
    Routes(vllm, ollama);
    Rest();
    return {};
  }

 private:
  bool Names(std::string_view prefix) const {
    return std::ranges::any_of(root_.value().members(), [&](const json::Member& m) {
      return m.key.starts_with(prefix) && !m.value.StringOr("").empty();
    });
  }

  // Jobs that name no provider, or one that nobody knows, go to Ollama there. Without an Ollama
  // they have no route here, so that they find the engine of that kind as soon as there is one.
  void Routes(bool vllm, bool ollama) {
    const ImportOrigin start = root_.Origin();
    const auto route = [&](const char* provider, const Value& engine, std::string_view comment) {
      job_.draft.Set({"routes", "provider_names", provider}, engine, start, comment);
    };
    if (vllm) route("vllm", Value::Of("vllm"), "");
    if (ollama) route("ollama", Value::Of("ollama"), "");
    if (!ollama) {
      job_.Note(start.mark,
                "jobs that name no provider, or one that nobody knows, go to Ollama there, and no "
                "variable names one: add an engine of the kind ollama, and they go to it; until "
                "then vllm has them");
      return;
    }
    route("", Value::Of("ollama"), "jobs that name no provider");
    route("*", Value::Of("ollama"), "a name that nobody knows");
  }

  static DraftPath Path(std::string_view engine, std::string_view key) {
    DraftPath path = {"engines", std::string(engine)};
    for (const std::string_view part : Split(key, '.')) path.emplace_back(part);
    return path;
  }

  void Engine(std::string_view engine, std::string_view prefix, std::string_view address) {
    job_.draft.Set(Path(engine, "kind"), Value::Of(engine), root_.Origin());
    for (const Setting& setting : kSettings) {
      const std::string name = StrCat(prefix, setting.variable);
      const std::string_view text = root_.Take(name).StringOr("");
      if (text.empty()) continue;
      const bool is_text = setting.path == "base_url" || setting.path == "model";
      const std::optional<std::int64_t> whole = is_text ? std::nullopt : ParseInt(text);
      const std::optional<double> number = is_text ? std::nullopt : ParseDouble(text);
      const Value value = whole ? Value::Of(*whole) : number ? Value::Of(*number) : Value::Of(text);
      job_.draft.Set(Path(engine, setting.path), value, root_.Origin(name));
    }
    Address(engine, prefix, address);
    Key(engine, prefix);
  }

  void Address(std::string_view engine, std::string_view prefix, std::string_view address) {
    const std::string host = StrCat(prefix, "HOST");
    const std::string_view text = root_.Take(host).StringOr("");
    if (job_.draft.Has(Path(engine, "base_url"))) return;
    if (!text.empty()) {
      const std::string url = text.contains("://") ? std::string(text) : StrCat("http://", text);
      job_.draft.Set(Path(engine, "base_url"), Value::Of(url), root_.Origin(host));
      return;
    }
    job_.draft.Set(Path(engine, "base_url"), Value::Of(address), root_.Origin(), "assumed");
    job_.Note(root_.Origin().mark,
              StrCat(prefix, "BASE_URL is not there: ", address, " is assumed"));
  }

  // The key stays in the environment: a file is read by more people.
  void Key(std::string_view engine, std::string_view prefix) {
    const std::string name = StrCat(prefix, "API_KEY");
    const std::string_view key = root_.Take(name).StringOr("");
    if (key.empty()) return;
    if (EqualsIgnoreCase(key, "EMPTY")) {
      job_.draft.Set(Path(engine, "api_key"), Value::Of(key), root_.Origin(name));
      return;
    }
    const std::string_view other = OnlyVariable(key);
    const std::string_view holder = other.empty() ? std::string_view(name) : other;
    job_.draft.Set(Path(engine, "api_key_env"), Value::Of(holder), root_.Origin(name));
    root_.Note(name, holder == name
                         ? std::string("stays in the environment: export it where weir runs")
                         : StrCat("is what ", holder, " holds: export that where weir runs"));
  }

  // The name in a text that is ${NAME} or $NAME and no more; else empty.
  static std::string_view OnlyVariable(std::string_view text) {
    if (!text.starts_with("${") || !text.ends_with('}')) return BareVariable(text);
    const std::string_view name = text.substr(2, text.size() - 3);
    return IsVariableName(name) ? name : std::string_view();
  }

  void Rest() {
    for (const auto& [name, value] : root_.value().members()) {
      if (!IsOurs(name)) {
        root_.Leave(name, "it says nothing about where models answer");
      } else if (value.StringOr("").empty()) {
        root_.Take(name);  // counts as not set
      }
    }
    root_.LeaveRest();
  }

  ImportJob& job_;
  Section root_;
};

// YAML has a key and a colon in its first line that says something; shell lines have a =.
bool LooksLikeLines(std::string_view text) {
  for (const std::string_view raw : Split(text, '\n')) {
    const std::string_view line = Trim(raw);
    if (line.empty() || line.starts_with('#') || line.starts_with("---")) continue;
    if (line.starts_with('{') || line.starts_with("- ")) return false;
    if (line.starts_with("export ") || line.starts_with("set ")) return true;
    const std::size_t sign = line.find_first_of("=:");
    return sign == line.npos || line[sign] == '=';
  }
  return true;
}

}  // namespace

Result<void> ImportVariables(std::string_view text, ImportJob& job) {
  if (LooksLikeLines(text)) {
    WEIR_TRY(const SourceNode variables, Lines(job).Read(text));
    const json::YamlDocument document = ToDocument(variables, job.file);
    return Variables(job, document).Take();
  }
  WEIR_TRY(const json::YamlDocument manifest, ReadSource(text, job.file));
  Manifest found(manifest);
  found.Walk(manifest.value, "");
  if (found.variables.keys.size() >= kMostVariables) return Fail(TooMany(job, {}));
  if (!found.others.empty()) {
    constexpr std::size_t kShown = 10;
    const std::size_t shown = std::min(found.others.size(), kShown);
    found.others.resize(shown);
    job.Note({}, StrCat("what is no variable is not carried: ",
                        Truncate(Join(found.others, ", "), 200), shown == kShown ? ", ..." : ""));
  }
  const json::YamlDocument document = ToDocument(found.variables, job.file);
  return Variables(job, document).Take();
}

}  // namespace weir::config
