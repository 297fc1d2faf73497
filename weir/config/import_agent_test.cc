#include "weir/config/import_agent.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/config/import_agent_scripts.h"
#include "weir/json/writer.h"
#include "weir/json/yaml.h"

namespace weir::config {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kTidy = "tests/config/import/agents/tidy/bundle.yaml";

std::string ReadBundle(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

Result<void> NoObjection(std::string_view, const std::string&) { return {}; }

Result<ImportedAgent> TakeAgent(std::string_view text, const std::string& file = "in.yaml") {
  return ImportAgent(text, file, "", NoObjection);
}

// The definition as JSON.
json::Value Definition(const Result<ImportedAgent>& imported) {
  EXPECT_TRUE(imported) << imported.error().message;
  if (!imported) return {};
  const auto document = json::ReadYaml(imported->yaml, "agent.yaml");
  EXPECT_TRUE(document) << document.error().message << imported->yaml;
  return document ? json::Value::CopyOf(document->value) : json::Value();
}

std::string Notes(const Result<ImportedAgent>& imported) {
  return imported ? Join(imported->notes, "\n") : imported.error().message;
}

TEST(ImportAgent, ABundleIsRecognisedAmongConfigurations) {
  EXPECT_TRUE(IsAgentBundle(ReadBundle(kTidy)));
  EXPECT_TRUE(IsAgentBundle("system_prompt: x"));
  EXPECT_FALSE(IsAgentBundle("server: {base_url: http://x}\nagents_dir: agents\n"));
  EXPECT_FALSE(IsAgentBundle("runner: {max_turns: 3}\ntools: []\n"));
  EXPECT_FALSE(IsAgentBundle("tools: ["));
  EXPECT_FALSE(IsAgentBundle("[tools]"));
}

TEST(ImportAgent, ModelAdapterPromptsAndPolicyAreCarried) {  // requirements 2.1
  const json::Value agent = Definition(TakeAgent(ReadBundle(kTidy), kTidy));
  EXPECT_EQ(agent.Find("name").StringOr(""), "tidy_agent");
  EXPECT_EQ(agent.Find("model").StringOr(""), "Qwen/Qwen3-4B");
  EXPECT_EQ(agent.Find("adapter").StringOr(""), "tidy");
  EXPECT_EQ(agent.Find("system").StringOr(""), "You tidy Python files.\nLook first, then mend.\n");
  EXPECT_EQ(agent.Find("user").StringOr(""),
            "File {{ path }}, {{ kind }} {{ name | default(\"node_name\") }}:\n{{ text }}\n");
  EXPECT_EQ(agent.Find("max_turns").AsInt64(), 8);
  EXPECT_EQ(agent.Find("max_tokens").AsInt64(), 300);
  EXPECT_EQ(agent.Find("temperature").AsDouble(), 0.2);
  EXPECT_EQ(agent.Find("parallel_tools").AsInt64(), 1);
}

TEST(ImportAgent, ToolsAreProgramsWithTheInputsThatTheirScriptsDeclare) {
  const Result<ImportedAgent> imported = TakeAgent(ReadBundle(kTidy), kTidy);
  const json::Value agent = Definition(imported);
  EXPECT_TRUE(imported->runs_scripts);
  const json::View tools = agent.Find("tools");
  ASSERT_EQ(tools.size(), 2U);
  EXPECT_EQ(json::Write(tools[0]),
            R"({"name":"count_lines","description":"Counts the lines of the file.",)"
            R"("exec":["./run_script","tests/config/import/agents/tidy/tools/count_lines.pym"],)"
            R"("args":{"type":"object","properties":{"kind":{"anyOf":[{"type":"string"},)"
            R"({"type":"null"}]}},"additionalProperties":false},"mutates":false,"timeout":300})");
  EXPECT_EQ(
      json::Write(tools[1].Find("args")),
      R"({"type":"object","properties":{"lines":{"type":"array","items":{"type":"integer"},)"
      R"("description":"The lines to mend.","default":[]},)"
      R"("limit":{"type":"integer","default":5},"style":{"type":"string","default":"plain"}},)"
      R"("required":["lines"],"additionalProperties":false})");
  EXPECT_FALSE(tools[1].Find("mutates").exists());
  EXPECT_EQ(json::Write(tools[1].Find("context")),
            R"([["./run_script","tests/config/import/agents/tidy/context/rules.pym"]])");
}

TEST(ImportAgent, TheToolThatEndsTheWorkIsTheSubmission) {
  const Result<ImportedAgent> imported = TakeAgent(ReadBundle(kTidy), kTidy);
  const json::Value agent = Definition(imported);
  EXPECT_EQ(agent.Find("submit").Find("description").StringOr(""), "Hands in the result.");
  EXPECT_EQ(json::Write(agent.Find("submit").Find("schema")),
            R"({"type":"object","properties":{"status":{"type":"string",)"
            R"("description":"How it went.","default":"success",)"
            R"("enum":["success","failed","skipped"]},"summary":{"type":"string"},)"
            R"("changed_files":{"type":"array","items":{"type":"string"},"default":[]}},)"
            R"("required":["summary"],"additionalProperties":false})");
  EXPECT_THAT(Notes(imported), HasSubstr("submit_result: its script is not run"));
  EXPECT_THAT(Notes(imported),
              HasSubstr("submit_result: its status was any text; it is success, "));
}

TEST(ImportAgent, AStatusThatIsNotAnyTextIsKept) {
  for (const char* status :
       {"{type: string, enum: [done, open]}", "{const: done}", "{type: integer}", "{}"}) {
    SCOPED_TRACE(status);
    const auto imported =
        TakeAgent(StrCat("name: lint\nsystem_prompt: x\ntools:\n"
                         "  - name: submit_result\n    parameters: {type: object, "
                         "properties: {status: ",
                         status, "}}\n"));
    ASSERT_TRUE(imported) << imported.error().message;
    EXPECT_THAT(Notes(imported), Not(HasSubstr("its status was any text")));
    EXPECT_THAT(imported->yaml, Not(HasSubstr("skipped")));
  }
}

TEST(ImportAgent, NoStatusIsTheUsualOneThatMayNotBe) {
  const auto imported = TakeAgent(
      "name: lint\nsystem_prompt: x\ntools:\n  - name: submit_result\n"
      "    parameters: {type: object, properties: {status: {type: string, default: done}}}\n");
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_THAT(imported->yaml, HasSubstr("skipped"));
  EXPECT_THAT(imported->yaml, Not(HasSubstr("done")));
}

TEST(ImportAgent, WhatIsNotCarriedIsSaidWithItsLine) {
  const Result<ImportedAgent> imported = TakeAgent(ReadBundle(kTidy), kTidy);
  const std::string notes = Notes(imported);
  for (const char* note : {":2:1: version is not carried", ":4:3: model.plugin is not carried",
                           ":7:13: model.grammar.strategy is not carried",
                           ":12:3: initial_context.node_context reads the name or the kind",
                           ":36:1: node_types is not carried", ":37:1: priority is not carried"}) {
    EXPECT_THAT(notes, HasSubstr(StrCat(kTidy, note)));
  }
  EXPECT_THAT(imported->yaml, HasSubstr("#   tests/config/import/agents/tidy/bundle.yaml:37:1"));
}

TEST(ImportAgent, SchemasOfABundleAreKeptAsTheyAre) {
  const auto imported = TakeAgent(R"(
name: lint
model: models/lint_q8.gguf
tools:
  - name: run_linter
    pym: nowhere/run_linter.pym
    description: Runs it.
    parameters: {type: object, properties: {check_only: {type: boolean}}}
    color: red
  - name: submit_result
    pym: nowhere/submit.pym
    parameters: {type: object, properties: {summary: {type: string}}, required: [summary]}
)");
  const json::Value agent = Definition(imported);
  EXPECT_EQ(json::Write(agent.Find("tools")[0].Find("args")),
            R"({"type":"object","properties":{"check_only":{"type":"boolean"}}})");
  EXPECT_EQ(json::Write(agent.Find("submit").Find("schema").Find("required")), R"(["summary"])");
  EXPECT_FALSE(agent.Find("model").exists());
  EXPECT_THAT(imported->notes, Contains(HasSubstr("in.yaml:3:1: model is not carried")));
  EXPECT_THAT(imported->notes,
              Contains(StartsWith("in.yaml:5:5: tools run_linter: there is no script "
                                  "nowhere/run_linter.pym")));
  EXPECT_THAT(imported->notes, Contains(HasSubstr("in.yaml:9:5: tools.color is not carried")));
  EXPECT_THAT(Notes(imported), Not(HasSubstr("submit.pym")));
}

TEST(ImportAgent, AFolderOfScriptsIsTheListOfToolsWhereNoneIsGiven) {
  const auto imported = TakeAgent("name: tidy\nagents_dir: tools\nsystem_prompt: x\n", kTidy);
  const json::Value agent = Definition(imported);
  ASSERT_EQ(agent.Find("tools").size(), 3U);  // submit.pym is no submit_result
  EXPECT_EQ(agent.Find("tools")[0].Find("name").StringOr(""), "count_lines");

  const auto named = TakeAgent("system_prompt: x\ntermination_tool: submit\n", kTidy);
  EXPECT_EQ(Definition(named).Find("tools").size(), 2U);
  EXPECT_EQ(Definition(named).Find("submit").Find("name").StringOr(""), "submit");
}

TEST(ImportAgent, PathsOfScriptsAreToolsToo) {
  const auto imported =
      TakeAgent("tools: [tools/mend.pym, tools/submit.pym]\ntermination: submit\n", kTidy);
  const json::Value agent = Definition(imported);
  ASSERT_EQ(agent.Find("tools").size(), 1U);
  EXPECT_EQ(agent.Find("tools")[0].Find("name").StringOr(""), "mend");
}

TEST(ImportAgent, WithoutASubmissionTheUsualOneIsSaid) {
  const auto imported = TakeAgent("tools: []\n");
  EXPECT_FALSE(Definition(imported).Find("submit").exists());
  EXPECT_THAT(Notes(imported), HasSubstr("hand in the usual result"));
}

TEST(ImportAgent, BrokenScriptsAreSaidAndStopNothing) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / StrCat("weir_import_agent_", ::getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "bad.pym") << "x: str = Input(\"x";
  std::ofstream(folder / "old.pym") << "import os\nprint(os.environ)\n";
  const auto imported = TakeAgent("tools: [bad.pym, old.pym]\n", (folder / "bundle.yaml").string());
  EXPECT_THAT(Notes(imported), HasSubstr("bad: its script bad.pym cannot be read"));
  EXPECT_THAT(Notes(imported), HasSubstr("old: its script declares no inputs"));
  const json::Value agent = Definition(imported);
  EXPECT_TRUE(agent.Find("tools")[1].Find("args").Find("additionalProperties").BoolOr(false));
  EXPECT_FALSE(agent.Find("tools")[1].Find("mutates").exists());
  std::filesystem::remove_all(folder);
}

TEST(ImportAgent, MistakesAreNamedWithTheirPlace) {
  struct Case {
    const char* text;
    const char* message;
  };
  const Case cases[] = {
      {"[1]", "in.yaml:1:1: must be a map of keys, found array"},
      {"tools: 7", "in.yaml:1:1: tools must be a list of tools"},
      {"tools: [7]", "in.yaml:1:9: tools must be a map of keys"},
      {"tools: [{description: x}]", "in.yaml:1:9: tools has no name"},
      {"tools: [{name: submit_result}, {name: submit_result}]", "tools has two tools named"},
      {"tools: [{name: a, inputs_override: 7}]", "tools.inputs_override must be a map"},
      {"tools: [{name: a, parameters: x}]", "tools.parameters must be a schema"},
      {"tools: [{name: a, context_providers: x}]", "tools.context_providers must be a list"},
      {"tools: []\nmodel: 7", "in.yaml:2:1: model must be the name of a model"},
      {"initial_context: x", "in.yaml:1:18: initial_context must be a map"},
      {"initial_context: {node_context: a, user_template: b}", "means the same as node_context"},
      {"tools: [", "in.yaml:"},
  };
  for (const auto& [text, message] : cases) {
    const auto imported = TakeAgent(text);
    ASSERT_FALSE(imported) << text;
    EXPECT_EQ(imported.error().code, Code::kConfigError);
    EXPECT_THAT(imported.error().message, HasSubstr(message));
    EXPECT_THAT(imported.error().message, StartsWith("in.yaml:"));
  }
}

TEST(ImportAgent, AnObjectionIsToldAboutTheLineOfTheBundle) {
  const auto check = [](std::string_view yaml, const std::string& name) -> Result<void> {
    const auto line =
        static_cast<std::size_t>(std::ranges::count(yaml.substr(0, yaml.find("max_turns")), '\n'));
    return Fail(Code::kConfigError, StrCat(name, ":", line + 1, ":1: `max_turns` is wrong"));
  };
  const auto imported = ImportAgent("tools: []\nsystem_prompt: |\n  a\n  b\nmax_turns: 0\n",
                                    "in.yaml", "some/folder", check);
  ASSERT_FALSE(imported);
  EXPECT_THAT(imported.error().message, StartsWith("in.yaml:5:1: max_turns does not fit"));
}

TEST(ImportAgent, EveryPrefixOfABundleIsImportedOrRefusedWithItsName) {
  const std::string text = ReadBundle(kTidy);
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const auto imported = TakeAgent(std::string_view(text).substr(0, length), kTidy);
    if (imported) {
      EXPECT_TRUE(json::ReadYaml(imported->yaml, "agent.yaml")) << imported->yaml;
    } else {
      ASSERT_THAT(imported.error().message, StartsWith(kTidy)) << length;
    }
  }
}

TEST(ImportAgent, TypesOfInputsBecomeSchemas) {
  struct Case {
    const char* type;
    const char* schema;
  };
  const Case cases[] = {
      {"str", R"({"type":"string"})"},
      {"float", R"({"type":"number"})"},
      {"list[dict]", R"({"type":"array","items":{"type":"object"}})"},
      {"dict[str, Any]", R"({"type":"object"})"},
      {"Optional[int]", R"({"anyOf":[{"type":"integer"},{"type":"null"}]})"},
      {"Union[int, list[str]]",
       R"({"anyOf":[{"type":"integer"},{"type":"array","items":{"type":"string"}}]})"},
      {"typing.List[bool]", R"({"type":"array","items":{"type":"boolean"}})"},
      {"Literal[\"a\", 2]", R"({"enum":["a",2]})"},
      {"Any", "{}"},
      {"Mystery[x]", "{}"},
  };
  for (const auto& [type, schema] : cases) {
    const auto script = ReadScript(StrCat("x: ", type, " = Input(\"x\")\n"), "x.pym");
    ASSERT_TRUE(script && script->inputs.size() == 1) << type;
    EXPECT_EQ(json::Write(script->inputs[0].schema), schema) << type;
    EXPECT_FALSE(script->inputs[0].value) << type;
  }
}

TEST(ImportAgent, DefaultsOfInputsAreReadWhereTheyAreLiterals) {
  const std::pair<const char*, const char*> cases[] = {
      {"5", "5"},   {"-0.5", "-0.5"},         {"\"a\"", "\"a\""}, {"default=True", "true"},
      {"[]", "[]"}, {"default=None", "null"}, {"make()", "null"}};
  for (const auto& [written, value] : cases) {
    const auto script = ReadScript(StrCat("x: Any = Input(\"x\", ", written, ")\n"), "x.pym");
    ASSERT_TRUE(script && script->inputs.size() == 1) << written;
    ASSERT_TRUE(script->inputs[0].value) << written;
    EXPECT_EQ(json::Write(*script->inputs[0].value), value);
  }
}

TEST(ImportAgent, AFolderIsItsOneBundle) {
  EXPECT_EQ(BundleFile("tests/config/import/agents/tidy"), kTidy);
  EXPECT_EQ(BundleFile("a.yaml"), "a.yaml");
  const auto none = BundleFile("tests/config/import/agents");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("holds no bundle"));
}

}  // namespace
}  // namespace weir::config
