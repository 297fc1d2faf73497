#include "weir/config/read.h"

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/wire/dialect.h"

namespace weir::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

Config Parsed(std::string_view text, const Env& env = {}) {
  ReadConfig read = Read(text, "w.yaml", env);
  for (const Error& problem : read.problems) ADD_FAILURE() << problem.message;
  return std::move(read.config);
}

EngineConfig EngineOf(std::string_view keys, const Env& env = {}) {
  const Config config = Parsed("engines: {a: {" + std::string(keys) + "}, b: }", env);
  return config.Find("a") != nullptr ? *config.Find("a") : EngineConfig();
}

struct WrongFileCase {
  const char* text;
  const char* message;
};

const WrongFileCase kWrongFiles[] = {
    {"engines: {a: {base_url: 'http://x', endpoint: y}}",
     "w.yaml:1:37: endpoint says the same as base_url; leave one of them away"},
    {"engines: {a: {timeout: 1, timeouts: {total: 2}}}",
     "w.yaml:1:15: timeout is short for timeouts.total, which is there, too; leave one of them "
     "away"},
    {"engines: {a: {timeout: 0}}",
     "w.yaml:1:24: timeout must be a number of seconds above 0, got 0"},
    {"engines: {a: {timeouts: {idle: 1e12}}}",
     "w.yaml:1:32: idle must be a number of seconds that is not negative, at most 1000000000, got "
     "1000000000000"},
    {"engines: {a: {timeouts: {idle: soon}}}",
     "w.yaml:1:32: idle must be a number of seconds, found string"},
    {"engines: {a: {backend: vllm_local}}",
     "w.yaml:1:24: backend vllm_local is gone: models run in a server, not in this process; write "
     "vllm_api with the server's base_url, of a server that you start"},
    {"engines: {a: {base_url: 'http://gpu-1:80000'}}",
     "w.yaml:1:25: base_url cannot be used: \"http://gpu-1:80000\" is not an address: a port is a "
     "number from 1 to 65535; write http://HOST:PORT/PREFIX, https://HOST/PREFIX or "
     "unix:/PATH/OF.sock"},
    {"engines: {a: {endpoint: 'htp://x'}}",
     "w.yaml:1:25: endpoint cannot be used: \"htp://x\" is not an address: only http, https and "
     "unix are spoken; write http://HOST:PORT/PREFIX, https://HOST/PREFIX or unix:/PATH/OF.sock"},
    {"engines: {a: {base_url: ''}}",
     "w.yaml:1:25: base_url cannot be used: \"\" is not an address: it is empty; write "
     "http://HOST:PORT/PREFIX, https://HOST/PREFIX or unix:/PATH/OF.sock"},
    {"engines: {a: {base_url: $HOST}}",
     "w.yaml:1:25: base_url is $HOST; did you mean ${HOST}? A dollar that is meant is written $$"},
    {"engines: {a: {api_key: $FOO}}",
     "w.yaml:1:24: api_key is $FOO; did you mean ${FOO}? A dollar that is meant is written $$"},
    {"engines: {a: {api_key: k, api_key_env: K}}",
     "w.yaml:1:27: api_key_env stands for api_key, which is there, too; leave one of them away"},
    {"engines: {a: {api_key_env: $FOO}}",
     "w.yaml:1:28: api_key_env must be the name of a variable, such as VLLM_API_KEY, without a "
     "dollar; the value of one goes into api_key: ${NAME}"},
    {"engines: {a: {api_key_env: sk-abc}}",
     "w.yaml:1:28: api_key_env must be the name of a variable, such as VLLM_API_KEY, and this "
     "looks "
     "like a key; export it, and name the variable here"},
    {"engines: {a: {serve: {portt: 1}}}", "w.yaml:1:23: unknown key 'portt'; did you mean 'port'?"},
    {"engines: {a: {top_k: 4}}",
     "w.yaml:1:15: unknown key 'top_k'; it belongs under `defaults:`: defaults: {top_k: ...}"},
    {"engines: {a: {url: x}}", "w.yaml:1:15: unknown key 'url'; write base_url"},
    {"engines: {a: {retry: 3}}",
     "w.yaml:1:22: retry must be a map of keys, found number; write retry: {max_retries: 3}"},
    {"events: x.jsonl",
     "w.yaml:1:9: events must be a map of keys, found string; write events: {file: x.jsonl}"},
    {"engines: {sim: {kind: vllm}}",
     "w.yaml:1:16: an engine may be called 'sim' only if its kind is sim: -e sim is the embedded "
     "simulator everywhere; write kind: sim, or give the engine another name"},
    {"engines: {a: {fallback: sim}}",
     "w.yaml:1:25: fallback names 'sim', which is no engine of this file; the embedded simulator "
     "needs an entry here: engines: {sim: {kind: sim}}"},
    {"engines: {a: {profile: codr}}",
     "w.yaml:1:24: profile names no profile: 'codr'; did you mean 'coder'?"},
    {"engines: {a: {kind: openai, dialect: vllm-0.11}}",
     "w.yaml:1:38: dialect must be openai, as the kind of the engine is"},
    {"engines: {a: {defaults: {max_tokens: 0}}}",
     "w.yaml:1:38: max_tokens must be at least 1, got 0"},
    {"engines: {a: {max_tokens: 1.5}}", "w.yaml:1:27: max_tokens must be a whole number, got 1.5"},
    {"engines: {a: {defaults: {top_p: 0}}}", "w.yaml:1:33: top_p must be in (0, 1], got 0"},
    {"engines: {a: {defaults: {min_tokens: 5, max_tokens: 4}}}",
     "w.yaml:1:38: min_tokens must not be above max_tokens, which is 4, got 5"},
    {"engines: {a: {defaults: {logprobs: 21}}}",
     "w.yaml:1:36: logprobs must not be above max_logprobs, which is 20"},
    {"engines: {a: {retry: {max_retries: -1}}}",
     "w.yaml:1:36: max_retries must be in [0, 1000000], got -1"},
    {"engines: {a: {retry: {base_delay: 9, max_delay: 8}}}",
     "w.yaml:1:22: retry must not have a max_delay below its base_delay; raise retry.max_delay"},
    {"engines: {a: {port: 70000}}", "w.yaml:1:21: port must be in [1, 65535], got 70000"},
    {"engines: {a: {priority: 3000000000}}",
     "w.yaml:1:25: priority must be at most 2147483647, got 3000000000"},
    {"engines: {a: {fallback: [nobody]}, c: }",
     "w.yaml:1:25: fallback names no engine of this file: 'nobody'; there are a, c"},
    {"engines: {one: {fallback: two}, two: {fallback: one}}",
     "w.yaml:1:27: fallback goes in a circle: one -> two -> one; break it somewhere"},
    {"engines: {qwen: }\nroutes: {fast: qwem}",
     "w.yaml:2:16: fast names no engine of this file: 'qwem'; did you mean 'qwen'?"},
    {"engines: {qwen: }\nroutes: {provider_names: {'*': gwen}}",
     "w.yaml:2:26: provider_names['*'] names no engine of this file: 'gwen'; did you mean 'qwen'?"},
    {"engines: [{name: a}, {name: a}]",
     "w.yaml:1:29: name is there twice: 'a'; give one of them another name"},
    {"engines: {a: {name: b}}", "w.yaml:1:21: name is 'a' by its place, found 'b'"},
    {"engines: {'': {}}", "w.yaml:1:15: one of engines has an empty name"},
    {"engines: 5", "w.yaml:1:10: engines must be a map of names or a list, found number"},
    {"engines: {a: {retry: [1]}}", "w.yaml:1:22: retry must be a map of keys, found array"},
    {"engines: {a: {fallback: [1]}}",
     "w.yaml:1:26: fallback must be a list of texts, found number"},
    {"engines: {a: {extra: 5}}", "w.yaml:1:22: extra must be a map of keys, found number"},
    {"engines: {a: {debug: loud}}",
     "w.yaml:1:22: level must be one of off, summary, raw, found 'loud'"},
    {"engines: {a: {model: '${M'}}",
     "w.yaml:1:22: model has a ${ without its }; write $${ if that is meant"},
    {"events: {file: '${NOPE}/e'}",
     "w.yaml:1:16: file needs the variable NOPE, which is not set; export it, or give a default: "
     "${NOPE:-...}"},
    {"events: {keep: -1}", "w.yaml:1:16: keep must be at least 0, got -1"},
    {"flows: [a]", "w.yaml:1:8: flows must be a map of keys, found array"},
    {"version: 2", "w.yaml:1:10: version must be 1, the only one there is, got 2"},
    {"hello", "w.yaml:1:1: expected a map of keys, found string"},
};

TEST(Read, EveryMistakeHasItsPlaceItsKeyAndItsRemedy) {
  for (const WrongFileCase& c : kWrongFiles) {
    SCOPED_TRACE(c.text);
    const Result<Config> config = Parse(c.text, "w.yaml", {});
    ASSERT_FALSE(config.has_value());
    EXPECT_EQ(config.error().message, c.message);
    EXPECT_EQ(config.error().code, Code::kConfigError);
  }
}

TEST(Read, AllMistakesAreToldInTheOrderOfTheFile) {
  const ReadConfig read = Read(
      "default_engine: z\n"
      "engines:\n"
      "  a:\n"
      "    modle: m\n"
      "    timeout: x\n"
      "    retry: {jitter: 2}\n"
      "  b: {fallback: nobody}\n"
      "gatway: {}\n",
      "w.yaml", {});
  std::vector<std::string> places;
  for (const Error& problem : read.problems) places.push_back(problem.message.substr(0, 10));
  EXPECT_THAT(places, ElementsAre("w.yaml:1:1", "w.yaml:4:5", "w.yaml:5:1", "w.yaml:6:2",
                                  "w.yaml:7:1", "w.yaml:8:1"));
}

std::vector<std::string> Problems(std::string_view text) {
  std::vector<std::string> problems;
  for (const Error& problem : Read(text, "w.yaml", {}).problems) {
    problems.push_back(problem.message.substr(0, problem.message.find(';')));
  }
  return problems;
}

TEST(Read, ATwinHidesNoOtherMistake) {
  constexpr std::string_view kTwice = "the key \"ä\" occurs twice in one mapping";
  EXPECT_THAT(Problems("engines:\n"
                       "  ä: {kind: olama}\n"
                       "  b: {timeout: soon, timeout: 5}\n"
                       "  ä: {kind: ollama, modell: x}\n"
                       "  \"ä\": {timeout: never, fallback: ä}\n"
                       "foo: 1\n"
                       "default_engine: c\n"),
              ElementsAre("w.yaml:2:13: kind must be one of vllm, openai, ollama, sim, found "
                          "'olama'",
                          "w.yaml:3:16: timeout must be a number of seconds, found string",
                          "w.yaml:3:22: the key \"timeout\" occurs twice in one mapping",
                          StrCat("w.yaml:4:3: ", kTwice), "w.yaml:4:21: unknown key 'modell'",
                          StrCat("w.yaml:5:3: ", kTwice),
                          "w.yaml:5:18: timeout must be a number of seconds, found string",
                          "w.yaml:6:1: unknown key 'foo'",
                          "w.yaml:7:17: default_engine names no engine of this file: 'c'"));
  EXPECT_THAT(
      Problems("- {name: a, kind: olama}\n"
               "- {name: a, modell: x, timeout: soon}\n"),
      ElementsAre("w.yaml:1:19: kind must be one of vllm, openai, ollama, sim, found "
                  "'olama'",
                  "w.yaml:2:10: name is there twice: 'a'", "w.yaml:2:13: unknown key 'modell'",
                  "w.yaml:2:33: timeout must be a number of seconds, found string"));
}

TEST(Read, TwinsAreToldEvenWhereTheRestCannotBeRead) {
  EXPECT_THAT(Problems("a: 1\na: 2\nb: .inf\n"), SizeIs(2));
  EXPECT_THAT(Problems("{'': 1, '': 2}"), SizeIs(1));
  EXPECT_THAT(Problems("? &x a\n: 1\n? &y a\n: 2\n"), SizeIs(1));
}

TEST(Read, AnOllamaWithoutAModelIsWarnedAbout) {
  const ReadConfig read = Read(
      "engines:\n"
      "  one: {kind: ollama}\n"
      "  two: {kind: ollama, model: m}\n"
      "  three: {kind: vllm}\n",
      "w.yaml", {});
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_THAT(read.warnings, ElementsAre(StartsWith("w.yaml:2:15: engine one has no model")));
}

TEST(Read, OlderSpellingsMeanTheSameAndAreNoted) {
  const Config config = Parsed(
      "- name: gpt4o\n"
      "  backend: openai\n"
      "  model: gpt-4.1-mini\n"
      "  endpoint: https://api.openai.com/v1\n"
      "  api_key_env: OPENAI_API_KEY        # optional helper\n",
      Env{.variables = {{"OPENAI_API_KEY", "k"}}});
  const EngineConfig& engine = *config.Find("gpt4o");
  EXPECT_EQ(engine.kind, Kind::kOpenAi);
  EXPECT_EQ(engine.http.kind, wire::ServerKind::kOpenAi);
  EXPECT_EQ(engine.http.upstream.base_url, "https://api.openai.com/v1");
  EXPECT_EQ(engine.http.upstream.api_key, "k");
  EXPECT_THAT(config.notes, ElementsAre("w.yaml:2:12: backend is read as kind",
                                        "w.yaml:4:13: endpoint is read as base_url"));
}

TEST(Read, KindsHaveTheirOwnDefaults) {
  const Config config =
      Parsed("engines: {v: {backend: vllm_api}, o: {kind: openai}, l: {backend: ollama_api}}",
             Env{.variables = {{"OPENAI_API_KEY", "k"}}});
  EXPECT_EQ(config.Find("v")->http.upstream.base_url, "http://localhost:8000");
  EXPECT_EQ(config.Find("v")->http.upstream.api_key, "EMPTY");
  EXPECT_EQ(config.Find("o")->http.upstream.base_url, "https://api.openai.com");
  EXPECT_EQ(config.Find("o")->http.upstream.api_key, "k");
  EXPECT_EQ(config.Find("l")->http.upstream.base_url, "http://localhost:11434");
  EXPECT_EQ(config.Find("l")->http.kind, wire::ServerKind::kOllama);
}

TEST(Read, OpenAisKeyIsNotGivenToOtherAddresses) {
  const EngineConfig engine = EngineOf("kind: openai, base_url: 'http://elsewhere'",
                                       Env{.variables = {{"OPENAI_API_KEY", "k"}}});
  EXPECT_EQ(engine.http.upstream.api_key, "EMPTY");
}

TEST(Read, AProfileLiesBeneathWhatTheEngineSays) {
  const Config config = Parsed(
      "engines: {a: {profile: coder, temperature: 0.5}, b: {profile: mine},\n"
      "  c: {profile: coder, defaults: {max_tokens: null}}}\n"
      "profiles: {mine: {top_k: 3, call_timeout: 9}, coder: {seed: 4}}");
  const EngineConfig& a = *config.Find("a");
  EXPECT_EQ(a.defaults.max_tokens, 8192);
  EXPECT_EQ(a.defaults.temperature, 0.5);
  EXPECT_EQ(a.defaults.seed, 4);
  EXPECT_EQ(a.http.upstream.timeouts.total, 600s);
  EXPECT_EQ(config.Find("b")->defaults.top_k, 3);
  EXPECT_EQ(config.Find("b")->http.upstream.timeouts.total, 9s);
  EXPECT_EQ(config.Find("c")->defaults.max_tokens, std::nullopt);
}

TEST(Read, NothingIsSentThatNobodyAskedFor) {
  const EngineConfig engine = EngineOf("defaults: {}");
  EXPECT_EQ(engine.defaults.top_p, std::nullopt);
  EXPECT_EQ(engine.defaults.top_k, std::nullopt);
  EXPECT_EQ(engine.defaults.repetition_penalty, std::nullopt);
  EXPECT_EQ(engine.defaults.skip_special_tokens, std::nullopt);
  EXPECT_EQ(EngineOf("profile: vllm").defaults.top_k, 50);
}

TEST(Read, ShortKeysOfProvidersReachTheirOptions) {
  const EngineConfig engine = EngineOf(
      "default_model: openai/gpt-oss-20b, max_tokens: 2048, temperature: 0.5, "
      "use_completions: true, api_key: my-key, debug: true, raw_debug: true, "
      "debug_truncate_length: 99, timeout: 300.0, priority: 7, max_retries: 9, "
      "retry_base_delay: 0.5, retry_max_delay: 8, retry_backoff_multiplier: 4");
  EXPECT_EQ(engine.http.model, "openai/gpt-oss-20b");
  EXPECT_EQ(engine.defaults.max_tokens, 2048);
  EXPECT_EQ(engine.defaults.temperature, 0.5);
  EXPECT_EQ(engine.http.api, model::Api::kCompletions);
  EXPECT_EQ(engine.debug, engine::DebugLevel::kRaw);
  EXPECT_EQ(engine.debug_truncate, 99U);
  EXPECT_EQ(engine.http.upstream.timeouts.total, 300s);
  EXPECT_EQ(engine.priority, 7);
  EXPECT_EQ(engine.retry.max_retries, 9);
  EXPECT_EQ(engine.retry.base_delay, 500ms);
  EXPECT_EQ(engine.retry.max_delay, 8s);
  EXPECT_EQ(engine.retry.multiplier, 4);
  EXPECT_EQ(EngineOf("api: responses").http.api, model::Api::kResponses);
  EXPECT_EQ(EngineOf("use_completions: false").http.api, model::Api::kChat);
}

TEST(Read, PoliciesReachTheirOptions) {
  const EngineConfig engine = EngineOf(
      "fallback: b, roles: [fast], breaker: {failures: 2, open_for: 3, trials: 1}, "
      "health: {interval: 5, timeout: 6}, limits: {context_window: 4096}, prompt_format: chatml, "
      "structured: {max_attempts: 4, strictness: salvage, coerce: false, max_blank: 9, "
      "longer_by: 3, format: json_object, degrade: true}, adapter_fallback: error, "
      "adapters: {sql: /a, other: {path: /b}}, headers: {X-Team: blue}, "
      "defaults: {guided_json: false, max_logprobs: 5}, debug: {level: summary, truncate: 20}");
  EXPECT_THAT(engine.fallback, ElementsAre("b"));
  EXPECT_EQ(engine.breaker.failures, 2);
  EXPECT_EQ(engine.breaker.open_for, 3s);
  EXPECT_EQ(engine.health.interval, 5s);
  EXPECT_EQ(engine.context_window, 4096);
  EXPECT_EQ(engine.http.prompt_format, engine::PromptFormat::kChatMl);
  EXPECT_EQ(engine.verify.max_attempts, 4);
  EXPECT_EQ(engine.verify.strictness, json::Strictness::kSalvage);
  EXPECT_FALSE(engine.verify.coerce);
  EXPECT_EQ(engine.verify.max_blank_bytes, 9U);
  EXPECT_TRUE(engine.only_json_object);
  EXPECT_TRUE(engine.http.degrade);
  EXPECT_EQ(engine.adapter_fallback, "error");
  ASSERT_EQ(engine.adapters.size(), 2U);
  EXPECT_EQ(engine.adapters[0].path, "/a");
  EXPECT_EQ(engine.adapters[1].path, "/b");
  EXPECT_EQ(engine.http.upstream.headers.Find("x-team"), "blue");
  EXPECT_FALSE(engine.guided_json);
  EXPECT_EQ(engine.max_logprobs, 5);
  EXPECT_EQ(engine.debug, engine::DebugLevel::kSummary);
  EXPECT_TRUE(EngineOf("structured: json_object").only_json_object);
}

// The command line and what else is not as it is by default, as a text.
std::string Told(const engine::ServeOptions& serve) {
  const engine::ServeCommand command = engine::BuildServeCommand(serve, "m", 7, {});
  std::string text = Join(command.argv, " ");
  for (const auto& [name, value] : command.env.variables) StrAppend(text, " ", name, "=", value);
  if (serve.lifecycle == engine::ServeOptions::Lifecycle::kPersistent) text += " persistent";
  if (serve.port) StrAppend(text, " port ", *serve.port);
  return text;
}

struct ServeCase {
  const char* keys;
  const char* serve;  // empty: no server is started
  const char* base_url;
};

TEST(Read, ServeHasOneFormWhateverWasWritten) {  // R-CFG-10, R-PRC-02, R-PRC-13
  const ServeCase cases[] = {
      {"model: m", "", "http://localhost:8000"},
      {"lazy: true", "vllm serve m --port 7", "http://127.0.0.1:8000"},
      {"lazy: true, endpoint: 'http://h'", "", "http://h"},
      {"serve: {port: 9}, endpoint: 'http://h'", "", "http://h"},
      {"lazy: false, port: 8001", "vllm serve m --port 7 persistent port 8001",
       "http://127.0.0.1:8001"},
      {"extra_serve_flags: [--a, --b=1], env: {CUDA_VISIBLE_DEVICES: '0,1', N: 1}",
       "vllm serve m --port 7 --a --b=1 CUDA_VISIBLE_DEVICES=0,1 N=1", "http://127.0.0.1:8000"},
      {"serve: {lazy: true, extra_serve_flags: [--a], extra_env: {A: '${H:-x}'}, port: 9}",
       "vllm serve m --port 7 --a A=x port 9", "http://127.0.0.1:9"},
      {"serve: {lifecycle: persistent, flags: [--port=9], lora: {dynamic: true}}",
       "vllm serve m --enable-lora --port=9 VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 persistent",
       "http://127.0.0.1:9"},
      {"dtype: half, gpu_memory_utilization: 0.8, max_model_len: 4096, tensor_parallel_size: 2, "
       "enable_reasoning: true, reasoning_parser: qwen3, gpu_ids: ['0', '1']",
       "vllm serve m --port 7 --dtype half --gpu-memory-utilization 0.8 --max-model-len 4096 "
       "--tensor-parallel-size 2 --enable-reasoning --reasoning-parser qwen3 "
       "CUDA_VISIBLE_DEVICES=0,1",
       "http://127.0.0.1:8000"},
      {"kind: ollama, serve: {command: [ollama, serve], env: {OLLAMA_HOST: '{host}:{port}'}}",
       "ollama serve OLLAMA_HOST=127.0.0.1:7", "http://127.0.0.1:8000"},
  };
  for (const ServeCase& c : cases) {
    SCOPED_TRACE(c.keys);
    const EngineConfig engine = EngineOf(c.keys);
    EXPECT_EQ(engine.managed, *c.serve != '\0');
    EXPECT_FALSE(engine.unusable.has_value());
    if (engine.managed) EXPECT_EQ(Told(engine.serve.value()), c.serve);
    EXPECT_EQ(engine.http.upstream.base_url, c.base_url);
  }
}

TEST(Read, WhatIsWrongInServeIsToldWithItsPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"serve: {prot: 1}", "unknown key 'prot'; did you mean 'port'?"},
      {"serve: {port: 70000}", "port must be in [1, 65535], got 70000"},
      {"serve: {lifecycle: eager}", "lifecycle must be one of lazy, persistent, found 'eager'"},
      {"serve: {port: 1}, port: 2", "port is short for serve.port, which is there, too"},
      {"serve: {tensor_parallel: 0}", "tensor_parallel must be at least 1, got 0"},
      {"serve: {lora: true}", "lora must be a map of keys, found boolean"},
  };
  for (const auto& [keys, message] : cases) {
    const Result<Config> config = Parse(StrCat("engines: {a: {", keys, "}}"), "w.yaml", {});
    ASSERT_FALSE(config.has_value()) << keys;
    EXPECT_THAT(config.error().message, HasSubstr(message));
  }
}

TEST(Read, AnAdapterThatIsANumberIsASlip) {
  for (const char* path : {"3", "true"}) {
    const std::string text = std::string("engines: {a: {adapters: {sql: ") + path + "}}}";
    const ReadConfig read = Read(text, "weir.yaml", Env());
    ASSERT_EQ(read.problems.size(), 1U) << path;
    EXPECT_THAT(read.problems[0].message, HasSubstr("must be a text (its path) or a section"));
  }
  EXPECT_TRUE(Read("engines: {a: {adapters: {sql: '3'}}}", "weir.yaml", Env()).problems.empty());
}

TEST(Read, AnIndentedEnvIsExplained) {
  const Result<Config> config =
      Parse("engines:\n  a:\n    extra_serve_flags:\n      - \"--x\"\n      env:\n        A: 1\n",
            "w.yaml", {});
  ASSERT_FALSE(config.has_value());
  EXPECT_THAT(config.error().message, HasSubstr("is `env:` meant to stand beside the list"));
}

TEST(Read, AMissingVariableMattersOnlyToItsEngine) {
  const Config config =
      Parsed("engines: {a: {base_url: 'http://${GPU}:1'}, b: {timeout: '${T:-3}'}}");
  EXPECT_EQ(config.Find("a")->unusable->message,
            "w.yaml:1:25: base_url needs the variable GPU, which is not set; export it, or give a "
            "default: ${GPU:-...}");
  EXPECT_FALSE(ResolveEngine(config, "a", {}).has_value());
  EXPECT_EQ(ResolveEngine(config, "b", {})->http.upstream.timeouts.total, 3s);
}

TEST(Read, BareAddressesGetTheirScheme) {
  EXPECT_EQ(EngineOf("base_url: 'gpu-1:8000'").http.upstream.base_url, "http://gpu-1:8000");
  EXPECT_EQ(EngineOf("base_url: 'gpu-1:8000/v1'").http.upstream.base_url, "http://gpu-1:8000/v1");
  EXPECT_EQ(EngineOf("base_url: 'unix:run/x.sock'").http.upstream.base_url, "unix:run/x.sock");
  EXPECT_EQ(EngineOf("api_key: $$FOO").http.upstream.api_key, "$FOO");
}

TEST(Read, ATabInTheIndentationIsNamed) {
  const Result<Config> config = Parse("engines:\n  a:\n\t  model: m\n", "w.yaml", {});
  ASSERT_FALSE(config.has_value());
  EXPECT_THAT(config.error().message, HasSubstr("line 3 is indented with a tab"));
}

TEST(Read, RoutesAndRolesMeetByPriority) {
  const Config config = Parsed(
      "engines: {a: {roles: [fast], priority: 9}, b: {roles: [fast, x], priority: 1}, c: }\n"
      "routes: {fast: [c], default: [c, a], provider_names: {vllm: a, '': b, '*': b}}");
  EXPECT_THAT(config.routes.roles.at("fast"), ElementsAre("c", "b", "a"));
  EXPECT_THAT(config.routes.roles.at("x"), ElementsAre("b"));
  EXPECT_EQ(config.routes.providers.at("*"), "b");
  EXPECT_EQ(config.default_engine, "c");
  EXPECT_EQ(Parsed("engines: {a: {priority: 9}, b: {priority: 5}, c: }").default_engine, "b");
}

TEST(Read, TheSimulatorHasItsOptions) {
  const EngineConfig engine = EngineOf(
      "kind: sim, model: m, dialect: openai, adapters: [x], "
      "sim: {seed: 3, pace: instant, max_num_seqs: 2, reasoning: true, max_model_len: 99}");
  const sim::SimModel& model = engine.sim.models.front();
  EXPECT_EQ(engine.sim.seed, 3U);
  EXPECT_EQ(engine.sim.engine.latency.pace, sim::Latency::Pace::kInstant);
  EXPECT_EQ(engine.sim.engine.max_num_seqs, 2U);
  EXPECT_EQ(engine.sim.dialect.name, "openai");
  EXPECT_THAT(model.served_names, ElementsAre("m"));
  EXPECT_EQ(model.max_model_len, 99);
  ASSERT_EQ(model.adapters.size(), 1U);
  EXPECT_EQ(model.adapters[0].name, "x");
}

TEST(Read, AScenarioCountsFromTheFolderOfTheConfiguration) {
  const auto scenario = [](std::string_view file_name, std::string_view path) {
    const std::string text = StrCat("engines: {a: {kind: sim, sim: {scenario: '", path, "'}}}");
    const Result<Config> config = Parse(text, file_name, {});
    return config ? config->Find("a")->sim_scenario : config.error().message;
  };
  EXPECT_EQ(scenario("weir.yaml", "s.yaml"), "s.yaml");
  EXPECT_EQ(scenario("demo/weir.yaml", "s.yaml"), "demo/s.yaml");
  EXPECT_EQ(scenario("/etc/weir.yaml", "../s.yaml"), "/etc/../s.yaml");
  EXPECT_EQ(scenario("demo/weir.yaml", "/s.yaml"), "/s.yaml");
  EXPECT_EQ(scenario("demo/weir.yaml", ""), "");
}

TEST(Read, RawBlocksAreKeptAndFlowsAreLeftAlone) {
  const Config config =
      Parsed("flows: {f: {user: '${x} $$'}}\nworker: {flow: '${W:-f}'}\ngateway: {listen: a}");
  EXPECT_EQ(json::Write(config.flows), R"({"f":{"user":"${x} $$"}})");
  EXPECT_EQ(json::Write(config.worker), R"({"flow":"f"})");
  EXPECT_EQ(json::Write(config.gateway), R"({"listen":"a"})");
}

TEST(Read, EveryPrefixOfAFileIsReadOrRefusedByItsName) {
  const std::string_view text =
      "version: 1\nprofiles: {p: {top_k: 3}}\nengines:\n"
      "  a: {base_url: '${H:-x}', debug: true, fallback: [b], serve: {port: 1}, profile: p}\n"
      "  b:\n    defaults: {stop: [\"x\"], top_p: 0.5}\n    limits: {context_window: auto}\n"
      "routes: {fast: a, provider_names: {\"*\": b}}\nevents: {keep: 2}\n";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    for (const Error& problem : Read(text.substr(0, length), "w.yaml", {}).problems) {
      ASSERT_TRUE(problem.message.starts_with("w.yaml:")) << length << ": " << problem.message;
    }
  }
}

TEST(ReadEngine, AProviderEntryMustHaveAPlace) {
  const json::YamlDocument document =
      *json::ReadYaml("config: {default_model: m}\nother: {base_url: 'http://h'}", "w.yaml");
  const auto read = [&](const char* pointer, const Env& env) {
    return ReadEngine(document, pointer, "vllm", env, BaseUrl::kDemanded);
  };
  EXPECT_EQ(read("/config", {}).error().message,
            "w.yaml:1:9: No base_url found for engine 'vllm'; add one, or export VLLM_BASE_URL:\n\n"
            "  config:\n    base_url: \"http://localhost:8000\"\n");
  EXPECT_TRUE(read("/other", {}).has_value());
  EXPECT_TRUE(read("/config", Env{.variables = {{"VLLM_BASE_URL", "http://h"}}}).has_value());
}

}  // namespace
}  // namespace weir::config
