#include "weir/flow/graph.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/flow/read.h"
#include "weir/flow/show.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kYaml = R"(
name: clinical
engine: qwen
nodes:
  - step: answer
    system: You are a careful clinician.
    user: "{{ question }}"
    output: {type: object, required: [text, sure], properties: {text: {type: string}, sure: {type: number}}}
  - apply: keep_sure
    where: answer.sure >= 0.7
  - parallel:
      - branch: french
        join: fr
        nodes: [{step: to_fr, user: "French: {{ answer.text }}"}]
      - branch: spanish
        nodes: [{step: to_es, engine: gpt, user: "Spanish: {{ answer.text }}", yield: false}]
  - switch: kind
    on: answer.text
    cases:
      "yes": [{step: agreed, user: why}]
    default: []
  - map: words
    over: answer.text | list
    as: word
    nodes:
      - apply: long
        set: {word: word, length: word | length}
  - step: digest
    user: "{{ fr }}"
    barrier: true
)";

Shape AnswerShape() {
  return {.schema = *json::Read(R"({"type": "object", "required": ["text", "sure"],
      "properties": {"text": {"type": "string"}, "sure": {"type": "number"}}})")};
}

Node Ask(std::string id, std::string user) {
  Node node{.id = std::move(id)};
  node.what = Step{.user = {.text = std::move(user)}};
  return node;
}

Flow InCpp() {
  Flow flow{.name = "clinical", .engine = "qwen"};
  Node answer = Ask("answer", "{{ question }}");
  std::get<Step>(answer.what).system = {.text = "You are a careful clinician."};
  std::get<Step>(answer.what).output = AnswerShape();
  flow.nodes.push_back(answer);

  Node keep{.id = "keep_sure"};
  keep.what = Apply{.where = {.text = "answer.sure >= 0.7"}};
  flow.nodes.push_back(keep);

  Node spanish = Ask("to_es", "Spanish: {{ answer.text }}");
  spanish.yield = false;
  std::get<Step>(spanish.what).engine = "gpt";
  Node both{.id = "parallel_1"};
  both.what = Parallel{
      {Branch{.name = "french", .join = "fr", .nodes = {Ask("to_fr", "French: {{ answer.text }}")}},
       Branch{.name = "spanish", .nodes = {spanish}}}};
  flow.nodes.push_back(both);

  Node kind{.id = "kind"};
  kind.what = Switch{.on = {.text = "answer.text"},
                     .cases = {{.equals = json::Value::Of("yes"), .nodes = {Ask("agreed", "why")}}},
                     .otherwise = Nodes{}};
  flow.nodes.push_back(kind);

  Node item{.id = "long"};
  item.what = Apply{.set = {{"word", {.text = "word"}}, {"length", {.text = "word | length"}}}};
  Node words{.id = "words"};
  words.what = Map{.over = {.text = "answer.text | list"}, .as = "word", .nodes = {item}};
  flow.nodes.push_back(words);

  Node digest = Ask("digest", "{{ fr }}");
  digest.barrier = true;
  flow.nodes.push_back(digest);
  return flow;
}

Graph FromYaml(std::string_view text) {
  auto flow = ReadFlowText(text, "flow.yaml");
  EXPECT_TRUE(flow) << flow.error().message;
  auto graph = Graph::Compile(flow ? *std::move(flow) : Flow{});
  EXPECT_TRUE(graph) << graph.error().message;
  return *std::move(graph);
}

std::string ErrorOf(Flow flow) {
  const auto graph = Graph::Compile(std::move(flow));
  return graph ? "" : graph.error().message;
}

TEST(GraphTest, YamlAndCppMakeTheSameGraph) {
  const Graph yaml = FromYaml(kYaml);
  const auto cpp = Graph::Compile(InCpp());
  ASSERT_TRUE(cpp) << cpp.error().message;
  EXPECT_EQ(GraphJson(yaml), GraphJson(*cpp));
  EXPECT_EQ(ShowTree(yaml), ShowTree(*cpp));
}

TEST(GraphTest, NodesAreNumberedDepthFirst) {
  const Graph graph = FromYaml(kYaml);
  std::vector<std::string> ids;
  for (const GraphNode* node : graph.all()) {
    EXPECT_EQ(node->index, ids.size());
    ids.push_back(node->node->id);
  }
  EXPECT_THAT(ids, ElementsAre("answer", "keep_sure", "parallel_1", "to_fr", "to_es", "kind",
                               "agreed", "words", "long", "digest"));
  EXPECT_EQ(graph.Find("kind")->index, 5U);
  EXPECT_EQ(graph.Find("nobody"), nullptr);
}

TEST(GraphTest, EnginesAreNamedOnce) {
  EXPECT_THAT(EnginesOf(FromYaml(kYaml)), ElementsAre("qwen", "gpt"));
  EXPECT_THAT(EnginesOf(FromYaml("nodes: [{step: a, user: x}]")), ElementsAre(""));
}

TEST(GraphTest, EdgesLeadThroughWaysAndLeaveOutLooseBranches) {
  const auto json = json::Read(GraphJson(FromYaml(kYaml)));
  ASSERT_TRUE(json);
  EXPECT_EQ(json->Find("name").StringOr(""), "clinical");
  EXPECT_EQ(json::Write(json->Find("edges")),
            R"([["answer","keep_sure"],["keep_sure","parallel_1"],["parallel_1","to_fr"],)"
            R"(["parallel_1","to_es"],["to_fr","kind"],["kind","agreed"],["agreed","words"],)"
            R"(["kind","words"],["words","long"],["long","digest"]])");
  const json::View first = json->Find("execution_order")[0];
  EXPECT_EQ(json::Write(first), R"({"id":"answer","name":"answer","type":"step","engine":"qwen",)"
                                R"("fields":["text","sure"]})");
}

TEST(GraphTest, StepWithoutUserAsksWithTheRow) {
  const Graph graph = FromYaml("nodes: [{step: a}]");
  const auto variables = json::Read(R"({"row": {"n": 1.50}})");
  EXPECT_EQ(*graph.Find("a")->user->Render(*variables), R"({"n":1.50})");
}

TEST(GraphTest, AllProblemsAreToldAtOnce) {
  Flow flow;
  flow.nodes = {Ask("a", "{{ x"), Ask("a", "fine"), Ask("row", "fine"), Ask("1st", "fine")};
  Node nothing{.id = "nothing"};
  nothing.what = Apply{};
  flow.nodes.push_back(nothing);
  const std::string message = ErrorOf(flow);
  EXPECT_THAT(message, HasSubstr("a.user:1:"));
  EXPECT_THAT(message, HasSubstr("'a' is there twice"));
  EXPECT_THAT(message, HasSubstr("'row' means something else already"));
  EXPECT_THAT(message, HasSubstr("'1st' is no name"));
  EXPECT_THAT(message, HasSubstr("exactly one of `where`, `set`, `each` and `exec`"));
}

TEST(GraphTest, WhatANodeMayNotBe) {
  struct Wrong {
    Node node;
    std::string_view message;
  };
  const auto node = [](auto what) {
    Node made{.id = "a"};
    made.what = std::move(what);
    return made;
  };
  Step bad_schema{.output = {.schema = *json::Read(R"({"type": "strnig"})")}};
  Step row_id{.output = {.schema = *json::Read(R"({"properties": {"row_id": {}}})")}};
  Step twice{.output = AnswerShape(), .constraint = model::Constraint{}};
  Step hot;
  hot.sampling.temperature = 7;
  Node inner_barrier = Ask("b", "x");
  inner_barrier.barrier = true;
  const std::vector<Wrong> cases = {
      {node(bad_schema), "the schema of `output` of a is wrong"},
      {node(row_id), "has a property `row_id`"},
      {node(twice), "keep one of them"},
      {node(hot), "temperature must be in [0, 2]"},
      {node(Step{.retries = -1}), "`retries` of a must be from 0 to 100"},
      {node(Apply{.set = {{"row_id", {.text = "1"}}}}), "gives a field `row_id`"},
      {node(Apply{.program = Program{}}), "names no program"},
      {node(Apply{.program = Program{.argv = {"cat"}, .processes = 0}}), "`processes` of a"},
      {node(Parallel{}), "has no branches"},
      {node(Parallel{{Branch{.name = "b"}}}), "branch b has no nodes"},
      {node(Parallel{{Branch{.name = "c", .nodes = {inner_barrier}}}}), "`barrier` of b"},
      {node(Switch{}), "needs `on`"},
      {node(Map{.nodes = {Ask("b", "x")}}), "needs `over`"},
      {node(Map{.over = {.text = "x"}}), "has no nodes"},
      {node(Map{.over = {.text = "x"}, .as = "row", .nodes = {Ask("b", "x")}}), "`as: row`"},
  };
  for (const Wrong& wrong : cases) {
    Flow flow;
    flow.nodes = {wrong.node};
    EXPECT_THAT(ErrorOf(flow), HasSubstr(wrong.message));
  }
  EXPECT_THAT(ErrorOf(Flow{}), HasSubstr("the flow has no nodes"));
}

TEST(GraphTest, ThoughtsOfAStepKeepTheirName) {
  Flow flow;
  flow.nodes = {Ask("a", "x"), Ask("a_reasoning", "x")};
  EXPECT_THAT(ErrorOf(flow), HasSubstr("where the thoughts of a are found"));
}

TEST(GraphTest, NodesMayNotBeNestedWithoutEnd) {
  Node node = Ask("s", "x");
  for (int i = 0; i < 100; ++i) {
    Node outer{.id = "m"};
    outer.id += std::to_string(i);
    outer.what = Map{.over = {.text = "x"}, .nodes = {std::move(node)}};
    node = std::move(outer);
  }
  Flow flow;
  flow.nodes = {std::move(node)};
  EXPECT_THAT(ErrorOf(flow), HasSubstr("nested more than 64 deep"));
}

TEST(GraphTest, SchemasOfOtherFilesAreBundled) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / StrCat("weir flow bundle ", ::getpid());
  std::filesystem::create_directories(folder / "schemas");
  std::ofstream(folder / "schemas/a.json")
      << R"({"type": "object", "properties": {"b": {"$ref": "b.json#/$defs/name"}}})";
  std::ofstream(folder / "schemas/b.json")
      << R"({"$defs": {"name": {"$ref": "#/$defs/text"}, "text": {"type": "string"}}})";
  Flow flow{.folder = folder.string()};
  Node step = Ask("s", "x");
  std::get<Step>(step.what).output.schema = *json::Read(
      R"({"type": "object", "properties": {"one": {"$ref": "schemas/a.json"},
          "again": {"$ref": "schemas/a.json#/properties/b"}, "enum": {"enum": [{"$ref": "x"}]}}})");
  flow.nodes = {step};
  const auto graph = Graph::Compile(std::move(flow));
  ASSERT_TRUE(graph) << graph.error().message;
  const GraphNode& node = *graph->Find("s");
  EXPECT_EQ(json::Write(*node.step()->output.schema),
            R"({"type":"object","properties":{"one":{"$ref":"#/$defs/a"},)"
            R"("again":{"$ref":"#/$defs/a/properties/b"},"enum":{"enum":[{"$ref":"x"}]}},)"
            R"("$defs":{"a":{"type":"object","properties":{"b":{"$ref":"#/$defs/b/$defs/name"}}},)"
            R"("b":{"$defs":{"name":{"$ref":"#/$defs/b/$defs/text"},"text":{"type":"string"}}}}})");
  EXPECT_FALSE(node.output->Accepts(*json::Read(R"({"one": {"b": 1}})")));
  EXPECT_TRUE(node.output->Accepts(*json::Read(R"({"one": {"b": "x"}, "again": "y"})")));
  EXPECT_THAT(graph->flow().parts, ElementsAre((folder / "schemas/a.json").string(),
                                               (folder / "schemas/b.json").string()));
  std::filesystem::remove_all(folder);
}

TEST(GraphTest, MissingSchemaFilesAreNamed) {
  Flow flow;
  Node step = Ask("s", "x");
  std::get<Step>(step.what).output.schema = *json::Read(R"({"items": {"$ref": "no/such.json"}})");
  flow.nodes = {step};
  EXPECT_THAT(ErrorOf(flow), HasSubstr("no/such.json"));
}

}  // namespace
}  // namespace weir::flow
