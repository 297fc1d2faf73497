#include "weir/config/environment.h"

#include <gmock/gmock.h>

namespace weir::config {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Env AtHome(std::map<std::string, std::string, std::less<>> variables) {
  variables.emplace("HOME", "/nonexistent");
  return Env{.variables = std::move(variables)};
}

TEST(Environment, WeirWinsOverVllm) {
  const Result<Config> config = Load("", AtHome({{"VLLM_MODEL", "old"},
                                                 {"WEIR_MODEL", "new"},
                                                 {"WEIR_BASE_URL", "http://h:1"},
                                                 {"WEIR_API_KEY", "k"},
                                                 {"WEIR_TIMEOUT", "2.5"},
                                                 {"WEIR_EVENTS_FILE", "e.jsonl"}}));
  ASSERT_TRUE(config.has_value()) << config.error().message;
  const EngineConfig& engine = config->engines.front();
  EXPECT_EQ(engine.http.model, "new");
  EXPECT_EQ(engine.http.upstream.base_url, "http://h:1");
  EXPECT_EQ(engine.http.upstream.api_key, "k");
  EXPECT_EQ(engine.http.upstream.timeouts.total, 2500ms);
  EXPECT_EQ(config->events.file, "e.jsonl");
}

TEST(Environment, WeirEngineIsTheDefaultByNameOrAddress) {
  const Env address = AtHome({{"WEIR_ENGINE", "http://h:1"}, {"VLLM_MODEL", "m"}});
  const Result<EngineConfig> engine = ResolveEngine(*Load("", address), "", address);
  ASSERT_TRUE(engine.has_value()) << engine.error().message;
  EXPECT_EQ(engine->http.upstream.base_url, "http://h:1");
  EXPECT_EQ(engine->http.model, "m");

  const Env simulator = AtHome({{"WEIR_ENGINE", "sim"}});
  EXPECT_EQ(ResolveEngine(*Load("", simulator), "", simulator)->kind, Kind::kSim);

  const Env wrong = AtHome({{"WEIR_ENGINE", "defalt"}});
  EXPECT_EQ(ResolveEngine(*Load("", wrong), "", wrong).error().message,
            "there is no engine 'defalt', which $WEIR_ENGINE names; did you mean 'default'?");
}

TEST(Environment, AnAddressReplacesTheServerThatWouldBeStarted) {
  Result<Config> config = Parse("engines: {a: {serve: {port: 1}}}", "w.yaml", {});
  ASSERT_TRUE(config.has_value());
  EngineConfig& engine = config->engines.front();
  ASSERT_TRUE(engine.managed);
  const Env env = AtHome({{"VLLM_BASE_URL", "gpu-1:8000"}});
  ASSERT_TRUE(ApplyEnvironment(engine, env, config->origins).has_value());
  EXPECT_FALSE(engine.managed);
  EXPECT_EQ(engine.http.upstream.base_url, "http://gpu-1:8000");
}

TEST(Environment, VllmsVariablesAreForVllmOnly) {
  EngineConfig engine{.kind = Kind::kOpenAi};
  std::vector<Origin> origins;
  const Env env = AtHome({{"VLLM_API_KEY", "secret"}, {"VLLM_MODEL", "m"}, {"WEIR_MODEL", "w"}});
  ASSERT_TRUE(ApplyEnvironment(engine, env, origins).has_value());
  EXPECT_EQ(engine.http.upstream.api_key, "EMPTY");
  EXPECT_EQ(engine.http.model, "w");
  ASSERT_EQ(origins.size(), 1U);
  EXPECT_EQ(origins[0].pointer, "/engines/default/model");
  EXPECT_EQ(origins[0].source, "$WEIR_MODEL");
}

struct VariableCase {
  const char* address;
  Kind kind;
  const char* key;
};

TEST(Environment, AddressesOfOpenAiAndOllamaAreKnown) {
  const Env env = AtHome({{"OPENAI_API_KEY", "o"}, {"VLLM_API_KEY", "v"}});
  const VariableCase cases[] = {
      {"https://api.openai.com/v1", Kind::kOpenAi, "o"},
      {"https://API.openai.com:443", Kind::kOpenAi, "o"},
      {"http://localhost:11434", Kind::kOllama, "EMPTY"},
      {"localhost:11434", Kind::kOllama, "EMPTY"},
      {"http://localhost:8000", Kind::kVllm, "v"},
      {"https://api.openai.com.example", Kind::kVllm, "v"},
      {"https://example/api.openai.com", Kind::kVllm, "v"},
      {"https://api.openai.com@example", Kind::kVllm, "v"},
      {"unix:/run/x:11434", Kind::kVllm, "v"},
  };
  for (const VariableCase& c : cases) {
    SCOPED_TRACE(c.address);
    const Result<EngineConfig> engine = ResolveEngine({}, c.address, env);
    ASSERT_TRUE(engine.has_value()) << engine.error().message;
    EXPECT_EQ(engine->kind, c.kind);
    EXPECT_EQ(engine->http.upstream.api_key, c.key);
  }
}

TEST(Environment, ATimeoutOfNothingIsRefused) {
  for (const char* name : {"VLLM_TIMEOUT", "WEIR_TIMEOUT"}) {
    const Result<Config> config = Load("", AtHome({{name, "0"}}));
    ASSERT_FALSE(config.has_value());
    EXPECT_THAT(config.error().message, HasSubstr(name));
    EXPECT_THAT(config.error().message, HasSubstr("timeouts: {total: 0}"));
  }
}

}  // namespace
}  // namespace weir::config
