#include "weir/flow/read_agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/flow/check.h"
#include "weir/flow/read.h"
#include "weir/flow/read_testing.h"
#include "weir/flow/show.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kAll = R"(
name: code
engine: qwen
nodes:
  - agent: lint
    adapter: lint-lora
    system: You mend Python.
    user: "{{ text }}"
    max_tokens: 300
    temperature: {first: 0.0, loop: 0.3, final: 0.1}
    tool_choice: auto
    max_turns: 15
    max_tool_calls: 40
    max_total_tokens: 9000
    run_timeout: 120
    timeout: 30
    max_nudges: 1
    max_compactions: 2
    parallel_tools: 4
    confidence: {threshold: 0.6, max_retries: 2}
    approval: ask
    sandbox: true
    workspace: {mode: copy, source: src, max_bytes: 1000}
    tools:
      - name: run_linter
        description: Runs the linter.
        exec: [tools/run_linter, --json]
        args: {type: object, properties: {check_only: {type: boolean}}}
        mutates: false
        approval: deny
        context: [tools/config, [cat, setup.cfg]]
        inputs: {color: never}
        timeout: 10
        max_output: 500
      - read_file
      - {builtin: run_command, name: run, allow: [git, make]}
    mcp:
      - {name: files, exec: [mcp-files, .], env: {A: 1}, only: [read], prefix: fs_, startup_timeout: 5}
      - {name: web, url: "http://127.0.0.1:9/mcp", headers: {X-A: b}}
    submit: {type: object, required: [summary], properties: {summary: {type: string}}}
)";

std::string GraphProblems(std::string_view text) {
  auto flow = ReadFlowText(text, "flow.yaml");
  if (!flow) return flow.error().message;
  const auto graph = Graph::Compile(*std::move(flow));
  return graph ? "" : graph.error().message;
}

std::string ProblemsOfNode(std::string_view keys) {
  return GraphProblems(StrCat("nodes: [{agent: a, ", keys, "}]"));
}

TEST(ReadAgentTest, EveryKeyArrives) {
  const Flow flow = FlowOf(kAll);
  ASSERT_THAT(flow.nodes, SizeIs(1));
  EXPECT_EQ(flow.nodes[0].id, "lint");
  const Step& step = std::get<Step>(flow.nodes[0].what);
  ASSERT_TRUE(step.agent);
  EXPECT_EQ(step.adapter, "lint-lora");
  EXPECT_EQ(step.system.text, "You mend Python.");
  EXPECT_EQ(step.user.text, "{{ text }}");
  EXPECT_EQ(step.sampling.max_tokens, 300);
  EXPECT_EQ(step.sampling.temperature, std::nullopt);
  EXPECT_EQ(step.timeout, std::chrono::seconds(30));
  EXPECT_EQ(json::Write(step.output.schema->Find("required")), R"(["summary"])");

  const agent::Agent& agent = *step.agent;
  EXPECT_EQ(agent.temperature.loop, 0.3);
  EXPECT_EQ(agent.temperature.last, 0.1);
  EXPECT_EQ(agent.tool_choice, model::ToolChoice::Kind::kAuto);
  EXPECT_EQ(agent.max_turns, 15);
  EXPECT_EQ(agent.max_tool_calls, 40);
  EXPECT_EQ(agent.max_total_tokens, 9000);
  EXPECT_EQ(agent.timeout, std::chrono::seconds(120));
  EXPECT_EQ(agent.max_nudges, 1);
  EXPECT_EQ(agent.max_compactions, 2);
  EXPECT_EQ(agent.parallel_tools, 4);
  EXPECT_EQ(agent.min_tool_confidence, 0.6);
  EXPECT_EQ(agent.confidence_retries, 2);
  EXPECT_EQ(agent.approval, agent::Approval::kAsk);
  EXPECT_TRUE(agent.sandbox);
  EXPECT_EQ(agent.workspace.mode, agent::WorkspaceMode::kCopy);
  EXPECT_EQ(agent.workspace.source, "src");
  EXPECT_EQ(agent.workspace.max_bytes, 1000U);
}

TEST(ReadAgentTest, EveryKeyOfToolsAndServersArrives) {
  const Flow flow = FlowOf(kAll);
  const agent::Agent& agent = *std::get<Step>(flow.nodes.at(0).what).agent;
  ASSERT_THAT(agent.tools, SizeIs(3));
  const agent::ToolDefinition& linter = agent.tools[0];
  EXPECT_EQ(linter.name, "run_linter");
  EXPECT_EQ(linter.description, "Runs the linter.");
  EXPECT_THAT(linter.exec, ElementsAre("tools/run_linter", "--json"));
  EXPECT_TRUE(linter.arguments.Find("properties").Find("check_only").exists());
  EXPECT_EQ(linter.mutates, false);
  EXPECT_EQ(linter.approval, agent::Approval::kDeny);
  EXPECT_THAT(linter.context,
              ElementsAre(ElementsAre("tools/config"), ElementsAre("cat", "setup.cfg")));
  EXPECT_EQ(json::Write(linter.inputs), R"({"color":"never"})");
  EXPECT_EQ(linter.timeout, std::chrono::seconds(10));
  EXPECT_EQ(linter.max_output, 500U);
  EXPECT_EQ(linter.place, "flow.yaml:25:9");
  EXPECT_EQ(agent.tools[1].builtin, "read_file");
  EXPECT_EQ(agent.tools[1].name, "read_file");
  EXPECT_EQ(agent.tools[2].name, "run");
  EXPECT_THAT(agent.tools[2].allow, ElementsAre("git", "make"));

  ASSERT_THAT(agent.servers, SizeIs(2));
  EXPECT_THAT(agent.servers[0].exec, ElementsAre("mcp-files", "."));
  EXPECT_THAT(agent.servers[0].env, ElementsAre(testing::Pair("A", "1")));
  EXPECT_THAT(agent.servers[0].only, ElementsAre("read"));
  EXPECT_EQ(agent.servers[0].prefix, "fs_");
  EXPECT_EQ(agent.servers[0].startup_timeout, std::chrono::seconds(5));
  EXPECT_EQ(agent.servers[1].url, "http://127.0.0.1:9/mcp");
  EXPECT_THAT(agent.servers[1].headers, ElementsAre(testing::Pair("X-A", "b")));
}

TEST(ReadAgentTest, OtherNamesOfTheKeysMeanTheSame) {
  const Flow flow = FlowOf(R"(
nodes:
  - agent: a
    model_id: lora
    initial_context: {system_prompt: S, node_context: "{{ text }}"}
    temperature: 0.4
    confidence: 0.5
    workspace: in_place
    tools:
      - {tool_name: t, tool_description: d, exec: prog --flag, parameters: {type: object}, context_providers: [c]}
    submit: {name: done, description: Ends it., schema: {type: object}}
)");
  const Step& step = std::get<Step>(flow.nodes.at(0).what);
  EXPECT_EQ(step.adapter, "lora");
  EXPECT_EQ(step.system.text, "S");
  EXPECT_EQ(step.user.text, "{{ text }}");
  EXPECT_EQ(step.agent->temperature.first, 0.4);
  EXPECT_EQ(step.agent->temperature.last, 0.4);
  EXPECT_EQ(step.agent->min_tool_confidence, 0.5);
  EXPECT_EQ(step.agent->workspace.mode, agent::WorkspaceMode::kInPlace);
  EXPECT_EQ(step.agent->tools.at(0).name, "t");
  EXPECT_THAT(step.agent->tools.at(0).exec, ElementsAre("prog", "--flag"));
  EXPECT_EQ(step.agent->submit.name, "done");
  EXPECT_EQ(step.agent->submit.description, "Ends it.");
}

TEST(ReadAgentTest, MistakesAreToldWithTheirRemedy) {
  struct Case {
    std::string_view keys;
    std::string_view message;
  };
  const Case cases[] = {
      {"tools: [read_fil]",
       "flow.yaml:1:28: there is no built-in tool 'read_fil'; did you mean read_file?"},
      {"tools: [{exec: [x]}]", "a tool needs a name"},
      {"tools: [{name: x}]", "tool x of agent a does nothing"},
      {"tools: [{name: x, exec: [y], builtin: read_file}]", "does two things"},
      {"tools: [{name: 9x, exec: [y]}]", "'9x' is no name for a tool of a"},
      {"tools: [read_file, read_file]", "two tools named read_file"},
      {"tools: [{name: submit_result, exec: [y]}]", "which is how it hands in its result"},
      {"tools: [run_command]", "needs `allow`"},
      {"tools: [{builtin: read_file, allow: [git]}]", "belongs to the built-in run_command alone"},
      {"tools: [{name: x, exec: [y], args: {type: string}}]",
       "`args` of tool x of agent a must describe an object"},
      {"tools: [{name: x, exec: [y], args: {type: object, properties: {a: {type: strin}}}}]",
       "`args` of tool x of agent a is wrong"},
      {"tools: [{name: x, exe: [y]}]", "`exe` is no key of tool x; did you mean `exec`?"},
      {"tools: [{name: x, exec: [y], timeout: 0}]",
       "`timeout` of tool x of agent a must be above 0"},
      {"tools: [{name: x, exec: {}}]", "must be a program"},
      {"tools: [{name: x, exec: [y], context: [[]]}]", "must be programs"},
      {"tools: {}", "must be a list of tools"},
      {"mcp: [{name: s}]", "needs exactly one of `exec`, a program, and `url`"},
      {"mcp: [{name: s, url: 'ftp://x'}]", "must begin with http://"},
      {"mcp: [{name: s, exec: [x], headers: {a: b}}]", "`headers` of server s"},
      {"mcp: [{name: s, exec: [x], env: {a: '${b c}'}}]", "server s of agent a: `env.a` has a ${"},
      {"mcp: [{name: s, exec: [x], env: {a: $B}}]",
       "`env.a` is a dollar and a name: write ${NAME}"},
      {"mcp: [{name: s, exec: [x]}, {name: s, exec: [x]}]", "two servers named s"},
      {"max_turns: 0", "`max_turns` of agent a must be from 1"},
      {"max_turn: 3", "did you mean `max_turns`?"},
      {"tool_choice: auto_",
       "must be one of auto, required, none, found 'auto_'; did you mean auto?"},
      {"workspace: cpy", "did you mean copy?"},
      {"workspace: {mode: copi}", "did you mean copy?"},
      {"approval: [ask]", "must be one of auto, ask, deny"},
      {"temperature: {frist: 1}", "did you mean `first`?"},
      {"temperature: 3", "must be from 0 to 2"},
      {"confidence: 2", "must be from 0 to 1"},
      {"submit: {type: string}", "`submit` of agent a must describe an object"},
      {"submit: nowhere.json",
       "is the path of a schema: config_error: there is no file nowhere.json"},
      {"submit: {name: 'a b', schema: {type: object}}", "is no name for the submission"},
      {"definition: none.yaml",
       "is the path of an agent: config_error: there is no file none.yaml"},
      {"definition: a.yaml, use: b.yaml", "means the same as `definition`"},
      {"system: a, system_prompt: b", "means the same as `system`"},
      {"output: {type: object}", "`output` is no key of agent a"},
  };
  for (const auto& [keys, message] : cases) {
    EXPECT_THAT(ProblemsOfNode(keys), HasSubstr(message)) << keys;
  }
}

TEST(ReadAgentTest, ADefinitionLiesBeneathTheNode) {
  const FlowFiles folder("agent");
  const std::string definition = folder.Write("agents/lint.yaml", R"(
name: lint
system: from the file
max_turns: 7
temperature: {loop: 0.5}
tools: [{name: t, exec: [tools/t, x], context: [[./c]]}, read_file]
submit: schema.json
workspace: {source: code}
)");
  folder.Write("agents/schema.json",
               R"({"type": "object", "properties": {"a": {"type": "string"}}})");
  const std::string file = folder.Write("flow.yaml", R"(
nodes:
  - {agent: one, use: agents/lint.yaml, max_turns: 3, user: hi}
)");
  auto flow = ReadFlow(file);
  ASSERT_TRUE(flow) << flow.error().message;
  EXPECT_THAT(flow->parts, testing::Contains(definition));
  const Step& step = std::get<Step>(flow->nodes.at(0).what);
  EXPECT_EQ(step.system.text, "from the file");
  EXPECT_EQ(step.agent->max_turns, 3);
  EXPECT_EQ(step.agent->temperature.loop, 0.5);
  EXPECT_THAT(step.agent->tools.at(0).exec, ElementsAre("agents/tools/t", "x"));
  EXPECT_THAT(step.agent->tools[0].context, ElementsAre(ElementsAre("agents/c")));
  EXPECT_THAT(step.agent->workspace.source, testing::EndsWith("_agent/agents/code"));
  EXPECT_TRUE(step.output.schema->Find("properties").Find("a").exists());

  const auto alone = ReadAgentFile(definition);
  ASSERT_TRUE(alone) << alone.error().message;
  EXPECT_EQ(alone->name, "lint");
  const Step& itself = std::get<Step>(alone->nodes.at(0).what);
  EXPECT_EQ(itself.agent->max_turns, 7);
  EXPECT_THAT(itself.agent->tools.at(0).exec, ElementsAre("tools/t", "x"));
}

TEST(ReadAgentTest, AMistakeInADefinitionHasItsPlaceThere) {
  const FlowFiles folder("agent");
  const std::string definition = folder.Write("a.yaml", "max_turn: 3\n");
  const auto flow = ReadFlow(folder.Write("flow.yaml", "nodes: [{agent: a, use: a.yaml}]"));
  ASSERT_FALSE(flow);
  EXPECT_THAT(flow.error().message, HasSubstr(StrCat(definition, ":1:1: `max_turn` is no key")));
}

TEST(ReadAgentTest, AgentFilesAreToldFromFlows) {
  EXPECT_TRUE(IsAgentFile("tools: [read_file]"));
  EXPECT_TRUE(IsAgentFile("{name: a, max_turns: 3}"));
  EXPECT_FALSE(IsAgentFile("nodes: []\nmax_turns: 3"));
  EXPECT_FALSE(IsAgentFile("engines: {}"));
  EXPECT_FALSE(IsAgentFile("[a]"));
  EXPECT_FALSE(IsAgentFile("a: ["));
}

// What C++ makes by hand.
Flow AgentInCpp() {
  Flow flow{.name = "code", .engine = "qwen"};
  Step step{.adapter = "lint-lora", .user = {.text = "{{ text }}"}};
  agent::Agent lint;
  lint.tools = {{.name = "run_linter", .exec = {"tools/run_linter"}},
                {.name = "read_file", .builtin = "read_file"},
                {.name = "run", .builtin = "run_command", .allow = {"git"}}};
  lint.servers = {{.name = "files", .exec = {"mcp-files"}},
                  {.name = "web", .url = "http://127.0.0.1:9/mcp"}};
  lint.submit.schema = *json::Read(
      R"({"type": "object", "required": ["summary"], "properties": {"summary": {"type": "string"}}})");
  lint.max_turns = 15;
  step.agent = lint;
  Node node{.id = "lint"};
  node.what = step;
  flow.nodes.push_back(node);
  return flow;
}

TEST(ReadAgentTest, YamlAndCppMakeTheSameGraph) {
  const auto yaml = Graph::Compile(FlowOf(kAll));
  const auto cpp = Graph::Compile(AgentInCpp());
  ASSERT_TRUE(yaml) << yaml.error().message;
  ASSERT_TRUE(cpp) << cpp.error().message;
  EXPECT_EQ(GraphJson(*yaml), GraphJson(*cpp));
  EXPECT_THAT(GraphJson(*cpp), HasSubstr(R"("type": "agent")"));
  EXPECT_EQ(ShowTree(*cpp), ShowTree(*yaml));
  EXPECT_THAT(ShowTree(*cpp, {.unicode = false}),
              HasSubstr("agent lint (tools: run_linter, read_file, run; mcp: files, web; <= 15 "
                        "turns) [qwen, adapter lint-lora] -> summary"));
}

TEST(ReadAgentTest, WithoutASchemaTheUsualResultIsHandedIn) {
  const auto graph = Graph::Compile(FlowOf("nodes: [{agent: a, tools: [read_file]}]"));
  ASSERT_TRUE(graph) << graph.error().message;
  const Step& step = *graph->all()[0]->step();
  ASSERT_TRUE(step.output.schema);
  EXPECT_EQ(json::Write(*step.output.schema), json::Write(step.agent->submit.schema));
  EXPECT_TRUE(step.output.schema->Find("properties").Find("status").exists());
  EXPECT_EQ(step.agent->name, "a");
  const auto problems = CheckFlow(*graph, {.knows_engines = false});
  EXPECT_EQ(Describe(problems), "");
}

TEST(CheckAgentTest, ProgramsOfToolsHaveToBeThere) {
  const FlowFiles folder("agent");
  folder.Write("tools/good", "#!/bin/sh\n", true);
  folder.Write("tools/plain", "text");
  const std::string file = folder.Write("flow.yaml", R"(
nodes:
  - agent: a
    user: "{{ row.text }} {{ nobody.x }}"
    workspace: none
    tools:
      - {name: good, description: d, exec: [tools/good], mutates: false, context: [tools/missing]}
      - {name: plain, description: d, exec: [tools/plain], mutates: false}
      - {name: found, exec: [sh], mutates: false}
      - {name: lost, description: d, exec: [no-such-program-9]}
  - step: b
    user: "{{ a.status }} {{ a.nothing }}"
)");
  auto flow = ReadFlow(file);
  ASSERT_TRUE(flow) << flow.error().message;
  const auto graph = Graph::Compile(*std::move(flow));
  ASSERT_TRUE(graph) << graph.error().message;
  const std::string told =
      Describe(CheckFlow(*graph, {.knows_engines = false, .program_path = "/usr/bin:/bin"}));
  EXPECT_THAT(told, HasSubstr("`context` of tool good of a: there is no program"));
  EXPECT_THAT(told, HasSubstr("is not executable; chmod +x"));
  EXPECT_THAT(told, HasSubstr("there is no program no-such-program-9 in $PATH"));
  EXPECT_THAT(told, HasSubstr("warning: tool found of a has no description"));
  EXPECT_THAT(told, HasSubstr("warning: tool lost of a may change files, and `workspace: none`"));
  EXPECT_THAT(told, HasSubstr("`a` has no `nothing`")) << "what it hands in is its value";
  EXPECT_THAT(told, testing::Not(HasSubstr(":9: tool good of a: ")));
}

TEST(ReadAgentTest, VariablesOfServersAreThere) {
  auto flow = ReadFlowText(R"(nodes:
  - agent: a
    mcp:
      - {name: s, url: "http://127.0.0.1:9/mcp", headers: {Authorization: "Bearer ${TK} ${HERE}"}}
)",
                           "flow.yaml");
  ASSERT_TRUE(flow) << flow.error().message;
  const auto graph = Graph::Compile(*std::move(flow));
  ASSERT_TRUE(graph) << graph.error().message;
  Env env{.variables = {{"HERE", "hush-hush"}}};
  const auto told = [&] {
    return Describe(CheckFlow(*graph, {.knows_engines = false, .env = &env}));
  };
  EXPECT_EQ(told(),
            "flow.yaml:4:9: server s of a: `headers.Authorization` needs the variable TK, which is "
            "not set; export it, or give a default: ${TK:-...}");
  env.variables["TK"] = "key";
  EXPECT_EQ(told(), "");
}

TEST(ReadAgentTest, CutAtEveryByteItIsAFlowOrAMistake) {
  for (std::size_t cut = 0; cut <= kAll.size(); ++cut) {
    for (const auto& flow : {ReadFlowText(kAll.substr(0, cut), "flow.yaml"),
                             ReadAgentText(kAll.substr(0, cut), "agent.yaml")}) {
      if (!flow) {
        EXPECT_EQ(flow.error().code, Code::kConfigError);
      }
    }
  }
}

}  // namespace
}  // namespace weir::flow
