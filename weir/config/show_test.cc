#include "weir/config/show.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/config/profiles.h"
#include "weir/config/show_testing.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/json/yaml.h"

namespace weir::config {
namespace {

using testing::HasSubstr;
using testing::Not;

Config ShownConfig(std::string_view text, const Env& env = {}) {
  Result<Config> config = Parse(text, "weir.yaml", env);
  EXPECT_TRUE(config.has_value()) << config.error().message;
  return config ? *std::move(config) : Config();
}

Config Implicit() { return *Load("", Env{.variables = {{"HOME", "/nonexistent"}}}); }

TEST(Show, AnEmptyConfigurationShowsTheDocumentedDefaults) {
  const std::string text = ShowYaml(Implicit());
  for (const char* line : {"guided_json: true",
                           "top_p: 0.9",
                           "top_k: 50",
                           "repetition_penalty: 1.0",
                           "stop: []",
                           "logprobs: null",
                           "prompt_logprobs: null",
                           "skip_special_tokens: true",
                           "max_logprobs: 20",
                           "max_turns: 20",
                           "concurrency: 16",
                           "run_timeout: 300",
                           "max_tokens: 512",
                           "temperature: 0.1",
                           "max_tokens: 1024",
                           "temperature: 0.7",
                           "call_timeout: 300",
                           "max_tokens: 8192",
                           "call_timeout: 600",
                           "call_timeout: 60",
                           "api_key: EMPTY",
                           "priority: 100",
                           "level: off",
                           "truncate: 180",
                           "max_retries: 3",
                           "timeout: 10",
                           "base_url: \"http://localhost:8000\""}) {
    EXPECT_THAT(text, HasSubstr(StrCat(line, "  # "))) << text;
  }
}

TEST(Show, EveryValueHasItsOrigin) {
  Result<Config> config = Load("/dev/null", Env{.variables = {{"VLLM_MODEL", "m"}}});
  ASSERT_TRUE(config.has_value());
  EXPECT_THAT(ShowYaml(*config), HasSubstr("model: m  # $VLLM_MODEL\n"));

  const std::string text = ShowYaml(ShownConfig(
      "engines:\n  a:\n    profile: coder\n    timeout: 5\n    base_url: http://${H:-x}\n"
      "    model: ${M}\n    defaults: {temperature: 1}\n",
      Env{.variables = {{"M", "mine"}}}));
  EXPECT_THAT(text, HasSubstr("total: 5  # weir.yaml:4:14\n"));
  EXPECT_THAT(text, HasSubstr("base_url: \"http://x\"  # weir.yaml:5:15\n"));
  EXPECT_THAT(text, HasSubstr("model: mine  # weir.yaml:6:12 ($M)\n"));
  EXPECT_THAT(text, HasSubstr("max_tokens: 8192  # profile coder\n"));
  EXPECT_THAT(text, HasSubstr("temperature: 1.0  # weir.yaml:7:29\n"));
  EXPECT_THAT(text, HasSubstr("idle: 60  # default\n"));
}

TEST(Show, InJsonEveryValueStandsBesideItsOrigin) {
  const Config config = ShownConfig(
      "engines:\n  a: {profile: coder, timeout: 5, model: '${M}', headers: {from: me}}\n"
      "  b: {api_key_env: NOPE}\n",
      Env{.variables = {{"M", "mine"}}});
  const Result<json::Value> shown = json::Read(ShowJson(config));
  ASSERT_TRUE(shown.has_value());
  const json::View engine = shown->Find("engines").Find("a");
  EXPECT_EQ(json::Write(engine.Find("timeouts").Find("total")),
            R"({"value":5,"from":"weir.yaml:2:32"})");
  EXPECT_EQ(json::Write(engine.Find("timeouts").Find("idle")), R"({"value":60,"from":"default"})");
  EXPECT_EQ(json::Write(engine.Find("model")),
            R"x({"value":"mine","from":"weir.yaml:2:42 ($M)"})x");
  EXPECT_EQ(json::Write(engine.Find("defaults").Find("max_tokens")),
            R"({"value":8192,"from":"profile coder"})");
  EXPECT_EQ(json::Write(engine.Find("headers")),
            R"({"value":{"from":"me"},"from":"weir.yaml:2:59"})");
  EXPECT_THAT(shown->Find("engines").Find("b").Find("unusable").StringOr(""),
              HasSubstr("names the variable NOPE"));
  EXPECT_FALSE(engine.Find("unusable").exists());

  const Result<json::Value> one = json::Read(ShowJson(config, *config.Find("a")));
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(json::Write(one->Find("engines").Find("a")), json::Write(engine));
}

TEST(Show, SecretsAreRedactedInBothForms) {
  const Config config = ShownConfig(
      "engines:\n"
      "  a:\n"
      "    api_key: hunter2\n"
      "    headers: {Authorization: hunter2, X-Team: blue}\n"
      "    extra: {api_key: hunter2}\n"
      "    serve: {env: {HF_TOKEN: hunter2}}\n"
      "events: {otlp_headers: {X-Api-Key: hunter2}}\n");
  for (const std::string& text : {ShowYaml(config), ShowJson(config)}) {
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
    EXPECT_THAT(text, HasSubstr("blue"));
  }
}

TEST(Show, OneEngineAlone) {
  const Config config = ShownConfig("engines: {a: {model: one}, b: {model: two}}");
  const std::string text = ShowYaml(config, *config.Find("b"));
  EXPECT_THAT(text, HasSubstr("model: two  # weir.yaml:1:39"));
  EXPECT_THAT(text, Not(HasSubstr("one")));
  EXPECT_THAT(text, Not(HasSubstr("profiles")));
}

TEST(Show, AnEngineThatCannotBeUsedSaysWhy) {
  const Config config = ShownConfig("engines: {a: {api_key_env: NOPE}}");
  EXPECT_THAT(ShowYaml(config),
              HasSubstr("# cannot be used: weir.yaml:1:28: api_key_env names the variable NOPE"));
}

// Without the comments, which say where a value came from.
std::string Bare(const std::string& yaml) {
  std::string bare;
  for (const std::string_view line : Split(yaml, '\n')) {
    StrAppend(bare, line.substr(0, line.find("  # ")), "\n");
  }
  return bare.substr(bare.find('\n'));
}

void ExpectRoundTrip(const Config& config) {
  const std::string yaml = ShowYaml(config);
  const Config again = ShownConfig(yaml);
  EXPECT_EQ(Bare(ShowYaml(again)), Bare(yaml));
  EXPECT_EQ(Bare(ShowYaml(ShownConfig(ValuesOf(ShowJson(config))))), Bare(yaml));
  EXPECT_TRUE(again.notes.empty());
}

TEST(Show, WhatIsShownReadsBackAsTheSame) {
  ExpectRoundTrip(Implicit());
  std::ostringstream example;
  example << std::ifstream("examples/weir.yaml").rdbuf();
  ExpectRoundTrip(ShownConfig(example.str()));
  for (const char* text : {
           "engines: {a: {kind: openai}, b: {kind: ollama}, c: {kind: sim, dialect: openai}}",
           "engines: {a: {profile: coder, defaults: {temperature: null}}}",
           "engines: {'true': {model: '$${x} a$$b', fallback: }}",
           "engines: {a: {adapters: [x, y], debug: raw, structured: json_object}}",
           "engines: {a: {serve: {port: 1, lazy: false}, timeouts: {total: 0}}}",
           "engines: {a: {limits: {context_window: 77}, dialect: vllm-0.11}}",
           "engines: {a: {roles: [x], priority: 2}, b: {roles: [x], priority: 1}}",
           "flows: {f: {nodes: [{step: s, user: '{{ a }} ${b} $$'}]}}\nengines: {a: }",
       }) {
    SCOPED_TRACE(text);
    ExpectRoundTrip(ShownConfig(text));
  }
}

RC_GTEST_PROP(Show, AnyNumbersReadBackAsTheSame, ()) {
  Config config = Implicit();
  EngineConfig& engine = config.engines.front();
  const auto milliseconds = [] {
    return std::chrono::milliseconds(*rc::gen::inRange<std::int64_t>(1, 100'000'000));
  };
  engine.http.upstream.timeouts.idle = milliseconds();
  engine.http.upstream.timeouts.total = milliseconds();
  engine.retry.base_delay = milliseconds();
  engine.retry.max_delay = engine.retry.base_delay + milliseconds();
  engine.retry.max_retries = *rc::gen::inRange(0, 1000);
  engine.retry.jitter = *rc::gen::inRange(0, 1000) / 1000.0;
  engine.defaults.temperature = *rc::gen::inRange(0, 2000) / 1000.0;
  engine.defaults.max_tokens = *rc::gen::inRange<std::int64_t>(1, 1'000'000);
  engine.defaults.stop = {*rc::gen::string<std::string>()};
  engine.http.model = StrCat("m", *rc::gen::inRange(0, 1000), "$${");

  const Result<Config> again = Parse(ShowYaml(config), "weir.yaml", {});

  RC_ASSERT(again.has_value());
  const EngineConfig& read = again->engines.front();
  RC_ASSERT(read.http.upstream.timeouts.idle == engine.http.upstream.timeouts.idle);
  RC_ASSERT(read.http.upstream.timeouts.total == engine.http.upstream.timeouts.total);
  RC_ASSERT(read.retry.base_delay == engine.retry.base_delay);
  RC_ASSERT(read.retry.max_delay == engine.retry.max_delay);
  RC_ASSERT(read.retry.max_retries == engine.retry.max_retries);
  RC_ASSERT(read.retry.jitter == engine.retry.jitter);
  RC_ASSERT(read.defaults.temperature == engine.defaults.temperature);
  RC_ASSERT(read.defaults.max_tokens == engine.defaults.max_tokens);
  RC_ASSERT(read.http.model == engine.http.model);
}

struct YamlTextCase {
  const char* text;
  const char* yaml;
};

TEST(YamlText, IsBareOnlyWhereThatMeansTheSame) {
  for (const YamlTextCase& c : {YamlTextCase{"qwen", "qwen"},
                                {"a-b_c.d/e", "a-b_c.d/e"},
                                {"true", "\"true\""},
                                {"null", "\"null\""},
                                {"no", "no"},
                                {"12", "\"12\""},
                                {"", "\"\""},
                                {"a: b", "\"a: b\""},
                                {"-", "\"-\""}}) {
    EXPECT_EQ(YamlText(c.text), c.yaml);
  }
}

// R-CFG-14, R-TST-14: whatever a file says, what is read from it can be used.
RC_GTEST_PROP(Show, WhatIsReadKeepsTheInvariants, ()) {
  const auto number = [](int low, int high) { return *rc::gen::inRange(low, high) / 4.0; };
  const std::string file = StrCat("engines: {e: {timeout: ", number(-4, 40),
                                  ", retry: {max_retries: ", *rc::gen::inRange(-2, 5),
                                  "}, defaults: {temperature: ", number(-4, 16),
                                  ", max_tokens: ", *rc::gen::inRange(-2, 9), "}}}");
  const Result<Config> read = Parse(file, "weir.yaml", Env());
  if (!read) {
    RC_ASSERT(read.error().code == Code::kConfigError);
    RC_ASSERT(read.error().message.starts_with("weir.yaml:1:"));
    return;
  }
  const EngineConfig& engine = read->engines.front();
  RC_ASSERT(engine.http.upstream.timeouts.total > Duration::zero());
  RC_ASSERT(engine.retry.max_retries >= 0);
  RC_ASSERT(*engine.defaults.temperature >= 0 && *engine.defaults.temperature <= 2);
  RC_ASSERT(*engine.defaults.max_tokens > 0);
}

}  // namespace
}  // namespace weir::config
