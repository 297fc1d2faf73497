// Agents against the simulator, through the whole chain of an engine: what the loop's own tests
// script at the waist comes here as bytes of a server.

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/client/agent.h"
#include "weir/client/client_testing.h"
#include "weir/client/typed.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir {

struct Line {
  int number = 0;
};
BOOST_DESCRIBE_STRUCT(Line, (), (number))

namespace {

using client::ClientOf;
using sim::InstantSim;
using sim::SimServer;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSubmits =
    "{reply: {tool_calls: [{name: submit_result, arguments: {status: success, summary: done}}]}}";

class AgentWorkTest : public testing::Test {
 protected:
  AgentWorkTest() { agent_.name = "lint"; }

  // `model` decides how tools are offered; "": the simulator's own.
  Result<WorkDone> Work(std::string_view script, std::string_view model = "") {
    server_ = std::make_unique<SimServer>(InstantSim(script));
    Client client = ClientOf(*server_);
    WorkOptions options;
    options.call.model = model;
    options.tools = {Tool::Of("look_at", "Looks at a line.", [this](const Line& line) {
      looked_.push_back(line.number);
      return StrCat("line ", line.number, " is long");
    })};
    return client.Work(agent_, "Look at the lines.", options);
  }

  Agent agent_;
  std::unique_ptr<SimServer> server_;
  std::vector<int> looked_;
};

TEST_F(AgentWorkTest, WorksInSeveralTurns) {
  const auto done = Work(
      StrCat("[{match: {turn: 1}, reply: {tool_calls: [{name: look_at, arguments: {number: 1}}, "
             "{name: look_at, arguments: {number: 2}}]}}, ",
             kSubmits, "]"));
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_EQ(done->result.Find("summary").StringOr(""), "done");
  EXPECT_THAT(looked_, testing::ElementsAre(1, 2));
  EXPECT_EQ(done->figures.turns, 2);
  EXPECT_EQ(done->figures.tool_calls, 2);
  EXPECT_GT(done->figures.prompt_tokens.value_or(0), 0);
}

TEST_F(AgentWorkTest, ARefusingModelCannotRefuseUnderAConstraint) {
  // Nothing is scripted: the simulator obeys `tool_choice: required` as vLLM does.
  agent_.max_turns = 3;
  const auto done = Work("[]");
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_THAT(json::Write(done->result), HasSubstr("status"));
}

TEST_F(AgentWorkTest, ARefusalThatComesAllTheSameEndsAsNoSubmit) {
  agent_.tool_choice = model::ToolChoice::Kind::kAuto;
  agent_.max_nudges = 1;
  const auto done = Work("[{reply: {text: \"I apologize, but I cannot assist with that.\"}}]");
  ASSERT_FALSE(done);
  EXPECT_EQ(Name(done.error()), "no_submit");
  EXPECT_THAT(done.error().message, HasSubstr("I apologize"));
}

TEST_F(AgentWorkTest, ARequiredChoiceThatTheServerAnswersWith400IsNotForcedAgain) {
  const auto done =
      Work(StrCat("[{match: {tool_choice: required}, reply: {error: {status: 400, message: "
                  "\"tool_choice required is not supported by this parser\"}}}, ",
                  kSubmits, "]"));
  ASSERT_TRUE(done) << Describe(done.error());
}

TEST_F(AgentWorkTest, ALengthIsSummedUp) {
  const auto done =
      Work(StrCat("[{match: {turn: 1, contains: Look at, tool: look_at}, times: 1, reply: "
                  "{tool_calls: [{name: look_at, "
                  "arguments: {number: 1}}]}}, "
                  "{match: {turn: 2}, reply: {text: so, finish: length}}, "
                  "{match: {system: You sum up}, reply: {text: line 1 was looked at}}, ",
                  kSubmits, "]"));
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_EQ(done->figures.compactions, 1);
  EXPECT_THAT(done->messages.back().AllText(), Not(HasSubstr("so")));
}

TEST_F(AgentWorkTest, BrokenStreamedArgumentsAreMended) {
  const auto done = Work(StrCat(
      "[{match: {turn: 1}, reply: {tool_calls: [{name: look_at, arguments: \"{'number': 4,\"}]}}, ",
      kSubmits, "]"));
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_GE(done->figures.turns, 2);
}

TEST_F(AgentWorkTest, ALowConfidenceOfAToolIsAskedAgain) {
  agent_.min_tool_confidence = 0.6;
  const auto done = Work(StrCat(
      "[{match: {turn: 1}, times: 1, reply: {tool_calls: [{name: look_at, arguments: "
      "{number: 1}, probability: "
      "0.2}]}}, {match: {turn: 1}, reply: {tool_calls: [{name: look_at, arguments: "
      "{number: 2}, probability: "
      "0.9}]}}, "
      "{reply: {tool_calls: [{name: submit_result, arguments: {status: success, summary: done}, "
      "probability: 0.95}]}}]"));
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_EQ(done->figures.confidence_retries, 1);
  EXPECT_THAT(looked_, testing::ElementsAre(2));
}

TEST_F(AgentWorkTest, ABrokenStreamIsAskedAgain) {
  const auto done = Work(StrCat(
      "[{match: {turn: 1}, times: 1, reply: {text: hm, faults: [{kind: close, after: 1}]}}, ",
      kSubmits, "]"));
  ASSERT_TRUE(done) << Describe(done.error());
}

TEST_F(AgentWorkTest, ToolsOfTheFolderSeeItAndNothingElse) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / StrCat("weir_agent_work_", ::getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "a.txt") << "first line\n";
  agent_.tools = {{.name = "read_file", .builtin = "read_file", .context = {}}};
  server_ = std::make_unique<SimServer>(InstantSim(StrCat(
      "[{match: {turn: 1}, reply: {tool_calls: [{name: read_file, arguments: {path: a.txt}}, "
      "{name: read_file, arguments: {path: ../../etc/passwd}}]}}, ",
      kSubmits, "]")));
  Client client = ClientOf(*server_);
  WorkOptions options;
  options.folder = folder.string();
  const auto done = client.Work(agent_, "Read.", options);
  ASSERT_TRUE(done) << Describe(done.error());
  std::vector<std::string> said;
  for (const model::Message& message : done->messages) {
    if (message.role == model::Role::kTool) said.push_back(message.AllText());
  }
  ASSERT_EQ(said.size(), 2U);
  EXPECT_THAT(said[0], HasSubstr("first line"));
  EXPECT_THAT(said[1], testing::StartsWith("error: "));
  std::filesystem::remove_all(folder);
}

// How a model is offered its tools is what its card says; what comes of it is the same.
TEST_F(AgentWorkTest, EveryWayOfOfferingToolsWorks) {
  for (const char* mode : {"native", "guided", "prompted"}) {
    SCOPED_TRACE(mode);
    looked_.clear();
    server_ = std::make_unique<SimServer>(
        InstantSim(StrCat("[{match: {turn: 1, tool: look_at}, reply: {tool_calls: [{name: look_at, "
                          "arguments: {number: 3}}]}}, "
                          "{match: {turn: 1}, reply: {text: '{\"name\": \"look_at\", "
                          "\"arguments\": {\"number\": 3}}'}}, "
                          "{match: {tool: look_at}, reply: {tool_calls: [{name: submit_result, "
                          "arguments: {status: success, summary: "
                          "done}}]}}, "
                          "{reply: {text: '{\"name\": \"submit_result\", \"arguments\": "
                          "{\"status\": \"success\", \"summary\": "
                          "\"done\"}}'}}]")));
    EngineOptions engine;
    engine.base_url = server_->url();
    engine.settings = StrCat("tool_mode: ", mode);
    ClientOptions opening;
    opening.engines = {engine};
    auto client = Client::Open(opening);
    ASSERT_TRUE(client) << Describe(client.error());
    WorkOptions options;
    options.tools = {Tool::Of("look_at", "Looks at a line.", [this](const Line& line) {
      looked_.push_back(line.number);
      return std::string("long");
    })};
    const auto done = client->Work(agent_, "Look.", options);
    ASSERT_TRUE(done) << Describe(done.error());
    EXPECT_THAT(looked_, testing::ElementsAre(3));
  }
}

}  // namespace
}  // namespace weir
