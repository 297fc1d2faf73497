#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/config/config.h"
#include "weir/config/import.h"
#include "weir/json/writer.h"

namespace weir::config {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr std::string_view kChain = R"(
name: my chain
batch_size: 8
engines: [{name: qwen, model: m, endpoint: "http://localhost:8000/v1"}]
steps:
  - {type: step, id: answer, engine: qwen, system_prompt: "Cost: $5 ${x}", user_prompt: "{{ chain_input.q }}", output_model: {type: object}, sampling: {temperature: 0}}
  - {type: branch, id: fr, join: french, steps: [{type: step, id: to_fr, user_prompt: "{{ answer.t }}"}]}
  - {type: branch, id: es, steps: [{id: to_es, user_prompt: x, yield_output: false}]}
  - {type: step, id: input, user_prompt: x, output_model: Answer, emoji: "x"}
)";

Result<Imported> TakeChain(std::string_view text) {
  return Import(ImportKind::kEngines, text, "chain.yaml");
}

// The flows of an imported file, as JSON.
std::string FlowsOf(std::string_view text) {
  const auto imported = TakeChain(text);
  EXPECT_TRUE(imported) << imported.error().message;
  if (!imported) return {};
  const auto config = Parse(imported->yaml, "weir.yaml", {});
  EXPECT_TRUE(config) << config.error().message;
  return config ? json::Write(config->flows) : "";
}

TEST(ImportChainTest, StepsAndBranchesBecomeNodes) {
  EXPECT_EQ(
      FlowsOf(kChain),
      R"({"my_chain":{"concurrency":8,"nodes":[)"
      R"({"step":"answer","engine":"qwen","system":"Cost: $5 ${x}","user":"{{ chain_input.q }}",)"
      R"("output":{"type":"object"},"sampling":{"temperature":0}},)"
      R"({"parallel":[{"branch":"fr","join":"french","nodes":[{"step":"to_fr",)"
      R"("user":"{{ answer.t }}"}]},{"branch":"es","nodes":[{"step":"to_es","user":"x",)"
      R"("yield":false}]}]},{"step":"input_step","user":"x"}]}})");
}

TEST(ImportChainTest, ABranchHandsItsValueOverUnderItsOwnName) {
  EXPECT_THAT(FlowsOf(R"(
name: c
steps:
  - {type: branch, id: fr, join: fr, steps: [{type: step, id: a, user_prompt: x}]}
  - {type: branch, id: es, join: es, steps: [{type: step, id: b, user_prompt: x}]}
  - {type: step, id: both, user_prompt: "{{ fr.t }} {{ es.t }}"}
)"),
              HasSubstr(R"({"branch":"fr","join":"fr","nodes")"));
}

TEST(ImportChainTest, WhatIsNotCarriedIsSaid) {
  const auto imported = TakeChain(kChain);
  ASSERT_TRUE(imported);
  const std::string notes = Join(imported->notes, "\n");
  EXPECT_THAT(notes, HasSubstr("batch_size became `concurrency`"));
  EXPECT_THAT(notes, HasSubstr("'Answer' is a class of a Python program"));
  EXPECT_THAT(notes, HasSubstr("emoji"));
  EXPECT_THAT(imported->yaml, HasSubstr("qwen:"));
}

TEST(ImportChainTest, SymbolsBecomeSkeletons) {
  constexpr std::string_view kSymbols = "steps: [extract, [pkg.mod:fr, pkg.mod:es], extract]\n";
  EXPECT_EQ(
      FlowsOf(kSymbols),
      R"({"chain":{"nodes":[)"
      R"({"step":"extract","user":"Write here what extract asks. {{ row | tojson }}"},)"
      R"({"parallel":[{"branch":"fr_branch","nodes":[{"step":"fr",)"
      R"("user":"Write here what fr asks. {{ row | tojson }}"}]},)"
      R"({"branch":"es_branch","nodes":[{"step":"es",)"
      R"("user":"Write here what es asks. {{ row | tojson }}"}]}]},)"
      R"({"step":"extract_2","user":"Write here what extract_2 asks. {{ row | tojson }}"}]}})");
  EXPECT_THAT(TakeChain(kSymbols)->notes, SizeIs(4));
}

TEST(ImportChainTest, MistakesAreRefused) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"steps: []", "steps must be a list of steps"},
      {"steps: 7", "steps must be a list of steps"},
      {"steps: [7]", "must be a map of keys, found number"},
      {"batch_size: 0\nsteps: [a]", "batch_size must be a whole number from 1"},
      {"steps: [{type: agent, id: a}]", "type must be step or branch, found 'agent'"},
      {"steps: [{type: branch, id: a}]", "steps must be a list with the steps of the branch"},
      {"steps: [{id: a, output_model: 7}]", "output_model must be a JSON Schema"},
      {"steps: [{id: a, sampling: 7}]", "sampling must be a map"},
  };
  for (const auto& [text, message] : cases) {
    const auto imported = TakeChain(text);
    ASSERT_FALSE(imported) << text;
    EXPECT_THAT(imported.error().message, HasSubstr(message));
    EXPECT_THAT(imported.error().message, testing::StartsWith("chain.yaml:"));
  }
}

TEST(ImportChainTest, CutAnywhereItIsAFileOrAnError) {
  for (std::size_t end = 0; end <= kChain.size(); ++end) {
    const auto imported = TakeChain(kChain.substr(0, end));
    if (imported) {
      EXPECT_TRUE(Parse(imported->yaml, "weir.yaml", {}));
    } else {
      EXPECT_THAT(imported.error().message, testing::StartsWith("chain.yaml:"));
    }
  }
}

}  // namespace
}  // namespace weir::config
