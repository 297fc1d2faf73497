#include "weir/engine/managed/serve_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"

namespace weir::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ServeCommand, DefaultIsVllmServe) {  // R-PRC-01
  const ServeCommand command = BuildServeCommand({}, "org/model", 8001, {});

  EXPECT_THAT(command.argv, ElementsAre("vllm", "serve", "org/model", "--port", "8001"));
  EXPECT_THAT(command.env.variables, IsEmpty());
  EXPECT_THAT(command.warnings, IsEmpty());
}

// The block of the design, with `env` beside the list.
TEST(ServeCommand, FlagsStandBehindAllOthersAsTheyAre) {  // R-PRC-13
  ServeOptions options;
  options.dtype = "half";
  options.flags = {"--enable-reasoning",       "--reasoning-parser=deepseek_r1",
                   "--tensor-parallel-size=2", "--tokenizer_mode=mistral",
                   "--config_format=mistral",  "--load_format=mistral"};
  options.env = {{"CUDA_VISIBLE_DEVICES", "0,1"}};

  const ServeCommand command = BuildServeCommand(options, "m", 8000, {});

  EXPECT_EQ(Join(command.argv, " "),
            "vllm serve m --port 8000 --dtype half --enable-reasoning "
            "--reasoning-parser=deepseek_r1 --tensor-parallel-size=2 --tokenizer_mode=mistral "
            "--config_format=mistral --load_format=mistral");
  EXPECT_EQ(command.env.variables.at("CUDA_VISIBLE_DEVICES"), "0,1");
  EXPECT_THAT(command.warnings, IsEmpty());
}

TEST(ServeCommand, FieldsBecomeFlags) {  // R-PRC-02
  ServeOptions options;
  options.dtype = "bfloat16";
  options.gpu_memory_utilization = 0.85;
  options.max_model_len = 8192;
  options.tensor_parallel = 4;
  options.enable_reasoning = true;
  options.reasoning_parser = "qwen3";
  options.dynamic_lora = true;
  options.gpu_ids = "2,3";

  const ServeCommand command = BuildServeCommand(options, "m", 8000, {});

  EXPECT_EQ(Join(command.argv, " "),
            "vllm serve m --port 8000 --dtype bfloat16 --gpu-memory-utilization 0.85 "
            "--max-model-len 8192 --tensor-parallel-size 4 --enable-reasoning --reasoning-parser "
            "qwen3 --enable-lora");
  EXPECT_EQ(command.env.variables.at("CUDA_VISIBLE_DEVICES"), "2,3");
  EXPECT_EQ(command.env.variables.at("VLLM_ALLOW_RUNTIME_LORA_UPDATING"), "1");
}

TEST(ServeCommand, AnotherProgramHasPlaceholders) {
  ServeOptions options;
  options.command = {"llama-server", "-m", "{model}", "--port={port}", "--host", "{host}", "{x}"};
  options.flags = {"-ngl", "99"};
  options.env = {{"OLLAMA_HOST", "{host}:{port}"}};

  const ServeCommand command = BuildServeCommand(options, "/m.gguf", 9000, {});

  EXPECT_EQ(Join(command.argv, " "),
            "llama-server -m /m.gguf --port=9000 --host 127.0.0.1 {x} -ngl 99");
  EXPECT_EQ(command.env.variables.at("OLLAMA_HOST"), "127.0.0.1:9000");
}

TEST(ServeCommand, OurClientVariablesStayHere) {  // R-PRC-11
  const Env parent{.variables = {{"PATH", "/bin"},
                                 {"VLLM_API_KEY", "secret"},
                                 {"VLLM_BASE_URL", "http://h"},
                                 {"VLLM_USE_V1", "1"},
                                 {"HF_HOME", "/hf"}}};
  ServeOptions options;
  options.env = {{"HF_HOME", "/other"}};

  const ServeCommand command = BuildServeCommand(options, "m", 8000, parent);

  EXPECT_EQ(command.env.variables,
            (std::map<std::string, std::string, std::less<>>{
                {"HF_HOME", "/other"}, {"PATH", "/bin"}, {"VLLM_USE_V1", "1"}}));
}

struct DuplicateCase {
  std::vector<std::string> flags;
  std::vector<std::string> warnings;
};

TEST(ServeCommand, WhatIsGivenTwiceIsWarnedAbout) {  // R-PRC-12
  const std::string both =
      "--tensor-parallel-size is given twice, by `tensor_parallel` and in `flags`; the last one, "
      "of `flags`, wins";
  const DuplicateCase cases[] = {
      {{"--seed", "1"}, {}},
      {{"--tensor-parallel-size", "4"}, {both}},
      {{"--tensor_parallel_size=4"}, {both}},
      {{"-tp", "4"}, {both}},
      {{"--seed=1", "--seed", "-1"}, {"--seed stands twice in `flags`; the last one wins"}},
  };
  ServeOptions options;
  options.tensor_parallel = 2;
  for (const DuplicateCase& c : cases) {
    options.flags = c.flags;
    EXPECT_EQ(BuildServeCommand(options, "m", 8000, {}).warnings, c.warnings) << Join(c.flags, " ");
  }
  options.flags.clear();
  options.gpu_ids = "0";
  options.env = {{"CUDA_VISIBLE_DEVICES", "1"}};
  const ServeCommand command = BuildServeCommand(options, "m", 8000, {});
  EXPECT_THAT(command.warnings, ElementsAre("CUDA_VISIBLE_DEVICES is given twice, by `gpu_ids` and "
                                            "in `env`; that of `env` wins"));
  EXPECT_EQ(command.env.variables.at("CUDA_VISIBLE_DEVICES"), "1");
}

TEST(ServeCommand, APortAmongTheFlagsIsThePort) {
  ServeOptions options;
  options.port = 8001;
  EXPECT_EQ(FixedPort(options), 8001);
  options.flags = {"--port=9001"};
  EXPECT_EQ(FixedPort(options), 9001);
  EXPECT_EQ(Join(BuildServeCommand(options, "m", 9001, {}).argv, " "), "vllm serve m --port=9001");
  options.flags = {"--port", "9002"};
  EXPECT_EQ(FixedPort(options), 9002);
  EXPECT_FALSE(FixedPort({}).has_value());
}

TEST(ServeCommand, FlagValuesAreFoundInAnyForm) {
  const std::vector<std::string> flags = {
      "--served_model_name=a", "--enforce-eager", "--seed", "-1", "--served-model-name", "b", "c"};
  EXPECT_EQ(FlagValue(flags, "served-model-name"), "b");
  EXPECT_EQ(FlagValue(flags, "seed"), "-1");
  EXPECT_EQ(FlagValue(flags, "enforce-eager"), "");
  EXPECT_FALSE(FlagValue(flags, "dtype").has_value());
  ServeOptions options;
  EXPECT_EQ(ServedModel(options, "m"), "m");
  options.flags = flags;
  EXPECT_EQ(ServedModel(options, "m"), "b");
}

}  // namespace
}  // namespace weir::engine
