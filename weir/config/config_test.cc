#include "weir/config/config.h"

#include <filesystem>

#include <gmock/gmock.h>

namespace weir::config {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Env With(std::map<std::string, std::string, std::less<>> variables) {
  return Env{.variables = std::move(variables)};
}

std::string ErrorOf(std::string_view text, const Env& env = {}) {
  const Result<Config> config = Parse(text, "weir.yaml", env);
  EXPECT_FALSE(config.has_value());
  if (config) return "";
  EXPECT_EQ(config.error().code, Code::kConfigError);
  return config.error().message;
}

TEST(Config, EveryKeyReachesItsOption) {
  const Result<Config> config = Parse(R"(
version: 1
default_engine: b
engines:
  a: {kind: sim}
  b:
    base_url: https://gpu:8443/v1
    model: m
    api_key_env: KEY
    auth: bearer
    dialect: vllm-0.11
    timeouts: {connect: 1, first_token: 2.5, idle: 3, total: 4}
    retry: {max_retries: 5, base_delay: 0.5, multiplier: 3, max_delay: 9, max_retry_after: 10, jitter: 0}
    limits: {max_in_flight: 7, max_waiting: 8}
    tls: {ca_file: ca.pem, server_name: n, verify: false}
    defaults: {max_tokens: 11, temperature: 0.1, stop: ["x", "y"]}
    extra: {top: 1}
)",
                                      "weir.yaml", With({{"KEY", "secret"}}));
  ASSERT_TRUE(config.has_value()) << config.error().message;

  EXPECT_EQ(config->default_engine, "b");
  EXPECT_EQ(config->Find("a")->kind, Kind::kSim);
  const EngineConfig& b = *config->Find("b");
  const engine::UpstreamOptions& upstream = b.http.upstream;
  EXPECT_EQ(upstream.base_url, "https://gpu:8443/v1");
  EXPECT_EQ(b.http.model, "m");
  EXPECT_EQ(upstream.api_key, "secret");
  EXPECT_EQ(upstream.auth, wire::AuthMode::kBearer);
  EXPECT_EQ(upstream.dialect->name, "vllm-0.11");
  EXPECT_EQ(upstream.timeouts.connect, 1s);
  EXPECT_EQ(upstream.timeouts.first_token, 2500ms);
  EXPECT_EQ(upstream.timeouts.idle, 3s);
  EXPECT_EQ(upstream.timeouts.total, 4s);
  EXPECT_EQ(b.retry.max_retries, 5);
  EXPECT_EQ(b.retry.base_delay, 500ms);
  EXPECT_EQ(b.retry.max_retry_after, 10s);
  EXPECT_EQ(b.limits.max_in_flight, 7U);
  EXPECT_EQ(b.tls.server_name, "n");
  EXPECT_FALSE(b.tls.verify);
  EXPECT_EQ(b.defaults.max_tokens, 11);
  EXPECT_EQ(b.defaults.stop, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(b.http.extra.Find("top").AsInt64(), 1);
}

TEST(Config, EnginesMayBeAListAndAliasesWork) {
  const Result<Config> config =
      Parse("engines:\n- {name: one, endpoint: 'http://h:1', default_model: m}\n", "weir.yaml", {});
  ASSERT_TRUE(config.has_value()) << config.error().message;

  EXPECT_EQ(config->Find("one")->http.upstream.base_url, "http://h:1");
  EXPECT_EQ(config->Find("one")->http.model, "m");
}

struct ErrorCase {
  const char* name;
  const char* text;
  const char* sentence;
};

const ErrorCase kErrorCases[] = {
    {"unknown_key", "engines:\n  a:\n    base_ulr: x\n",
     "weir.yaml:3:5: unknown key 'base_ulr'; did you mean 'base_url'?"},
    {"unknown_root_key", "engine: {}\n",
     "weir.yaml:1:1: unknown key 'engine'; did you mean 'engines'?"},
    {"wrong_type", "engines: {a: {retry: {max_retries: many}}}",
     "max_retries must be a whole number, found string"},
    {"wrong_word", "engines: {a: {kind: llama}}",
     "kind must be one of vllm, openai, ollama, sim, found 'llama'; did you mean 'ollama'?"},
    {"negative_time", "engines: {a: {timeout: -1}}", "timeout must be a number of seconds"},
    {"not_a_map", "engines: {a: 5}", "expected a map of keys, found number"},
    {"range", "engines: {a: {defaults: {temperature: 3}}}", "temperature must be in [0, 2], got 3"},
    {"missing_name", "engines: [{kind: sim}]", "an engine of a list names itself"},
    {"bad_default", "default_engine: z\nengines: {a: {}}", "names no engine of this file: 'z'"},
    {"bad_dialect", "engines: {a: {dialect: vllm-9}}", "dialect is wrong"},
    {"bad_version", "version: 2", "version must be 1"},
    {"no_places", "engines: {a: {limits: {max_in_flight: 0}}}", "max_in_flight must be at least 1"},
    {"broken_yaml", "engines: {a: ", "weir.yaml:"},
};

TEST(Config, EveryMistakeIsNamedWithItsPlace) {
  for (const ErrorCase& c : kErrorCases) {
    SCOPED_TRACE(c.name);
    EXPECT_THAT(ErrorOf(c.text), HasSubstr(c.sentence));
  }
}

TEST(Config, EveryPrefixOfAFileIsReadOrRefusedWithItsName) {
  const std::string text =
      "engines:\n  a:\n    retry: {max_retries: 2}\n    defaults: {stop: [\"x\"]}\n";
  for (std::size_t length = 0; length < text.size(); ++length) {
    const Result<Config> config = Parse(text.substr(0, length), "weir.yaml", {});
    if (!config) {
      EXPECT_THAT(config.error().message, HasSubstr("weir.yaml:")) << length;
    }
  }
}

TEST(Config, WithoutAFileThereIsOneEngineOnLocalhost) {
  const Result<Config> config = Load("", With({{"HOME", "/nonexistent"}}));
  ASSERT_TRUE(config.has_value());

  ASSERT_EQ(config->engines.size(), 1U);
  EXPECT_EQ(config->engines[0].http.upstream.base_url, "http://localhost:8000");
  EXPECT_EQ(config->engines[0].http.upstream.api_key, "EMPTY");
}

TEST(Config, AFileThatIsNamedMustExist) {
  const Result<Config> config = Load("/nonexistent/weir.yaml", {});
  ASSERT_FALSE(config.has_value());
  EXPECT_THAT(config.error().message, HasSubstr("/nonexistent/weir.yaml"));
}

TEST(Config, ClientVariablesOverrideTheDefaultEngine) {
  const Result<Config> config = Load("", With({{"HOME", "/nonexistent"},
                                               {"VLLM_BASE_URL", "http://h:1"},
                                               {"VLLM_MODEL", "m"},
                                               {"VLLM_API_KEY", "k"},
                                               {"VLLM_TIMEOUT", "0.25"},
                                               {"VLLM_MAX_RETRIES", "7"},
                                               {"VLLM_RETRY_BASE_DELAY", "0.5"},
                                               {"VLLM_RETRY_MAX_DELAY", "8"},
                                               {"VLLM_RETRY_BACKOFF_MULTIPLIER", "4"},
                                               {"VLLM_TEMPERATURE", "0.3"},
                                               {"VLLM_MAX_TOKENS", "99"}}));
  ASSERT_TRUE(config.has_value()) << config.error().message;

  const EngineConfig& engine = config->engines[0];
  EXPECT_EQ(engine.http.upstream.base_url, "http://h:1");
  EXPECT_EQ(engine.http.model, "m");
  EXPECT_EQ(engine.http.upstream.api_key, "k");
  EXPECT_EQ(engine.http.upstream.timeouts.total, 250ms);
  EXPECT_EQ(engine.retry.max_retries, 7);
  EXPECT_EQ(engine.retry.base_delay, 500ms);
  EXPECT_EQ(engine.retry.max_delay, 8s);
  EXPECT_EQ(engine.retry.multiplier, 4);
  EXPECT_EQ(engine.defaults.temperature, 0.3);
  EXPECT_EQ(engine.defaults.max_tokens, 99);
}

TEST(Config, AWrongVariableIsNamed) {
  const Result<Config> config =
      Load("", With({{"HOME", "/nonexistent"}, {"VLLM_TIMEOUT", "soon"}}));
  ASSERT_FALSE(config.has_value());
  EXPECT_THAT(config.error().message, HasSubstr("VLLM_TIMEOUT"));
}

struct EngineCase {
  const char* name;
  const char* base_url;  // null: an error
};

TEST(ResolveEngine, ANameAnAddressOrTheSimulator) {
  const Config config = *Parse("engines: {qwen: {base_url: 'http://q:1'}}", "weir.yaml", {});
  const EngineCase cases[] = {
      {"", "http://q:1"},
      {"qwen", "http://q:1"},
      {"http://h:2/v1", "http://h:2/v1"},
      {"https://h", "https://h"},
      {"unix:/run/v.sock", "unix:/run/v.sock"},
      {"gpu-1:8000", "http://gpu-1:8000"},
      {"qwem", nullptr},
      {"nothing", nullptr},
  };
  for (const EngineCase& c : cases) {
    SCOPED_TRACE(c.name);
    const Result<EngineConfig> engine = ResolveEngine(config, c.name, {});
    ASSERT_EQ(engine.has_value(), c.base_url != nullptr);
    if (engine) {
      EXPECT_EQ(engine->http.upstream.base_url, c.base_url);
    }
  }
  EXPECT_EQ(ResolveEngine(config, "sim", {})->kind, Kind::kSim);
  EXPECT_THAT(ResolveEngine(config, "qwem", {}).error().message, HasSubstr("did you mean 'qwen'?"));
}

TEST(ResolveEngine, AMissingKeyVariableMattersOnlyToItsEngine) {
  const Config config =
      *Parse("engines: {a: {api_key_env: NOPE}, b: {kind: sim}}", "weir.yaml", {});
  EXPECT_TRUE(ResolveEngine(config, "b", {}).has_value());
  const Result<EngineConfig> engine = ResolveEngine(config, "a", {});
  ASSERT_FALSE(engine.has_value());
  EXPECT_THAT(engine.error().message, HasSubstr("names the variable NOPE, which is not set"));
}

TEST(Config, AMistypedDefaultIsMatchedWithTheNearest) {
  EXPECT_THAT(ErrorOf("engines: {a: {defaults: {temprature: 1}}}"),
              HasSubstr("did you mean 'temperature'?"));
}

TEST(ResolveEngine, AnAddressTakesTheVariablesButKeepsItself) {
  const Result<EngineConfig> engine = ResolveEngine(
      Config(), "http://h:2", With({{"VLLM_BASE_URL", "http://x"}, {"VLLM_API_KEY", "k"}}));
  ASSERT_TRUE(engine.has_value());
  EXPECT_EQ(engine->http.upstream.base_url, "http://h:2");
  EXPECT_EQ(engine->http.upstream.api_key, "k");
}

struct AddressCase {
  const char* written;
  std::string used;
};

TEST(ResolveEngine, AnAddressLosesTheEndpointAndASocketGetsItsWholePath) {
  const std::string here = std::filesystem::current_path().string();
  const AddressCase cases[] = {
      {"http://h:1/v1/chat/completions", "http://h:1/v1"},
      {"http://h:1/x/v1/completions/", "http://h:1/x/v1"},
      {"http://h:1/chat/completions", "http://h:1/chat/completions"},
      {"http://v1/models", "http://v1/models"},
      {"unix:run/x.sock", "unix:" + here + "/run/x.sock"},
      {"unix:run/x.sock:/v1/models", "unix:" + here + "/run/x.sock:/v1"},
      {"unix:/run/x.sock", "unix:/run/x.sock"},
      {"unix:", "unix:"},
  };
  for (const AddressCase& c : cases) {
    SCOPED_TRACE(c.written);
    const Result<EngineConfig> engine = ResolveEngine({}, c.written, {});
    ASSERT_TRUE(engine.has_value()) << engine.error().message;
    EXPECT_EQ(engine->http.upstream.base_url, c.used);
  }
}

TEST(Config, VariablesOutOfRangeAreRefusedByName) {
  for (const auto& [name, value] : {std::pair("VLLM_MAX_TOKENS", "1e300"),
                                    {"VLLM_MAX_TOKENS", "1.5"},
                                    {"VLLM_MAX_RETRIES", "99999999999"},
                                    {"VLLM_TIMEOUT", "1e300"},
                                    {"VLLM_TEMPERATURE", "3"}}) {
    SCOPED_TRACE(name);
    const Result<Config> config = Load("", With({{"HOME", "/nonexistent"}, {name, value}}));
    ASSERT_FALSE(config.has_value());
    EXPECT_THAT(config.error().message, HasSubstr(name));
  }
}

}  // namespace
}  // namespace weir::config
