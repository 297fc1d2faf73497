#include "weir/config/read.h"

#include <algorithm>
#include <set>

#include "weir/base/text.h"
#include "weir/config/addresses.h"
#include "weir/config/describe.h"
#include "weir/config/profiles.h"
#include "weir/config/reader.h"
#include "weir/config/twins.h"
#include "weir/json/pointer.h"

namespace weir::config {
namespace {

std::string EnginePath(std::string_view name) {
  std::string path = "/engines";
  json::AppendToken(path, name);
  return path;
}

// Looks at what can be judged only when everything is read: names that must be engines.
class References {
 public:
  References(const Config& config, Reading& reading) : config_(config), reading_(reading) {
    for (const EngineConfig& engine : config.engines) names_.push_back(engine.name);
    if (names_.empty()) names_.emplace_back("default");
  }

  void Check() {
    if (!config_.default_engine.empty()) {
      CheckName("/default_engine", "default_engine", config_.default_engine);
    }
    for (const auto& [role, engines] : config_.routes.roles) {
      CheckNames(Inside("/routes", role), role, engines);
    }
    for (const auto& [provider, engine] : config_.routes.providers) {
      CheckName("/routes/provider_names", StrCat("provider_names['", provider, "']"), engine);
    }
    for (const EngineConfig& engine : config_.engines) {
      CheckNames(EnginePath(engine.name) + "/fallback", "fallback", engine.fallback);
    }
    CheckCircles();
  }

 private:
  static std::string Inside(std::string path, std::string_view token) {
    json::AppendToken(path, token);
    return path;
  }

  void Wrong(std::string_view path, std::string_view key, std::string_view what) {
    const auto source = reading_.sources.find(path);
    const json::Mark mark = source == reading_.sources.end() ? json::Mark{} : source->second.mark;
    reading_.Wrong(mark, key, what);
  }

  void CheckName(std::string_view path, std::string_view key, std::string_view name) {
    if (std::ranges::find(names_, name) != names_.end()) return;
    if (name == "sim") {
      return Wrong(path, key,
                   "names 'sim', which is no engine of this file; the embedded simulator needs an "
                   "entry here: engines: {sim: {kind: sim}}");
    }
    const std::optional<std::string> nearest = Nearest(name, names_);
    Wrong(path, key,
          StrCat("names no engine of this file: '", name, "'",
                 nearest ? StrCat("; did you mean '", *nearest, "'?")
                         : StrCat("; there are ", Join(names_, ", "))));
  }

  void CheckNames(std::string_view path, std::string_view key,
                  const std::vector<std::string>& names) {
    for (const std::string& name : names) CheckName(path, key, name);
  }

  // Fallbacks that lead back to where they began.
  void CheckCircles() {
    std::set<std::string, std::less<>> cleared;
    for (const EngineConfig& engine : config_.engines) {
      std::vector<std::string> way;
      if (!Circles(engine, way, cleared)) continue;
      way.push_back(engine.name);
      Wrong(EnginePath(engine.name) + "/fallback", "fallback",
            StrCat("goes in a circle: ", Join(way, " -> "), "; break it somewhere"));
      return;
    }
  }

  bool Circles(const EngineConfig& engine, std::vector<std::string>& way,
               std::set<std::string, std::less<>>& cleared) const {
    if (std::ranges::find(way, engine.name) != way.end()) return engine.name == way.front();
    if (cleared.contains(engine.name)) return false;
    constexpr std::size_t kLongest = 256;
    if (way.size() >= kLongest) return false;
    way.push_back(engine.name);
    for (const std::string& name : engine.fallback) {
      const EngineConfig* next = config_.Find(name);
      if (next != nullptr && Circles(*next, way, cleared)) return true;
    }
    way.pop_back();
    cleared.insert(engine.name);
    return false;
  }

  const Config& config_;
  Reading& reading_;
  std::vector<std::string> names_;
};

// OpenAI's own address takes the key from where everybody keeps it. No other address does: a key
// is not given to strangers.
void FindOpenAiKey(EngineConfig& engine, const Env& env, Reading& reading) {
  constexpr std::string_view kVariable = "OPENAI_API_KEY";
  const std::string path = EnginePath(engine.name) + "/api_key";
  const bool wanted = engine.kind == Kind::kOpenAi && !reading.sources.contains(path) &&
                      KindOfAddress(engine.http.upstream.base_url) == Kind::kOpenAi;
  const std::optional<std::string> key = wanted ? env.Get(kVariable) : std::nullopt;
  if (!key) return;
  engine.http.upstream.api_key = *key;
  reading.sources.insert_or_assign(path, Reading::Source{{}, StrCat("$", kVariable)});
}

// The script of a simulator lies beside the configuration that names it.
void PlaceScenario(EngineConfig& engine, const std::string& config_file) {
  const std::size_t slash = config_file.rfind('/');
  if (engine.sim_scenario.empty() || engine.sim_scenario.starts_with('/')) return;
  if (slash == config_file.npos) return;
  engine.sim_scenario.insert(0, config_file, 0, slash + 1);
}

void JoinRoles(Config& config) {
  std::multimap<int, const EngineConfig*> engines;  // equal ones stay in the order of the file
  for (const EngineConfig& engine : config.engines) engines.emplace(engine.priority, &engine);
  for (const auto& [priority, engine] : engines) {
    for (const std::string& role : engine->roles) {
      std::vector<std::string>& route = config.routes.roles[role];
      if (std::ranges::find(route, engine->name) == route.end()) route.push_back(engine->name);
    }
  }
}

void ChooseDefault(Config& config) {
  if (!config.default_engine.empty() || config.engines.empty()) return;
  const auto route = config.routes.roles.find("default");
  if (route != config.routes.roles.end() && !route->second.empty()) {
    config.default_engine = route->second.front();
  } else {
    config.default_engine =
        std::ranges::min_element(config.engines, {}, &EngineConfig::priority)->name;
  }
}

// The mistake of a list of flags with `env:` indented as if it belonged to the last of them.
std::string AdviceAboutEnv(std::string_view text) {
  std::string_view before;
  for (const std::string_view line : Split(text, '\n')) {
    const std::string_view trimmed = Trim(line);
    if ((trimmed.starts_with("env:") || trimmed.starts_with("extra_env:")) &&
        before.starts_with("- ")) {
      return "; is `env:` meant to stand beside the list in front of it? Then indent it like the "
             "key of that list";
    }
    if (!trimmed.empty()) before = trimmed;
  }
  return "";
}

// YAML's own words about a tab in the indentation seldom name it.
std::string AdviceAboutTabs(std::string_view text) {
  int line = 0;
  for (const std::string_view all : Split(text, '\n')) {
    ++line;
    const std::string_view indent = all.substr(0, all.find_first_not_of(" \t"));
    const std::string_view rest = all.substr(indent.size());
    if (Trim(rest).empty() || rest.starts_with('#') || !indent.contains('\t')) continue;
    return StrCat("; line ", line, " is indented with a tab: YAML wants spaces");
  }
  return "";
}

// The twins themselves, instead of what was wrong with the names that they were read under.
void TellTwins(const Twins& twins, Reading& reading, Config& config) {
  if (twins.told().empty()) return;
  const auto is_twin = [&](const Reading::Problem& problem) { return twins.AreAt(problem.mark); };
  std::erase_if(reading.problems, is_twin);
  reading.problems.insert(reading.problems.end(), twins.told().begin(), twins.told().end());
  std::erase_if(config.engines, [&](const EngineConfig& engine) {
    return twins.AreAt(reading.document.KeyMarkOf(EnginePath(engine.name)));
  });
}

void Warn(ReadConfig& out, const Reading& reading) {
  for (const EngineConfig& engine : out.config.engines) {
    if (engine.kind != Kind::kOllama || !engine.http.model.empty()) continue;
    const auto kind = reading.sources.find(EnginePath(engine.name) + "/kind");
    out.warnings.push_back(
        StrCat(kind == reading.sources.end() ? "" : StrCat(kind->second.text, ": "), "engine ",
               engine.name, " has no model, and Ollama has no default: a call that names none ",
               "fails; write model: NAME (`ollama list` shows those that are there)"));
  }
}

void Finish(ReadConfig& out, Reading& reading, const Env& env) {
  Config& config = out.config;
  for (EngineConfig& engine : config.engines) {
    FindOpenAiKey(engine, env, reading);
    PlaceScenario(engine, config.file);
  }
  References(config, reading).Check();
  Warn(out, reading);
  JoinRoles(config);
  ChooseDefault(config);
  for (const std::string& path : UnsetOnPurpose()) {
    reading.sources.try_emplace(path, Reading::Source{{}, "built in"});
  }
  for (auto& [pointer, source] : reading.sources) {
    config.origins.push_back({.pointer = pointer, .source = std::move(source.text)});
  }
  config.notes = std::move(reading.notes);
  out.problems = std::move(reading).Errors();
}

}  // namespace

ReadConfig Read(std::string_view text, std::string_view file_name, const Env& env) {
  ReadConfig out;
  out.config.file = file_name;
  out.config.profiles = BuiltInProfiles();
  Result<json::YamlDocument> document = json::ReadYaml(text, file_name);
  Twins twins(text, file_name);
  if (!document) document = twins.Read(std::move(document).error());
  if (!document) {
    for (const Reading::Problem& twin : twins.told()) out.problems.push_back(twin.error);
    Error error = std::move(document).error();
    const std::string tabs = AdviceAboutTabs(text);
    const bool told = !out.problems.empty() && out.problems.back().message == error.message;
    error.message += tabs.empty() ? AdviceAboutEnv(text) : tabs;
    if (!told) out.problems.push_back(std::move(error));
    return out;
  }
  Reading reading{.document = *document, .env = env};
  Reader root(reading, "", "");
  if (document->value.IsArray()) {
    root.Whole(EnginesKey(), EnginesOf(out.config));
  } else {
    Describe(root, out.config);
  }
  root.Finish();
  TellTwins(twins, reading, out.config);
  Finish(out, reading, env);
  return out;
}

Result<Config> Parse(std::string_view text, std::string_view file_name, const Env& env) {
  ReadConfig read = Read(text, file_name, env);
  if (!read.problems.empty()) return Fail(std::move(read.problems.front()));
  return std::move(read.config);
}

Result<EngineConfig> ReadEngine(const json::YamlDocument& document, const std::string& pointer,
                                const std::string& name, const Env& env, BaseUrl base_url) {
  Reading reading{.document = document, .env = env};
  EngineConfig engine;
  engine.name = name;
  engine.http.name = name;
  Reader section(reading, pointer, EnginePath(name));
  Describe(section, engine, BuiltInProfiles());
  section.Finish();
  const bool has_place = reading.sources.contains(EnginePath(name) + "/base_url") ||
                         engine.serve.has_value() || engine.kind == Kind::kSim ||
                         env.Get("VLLM_BASE_URL");
  if (base_url == BaseUrl::kDemanded && !has_place) {
    section.Problem("", StrCat("No base_url found for engine '", name,
                               "'; add one, or export VLLM_BASE_URL:\n\n  config:\n    base_url: "
                               "\"http://localhost:8000\"\n"));
  }
  FindOpenAiKey(engine, env, reading);
  std::vector<Error> errors = std::move(reading).Errors();
  if (!errors.empty()) return Fail(std::move(errors.front()));
  return engine;
}

}  // namespace weir::config
