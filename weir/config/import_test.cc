#include "weir/config/import.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/config/config.h"

namespace weir::config {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kFolder = "tests/config/import";

std::string ReadExample(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Folder {
  const char* name;
  ImportKind kind;
};
constexpr Folder kFolders[] = {{"sections", ImportKind::kSections},
                               {"engines", ImportKind::kEngines},
                               {"variables", ImportKind::kVariables},
                               {"settings", ImportKind::kSettings},
                               {"providers", ImportKind::kProviders}};

struct Taken {
  Imported imported;
  Config config;
};

Taken Take(ImportKind kind, std::string_view text, const Env& env = {}) {
  Taken taken;
  Result<Imported> imported = Import(kind, text, "in.yaml");
  EXPECT_TRUE(imported.has_value()) << imported.error().message;
  if (!imported) return taken;
  taken.imported = *std::move(imported);
  Result<Config> config = Parse(taken.imported.yaml, "weir.yaml", env);
  EXPECT_TRUE(config.has_value()) << config.error().message << taken.imported.yaml;
  if (config) taken.config = *std::move(config);
  return taken;
}

Taken TakeFile(const char* folder, const char* name, const Env& env = {}) {
  for (const Folder& each : kFolders) {
    if (std::string_view(folder) == each.name) {
      return Take(each.kind, ReadExample(std::filesystem::path(kFolder) / folder / name), env);
    }
  }
  ADD_FAILURE() << folder;
  return {};
}

EngineConfig EngineOf(const Taken& taken, std::string_view name) {
  const EngineConfig* engine = taken.config.Find(name);
  EXPECT_NE(engine, nullptr) << taken.imported.yaml;
  return engine == nullptr ? EngineConfig{} : *engine;
}

TEST(Import, DeclaredSectionsGiveTheirDefaults) {  // R-CFG-01, R-CFG-02
  for (const char* file : {"vllm_class.py", "root_class.py", "runner_class.py"}) {
    SCOPED_TRACE(file);
    const EngineConfig engine = EngineOf(TakeFile("sections", file), "vllm");
    EXPECT_TRUE(engine.guided_json);
    EXPECT_EQ(engine.defaults.top_p, 0.9);
    EXPECT_EQ(engine.defaults.top_k, 50);
    EXPECT_EQ(engine.defaults.repetition_penalty, 1.0);
    EXPECT_TRUE(engine.defaults.stop.empty());
    EXPECT_EQ(engine.defaults.logprobs, std::nullopt);
    EXPECT_EQ(engine.defaults.skip_special_tokens, true);
    EXPECT_EQ(engine.max_logprobs, 20);
  }
}

TEST(Import, ARunnerIsTheAgentProfile) {  // R-CFG-03
  const Taken taken = TakeFile("sections", "runner_class.py");
  const Profile& agent = taken.config.profiles.at("agent");
  EXPECT_EQ(agent.max_turns, 20);
  EXPECT_EQ(agent.concurrency, 16);
  EXPECT_EQ(agent.run_timeout, 300s);
  EXPECT_EQ(agent.sampling.max_tokens, 512);
  EXPECT_EQ(agent.sampling.temperature, 0.1);
  EXPECT_EQ(EngineOf(taken, "vllm").defaults.max_tokens, 512);
}

TEST(Import, SectionsOfAFileReachTheirOptions) {
  const Taken taken = TakeFile("sections", "full.yaml");
  const EngineConfig engine = EngineOf(taken, "vllm");
  EXPECT_EQ(engine.http.upstream.base_url, "http://gpu-1:8000/v1");
  EXPECT_EQ(engine.http.upstream.timeouts.total, 120s);
  EXPECT_FALSE(engine.guided_json);
  EXPECT_EQ(engine.defaults.top_p, 0.8);
  EXPECT_EQ(engine.defaults.top_k, 50);
  EXPECT_THAT(engine.defaults.stop, ElementsAre("</s>"));
  EXPECT_EQ(engine.defaults.temperature, 0.2);
  ASSERT_EQ(engine.adapters.size(), 1U);
  EXPECT_EQ(engine.adapters[0].name, "lint");
  EXPECT_EQ(taken.config.profiles.at("agent").concurrency, 8);
  EXPECT_EQ(taken.config.events.file, "events.jsonl");
  EXPECT_FALSE(taken.config.events.payloads);
  EXPECT_THAT(taken.imported.notes, Contains(StartsWith("in.yaml:18:3: runner.tool_choice")));
  EXPECT_THAT(taken.imported.yaml, HasSubstr("runner.tool_choice is not carried"));
}

TEST(Import, AnEngineNamesTheVariableOfItsKey) {  // R-CFG-08
  const Env env{.variables = {{"OPENAI_API_KEY", "k"}}};
  const EngineConfig engine = EngineOf(TakeFile("engines", "list.yaml", env), "gpt4o");
  EXPECT_EQ(engine.kind, Kind::kOpenAi);
  EXPECT_EQ(engine.http.model, "gpt-4.1-mini");
  EXPECT_EQ(engine.http.upstream.base_url, "https://api.openai.com/v1");
  EXPECT_EQ(engine.http.upstream.api_key, "k");
  EXPECT_EQ(engine.http.upstream.timeouts.total, 60s);  // R-ERR-09
}

TEST(Import, AnEngineWithoutAnAddressIsStarted) {  // R-CFG-10
  const Taken taken = TakeFile("engines", "managed.yaml");
  const engine::ServeOptions serve = EngineOf(taken, "local").serve.value();
  EXPECT_EQ(serve.lifecycle, engine::ServeOptions::Lifecycle::kPersistent);
  EXPECT_EQ(serve.port, 9000);
  ASSERT_EQ(serve.flags.size(), 3U);
  EXPECT_EQ(serve.flags[0], "--tensor-parallel-size=2");
  EXPECT_EQ(serve.flags[1], "--enable-reasoning");
  EXPECT_EQ(serve.env.at("CUDA_VISIBLE_DEVICES"), "0,1");
  EXPECT_EQ(EngineOf(taken, "safety_net").kind, Kind::kOllama);
}

TEST(Import, RegisteredAndDeclaredEnginesAreLazy) {
  const EngineConfig engine = EngineOf(TakeFile("engines", "register.py"), "my_model");
  EXPECT_EQ(engine.http.model, "mistralai/Mixtral-8x7B");
  EXPECT_EQ(engine.serve.value().lifecycle, engine::ServeOptions::Lifecycle::kLazy);
  for (const char* file : {"fields.py", "lifecycle_class.py"}) {
    SCOPED_TRACE(file);
    const EngineConfig declared = EngineOf(TakeFile("engines", file), "vllm");
    EXPECT_EQ(declared.serve.value().lifecycle, engine::ServeOptions::Lifecycle::kLazy);
    EXPECT_FALSE(declared.serve->port.has_value());
  }
}

TEST(Import, AClassWithoutAnEngineBesideOneThatHasItIsNotComplainedOf) {
  const Taken taken =
      Take(ImportKind::kEngines,
           "class Point:\n    x: int = 5\n"
           "class Engine:\n    model: str = 'm'\n    endpoint: str = 'http://h:1'\n");
  EXPECT_EQ(EngineOf(taken, "vllm").http.model, "m");
  EXPECT_THAT(taken.imported.notes,
              testing::Not(testing::Contains(HasSubstr("nothing to import"))));
}

TEST(Import, FieldsWithoutValuesMakeNoEngine) {
  for (const char* file : {"dataclass.py", "process_field.py", "serve_fields.py"}) {
    SCOPED_TRACE(file);
    const Taken taken = TakeFile("engines", file);
    EXPECT_TRUE(taken.config.engines.empty());
    EXPECT_THAT(taken.imported.notes, ElementsAre(HasSubstr("there is nothing to import")));
  }
  const Taken other = Take(ImportKind::kEngines, "class Point:\n    x: int = 5\n");
  EXPECT_TRUE(other.config.engines.empty());
  EXPECT_THAT(other.imported.notes, ElementsAre(HasSubstr("class Point gives no field")));
}

TEST(Import, EnvBehindTheLastItemOfAListIsMended) {  // C-17
  const std::string text = ReadExample("tests/config/import/engines/serve_flags_env_indented.yaml");
  const Result<Imported> broken = Import(ImportKind::kEngines, text, "in.yaml");
  ASSERT_FALSE(broken.has_value());
  const std::string& message = broken.error().message;
  EXPECT_THAT(message, StartsWith("in.yaml:8:3: `env:` is indented"));
  EXPECT_THAT(message, HasSubstr("  env:\n    CUDA_VISIBLE_DEVICES: \"0,1\"\n"));

  const std::string mended = message.substr(message.find("  extra_serve_flags"));
  const engine::ServeOptions serve =
      EngineOf(Take(ImportKind::kEngines, mended), "vllm").serve.value();
  EXPECT_EQ(serve.flags.size(), 6U);
  EXPECT_EQ(serve.env.at("CUDA_VISIBLE_DEVICES"), "0,1");
}

TEST(Import, VariablesGiveAnEngineAndItsSafetyNet) {  // R-CFG-12, R-FAC-01..04
  const Env env{.variables = {{"VLLM_API_KEY", "k"}}};
  const Taken taken = TakeFile("variables", "exports.env", env);
  const EngineConfig vllm = EngineOf(taken, "vllm");
  EXPECT_EQ(vllm.http.upstream.base_url, "http://gpu-1:8000");
  EXPECT_EQ(vllm.http.model, "Qwen/Qwen3-8B");
  EXPECT_EQ(vllm.http.upstream.api_key, "k");
  EXPECT_EQ(vllm.http.upstream.timeouts.total, 120s);
  EXPECT_EQ(vllm.retry.max_retries, 3);
  EXPECT_EQ(vllm.retry.base_delay, 500ms);
  EXPECT_EQ(vllm.retry.max_delay, 30s);
  EXPECT_EQ(vllm.retry.multiplier, 2);
  EXPECT_EQ(vllm.defaults.max_tokens, 2048);
  EXPECT_EQ(vllm.defaults.temperature, 0.2);
  EXPECT_THAT(vllm.fallback, ElementsAre("ollama"));
  EXPECT_EQ(EngineOf(taken, "ollama").http.model, "llama3.1:8b");
  EXPECT_EQ(taken.config.default_engine, "vllm");
  for (const auto& [provider, engine] : {std::pair{"vllm", "vllm"}, std::pair{"ollama", "ollama"},
                                         std::pair{"", "ollama"}, std::pair{"*", "ollama"}}) {
    EXPECT_EQ(taken.config.routes.providers.at(provider), engine);
  }
}

TEST(Import, OnlyTheServersThatAreNamedAreEngines) {
  const Taken vllm = Take(ImportKind::kVariables, "VLLM_MODEL=m\nOLLAMA_MODEL=\n");
  EXPECT_EQ(vllm.config.engines.size(), 1U);
  EXPECT_TRUE(EngineOf(vllm, "vllm").fallback.empty());
  EXPECT_EQ(vllm.config.default_engine, "vllm");
  EXPECT_EQ(vllm.config.routes.providers.at("vllm"), "vllm");
  EXPECT_FALSE(vllm.config.routes.providers.contains(""));
  EXPECT_FALSE(vllm.config.routes.providers.contains("*"));
  EXPECT_THAT(vllm.imported.notes, ElementsAre(HasSubstr("VLLM_BASE_URL is not there"),
                                               HasSubstr("go to Ollama there")));

  const Taken ollama = Take(ImportKind::kVariables, "OLLAMA_MODEL=m\n");
  EXPECT_EQ(ollama.config.engines.size(), 1U);
  EXPECT_EQ(ollama.config.default_engine, "ollama");
}

TEST(Import, AKeyThatIsAnotherVariableNamesThatOne) {
  for (const char* line :
       {"VLLM_API_KEY=$TEAM_KEY", "export VLLM_API_KEY=\"${TEAM_KEY}\"",
        "env:\n  VLLM_API_KEY: ${TEAM_KEY}", "environment:\n- VLLM_API_KEY=$TEAM_KEY"}) {
    SCOPED_TRACE(line);
    const Env env{.variables = {{"TEAM_KEY", "k"}}};
    const Taken taken = Take(ImportKind::kVariables, line, env);
    EXPECT_THAT(taken.imported.yaml, HasSubstr("api_key_env: TEAM_KEY\n"));
    EXPECT_THAT(taken.imported.notes, Contains(HasSubstr("VLLM_API_KEY is what TEAM_KEY holds")));
    EXPECT_EQ(EngineOf(taken, "vllm").http.upstream.api_key, "k");
  }
  for (const char* line :
       {"VLLM_API_KEY=prefix-$TEAM_KEY", "VLLM_API_KEY=${TEAM_KEY:-secret}", "VLLM_API_KEY=sk-1"}) {
    SCOPED_TRACE(line);
    EXPECT_THAT(Take(ImportKind::kVariables, line).imported.yaml,
                HasSubstr("api_key_env: VLLM_API_KEY\n"));
  }
}

TEST(Import, AKeyInAVariableStaysThere) {
  const Taken taken = TakeFile("variables", "exports.env");
  EXPECT_FALSE(taken.imported.yaml.contains("key-of-mine"));
  EXPECT_THAT(taken.imported.yaml, HasSubstr("api_key_env: VLLM_API_KEY"));
}

TEST(Import, VariablesOfManifestsAreFound) {  // R-OPS, Helm values
  const EngineConfig values = EngineOf(TakeFile("variables", "values.yaml"), "vllm");
  EXPECT_EQ(values.http.upstream.base_url, "http://vllm.models:8000");
  EXPECT_EQ(values.http.upstream.timeouts.total, 120s);
  EXPECT_EQ(values.http.upstream.api_key, "EMPTY");

  const Env env{.variables = {{"VLLM_API_KEY", "k"}}};
  const Taken list = TakeFile("variables", "env_list.yaml", env);
  EXPECT_EQ(EngineOf(list, "vllm").http.upstream.api_key, "k");
  EXPECT_EQ(EngineOf(list, "ollama").http.upstream.base_url, "http://ollama:11434");
}

TEST(Import, SettingsOfAProviderAreAnEngine) {  // R-CFG-17
  const Taken taken = TakeFile("settings", "provider_settings.json");
  const EngineConfig engine = EngineOf(taken, "vllm");
  EXPECT_EQ(engine.http.upstream.base_url, "http://localhost:8000/v1");
  EXPECT_EQ(engine.http.model, "Qwen/Qwen2.5-Coder-32B-Instruct");
  EXPECT_EQ(engine.http.upstream.timeouts.total, 600s);
  EXPECT_EQ(engine.defaults.max_tokens, 8192);
  EXPECT_EQ(engine.defaults.temperature, 0.1);
  EXPECT_EQ(engine.http.extra.Find("guided_decoding_backend").StringOr(""), "outlines");
  EXPECT_EQ(EngineOf(TakeFile("settings", "create.py"), "vllm").http.model,
            "Qwen/Qwen2.5-Coder-32B-Instruct");
}

TEST(Import, ABudgetBesideACapOfTheAnswerIsTheContextWindow) {
  const EngineConfig engine = EngineOf(Take(ImportKind::kSettings,
                                            R"({"provider_settings": {"vllm": {"parameters":
                       {"max_tokens": 8192, "max_output_tokens": 1024}}}})"),
                                       "vllm");
  EXPECT_EQ(engine.defaults.max_tokens, 1024);
  EXPECT_EQ(engine.context_window, 8192);
}

TEST(Import, AProviderWithoutAFlagKeepsCompletions) {  // C-05, R-CFG-18
  const Taken taken = TakeFile("providers", "basic.yaml");
  const EngineConfig engine = EngineOf(taken, "vllm");
  EXPECT_EQ(engine.http.api, model::Api::kCompletions);
  EXPECT_EQ(engine.http.upstream.base_url, "http://localhost:8000");
  EXPECT_EQ(engine.http.model, "openai/gpt-oss-20b");
  EXPECT_EQ(engine.defaults.max_tokens, 1024);
  EXPECT_EQ(engine.http.upstream.timeouts.total, 300s);  // R-CFG-21
  EXPECT_THAT(taken.imported.notes, Contains(HasSubstr("nothing is downloaded: git+https://")));
}

TEST(Import, EveryKeyOfAProviderReachesItsOption) {
  const EngineConfig engine = EngineOf(TakeFile("providers", "advanced.yaml"), "vllm");
  EXPECT_EQ(engine.http.api, model::Api::kCompletions);
  EXPECT_EQ(engine.http.upstream.api_key, "your-api-key");
  EXPECT_EQ(engine.debug, engine::DebugLevel::kRaw);
  EXPECT_EQ(engine.debug_truncate, 180U);
  EXPECT_EQ(engine.priority, 100);
  EXPECT_EQ(engine.defaults.max_tokens, 2048);
  EXPECT_EQ(engine.defaults.temperature, 0.5);
}

TEST(Import, ProvidersInAProgramAreReadNotRun) {  // R-CFG-26
  EXPECT_EQ(EngineOf(TakeFile("providers", "completions.py"), "vllm").http.api,
            model::Api::kCompletions);
  EXPECT_EQ(EngineOf(TakeFile("providers", "chat.py"), "vllm").http.api, model::Api::kChat);

  const Env env{.variables = {{"URL", "http://u:1"}}};
  const Taken taken = Take(ImportKind::kProviders,
                           "from core import Session\n\n"
                           "config = {'providers': [{'module': 'provider-vllm', 'config': {\n"
                           "    'base_url': os.environ['URL'],\n"
                           "    'api_key': os.getenv('NO_SUCH', 'EMPTY'), 'timeout': 1_0.5}}]}\n\n"
                           "async with Session(config=config) as session:\n    print(f'{x}')\n",
                           env);
  EXPECT_EQ(EngineOf(taken, "vllm").http.upstream.base_url, "http://u:1");
  EXPECT_EQ(EngineOf(taken, "vllm").http.upstream.api_key, "EMPTY");
  EXPECT_EQ(EngineOf(taken, "vllm").http.upstream.timeouts.total, 10500ms);
}

TEST(Import, AFragmentOfAProviderIsTaken) {
  EXPECT_EQ(EngineOf(TakeFile("providers", "fragment_debug.yaml"), "vllm").debug,
            engine::DebugLevel::kRaw);
  EXPECT_EQ(
      EngineOf(TakeFile("providers", "fragment_timeout.yaml"), "vllm").http.upstream.timeouts.total,
      600s);
  EXPECT_EQ(
      EngineOf(TakeFile("providers", "fragment_base_url.yaml"), "vllm").http.upstream.base_url,
      "http://localhost:8000");
}

struct WrongImportCase {
  const char* name;
  ImportKind kind;
  const char* text;
  const char* sentence;
};

const WrongImportCase kWrongImports[] = {
    {"no_base_url", ImportKind::kProviders, "providers:\n- module: provider-vllm\n  config: {}\n",
     "in.yaml:3:3: No base_url found"},
    {"no_list", ImportKind::kProviders, "providers: 5\n", "in.yaml:1:12: providers must be a list"},
    {"no_providers", ImportKind::kProviders, "a: 1\n", "in.yaml:1:1: holds no providers"},
    {"range", ImportKind::kProviders,
     "providers:\n- module: provider-vllm\n  config:\n    base_url: http://x\n    temperature: 5\n",
     "in.yaml:5:5: providers.config.temperature does not fit: temperature must be in [0, 2]"},
    {"expression", ImportKind::kProviders, "config = {'providers': make()}\n",
     "in.yaml:1:24: an expression stands where a value is needed"},
    {"open_text", ImportKind::kProviders, "config = {'providers: []}\n",
     "in.yaml:1:11: this text is never closed"},
    {"open_bracket", ImportKind::kProviders, "config = {'providers': [\n",
     "in.yaml:1:24: the [ is never closed"},
    {"wrong_kind", ImportKind::kSections, "runner:\n  max_turns: many\n",
     "in.yaml:2:3: runner.max_turns does not fit: max_turns must be a whole number"},
    {"no_section", ImportKind::kSections, "x: 1\n", "in.yaml:1:1: none of the sections"},
    {"local", ImportKind::kEngines, "- name: a\n  backend: vllm_local\n",
     "in.yaml:2:3: backend does not fit: kind vllm_local is gone"},
    {"twice", ImportKind::kEngines, "- name: a\n  model: m\n- name: a\n", "in.yaml:3:3: name is"},
    {"nameless", ImportKind::kEngines, "- model: m\n", "in.yaml:1:3: name is missing"},
    {"lazy", ImportKind::kEngines, "- name: a\n  lazy: maybe\n",
     "in.yaml:2:3: lazy must be true or false"},
    {"port", ImportKind::kEngines, "- name: a\n  port: 70000\n", "in.yaml:2:3: port must be"},
    {"line", ImportKind::kVariables, "VLLM_MODEL=m\noops\n",
     "in.yaml:2:1: expected NAME=value; write it like VLLM_BASE_URL="},
    {"number", ImportKind::kVariables, "VLLM_TIMEOUT=soon\n",
     "in.yaml:1:1: VLLM_TIMEOUT does not fit"},
    {"command", ImportKind::kVariables, "export VLLM_API_KEY=$(pass vllm)\n",
     "in.yaml:1:1: VLLM_API_KEY is made by a command"},
    {"no_variable", ImportKind::kVariables, "A=1\n", "in.yaml:1:1: no variable here starts"},
    {"no_settings", ImportKind::kSettings, "{}", "in.yaml:1:1: provider_settings must be a map"},
    {"broken_json", ImportKind::kSettings, "{\"provider_settings\": {", "in.yaml:1:"},
};

TEST(Import, EveryMistakeIsNamedWithItsPlace) {
  for (const WrongImportCase& c : kWrongImports) {
    SCOPED_TRACE(c.name);
    const Result<Imported> imported = Import(c.kind, c.text, "in.yaml");
    ASSERT_FALSE(imported.has_value()) << imported->yaml;
    EXPECT_EQ(imported.error().code, Code::kConfigError);
    EXPECT_THAT(imported.error().message, StartsWith(c.sentence));
  }
}

TEST(Import, AKeyThatNobodyKnowsIsNotedWithItsNeighbour) {
  const Taken taken = Take(ImportKind::kSections, "runner: {max_turn: 3, max_tokens: 5}\n");
  EXPECT_THAT(taken.imported.notes,
              Contains("in.yaml:1:10: runner.max_turn is not carried: nothing is known about this "
                       "key; did you mean 'max_turns'?"));
}

TEST(Import, EveryPrefixOfEveryFileIsImportedOrRefusedWithItsName) {
  for (const Folder& folder : kFolders) {
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(kFolder) / folder.name)) {
      SCOPED_TRACE(entry.path().string());
      const std::string text = ReadExample(entry.path());
      for (std::size_t length = 0; length <= text.size(); ++length) {
        const Result<Imported> imported =
            Import(folder.kind, std::string_view(text).substr(0, length), "in.yaml");
        if (imported) continue;
        ASSERT_THAT(imported.error().message, StartsWith("in.yaml:")) << length;
      }
    }
  }
}

}  // namespace
}  // namespace weir::config
