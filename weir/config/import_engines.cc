// A list or map of engines, register_engine() calls, a class that declares fields.

#include <algorithm>
#include <array>

#include "weir/base/text.h"
#include "weir/config/import_python.h"
#include "weir/config/import_source.h"
#include "weir/json/builder.h"

namespace weir::config {
namespace {

using json::Value;

constexpr std::string_view kEnginesExample =
    "- name: qwen\n  backend: vllm_api\n  model: Qwen/Qwen3-8B\n"
    "  endpoint: http://localhost:8000/v1\n";

constexpr std::array<std::string_view, 8> kEngineKeys = {
    "name", "model", "backend", "endpoint", "lazy", "port", "extra_serve_flags", "extra_env"};

// Of the server that is started.
constexpr std::array<std::string_view, 13> kServerKeys = {"lazy",
                                                          "port",
                                                          "extra_serve_flags",
                                                          "extra_env",
                                                          "env",
                                                          "dtype",
                                                          "gpu_memory_utilization",
                                                          "max_model_len",
                                                          "gpu_ids",
                                                          "tensor_parallel_size",
                                                          "enable_reasoning",
                                                          "reasoning_parser",
                                                          "startup_timeout"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kFlags = {
    {{"dtype", "--dtype"},
     {"gpu_memory_utilization", "--gpu-memory-utilization"},
     {"max_model_len", "--max-model-len"},
     {"tensor_parallel_size", "--tensor-parallel-size"},
     {"reasoning_parser", "--reasoning-parser"}}};

DraftPath Below(DraftPath path, std::string_view key) {
  for (const std::string_view part : Split(key, '.')) path.emplace_back(part);
  return path;
}

// A scalar as it stands on a command line.
std::optional<std::string> Word(json::View value) {
  if (const auto text = value.AsString()) return std::string(*text);
  if (value.IsNumber()) return std::string(value.NumberText());
  if (value.IsBool()) return value.BoolOr(false) ? "true" : "false";
  return std::nullopt;
}

Value ListOf(const std::vector<std::string>& texts) {
  json::Builder out;
  out.BeginArray();
  for (const std::string& text : texts) out.String(text);
  out.EndArray();
  return std::move(out).Finish();
}

// The `serve:` block of one engine.
class Server {
 public:
  Server(ImportJob& job, Section& engine, DraftPath path)
      : job_(job), engine_(engine), path_(std::move(path)) {}

  Result<void> Take() {
    WEIR_TRY(const std::optional<bool> lazy, engine_.TakeBool("lazy"));
    job_.draft.Set(Below(path_, "lifecycle"),
                   Value::Of(lazy.value_or(true) ? "lazy" : "persistent"), engine_.Origin("lazy"));
    WEIR_CHECK(Port());
    const json::View startup = engine_.Take("startup_timeout");
    if (startup.exists() && startup.AsDouble().value_or(0) <= 0) {
      return engine_.Wrong("startup_timeout", "must be a number of seconds above 0");
    }
    engine_.Move("startup_timeout", Below(path_, "startup_timeout"));
    WEIR_CHECK(Flags());
    WEIR_CHECK(Env("extra_env"));
    WEIR_CHECK(Env("env"));
    return Gpus();
  }

 private:
  Result<void> Port() {
    const json::View port = engine_.Take("port");
    if (!port.exists()) return {};
    const std::int64_t number = port.AsInt64().value_or(0);
    if (number < 1 || number > 65535) {
      return engine_.Wrong("port", "must be a whole number from 1 to 65535");
    }
    engine_.Move("port", Below(path_, "port"));
    return {};
  }

  Result<void> Flags() {
    std::vector<std::string> flags;
    for (const auto& [key, flag] : kFlags) {
      const json::View value = engine_.Take(key);
      if (!value.exists()) continue;
      const std::optional<std::string> word = Word(value);
      if (!word) return engine_.Wrong(key, "must be a text or a number");
      flags.push_back(StrCat(flag, "=", *word));
    }
    WEIR_TRY(const std::optional<bool> reasons, engine_.TakeBool("enable_reasoning"));
    if (reasons.value_or(false)) flags.emplace_back("--enable-reasoning");
    const json::View extra = engine_.Take("extra_serve_flags");
    if (extra.exists() && !extra.IsArray()) {
      return engine_.Wrong("extra_serve_flags",
                           StrCat("must be a list of flags, found ", json::KindName(extra.kind()),
                                  "; write each on a line of its own: - \"--flag=value\""));
    }
    for (const json::View item : extra.items()) {
      const std::optional<std::string> word = Word(item);
      if (!word) {
        return engine_.Wrong("extra_serve_flags", StrCat("must be a list of texts; one of them is ",
                                                         json::KindName(item.kind())));
      }
      flags.push_back(*word);
    }
    if (!flags.empty()) {
      job_.draft.Set(Below(path_, "flags"), ListOf(flags), engine_.Origin("extra_serve_flags"));
    }
    return {};
  }

  Result<void> Env(std::string_view key) {
    const json::View env = engine_.Take(key);
    if (!env.exists()) return {};
    if (!env.IsObject()) {
      return engine_.Wrong(key, StrCat("must be a map of variables, found ",
                                       json::KindName(env.kind()), "; write NAME: \"value\""));
    }
    WEIR_CHECK(engine_.Inside(key).MustBeShort());
    for (const auto& [name, value] : env.members()) {
      const std::optional<std::string> word = Word(value);
      if (!word) return engine_.Wrong(key, "must be a map of texts");
      job_.draft.Set({path_[0], path_[1], path_[2], "env", std::string(name)}, Value::Of(*word),
                     engine_.Origin(key));
    }
    return {};
  }

  Result<void> Gpus() {
    const json::View gpus = engine_.Take("gpu_ids");
    if (!gpus.exists()) return {};
    std::vector<std::string> ids;
    for (const json::View gpu : gpus.items()) {
      const std::optional<std::string> word = Word(gpu);
      if (!word) return engine_.Wrong("gpu_ids", "must be a list of numbers");
      ids.push_back(*word);
    }
    if (!gpus.IsArray()) return engine_.Wrong("gpu_ids", "must be a list of numbers");
    job_.draft.Set({path_[0], path_[1], path_[2], "env", "CUDA_VISIBLE_DEVICES"},
                   Value::Of(Join(ids, ",")), engine_.Origin("gpu_ids"));
    return {};
  }

  ImportJob& job_;
  Section& engine_;
  DraftPath path_;
};

class Engines {
 public:
  explicit Engines(ImportJob& job) : job_(job) {}

  Result<void> List(const Section& list) {
    WEIR_CHECK(list.MustBeShort());
    for (std::size_t i = 0; i < list.value().size(); ++i) {
      WEIR_CHECK(One(list.Item(i), ""));
    }
    return {};
  }

  // `name` is used where the engine does not name itself.
  Result<void> One(Section engine, std::string_view name) {
    WEIR_CHECK(engine.MustBeMap(kEnginesExample));
    WEIR_TRY(const std::optional<std::string> own, engine.TakeText("name"));
    if (!own && name.empty()) return engine.Wrong("name", "is missing: every engine has a name");
    const std::string called = own.value_or(std::string(name));
    if (std::ranges::find(names_, called) != names_.end()) {
      return engine.Wrong("name", StrCat("is there twice: '", Truncate(called, 60),
                                         "'; give one of them another name"));
    }
    names_.push_back(called);
    return Fill(engine, {"engines", called});
  }

  bool any() const { return !names_.empty(); }

 private:
  Result<void> Fill(Section& engine, const DraftPath& path) {
    WEIR_TRY(const std::optional<std::string> backend, engine.TakeText("backend"));
    const std::string kind = backend == "vllm_api"     ? "vllm"
                             : backend == "ollama_api" ? "ollama"
                                                       : backend.value_or("vllm");
    job_.draft.Set(Below(path, "kind"), Value::Of(kind), engine.Origin("backend"));
    job_.draft.Set(Below(path, "profile"), Value::Of("chain"), engine.Origin(),
                   "60 s a call; what is not said: 512 tokens, temperature 0.1");
    const bool has_model = engine.Move("model", Below(path, "model"));
    const bool has_endpoint = engine.Move("endpoint", Below(path, "base_url"));
    engine.Move("api_key_env", Below(path, "api_key_env"));
    if (engine.Move("api_key", Below(path, "api_key"))) {
      engine.Note("api_key", "stands in the file as it is; api_key_env: NAME would keep it out");
    }
    if (kind == "vllm" && !has_endpoint) {
      WEIR_CHECK(Server(job_, engine, Below(path, "serve")).Take());
      if (!has_model) engine.Note("", "has no model: a server cannot be started without one");
    } else {
      for (const std::string_view key : kServerKeys) {
        const json::View value = engine.Take(key);
        const bool container = value.IsArray() || value.IsObject();
        const bool loses_nothing = key == "lazy" ? value.BoolOr(false) : container && value.empty();
        if (loses_nothing) continue;
        engine.Leave(key, has_endpoint ? "the engine has an endpoint, so no server is started"
                                       : "only vLLM servers are started here");
      }
    }
    engine.Leave("extra", "write flags of the server in serve: {flags: [...]}");
    engine.LeaveRest();
    return {};
  }

  ImportJob& job_;
  std::vector<std::string> names_;
};

// Whether one of the fields is of an engine and has a value: a default that says something.
bool SaysSomething(json::View fields) {
  return std::ranges::any_of(fields.members(), [](const json::Member& field) {
    const bool container = field.value.IsObject() || field.value.IsArray();
    if (field.value.IsNull() || (container && field.value.empty())) return false;
    return field.key.starts_with("api_key") ||
           std::ranges::find(kEngineKeys, field.key) != kEngineKeys.end() ||
           std::ranges::find(kServerKeys, field.key) != kServerKeys.end();
  });
}

Result<void> EnginesFromProgram(std::string_view text, ImportJob& job) {
  static constexpr std::string_view kCalls[] = {"register_engine"};
  WEIR_TRY(const json::YamlDocument document, ReadPython(text, job.file, kCalls));
  Engines engines(job);
  const json::View calls = document.value.Find("calls");
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const std::string_view name = calls[i].Find("arguments")[0].StringOr("");
    WEIR_CHECK(engines.One(Section(job, document, StrCat("/calls/", i, "/named")), name));
  }
  if (engines.any()) return {};
  constexpr std::string_view kDeclared =
      "declares an engine: its defaults are taken for an engine named vllm";
  constexpr std::string_view kEmpty =
      "gives no field of an engine a value, so there is nothing to import; import the program that "
      "makes engines, or YAML with a list of them";
  const json::View classes = document.value.Find("classes");
  for (const auto& [name, fields] : classes.members()) {
    if (engines.any() || !SaysSomething(fields)) continue;
    Section declared(job, document, StrCat("/classes/", name));
    declared.Note("", StrCat("class ", Truncate(name, 60), " ", kDeclared));
    WEIR_CHECK(engines.One(declared, "vllm"));
  }
  for (const auto& [name, fields] : classes.members()) {
    if (engines.any()) break;
    Section(job, document, StrCat("/classes/", name))
        .Note("", StrCat("class ", Truncate(name, 60), " ", kEmpty));
  }
  const json::View fields = document.value.Find("fields");
  if (!engines.any() && !fields.empty()) {
    Section declared(job, document, "/fields");
    const bool says = SaysSomething(fields);
    declared.Note("", StrCat("this ", says ? kDeclared : kEmpty));
    if (says) {
      WEIR_CHECK(engines.One(declared, "vllm"));
    }
  }
  if (engines.any() || !job.notes.empty()) return {};
  return Fail(job.Wrong({}, StrCat("found no register_engine() call and no declared fields; "
                                   "expected them, or YAML such as\n\n",
                                   kEnginesExample)));
}

Result<void> FromMap(Section root, Engines& engines, ImportJob& job) {
  WEIR_CHECK(root.MustBeMap(kEnginesExample));
  if (root.value().Find("steps").exists()) {
    WEIR_CHECK(ImportChain(root, job));
    if (!root.value().Find("engines").exists()) {
      root.LeaveRest();
      return {};
    }
  }
  const bool is_engine = std::ranges::any_of(
      kEngineKeys, [&](std::string_view key) { return root.value().Find(key).exists(); });
  if (!root.value().Find("engines").exists()) {
    if (is_engine) return engines.One(root, "vllm");
    return root.Wrong("", StrCat("holds no engines; expected a list such as\n\n", kEnginesExample));
  }
  Section list = root.Inside("engines");
  if (list.value().IsArray()) {
    WEIR_CHECK(engines.List(list));
  } else {
    WEIR_CHECK(list.MustBeMap(kEnginesExample));
    WEIR_CHECK(list.MustBeShort());
    for (const auto& [name, value] : list.value().members()) {
      WEIR_CHECK(engines.One(list.Inside(name), name));
    }
  }
  root.LeaveRest();
  return {};
}

}  // namespace

Result<void> ImportEngines(std::string_view text, ImportJob& job) {
  if (LooksLikePython(text)) return EnginesFromProgram(text, job);
  WEIR_TRY(const json::YamlDocument document, ReadSource(text, job.file));
  Engines engines(job);
  const Section root(job, document);
  if (!root.value().IsArray()) return FromMap(root, engines, job);
  WEIR_CHECK(engines.List(root));
  if (engines.any()) return {};
  return root.Wrong("", StrCat("the list is empty; expected something like\n\n", kEnginesExample));
}

}  // namespace weir::config
