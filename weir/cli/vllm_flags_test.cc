#include "weir/cli/vllm_flags.h"

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/cli/vllm_plan.h"

namespace weir::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr wire::Version kLatest{0, 28, 0};

Result<std::string> NoFile(const std::string& path) {
  return Fail(Code::kConfigError, StrCat("cannot read ", path));
}

Result<VllmArguments> ReadLine(std::string_view line, const wire::Version& version = kLatest,
                               const ReadFile& read = NoFile) {
  std::vector<std::string> args;
  for (const std::string_view word : Split(line, ' ')) args.emplace_back(word);
  return ReadVllmServe(args, version, read);
}

Result<VllmPlan> Plan(std::string_view line, const Env& env = {}) {
  const Result<VllmArguments> arguments = ReadLine(line);
  if (!arguments) return Fail(arguments.error());
  return PlanVllm(*arguments, env, {});
}

struct DictCase {
  std::string_view line;
  std::string_view dict;
};

TEST(VllmFlags, AreReadAsVllmReadsThem) {
  const DictCase cases[] = {
      {"m", "{'model_tag': 'm'}"},
      {"m --port 1", "{'model_tag': 'm', 'port': 1}"},
      {"--port=1 m", "{'port': 1, 'model_tag': 'm'}"},
      {"m --max_model_len 16k", "{'model_tag': 'm', 'max_model_len': 16000}"},
      {"m --max-model-len 16K", "{'model_tag': 'm', 'max_model_len': 16384}"},
      {"m --max-model-len auto", "{'model_tag': 'm', 'max_model_len': -1}"},
      {"m --max-model-len -1", "{'model_tag': 'm', 'max_model_len': -1}"},
      {"m -tp 2 -dp=4 -O3",
       "{'model_tag': 'm', 'tensor_parallel_size': 2, "
       "'data_parallel_size': 4, 'optimization_level': 3}"},
      {"m --enable-lora --no-enable-prefix-caching",
       "{'model_tag': 'm', 'enable_lora': True, 'enable_prefix_caching': False}"},
      {"--served-model-name a b --seed 3", "{'served_model_name': ['a', 'b'], 'seed': 3}"},
      {"m --structured_outputs_config.backend xgrammar",
       "{'model_tag': 'm', 'structured_outputs_config.backend': 'xgrammar'}"},
      {"m --speculative-config {\"method\":\"ngram\"}",
       "{'model_tag': 'm', 'speculative_config': {\"method\":\"ngram\"}}"},
      {"m -cc.mode=3", "{'model_tag': 'm', 'compilation_config.mode': '3'}"},
      {"m --api-key one two", "{'model_tag': 'm', 'api_key': ['***', '***']}"},
      {"m --port 1 --port 2", "{'model_tag': 'm', 'port': 2}"},
      {"m --gpu-memory-utilization 0.5", "{'model_tag': 'm', 'gpu_memory_utilization': 0.5}"},
  };
  for (const DictCase& c : cases) {
    const Result<VllmArguments> arguments = ReadLine(c.line);
    ASSERT_TRUE(arguments.has_value()) << c.line << ": " << arguments.error().message;
    EXPECT_EQ(arguments->Dict(), c.dict) << c.line;
  }
}

struct RefusalCase {
  std::string_view line;
  std::string_view message;
};

TEST(VllmFlags, AreRefusedInArgparsesWords) {
  const RefusalCase cases[] = {
      {"m --enable-reasoning", "unrecognized arguments: --enable-reasoning"},
      {"m --guided-decoding-backend x", "unrecognized arguments: --guided-decoding-backend x"},
      {"m --no-such -z", "unrecognized arguments: --no-such -z"},
      {"m n", "unrecognized arguments: n"},
      {"m --port", "argument --port: expected one argument"},
      {"m --port --seed 1", "argument --port: expected one argument"},
      {"m --port x", "argument --port: invalid int value: 'x'"},
      {"m -tp x", "argument -tp: invalid int value: 'x'"},
      {"m --gpu-memory-utilization x",
       "argument --gpu-memory-utilization: invalid float value: 'x'"},
      {"m --max-model-len 16x",
       "argument --max-model-len: invalid human_readable_int value: '16x'"},
      {"m --max-model-len 1.5K",
       "argument --max-model-len: invalid human_readable_int value: '1.5K'"},
      {"m --api-key", "argument --api-key: expected at least one argument"},
      {"m --enable-lora=1", "argument --enable-lora: ignored explicit argument '1'"},
      {"m --scheduling-policy fair",
       "argument --scheduling-policy: invalid choice: 'fair' (choose from 'fcfs', 'priority')"},
      {"m --speculative-config {x",
       "argument --speculative-config: Value {x cannot be converted to "
       "JSON"},
      {"m --config x.json", "Config file must be of a yaml/yml type. Got x.json"},
      {"m --config x.yaml", "cannot read x.yaml"},
  };
  for (const RefusalCase& c : cases) {
    const Result<VllmArguments> arguments = ReadLine(c.line);
    ASSERT_FALSE(arguments.has_value()) << c.line;
    EXPECT_EQ(arguments.error().message, c.message) << c.line;
  }
}

TEST(VllmFlags, OfAnOlderVersionAreThoseThatItHad) {
  EXPECT_TRUE(ReadLine("m --enable-reasoning", {0, 9, 0}).has_value());
  EXPECT_TRUE(ReadLine("m --swap-space 4 --task generate", {0, 12, 0}).has_value());
  EXPECT_FALSE(ReadLine("m --task generate", {0, 13, 0}).has_value());
}

TEST(VllmFlags, FileOfFlagsStandsInFrontOfTheCommandLine) {
  const auto read = [](const std::string& path) -> Result<std::string> {
    EXPECT_EQ(path, "c.yaml");
    return std::string(
        "model: m\nport: 1\nserved-model-name: [a, b]\nenable-lora: true\nenable-sleep-mode: "
        "false\nhf-overrides: {x: 1}\n");
  };
  const auto arguments = ReadLine("--config c.yaml --port 2", kLatest, read);
  ASSERT_TRUE(arguments.has_value()) << arguments.error().message;
  EXPECT_EQ(arguments->model, "m");
  EXPECT_EQ(arguments->Int("port"), 2);
  EXPECT_THAT(arguments->List("served-model-name"), ElementsAre("a", "b"));
  EXPECT_TRUE(arguments->On("enable-lora", false));
  EXPECT_FALSE(arguments->Has("enable-sleep-mode"));
  EXPECT_EQ(arguments->Text("hf-overrides"), R"({"x":1})");
}

TEST(VllmFlags, SecretsAreNotShown) {
  const std::vector<std::string> args = {"serve", "m",  "--api-key",   "one",
                                         "two",   "-n", "--hf-token=x"};
  EXPECT_THAT(WithoutSecrets(args),
              ElementsAre("serve", "m", "--api-key", "***", "***", "-n", "--hf-token=***"));
}

TEST(VllmPlan, DefaultsAreThoseOfVllm) {
  const Result<VllmPlan> plan = Plan("m");
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->listen.address, "127.0.0.1:8000");
  EXPECT_THAT(plan->sim.models[0].served_names, ElementsAre("m"));
  const sim::ServerSwitches& switches = plan->sim.switches;
  EXPECT_FALSE(switches.auto_tool_choice || switches.prompt_tokens_details ||
               switches.load_tracking || switches.runtime_lora || switches.dev_mode ||
               switches.responses_store);
  EXPECT_TRUE(switches.log_stats);
  EXPECT_EQ(plan->sim.engine.max_loras, 1U);
}

TEST(VllmPlan, FlagsAndVariablesReachTheSimulator) {
  Env env;
  env.variables = {{"VLLM_API_KEY", "k"},
                   {"VLLM_SERVER_DEV_MODE", "1"},
                   {"VLLM_ALLOW_RUNTIME_LORA_UPDATING", "True"}};
  const Result<VllmPlan> plan = Plan(
      "m --uds /s --served-model-name a b --max-model-len 4k --max-num-seqs 3 --enable-lora "
      "--lora-modules x=/x {\"name\":\"y\",\"path\":\"/y\",\"base_model_name\":\"b\"} "
      "--reasoning-parser qwen3 "
      "--enable-auto-tool-choice --tool-call-parser hermes --no-enable-prefix-caching "
      "--enable-prompt-tokens-details --max-logprobs 5 --shutdown-timeout 7 --dtype auto",
      env);
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  const sim::SimModel& model = plan->sim.models[0];
  EXPECT_EQ(plan->listen.address, "unix:/s");
  EXPECT_THAT(model.served_names, ElementsAre("a", "b"));
  EXPECT_EQ(model.root, "m");
  EXPECT_EQ(model.max_model_len, 4000);
  EXPECT_TRUE(model.reasons);
  ASSERT_EQ(model.adapters.size(), 2U);
  EXPECT_EQ(model.adapters[1].path, "/y");
  EXPECT_EQ(model.adapters[1].base_model, "b");
  EXPECT_EQ(plan->sim.engine.max_num_seqs, 3U);
  EXPECT_FALSE(plan->sim.engine.cache.prefix_caching);
  EXPECT_TRUE(plan->sim.switches.auto_tool_choice && plan->sim.switches.prompt_tokens_details &&
              plan->sim.switches.dev_mode && plan->sim.switches.runtime_lora);
  EXPECT_EQ(plan->sim.switches.max_logprobs, 5);
  EXPECT_THAT(plan->sim.api_keys, ElementsAre("k"));
  EXPECT_EQ(plan->shutdown_timeout, std::chrono::seconds(7));
  EXPECT_THAT(plan->ignored, ElementsAre("dtype"));
}

TEST(VllmPlan, WhatVllmRefusesAtItsStartIsRefused) {
  const RefusalCase cases[] = {
      {"m --reasoning-parser x", "KeyError: 'invalid reasoning parser: x (chose from { cohere_"},
      {"m --enable-auto-tool-choice --tool-call-parser x",
       "KeyError: 'invalid tool call parser: x (chose from { apertus,cohere_command3,"},
      {"m --enable-auto-tool-choice",
       "TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser"},
      {"m --lora-modules x=/x", "LoRA is not enabled. Use --enable-lora to enable LoRA."},
      {"m --enable-lora --lora-modules x", "Invalid old format for --lora-modules: x"},
      {"m --headless", "leave --headless away"},
      {"m --max-num-seqs 0", "max_num_seqs: Input should be greater than or equal to 1"},
  };
  for (const RefusalCase& c : cases) {
    const Result<VllmPlan> plan = Plan(c.line);
    ASSERT_FALSE(plan.has_value()) << c.line;
    EXPECT_THAT(plan.error().message, HasSubstr(c.message)) << c.line;
  }
}

}  // namespace
}  // namespace weir::cli
