#include "weir/client/tool.h"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/client/client_testing.h"
#include "weir/client/tool_runner.h"
#include "weir/client/typed.h"
#include "weir/json/reader.h"

namespace weir {

struct Place {
  std::string city;
  int days = 1;
};
BOOST_DESCRIBE_STRUCT(Place, (), (city, days))

template <>
struct Notes<Place> {
  static void Describe(schema::Fields<Place>& f) {
    f(&Place::city).Text("the name of a town");
    f(&Place::days).Min(1).Max(7).Default();
  }
};

struct Weather {
  std::string sky;
  double degrees = 0;
};
BOOST_DESCRIBE_STRUCT(Weather, (), (sky, degrees))

namespace {

using client::ClientOf;
using client::ToolRunner;
using sim::InstantSim;
using sim::SimServer;
using testing::HasSubstr;

Result<Weather> WeatherOf(const Place& place) {
  if (place.city == "Atlantis") return Fail(Code::kInvalidRequest, "there is no such town");
  return Weather{"sunny", 20.0 + place.days};
}

const ToolBox& Tools() {
  static const ToolBox tools = {
      Tool::Of("weather", "The weather of a place.", WeatherOf),
      Tool::Of("greet", "Greets.", [](Place place) { return StrCat("hello ", place.city); }),
      Tool::Of("raw", "Gives its arguments.", [](const json::Value& any) { return any; }),
      Tool::Of("clock", "Tells the time.", [] { return "noon"; }),
      Tool::Of("bomb", "Throws.", []() -> std::string { throw std::runtime_error("bang"); })};
  return tools;
}

struct ToolCase {
  const char* name;
  const char* arguments;
  const char* said;
};

TEST(ToolRunnerTest, CallsFunctionsOfEveryForm) {
  const ToolCase cases[] = {
      {"weather", R"({"city": "Paris"})", R"({"sky":"sunny","degrees":21})"},
      {"weather", R"({"city": "Paris", "days": "3"})", R"({"sky":"sunny","degrees":23})"},
      {"weather", R"({'city': 'Paris', 'days': 3,})", R"({"sky":"sunny","degrees":23})"},
      {"weather", R"({"city": "Atlantis"})", "error: there is no such town"},
      {"weather", R"({"city": "Paris", "days": 9})",
       "error: the arguments of the tool weather are wrong: at /days: "},
      {"weather", R"({"city": "Par)",
       "error: the arguments of the tool weather are wrong: they end in the middle"},
      {"weather", "", "error: the arguments of the tool weather are wrong: at the top level: "},
      {"greet", R"({"city": "Rome"})", "hello Rome"},
      {"raw", R"({"b": [1.50, null]})", R"({"b":[1.50,null]})"},
      {"clock", "", "noon"},
      {"clock", "{}", "noon"},
      {"bomb", "{}", "error: the tool bomb failed: bang"},
      {"fly", "{}", "error: there is no tool 'fly'; there are weather, greet, raw, clock, bomb"},
  };
  const Result<ToolRunner> runner = ToolRunner::Make(Tools());
  ASSERT_TRUE(runner) << runner.error().message;
  for (const ToolCase& c : cases) {
    SCOPED_TRACE(StrCat(c.name, " ", c.arguments));
    const Result<std::string> result = runner->Run({"id", c.name, c.arguments});
    const std::string said = result ? *result : StrCat("error: ", result.error().message);
    EXPECT_TRUE(said.starts_with(c.said)) << said;
  }
}

TEST(ToolRunnerTest, SchemasComeFromTheStructs) {
  const model::ToolSpec& spec = Tools().front().spec;
  EXPECT_EQ(spec.parameters, *json::Read(R"({"type": "object", "additionalProperties": false,
    "properties": {"city": {"type": "string", "description": "the name of a town"},
    "days": {"type": "integer", "minimum": 1, "maximum": 7, "default": 1}},
    "required": ["city"]})"));
  EXPECT_TRUE(Tools()[3].spec.parameters.IsNull());
}

TEST(ToolRunnerTest, RefusesABoxThatIsWrong) {
  const ToolBox twins = {Tools()[0], Tools()[0]};
  EXPECT_THAT(ToolRunner::Make(twins).error().message, HasSubstr("two tools are called 'weather'"));
  const ToolBox nameless(1);
  EXPECT_EQ(ToolRunner::Make(nameless).error().code, Code::kInvalidRequest);
  ToolBox bad = {Tools()[0]};
  bad[0].spec.parameters = *json::Read(R"({"type": "colour"})");
  EXPECT_EQ(ToolRunner::Make(bad).error().code, Code::kInvalidSchema);
}

// The text of every message that a tool sent.
std::vector<std::string> ToldBy(const ToolRun& run) {
  std::vector<std::string> told;
  for (const model::Message& message : run.messages) {
    if (message.role == model::Role::kTool) told.push_back(message.AllText());
  }
  return told;
}

TEST(RunTest, RunsToolsUntilThereIsAnAnswer) {
  SimServer server(
      InstantSim("[{match: {turn: 3}, reply: {text: Sunny both days.}}, "
                 "{match: {turn: 2}, reply: {tool_calls: [{name: weather, arguments: {city: Rome, "
                 "days: 2}}]}}, "
                 "{reply: {tool_calls: [{name: weather, arguments: {city: Paris}}, {name: clock, "
                 "arguments: {}}]}}]"));
  Client client = ClientOf(server);
  std::vector<std::string> heard;
  RunOptions options;
  options.on_tool = [&](const model::ToolCall& call, const Result<std::string>& result) {
    heard.push_back(StrCat(call.name, result ? "" : " failed"));
  };

  const Result<ToolRun> run = client.Run("Paris and Rome?", Tools(), options);

  ASSERT_TRUE(run) << Describe(run.error());
  EXPECT_EQ(run->reply.text(), "Sunny both days.");
  EXPECT_EQ(run->turns, 3);
  EXPECT_EQ(run->calls, 3);
  EXPECT_THAT(heard, testing::ElementsAre("weather", "clock", "weather"));
  EXPECT_THAT(ToldBy(*run), testing::ElementsAre(R"({"sky":"sunny","degrees":21})", "noon",
                                                 R"({"sky":"sunny","degrees":22})"));
  ASSERT_EQ(run->messages.size(), 7U);
  EXPECT_EQ(run->messages[2].tool_call_id, run->messages[1].tool_calls[0].id);
  EXPECT_GT(run->usage.total_tokens, run->reply.usage.total_tokens);
}

TEST(RunTest, WhatIsWrongIsToldToTheModel) {
  const ToolCase cases[] = {
      {"weather", "{city: Atlantis}", "error: there is no such town"},
      {"weather", "{town: Paris}", "error: the arguments of the tool weather are wrong"},
      {"weather", "'{\"city\": \"Par'", "error: the arguments of the tool weather are wrong"},
      {"fly", "{}", "error: there is no tool 'fly'"},
      {"bomb", "{}", "error: the tool bomb failed: bang"},
  };
  for (const ToolCase& c : cases) {
    SCOPED_TRACE(StrCat(c.name, " ", c.arguments));
    SimServer server(InstantSim(StrCat(
        "[{match: {tool_result: error}, reply: {text: I see.}}, {reply: {tool_calls: [{name: ",
        c.name, ", arguments: ", c.arguments, "}]}}]")));
    Client client = ClientOf(server);

    const Result<ToolRun> run = client.Run("?", Tools());

    ASSERT_TRUE(run) << Describe(run.error());
    EXPECT_EQ(run->reply.text(), "I see.");
    EXPECT_THAT(ToldBy(*run), testing::ElementsAre(testing::StartsWith(c.said)));
  }
}

// Of the call in the conversation that the server was sent last, as it came.
std::string LastReplayed(SimServer& server) {
  const json::Value log = *json::Read(server.core().log().Json(1));
  const json::Value body = *json::Read(log[0].Find("body").StringOr(""));
  const json::View call = body.Find("messages")[1].Find("tool_calls")[0];
  return std::string(call.Find("function").Find("arguments").StringOr("absent"));
}

TEST(RunTest, ArgumentsAreReplayedSoThatServersCanReadThem) {
  const ToolCase cases[] = {
      {"weather", R"({"city":  "Paris"})", R"({"city":  "Paris"})"},
      {"weather", R"({"town": "Paris"})", R"({"town": "Paris"})"},
      {"weather", R"({city: "Paris", "days": 3,})", R"({"city":"Paris","days":3})"},
      {"weather", R"({"city": "Par)", "{}"},
      {"fly", R"({to: "Paris")", "{}"},
  };
  for (const ToolCase& c : cases) {
    SCOPED_TRACE(StrCat(c.name, " ", c.arguments));
    SimServer server(InstantSim(
        StrCat("[{match: {turn: 2}, reply: {text: I see.}}, {reply: {tool_calls: [{name: ", c.name,
               ", arguments: '", c.arguments, "'}]}}]")));
    Client client = ClientOf(server);

    const Result<ToolRun> run = client.Run("?", Tools());

    ASSERT_TRUE(run) << Describe(run.error());
    EXPECT_EQ(LastReplayed(server), c.said);
    EXPECT_EQ(run->messages[1].tool_calls[0].arguments, c.said);
  }
}

TEST(RunTest, AModelThatOnlyCallsIsStopped) {
  SimServer server(InstantSim(
      "[{reply: {tool_calls: [{name: clock, arguments: {}}, {name: clock, arguments: {}}]}}]"));
  Client client = ClientOf(server);

  const Result<ToolRun> turns = client.Run("?", Tools(), {.max_turns = 3});
  ASSERT_FALSE(turns);
  EXPECT_EQ(turns.error().code, Code::kBudgetExceeded);
  EXPECT_THAT(turns.error().message, HasSubstr("after 3 turns (6 calls, "));

  const Result<ToolRun> calls = client.Run("?", Tools(), {.max_calls = 3});
  ASSERT_FALSE(calls);
  EXPECT_EQ(calls.error().code, Code::kBudgetExceeded);
  EXPECT_THAT(calls.error().message, HasSubstr("after 2 turns (3 calls, "));

  EXPECT_EQ(client.Run("?", Tools(), {.max_turns = 0}).error().code, Code::kInvalidRequest);
}

TEST(RunTest, ALongResultIsCut) {
  SimServer server(
      InstantSim("[{match: {turn: 2}, reply: {text: done}}, "
                 "{reply: {tool_calls: [{name: raw, arguments: {a: " +
                 std::string(100, 'x') + "}}]}}]"));
  Client client = ClientOf(server);

  const Result<ToolRun> run = client.Run("?", Tools(), {.max_result_bytes = 20});

  ASSERT_TRUE(run) << Describe(run.error());
  EXPECT_THAT(ToldBy(*run).front(), HasSubstr("truncated"));
}

TEST(RunTest, ACancelledRunEnds) {
  SimServer server(InstantSim("[{reply: {tool_calls: [{name: stop, arguments: {}}]}}]"));
  Client client = ClientOf(server);
  const Cancel cancel;
  const ToolBox tools = {Tool::Of("stop", "Stops.", [&] {
    cancel.Request();
    return "stopped";
  })};

  EXPECT_EQ(client.Run("?", tools, {.call = {.cancel = cancel}}).error().code, Code::kCancelled);
}

TEST(RunTest, AForcedCallIsForcedOnceAndTheAnswerKeepsItsConstraint) {
  SimServer server(
      InstantSim("[{match: {contains: noon}, reply: {text: '{\"hour\": 12'}}, "
                 "{reply: {tool_calls: [{name: clock, arguments: {}}]}}]"));
  Client client = ClientOf(server);
  model::Call call = sim::Ask("What time?");
  call.tool_choice.kind = model::ToolChoice::Kind::kRequired;
  call.constraint.emplace().kind = model::Constraint::Kind::kJsonObject;

  const Result<ToolRun> run = client.Run(call, Tools());

  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, Code::kInvalidJson);
}

}  // namespace
}  // namespace weir
