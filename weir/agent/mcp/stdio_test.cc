// Servers over stdio, as real processes.

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/agent/mcp/fake_server_testing.h"
#include "weir/agent/mcp/server_testing.h"
#include "weir/async/scope.h"
#include "weir/json/writer.h"

namespace weir::agent::mcp {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

async::Task<void> CallInto(async::Context ctx, Server& server, std::string tool, std::string text,
                           std::vector<std::string>& told) {
  const json::Value arguments = json::Read(R"({"text": ")" + text + "\"}").value();
  const Result<CallResult> result = co_await server.Call(ctx, std::move(tool), arguments, nullptr);
  told.push_back(Told(result));
}

class McpStdioTest : public ServerTest {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + StrCat("mcp_stdio_", ::getpid(), "_", ++made);
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ + "/server.py") << kFakeServer;
    definition_.name = "fake";
    Habit("");
  }
  void TearDown() override {
    Close();
    std::filesystem::remove_all(folder_);
  }

  void Habit(std::string habit) { definition_.exec = {"python3", "server.py", std::move(habit)}; }

  ServerOptions Options() override {
    ServerOptions options{.folder = folder_};
    options.env.variables = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/"}, {"SECRET", "s"}};
    options.max_message_bytes = 100'000;
    return options;
  }
  // The message of the failure to open.
  std::string Failure(Code code) {
    const Result<void> opened = Open();
    if (opened) return "(opened)";
    EXPECT_EQ(opened.error().code, code) << Describe(opened.error());
    return opened.error().message;
  }
  std::string Call(std::string tool, std::string_view arguments = "{}") {
    return CallIn(ctx_, std::move(tool), arguments);
  }
  std::string CallIn(const async::Context& ctx, std::string tool, std::string_view arguments = "{}",
                     Server::OnProgress on_progress = nullptr) {
    return CallWith(ctx, std::move(tool), arguments, std::move(on_progress));
  }

  static inline int made = 0;
  std::string folder_;
};

TEST_F(McpStdioTest, HandshakeListAndCall) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  ASSERT_EQ(server_->tools().size(), 15U);
  EXPECT_EQ(server_->tools()[0].name, "echo");
  EXPECT_EQ(server_->tools()[0].description, "does echo");
  EXPECT_TRUE(server_->tools()[0].read_only);
  EXPECT_EQ(Call("echo", R"({"text": "grüße\n\"zwei\""})"), "grüße\n\"zwei\"");
  EXPECT_EQ(Call("fail"), "(error) disk full");
  EXPECT_EQ(Call("refuse"),
            "(invalid_request) MCP server 'fake' refused refuse: bad city (code -32602)");
}

TEST_F(McpStdioTest, ToolsCarryThePrefixAndOnlyThoseThatAreWanted) {
  definition_.prefix = "f_";
  definition_.only = {"fail", "echo"};
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  const auto tools = ToolsOf(*server_, definition_);

  ASSERT_EQ(tools.size(), 2U);
  EXPECT_EQ(tools[0]->name(), "f_echo");
  EXPECT_FALSE(tools[0]->mutates());
  EXPECT_EQ(tools[1]->name(), "f_fail");
  EXPECT_TRUE(tools[1]->mutates());
  EXPECT_EQ(json::Write(tools[1]->spec().parameters), R"({"type":"object"})");
  const Surroundings around;
  const json::Value arguments = *json::Read(R"({"text": "hi"})");
  const ToolInput input{.arguments = arguments, .around = around};
  EXPECT_EQ(loop_.Run(tools[0]->Run(ctx_, input)).value_or("?"), "hi");
  const Result<std::string> failed = loop_.Run(tools[1]->Run(ctx_, input));
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().message, "disk full");
}

TEST_F(McpStdioTest, AToolThatIsWantedMustBeThere) {
  definition_.only = {"ecko"};

  EXPECT_THAT(Failure(Code::kConfigError), HasSubstr("has no tool 'ecko', which `only` names; did "
                                                     "you mean 'echo'?"));
}

TEST_F(McpStdioTest, EveryPageIsListed) {
  Habit("paged");
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_EQ(server_->tools().size(), 15U);
}

TEST_F(McpStdioTest, AListWithoutAnEndIsRefused) {
  Habit("endless");

  EXPECT_THAT(Failure(Code::kProtocolError), HasSubstr("a list of them that does not end"));
}

TEST_F(McpStdioTest, AServerMayHaveNoTools) {
  Habit("toolless");
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_TRUE(server_->tools().empty());
}

TEST_F(McpStdioTest, OlderRevisionsAreSpokenUnknownOnesAreNot) {
  for (const std::string_view habit : {"old", "older"}) {
    Habit(std::string(habit));
    ASSERT_NO_FATAL_FAILURE(MustOpen());
    EXPECT_EQ(Call("echo", R"({"text": "x"})"), "x");
    Close();
  }

  Habit("new");
  EXPECT_THAT(Failure(Code::kProtocolError), HasSubstr("speaks the revision 2099-01-01"));
  Habit("stranger");
  EXPECT_THAT(Failure(Code::kProtocolError), HasSubstr("refused initialize: go away"));
}

TEST_F(McpStdioTest, LinesThatAreNoMessagesAreToldAndPassedOver) {
  Habit("banner");
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_EQ(Call("echo", R"({"text": "x"})"), "x");
  EXPECT_EQ(notes_.Count("mcp.stray server=fake line="), 3);
  EXPECT_EQ(notes_.Count("line=listening on stdio"), 1);
}

TEST_F(McpStdioTest, ABrokenAnswerIsNotWaitedFor) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_EQ(Call("odd"), "(protocol_error) MCP server 'fake' sent a result that is no object");
}

TEST_F(McpStdioTest, AMessageMayBeCutAtEveryByte) {
  Habit("bytewise");
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_EQ(Call("echo", R"({"text": "cut ä"})"), "cut ä");
}

TEST_F(McpStdioTest, AnswersFindTheirCallsInAnyOrder) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  std::vector<std::string> told;
  async::TaskScope calls(ctx_);

  for (const std::string_view text : {"a", "b", "c"}) {
    calls.Spawn(CallInto(ctx_, *server_, "hold", std::string(text), told));
  }
  calls.Spawn(CallInto(ctx_, *server_, "release", "", told));
  loop_.Run(calls.Join());

  EXPECT_THAT(told, ElementsAre("released 3", "c", "b", "a"));
}

TEST_F(McpStdioTest, ProgressIsToldToWhoWantsIt) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  std::vector<std::string> heard;
  const auto listen = [&](double progress, double total, std::string_view message) {
    heard.push_back(StrCat(progress, "/", total, " ", message));
  };

  EXPECT_EQ(CallIn(ctx_, "count", "{}", listen), "counted");
  EXPECT_EQ(Call("count"), "nobody listens");

  EXPECT_THAT(heard, ElementsAre("1/2 step", "2/2 step"));
}

TEST_F(McpStdioTest, TheServerLearnsOfACancellation) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  async::Cancellation cancellation;
  async::Context ctx = ctx_;
  ctx.cancellation = &cancellation;
  std::vector<std::string> told;
  async::TaskScope calls(ctx_);

  calls.Spawn(CallInto(ctx, *server_, "hold", "late", told));
  EXPECT_EQ(Call("echo", R"({"text": "x"})"), "x");
  cancellation.Cancel();
  loop_.Run(calls.Join());

  ASSERT_THAT(told, ElementsAre(StartsWith("(cancelled)")));
  EXPECT_THAT(Call("cancelled"), HasSubstr(":the caller has gone away"));
  EXPECT_EQ(Call("release"), "released 1");  // the late answer is nobody's
  EXPECT_EQ(Call("echo", R"({"text": "y"})"), "y");
}

TEST_F(McpStdioTest, TheTimeOfACallIsLimited) {
  definition_.timeout = 400ms;
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_EQ(Call("hold"),
            "(timeout) the tool 'hold' of MCP server 'fake' did not answer within 400 ms; ask for "
            "less, or raise the `timeout` of the server");
  std::string cancelled;  // on a slow machine this call is out of time, too
  for (int i = 0; i < 100 && !cancelled.contains(":"); ++i) cancelled = Call("cancelled");
  EXPECT_THAT(cancelled, HasSubstr(":the time is over"));
}

TEST_F(McpStdioTest, ACrashFailsWhatIsUnderWayAndTheNextCallStartsItAgain) {
  definition_.env = {{"API_TOKEN", "very-secret-token"}};
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  std::vector<std::string> told;
  async::TaskScope calls(ctx_);

  calls.Spawn(CallInto(ctx_, *server_, "hold", "", told));
  calls.Spawn(CallInto(ctx_, *server_, "crash", "", told));
  loop_.Run(calls.Join());

  ASSERT_EQ(told.size(), 2U);
  for (const std::string& message : told) {
    EXPECT_THAT(message, StartsWith("(connection_error) MCP server 'fake' (python3) ended with "
                                    "status 3; the end of its standard error:\nxxx"));
    EXPECT_THAT(message, AllOf(HasSubstr("\nfatal: token="), Not(HasSubstr("very-secret"))));
    EXPECT_LT(message.size(), 4'400U);
  }
  EXPECT_EQ(Call("echo", R"({"text": "again"})"), "again");
  EXPECT_EQ(notes_.Count("mcp.restart server=fake restarts=1"), 1);
}

TEST_F(McpStdioTest, RestartsAreBounded) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  for (int i = 0; i <= kMostRestarts; ++i) {
    EXPECT_THAT(Call("crash"), HasSubstr("ended with status 3"));
  }

  EXPECT_THAT(Call("echo"), AllOf(HasSubstr("has ended 4 times and is not started again"),
                                  HasSubstr("python3 server.py")));
  EXPECT_EQ(notes_.Count("mcp.restart"), kMostRestarts);
}

TEST_F(McpStdioTest, AMessageWithoutAnEndEndsTheServer) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_THAT(Call("endless"), HasSubstr("sent a message of more than 100000 bytes"));
  EXPECT_EQ(Call("echo", R"({"text": "again"})"), "again");
  EXPECT_THAT(Call("echo", StrCat(R"({"text": ")", std::string(100'000, 'x'), "\"}")),
              HasSubstr("the arguments of 'echo' are larger than"));
}

// The time until it says something is the machine's: it gets more until it was enough.
TEST_F(McpStdioTest, ASlowStartIsATimeoutThatTellsWhatTheServerSaid) {
  Habit("slow");
  std::string failure;
  for (definition_.startup_timeout = 250ms;
       definition_.startup_timeout < 60s && !failure.contains("still warming up");
       definition_.startup_timeout *= 4) {
    failure = Failure(Code::kTimeout);
    EXPECT_THAT(failure, HasSubstr(StrCat("was not ready within its `startup_timeout` of ",
                                          FormatMillis(definition_.startup_timeout / 1ms))));
  }

  EXPECT_THAT(failure, HasSubstr("still warming up"));
}

TEST_F(McpStdioTest, AProgramThatDiesAtOnceSaysWhy) {
  Habit("dies");
  EXPECT_THAT(Failure(Code::kConnectionError),
              AllOf(HasSubstr("ended with status 4"), HasSubstr("no database")));

  definition_.exec = {"no-such-program"};
  EXPECT_THAT(Failure(Code::kConfigError), HasSubstr("there is no program 'no-such-program'"));
}

TEST_F(McpStdioTest, WhatTheServerAsksIsAnswered) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_EQ(Call("ask"), R"({} {"roots": []} -32601)");
}

TEST_F(McpStdioTest, ItsLogBecomesEvents) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_EQ(Call("log"), "logged");

  EXPECT_EQ(notes_.Count(R"(mcp.log server=fake level=warning logger=disk message={"free":0})"), 1);
}

TEST_F(McpStdioTest, AChangedListIsListedAgain) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  EXPECT_EQ(Call("grow"), "listed 1");
  EXPECT_EQ(server_->tools().size(), 15U);
  EXPECT_EQ(Call("grow"), "listed 2");
  EXPECT_EQ(server_->tools().size(), 16U);
}

TEST_F(McpStdioTest, TheEnvironmentIsScrubbed) {
  definition_.env = {{"MODE", "fast"}};
  ASSERT_NO_FATAL_FAILURE(MustOpen());

  const std::string names = Call("env");

  EXPECT_THAT(names, AllOf(HasSubstr("HOME"), HasSubstr("MODE"), HasSubstr("PATH"),
                           Not(HasSubstr("SECRET"))));
}

TEST_F(McpStdioTest, ItsEnvironmentMayNameVariables) {
  definition_.env = {{"MODE", "is-${SECRET}"}};
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  EXPECT_THAT(Call("env"), HasSubstr("MODE=is-s"));
  Close();

  definition_.env = {{"MODE", "${UNSET}"}};
  EXPECT_EQ(Failure(Code::kConfigError),
            "MCP server 'fake': `env.MODE` needs the variable UNSET, which is not set; export it, "
            "or give a default: ${UNSET:-...}");
}

TEST_F(McpStdioTest, OneThatDoesNotEndIsKilledByClose) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  EXPECT_TRUE(ParseInt(Call("deaf")).has_value());

  const TimePoint start = loop_.Now();
  Close();

  EXPECT_GE(loop_.Now() - start, 4s);  // its input closed, SIGTERM
}

// It is deaf to SIGTERM and to the end of its input.
TEST_F(McpStdioTest, TheDestructorKills) {
  ASSERT_NO_FATAL_FAILURE(MustOpen());
  const auto pid = ParseInt(Call("deaf"));
  ASSERT_TRUE(pid.has_value());

  server_.reset();

  const std::string process = StrCat("/proc/", *pid);
  for (int i = 0; i < 60'000 && std::filesystem::exists(process); ++i) {
    EXPECT_TRUE(loop_.Run(async::Sleep(ctx_, 1ms)).has_value());
  }
  EXPECT_FALSE(std::filesystem::exists(process));
}

}  // namespace
}  // namespace weir::agent::mcp
