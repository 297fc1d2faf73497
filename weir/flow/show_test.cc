#include "weir/flow/show.h"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/flow/check.h"
#include "weir/flow/read.h"

namespace weir::flow {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kYaml = R"(
name: clinical
description: Answers questions
engine: qwen
nodes:
  - step: answer
    output: {type: object, properties: {text: {type: string}, sure: {type: number}}}
  - apply: keep
    where: answer.sure >= 0.7
  - parallel:
      - {branch: french, join: fr, nodes: [{step: to_fr, adapter: fr, user: x}]}
      - {branch: spanish, nodes: [{step: to_es, choice: [a, b], user: x, yield: false}]}
      - {branch: german, nodes: [{step: to_de, user: x}]}
  - switch: kind
    on: answer.text
    cases: {"yes \"x\"": [{apply: one, set: {a: '1'}}]}
    default: [{apply: two, each: '[1]'}]
  - map: words
    over: answer.text
    nodes: [{apply: run, exec: wc -l}, {step: last, engine: "", user: x}]
)";

Graph Made(std::string_view yaml = kYaml) {
  auto flow = ReadFlowText(yaml, "flow.yaml");
  EXPECT_TRUE(flow) << flow.error().message;
  auto graph = Graph::Compile(*std::move(flow));
  EXPECT_TRUE(graph) << graph.error().message;
  return *std::move(graph);
}

TEST(ShowTest, TreeHasSignsEnginesAndFields) {
  EXPECT_EQ(ShowTree(Made()), R"(clinical: Answers questions
├─ ● step answer [qwen] → text, sure
├─ ▽ filter keep: answer.sure >= 0.7
├─ ∥ parallel x3 parallel_1
│  ├─ ⑂ branch french → fr
│  │  └─ ● step to_fr [qwen, adapter fr] → text
│  ├─ ⑂ branch spanish
│  │  └─ ● step to_es [qwen] → choice (not written)
│  └─ ⑂ branch german
│     └─ ● step to_de [qwen] → text
├─ ◇ switch kind: answer.text
│  ├─ ▸ case yes "x"
│  │  └─ = set one → a
│  └─ ▸ default
│     └─ ⋔ each two: [1]
└─ ↻ map words: item of answer.text
   ├─ ⚙ exec run: wc -l
   └─ ● step last [qwen] → text
)");
}

TEST(ShowTest, TreeIsCutAndAscii) {
  const std::string tree = ShowTree(Made(), {.unicode = false, .max_branches = 1});
  EXPECT_THAT(tree, HasSubstr("|- || parallel x3 parallel_1\n"
                              "|  |- / branch french -> fr\n"
                              "|  |  `- * step to_fr [qwen, adapter fr] -> text\n"
                              "|  `- +2 more\n"));
  for (const char c : tree) EXPECT_LT(static_cast<unsigned char>(c), 0x80);
}

TEST(ShowTest, MapsOfCasesShowAllOfThem) {
  EXPECT_THAT(ShowTree(Made(), {.max_branches = 1}), HasSubstr("▸ default"));
}

TEST(ShowTest, DotQuotesItsLabels) {
  const std::string dot = ShowDot(Made());
  EXPECT_THAT(dot, HasSubstr("digraph \"clinical\" {\n"));
  EXPECT_THAT(dot, HasSubstr("  n0 [shape=box, label=\"step answer [qwen]\"];\n"));
  EXPECT_THAT(dot, HasSubstr("  n6 [shape=diamond"));
  EXPECT_THAT(dot, HasSubstr("  n2 -> n3 [label=\"french\"];\n"));
  EXPECT_THAT(dot, HasSubstr("  n3 -> n6;\n"));
  EXPECT_THAT(dot, Not(HasSubstr("  n4 -> n6;\n"))) << "nothing waits for a branch without join";
  EXPECT_THAT(dot, HasSubstr(R"([label="\"yes \\\"x\\\"\""])"));
}

TEST(ShowTest, MermaidQuotesItsLabels) {
  const std::string mermaid = ShowMermaid(Made());
  EXPECT_TRUE(mermaid.starts_with("flowchart TD\n"));
  EXPECT_THAT(mermaid, HasSubstr("  n1([\"filter keep: answer.sure #gt;= 0.7\"])\n"));
  EXPECT_THAT(mermaid, HasSubstr("  n2 -->|\"french\"| n3\n"));
}

// The indented lines that begin behind `mark`.
std::string BlockBehind(std::string_view text, std::string_view mark) {
  std::string block;
  text = text.substr(std::min(text.find(mark), text.size()));
  for (const std::string_view line : Split(text, '\n')) {
    if (line.starts_with("    ")) {
      StrAppend(block, line.substr(4), "\n");
    } else if (!block.empty() && !line.empty()) {
      break;
    }
  }
  return block;
}

TEST(ShowTest, TheManualShowsItsOwnExample) {
  std::ifstream file("docs/flows.md");
  const std::string manual{std::istreambuf_iterator<char>(file), {}};
  if (manual.empty()) GTEST_SKIP() << "not started in the project's folder";
  const Graph graph = Made(BlockBehind(manual, "## An example"));
  EXPECT_EQ(ShowTree(graph), BlockBehind(manual, "draws it:"));
  EXPECT_EQ(Describe(CheckFlow(graph, {.knows_engines = false})), "");
}

TEST(ShowTest, ControlCharactersDoNotReachTheTerminal) {
  Flow flow{.name = "a\x1b[2Jb\nc", .description = "x\ty"};
  Node node{.id = "s"};
  node.what = Apply{.where = {.text = "a\n  or\tb"}};
  flow.nodes = {node};
  const auto graph = Graph::Compile(std::move(flow));
  ASSERT_TRUE(graph);
  for (const std::string& text : {ShowTree(*graph), ShowDot(*graph), ShowMermaid(*graph)}) {
    for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  }
  EXPECT_THAT(ShowTree(*graph), HasSubstr("filter s: a or b"));
}

}  // namespace
}  // namespace weir::flow
