#include "weir/flow/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/flow/graph.h"
#include "weir/flow/read_testing.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

std::string ErrorOf(std::string_view text, std::string_view name = {}) {
  const auto flow = ReadFlowText(text, "flow.yaml", name);
  return flow ? "" : flow.error().message;
}

TEST(ReadTest, EveryKeyOfAFlowArrives) {
  const Flow flow = FlowOf(R"(
name: all
description: everything
engine: qwen
profile: chain
input: {type: object, required: [q]}
id: key
seed: 7
concurrency: 3
warmup: false
files: {glob: "src/**/*.py", unit: line, max_bytes: 100}
vars: {tone: dry}
nodes: [{step: s, user: x}]
)");
  EXPECT_EQ(flow.name, "all");
  EXPECT_EQ(flow.file, "flow.yaml");
  EXPECT_EQ(flow.description, "everything");
  EXPECT_EQ(flow.engine, "qwen");
  EXPECT_EQ(flow.profile, "chain");
  EXPECT_EQ(json::Write(*flow.input.schema), R"({"type":"object","required":["q"]})");
  EXPECT_EQ(flow.input.place, "flow.yaml:6:8");
  EXPECT_EQ(flow.id, "key");
  EXPECT_EQ(flow.seed, 7U);
  EXPECT_EQ(flow.concurrency, 3);
  EXPECT_FALSE(flow.warmup);
  EXPECT_EQ(flow.files->glob, "src/**/*.py");
  EXPECT_EQ(flow.files->unit, "line");
  EXPECT_EQ(flow.files->max_bytes, 100U);
  EXPECT_EQ(json::Write(flow.vars), R"({"tone":"dry"})");
  EXPECT_THAT(flow.parts, ElementsAre("flow.yaml"));
}

TEST(ReadTest, EveryKeyOfAStepArrives) {
  const Flow flow = FlowOf(R"(
nodes:
  - step: s
    engine: e
    model: m
    adapter: a
    profile: p
    system: be brief
    user: "{{ q }}"
    media: [row.image, row.scan]
    output: {type: object}
    instruction: false
    temperature: 0.5
    stop: END
    sampling: {max_tokens: 9, seed: 4, bad_words: [a, b]}
    reasoning: {effort: low, enable: true, thinking_budget: 100}
    confidence: {threshold: 0.6, max_retries: 2, report: true}
    retries: 3
    timeout: 2.5
    yield: false
    barrier: true
)");
  ASSERT_THAT(flow.nodes, SizeIs(1));
  const Node& node = flow.nodes[0];
  EXPECT_EQ(node.id, "s");
  EXPECT_EQ(node.place, "flow.yaml:3:5");
  EXPECT_FALSE(node.yield);
  EXPECT_TRUE(node.barrier);
  const Step& step = std::get<Step>(node.what);
  EXPECT_EQ(step.engine, "e");
  EXPECT_EQ(step.model, "m");
  EXPECT_EQ(step.adapter, "a");
  EXPECT_EQ(step.profile, "p");
  EXPECT_EQ(step.system.text, "be brief");
  EXPECT_EQ(step.user.place, "flow.yaml:9:11");
  ASSERT_THAT(step.media, SizeIs(2));
  EXPECT_EQ(step.media[1].text, "row.scan");
  EXPECT_TRUE(step.output.schema);
  EXPECT_EQ(step.instruction, "");
  EXPECT_EQ(step.sampling.temperature, 0.5);
  EXPECT_THAT(step.sampling.stop, ElementsAre("END"));
  EXPECT_EQ(step.sampling.max_tokens, 9);
  EXPECT_EQ(step.sampling.seed, 4);
  EXPECT_THAT(step.sampling.bad_words, ElementsAre("a", "b"));
  EXPECT_EQ(step.reasoning.effort, "low");
  EXPECT_EQ(step.reasoning.enable, true);
  EXPECT_EQ(step.reasoning.thinking_budget, 100);
  EXPECT_EQ(step.confidence.threshold, 0.6);
  EXPECT_EQ(step.confidence.max_retries, 2);
  EXPECT_TRUE(step.confidence.report);
  EXPECT_EQ(step.retries, 3);
  EXPECT_EQ(step.timeout, std::chrono::milliseconds(2500));
}

TEST(ReadTest, AnswersAreBoundInOneWay) {
  using Kind = model::Constraint::Kind;
  struct Bound {
    std::string_view yaml;
    Kind kind;
  };
  const Bound cases[] = {{"regex: '[a-z]+'", Kind::kRegex},
                         {"choice: [yes, 7, true]", Kind::kChoice},
                         {"choice: 'yes, 7 ,true'", Kind::kChoice},
                         {"grammar: 'root ::= \"x\"'", Kind::kGrammar},
                         {"json: true", Kind::kJsonObject}};
  for (const auto& [yaml, kind] : cases) {
    const Flow flow = FlowOf(StrCat("nodes: [{step: s, ", yaml, "}]"));
    const auto& constraint = std::get<Step>(flow.nodes.at(0).what).constraint;
    ASSERT_TRUE(constraint) << yaml;
    EXPECT_EQ(constraint->kind, kind) << yaml;
    if (kind == Kind::kChoice) EXPECT_THAT(constraint->choices, ElementsAre("yes", "7", "true"));
  }
  EXPECT_FALSE(
      std::get<Step>(FlowOf("nodes: [{step: s, json: false}]").nodes.at(0).what).constraint);
}

TEST(ReadTest, ShortFormsOfReasoningAndConfidence) {
  const Flow flow = FlowOf(R"(
nodes:
  - {step: a, reasoning: high, confidence: 0.5}
  - {step: b, reasoning: false, confidence: true}
)");
  const Step& a = std::get<Step>(flow.nodes[0].what);
  EXPECT_EQ(a.reasoning.effort, "high");
  EXPECT_EQ(a.confidence.threshold, 0.5);
  const Step& b = std::get<Step>(flow.nodes[1].what);
  EXPECT_EQ(b.reasoning.enable, false);
  EXPECT_TRUE(b.confidence.report);
}

TEST(ReadTest, AppliesOfAllKinds) {
  const Flow flow = FlowOf(R"(
nodes:
  - {apply: a, where: false}
  - {apply: b, set: {one: 1, text: '"x"', none: null}}
  - {apply: c, each: row.parts}
  - {apply: d, exec: "tools/run  -v", timeout: 3, processes: 4}
  - {apply: e, exec: [python3, "a b.py"], output: {type: string}}
)");
  ASSERT_THAT(flow.nodes, SizeIs(5));
  const auto apply = [&](std::size_t i) { return std::get<Apply>(flow.nodes[i].what); };
  EXPECT_EQ(apply(0).where.text, "false");
  ASSERT_THAT(apply(1).set, SizeIs(3));
  EXPECT_EQ(apply(1).set[0].second.text, "1");
  EXPECT_EQ(apply(1).set[2].second.text, "none");
  EXPECT_EQ(apply(2).each.text, "row.parts");
  EXPECT_THAT(apply(3).program->argv, ElementsAre("tools/run", "-v"));
  EXPECT_EQ(apply(3).program->timeout, std::chrono::seconds(3));
  EXPECT_EQ(apply(3).program->processes, 4);
  EXPECT_THAT(apply(4).program->argv, ElementsAre("python3", "a b.py"));
  EXPECT_TRUE(apply(4).output.schema);
}

TEST(ReadTest, WaysOfAllKinds) {
  const Flow flow = FlowOf(R"(
nodes:
  - parallel:
      - {branch: x, join: y, nodes: [{parallel: [{branch: z, nodes: [{step: s}]}]}]}
  - parallel: [{branch: w, nodes: [{step: t}]}]
    id: named
  - switch: choice
    on: row.kind
    cases: {true: [{step: u}], "7": []}
  - switch: other
    on: row.kind
    cases: [{equals: 1.5, nodes: [{step: v}]}, {equals: null, nodes: []}]
    default: []
  - {map: each_one, over: row.list, nodes: [{step: q}]}
)");
  ASSERT_THAT(flow.nodes, SizeIs(5));
  EXPECT_EQ(flow.nodes[0].id, "parallel_1");
  EXPECT_EQ(flow.nodes[1].id, "named");
  const auto& branch = std::get<Parallel>(flow.nodes[0].what).branches.at(0);
  EXPECT_EQ(branch.join, "y");
  EXPECT_EQ(branch.nodes.at(0).id, "parallel_2");
  const auto& choice = std::get<Switch>(flow.nodes[2].what);
  EXPECT_EQ(json::Write(choice.cases.at(0).equals), "\"true\"");
  EXPECT_EQ(choice.cases[0].place, "flow.yaml:9:13");
  EXPECT_FALSE(choice.otherwise);
  const auto& other = std::get<Switch>(flow.nodes[3].what);
  EXPECT_EQ(json::Write(other.cases.at(0).equals), "1.5");
  EXPECT_TRUE(other.cases.at(1).equals.IsNull());
  EXPECT_TRUE(other.otherwise);
  EXPECT_EQ(std::get<Map>(flow.nodes[4].what).as, "item");
}

struct Mistake {
  std::string_view yaml;
  std::string_view message;
};

TEST(ReadTest, MistakesAreToldWithPlaceAndRemedy) {
  const Mistake cases[] = {
      {"[]", "flow.yaml:1:1: a flow is a map of keys with `nodes`, found array"},
      {"name: x", "the flow has no `nodes`"},
      {"nodes: 7", "flow.yaml:1:8: the nodes of the flow must be a list, found number"},
      {"nodse: []\nnodes: []", "flow.yaml:1:1: `nodse` is no key of flow; did you mean `nodes`?"},
      {"nodes: [7]", "this node must be a map of keys, found number"},
      {"nodes: [{stpe: a}]", "did you mean `step` where `stpe` stands?"},
      {"nodes: [{step: a, apply: b}]", "this node is a step and a apply"},
      {"nodes:\n  - step: a\n    usre: x",
       "flow.yaml:3:5: `usre` is no key of step a; did you mean `user`?"},
      {"nodes: [{step: a, user: [x]}]", "`user` of step a must be a text"},
      {"nodes: [{step: a, retries: x}]",
       "`retries` of step a must be a whole number, found string"},
      {"nodes: [{step: a, retries: -1}]", "`retries` of step a must be from 0 to 100, found -1"},
      {"nodes: [{step: a, yield: 1}]", "`yield` of step a must be true or false, found number"},
      {"nodes: [{step: a, output: 7}]", "`output` of step a must be a JSON Schema or the path"},
      {"nodes: [{step: a, output: no.json}]", "there is no file no.json"},
      {"nodes: [{step: a, grammar: no.gbnf}]", "there is no file no.gbnf"},
      {"nodes: [{step: a, regex: x, json: true}]", "`json` of step a stands beside `regex`"},
      {"nodes: [{step: a, output: {}, choice: [x]}]", "`choice` of step a stands beside `output`"},
      {"nodes: [{step: a, choice: []}]", "must name at least one answer"},
      {"nodes: [{step: a, reasoning: hard}]", "must be none, minimal, low"},
      {"nodes: [{step: a, reasoning: {effort: hard}}]", "`effort` of `reasoning` of step a"},
      {"nodes: [{step: a, confidence: 2}]", "must be from 0 to 1, found 2"},
      {"nodes: [{step: a, sampling: {tmperature: 1}}]", "did you mean `temperature`?"},
      {"nodes: [{step: a, top_k: 1, sampling: {top_k: 1}}]", "is said twice"},
      {"nodes: [{apply: a}]", "apply a does nothing"},
      {"nodes: [{apply: a, where: x, each: y}]", "apply a does several things"},
      {"nodes: [{apply: a, where: x, timeout: 1}]", "belongs to `exec`"},
      {"nodes: [{apply: a, set: {}}]", "gives no field"},
      {"nodes: [{apply: a, set: {x: [1]}}]", "`x` of `set` of apply a must be a text"},
      {"nodes: [{parallel: x}]", "must be a list of branches"},
      {"nodes: [{parallel: [{nodes: []}]}]", "a branch needs a name"},
      {"nodes: [{switch: a, on: x, cases: 1}]", "must be a map of values to nodes"},
      {"nodes: [{switch: a, on: x, cases: [{nodes: []}]}]", "a case needs `equals`"},
      {"nodes: [{include: no.yaml}]", "there is no file no.yaml"},
      {"nodes: [{include: a.yaml, step: x}]", "this node is a step and a include"},
      {"files: {unit: page}\nnodes: []", "`unit` of `files` must be file, line, function or class"},
      {"vars: 7\nnodes: []", "`vars` of flow must be a map of values"},
      {"nodes: [{step: a, user: x, user: y}]", "flow.yaml:1:"},
  };
  for (const auto& [yaml, message] : cases) {
    EXPECT_THAT(ErrorOf(yaml), HasSubstr(message)) << yaml;
  }
}

TEST(ReadTest, AllMistakesAreToldTogether) {
  const std::string message =
      ErrorOf("nodes:\n  - {step: a, usre: 1, retries: x}\n  - {aply: b}\n  - {map: c, ovre: 1}");
  EXPECT_THAT(message, HasSubstr("`usre`"));
  EXPECT_THAT(message, HasSubstr("`retries`"));
  EXPECT_THAT(message, HasSubstr("`aply`"));
  EXPECT_THAT(message, HasSubstr("`ovre`"));
}

TEST(ReadTest, VeryManyMistakesAreCut) {
  std::string yaml = "nodes:\n";
  for (int i = 0; i < 500; ++i) yaml += "  - {nonsense: 1}\n";
  const std::string message = ErrorOf(yaml);
  EXPECT_THAT(Split(message, '\n'), SizeIs(101));
  EXPECT_THAT(message, HasSubstr("there are more problems"));
}

TEST(ReadTest, ConfigurationsHoldFlowsByName) {
  constexpr std::string_view kTwo =
      "engines: {}\nflows:\n  one: {nodes: [{step: a}]}\n  two: {nodes: [{step: b}]}\n";
  EXPECT_EQ(FlowOf(kTwo, "two").nodes.at(0).id, "b");
  EXPECT_EQ(FlowOf(kTwo, "two").name, "two");
  EXPECT_THAT(ErrorOf(kTwo), HasSubstr("flow.yaml#one; there are: one, two"));
  EXPECT_THAT(ErrorOf(kTwo, "tow"), HasSubstr("did you mean two?"));
  EXPECT_EQ(FlowOf("flows: {only: {nodes: [{step: a}]}}").name, "only");
  EXPECT_THAT(ErrorOf("nodes: []", "x"), HasSubstr("holds one flow alone"));
  EXPECT_THAT(ErrorOf("flows: 7"), HasSubstr("must be a map of flows"));
  EXPECT_TRUE(IsConfigFile(kTwo));
  EXPECT_FALSE(IsConfigFile("nodes: []"));
  EXPECT_FALSE(IsConfigFile("{"));
}

TEST(ReadTest, TargetsAreFilesFoldersAndNames) {
  const FlowFiles folder("targets");
  folder.Write("qa/flow.yaml", "nodes: [{step: a}]");
  const std::string config =
      folder.Write("weir.yaml", "flows: {one: {nodes: [{step: b}]}, two: {nodes: [{step: c}]}}");
  const auto by_folder = ReadFlow(folder.At("qa"));
  ASSERT_TRUE(by_folder) << by_folder.error().message;
  EXPECT_EQ(by_folder->name, "qa");
  EXPECT_EQ(by_folder->folder, folder.At("qa"));
  const auto by_name = ReadFlow(StrCat(config, "#two"));
  ASSERT_TRUE(by_name) << by_name.error().message;
  EXPECT_EQ(by_name->nodes.at(0).id, "c");
  EXPECT_EQ(FlowFile(StrCat(config, "#two")), config);
  EXPECT_EQ(FlowFile(folder.At("qa")), folder.At("qa/flow.yaml"));
  const auto missing = ReadFlow(folder.At("nothing.yaml"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kConfigError);
  EXPECT_THAT(missing.error().message, HasSubstr("FILE#NAME"));
  EXPECT_FALSE(ReadFlow(folder.path())) << "a folder without flow.yaml";
}

TEST(ReadTest, SchemasAndGrammarsAreReadFromFiles) {
  const FlowFiles folder("schemas");
  folder.Write("s/a.json", R"({"type": "object", "properties": {"x": {"$ref": "b.json"}}})");
  folder.Write("s/b.json", R"({"type": "integer"})");
  folder.Write("c.yaml", "type: object\nrequired: [y]\n");
  folder.Write("g.gbnf", "root ::= \"x\"\n");
  folder.Write("list.yaml", "- 1\n");
  const std::string file = folder.Write("flow.yaml", R"(
nodes:
  - {step: a, output: s/a.json}
  - {step: b, output: c.yaml}
  - {step: c, output: {$ref: s/a.json}}
  - {step: d, grammar: g.gbnf}
)");
  const auto flow = ReadFlow(file);
  ASSERT_TRUE(flow) << flow.error().message;
  const auto step = [&](std::size_t i) { return std::get<Step>(flow->nodes[i].what); };
  EXPECT_EQ(step(0).output.file, folder.At("s/a.json"));
  EXPECT_EQ(json::Write(*step(1).output.schema), R"({"type":"object","required":["y"]})");
  EXPECT_EQ(json::Write(*step(2).output.schema), json::Write(*step(0).output.schema));
  EXPECT_EQ(step(3).constraint->text, "root ::= \"x\"\n");
  EXPECT_THAT(flow->parts,
              ElementsAre(file, folder.At("s/a.json"), folder.At("c.yaml"), folder.At("g.gbnf")));
  const auto graph = Graph::Compile(*flow);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_THAT(graph->flow().parts, testing::Contains(folder.At("s/b.json")));
  const auto wrong = ReadFlowText("nodes: [{step: a, output: list.yaml}]", folder.At("other.yaml"));
  EXPECT_THAT(wrong.error().message, HasSubstr("holds no schema but array"));
}

TEST(ReadTest, IncludesStandInTheirPlace) {
  const FlowFiles folder("include");
  folder.Write("parts/one.yaml", "- {step: b, output: one.json}\n- include: two.yaml\n");
  folder.Write("parts/one.json", R"({"type": "object"})");
  folder.Write("parts/two.yaml", "name: two\nnodes: [{apply: c, exec: bin/c}]\n");
  const std::string file =
      folder.Write("flow.yaml", "nodes: [{step: a}, {include: parts/one.yaml}, {step: d}]");
  const auto flow = ReadFlow(file);
  ASSERT_TRUE(flow) << flow.error().message;
  std::vector<std::string> ids;
  for (const Node& node : flow->nodes) ids.push_back(node.id);
  EXPECT_THAT(ids, ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(flow->nodes[1].place, StrCat(folder.At("parts/one.yaml"), ":1:3"));
  EXPECT_THAT(std::get<Apply>(flow->nodes[2].what).program->argv, ElementsAre("parts/bin/c"));
  EXPECT_THAT(flow->parts, SizeIs(4));
}

TEST(ReadTest, IncludesInACircleAreTold) {
  const FlowFiles folder("circle");
  folder.Write("a.yaml", "- include: b.yaml\n");
  folder.Write("b.yaml", "- include: ./x/../a.yaml\n");
  const auto flow = ReadFlow(folder.Write("flow.yaml", "nodes: [{include: a.yaml}]"));
  ASSERT_FALSE(flow);
  EXPECT_THAT(flow.error().message, HasSubstr("goes in a circle"));
  const auto self = ReadFlow(folder.Write("self.yaml", "nodes: [{include: self.yaml}]"));
  EXPECT_THAT(self.error().message, HasSubstr("goes in a circle"));
}

TEST(ReadTest, IncludesAreBounded) {
  const FlowFiles folder("bounds");
  for (int i = 0; i < 30; ++i) {
    folder.Write(StrCat("f", i, ".yaml"),
                 StrCat("- include: f", i + 1, ".yaml\n- include: f", i + 1, ".yaml\n"));
  }
  folder.Write("f30.yaml", "[]");
  const auto flow = ReadFlow(folder.Write("flow.yaml", "nodes: [{include: f0.yaml}]"));
  ASSERT_FALSE(flow);
  EXPECT_THAT(flow.error().message, HasSubstr("is one too many"));
}

TEST(ReadTest, MistakesOfIncludedFilesNameThem) {
  const FlowFiles folder("wrong");
  folder.Write("a.yaml", "- {stpe: x}\n");
  folder.Write("b.yaml", "{");
  const auto flow =
      ReadFlow(folder.Write("flow.yaml", "nodes: [{include: a.yaml}, {include: b.yaml}]"));
  ASSERT_FALSE(flow);
  EXPECT_THAT(flow.error().message, StartsWith(StrCat(folder.At("a.yaml"), ":1:3: ")));
  EXPECT_THAT(flow.error().message, HasSubstr(StrCat(folder.At("b.yaml"), ":1:")));
}

TEST(ReadTest, CutAnywhereItIsAFlowOrAnError) {
  constexpr std::string_view kText = R"(name: cut
input: {type: object, properties: {q: {type: string}}}
nodes:
  - step: a
    user: "{{ q }}"
    choice: [x, "y\u00e4"]
  - parallel: [{branch: b, join: c, nodes: [{apply: d, set: {e: a}}]}]
  - switch: f
    on: a
    cases: {x: [], y: [{step: g}]}
)";
  for (std::size_t end = 0; end <= kText.size(); ++end) {
    const auto flow = ReadFlowText(kText.substr(0, end), "flow.yaml");
    if (!flow) {
      EXPECT_EQ(flow.error().code, Code::kConfigError);
      EXPECT_THAT(flow.error().message, StartsWith("flow.yaml:"));
    }
  }
}

TEST(ReadTest, WhatCouldBeReadComesBackWithItsProblems) {
  ReadProblems found;
  const auto flow = ReadFlowText("nodes:\n  - {step: a, usr: x}\n  - {step: b, user: '{{ '}\n",
                                 "flow.yaml", "", found);
  ASSERT_TRUE(flow);
  EXPECT_EQ(found.problems.size(), 1U);
  EXPECT_FALSE(found.nodes_missing);
  std::vector<Problem> problems;
  const Graph graph = Graph::Compile(*flow, problems);
  EXPECT_EQ(problems.size(), 1U);
  EXPECT_EQ(graph.all().size(), 2U);

  for (const char* text : {"nodes: [{stpe: a}]", "nodes: [{step: a, apply: b}]", "nodes: [x]",
                           "nodes: {step: a}", "nodes: [{include: no-such.yaml}]"}) {
    ReadProblems lost;
    EXPECT_TRUE(ReadFlowText(text, "flow.yaml", "", lost)) << text;
    EXPECT_TRUE(lost.nodes_missing) << text;
    EXPECT_FALSE(lost.problems.empty()) << text;
  }
}

}  // namespace
}  // namespace weir::flow
