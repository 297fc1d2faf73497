#include "weir/agent/tools/program_tool.h"

#include <csignal>
#include <latch>
#include <stop_token>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/agent/tools/surroundings.h"
#include "weir/agent/tools/tools_testing.h"
#include "weir/base/utf8.h"

namespace weir::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

class ProgramToolTest : public testing::Test {
 protected:
  ProgramToolTest() {
    around_.root = &root_;
    around_.env = TestEnv();
    around_.agent_id = "lint/3";
    definition_.name = "tool";
    definition_.exec = {"./tool"};
  }
  // Says what a tool with this shell script for a program says.
  std::string Tool(std::string_view script, std::string_view arguments = "{}") {
    folder_.PutScript("tools/tool", script);
    const auto tool = NewProgramTool(definition_, (folder_.path() / "tools").string());
    return Say(loop_, *tool, around_, arguments);
  }
  Result<ProgramResult> Run(std::string script, Duration timeout = 30s,
                            std::size_t max_output = 64 << 10) {
    ProgramRun run;
    run.argv = {"sh", "-c", std::move(script)};
    run.timeout = timeout;
    run.max_output = max_output;
    return loop_.Run(RunProgram(ctx_, std::move(run), around_));
  }
  // The error of a script that does not end by itself. How long it takes to say `until` is the
  // machine's: it gets more time until it was enough.
  Error Hang(const std::string& script, const std::string& until) {
    Error error;
    for (Duration limit = 250ms; limit < 60s && !error.message.contains(until); limit *= 4) {
      const auto result = Run(script, limit);
      EXPECT_FALSE(result.has_value());
      if (result) break;
      error = result.error();
    }
    return error;
  }
  // Whether a process lives whose number a script has written to a file of the workspace.
  bool Lives(const std::string& name) const {
    const auto pid = ParseInt(Trim(folder_.Get("in/" + name)));
    EXPECT_TRUE(pid.has_value()) << name;
    return pid && ::kill(static_cast<pid_t>(*pid), 0) == 0 && State(*pid) != 'Z';
  }
  // One that was killed dies in a moment, and its end is not ours to wait for.
  void WaitUntilDead(const std::string& name) const {
    for (int i = 0; i < 1'000'000 && Lives(name); ++i) ::sched_yield();
    EXPECT_FALSE(Lives(name));
  }
  static char State(std::int64_t pid) {
    std::ifstream file(StrCat("/proc/", pid, "/stat"));
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const std::size_t at = text.rfind(')');
    return at == std::string::npos ? 'Z' : text[at + 2];
  }

  TestFolder folder_{"program-tool"};
  Root root_ = *Root::Open(folder_.in());
  Surroundings around_;
  ToolDefinition definition_;
  async::Loop loop_;
  async::Context ctx_ = async::Context(loop_).WithTimeout(60s);
};

TEST_F(ProgramToolTest, TakesArgumentsAndGivesItsOutput) {
  around_.inputs = *json::Read(R"({"path": "row.py", "kept": 1})");
  definition_.inputs = *json::Read(R"({"path": "fixed.py", "rule": "E1"})");
  definition_.arguments = *json::Read(R"({"properties": {"rule": {}, "n": {}}})");

  EXPECT_EQ(Tool("cat", R"({"rule": "E2", "n": 1.50})"),
            "{\"kept\":1,\"path\":\"fixed.py\",\"rule\":\"E2\",\"n\":1.50}\n");
  EXPECT_EQ(Tool("pwd"), folder_.in() + "\n");
  EXPECT_EQ(Tool("echo $WEIR_AGENT $WEIR_TOOL; echo $WEIR_WORKSPACE"),
            StrCat("lint/3 tool\n", folder_.in(), "\n"));
  EXPECT_EQ(Tool("true"), "(no output)");
  EXPECT_EQ(Tool(R"(printf '{"a": 1}')"), R"({"a": 1})");
}

TEST_F(ProgramToolTest, AFailureTellsTheEndOfWhatItSaid) {
  EXPECT_EQ(Tool("echo first; echo wrong >&2; exit 3"),
            "error: tool ended with status 3; stderr:\nwrong\nstdout:\nfirst");
  EXPECT_EQ(Tool("exit 1"), "error: tool ended with status 1");
  EXPECT_EQ(Tool("kill -SEGV $$"), "error: tool was killed by signal 11 (Segmentation fault)");
  const std::string said =
      Tool("i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; exit 2");
  EXPECT_LE(said.size(), 4'100U);
  EXPECT_THAT(said, testing::EndsWith("line 1999"));
}

TEST_F(ProgramToolTest, AProgramThatIsNotThereIsNamed) {
  definition_.exec = {"no-such-program"};
  EXPECT_EQ(Tool(""),
            "error: there is no program 'no-such-program' on PATH; install it, or write where it "
            "is");
  definition_.exec = {"./other"};
  EXPECT_EQ(Tool(""),
            StrCat("error: there is no program ", folder_.path().string(), "/tools/other"));
  folder_.Put("tools/other", "");
  EXPECT_THAT(Tool(""), HasSubstr("may not be run; make it executable: chmod +x"));
}

TEST_F(ProgramToolTest, ContextProgramsComeFirstAndMayFail) {
  folder_.PutScript("tools/context", "echo about $WEIR_TOOL in $(pwd)");
  folder_.PutScript("tools/broken", "echo oh >&2; exit 4");
  definition_.context = {{"./context"}, {"./broken", "x"}, {"no-such-program"}, {"printf", "end"}};

  EXPECT_EQ(Tool("echo result"),
            StrCat("about tool in ", folder_.in(),
                   "\ncontext program ./broken failed: it ended with status 4; stderr:\noh\n"
                   "context program no-such-program failed: there is no program 'no-such-program' "
                   "on PATH; install it, or write where it is\nend\nresult\n"));
}

TEST_F(ProgramToolTest, BothOutputsAreKeptApart) {
  const auto result = Run("echo out; echo err >&2; exit 5");

  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->output, "out\n");
  EXPECT_EQ(result->errors, "err\n");
  EXPECT_EQ(result->status, 5);
  EXPECT_FALSE(result->cut);
}

TEST_F(ProgramToolTest, HugeOutputIsCutAndDoesNotBlockIt) {
  const auto result = Run("head -c 100000000 /dev/zero | tr '\\0' x; echo; echo end", 60s, 10'000);

  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->cut);
  EXPECT_LE(result->output.size(), 10'000U);
  EXPECT_THAT(result->output, HasSubstr("cut here: it has 100000005 bytes"));
  EXPECT_THAT(result->output, testing::EndsWith("\nend\n"));
}

TEST_F(ProgramToolTest, BrokenBytesBecomeText) {
  const auto result = Run(R"(printf 'caf\351 \000 \342\202 \303\251\n')");

  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(IsUtf8(result->output));
  EXPECT_EQ(result->output, "caf\xEF\xBF\xBD \xEF\xBF\xBD \xEF\xBF\xBD \xC3\xA9\n");
}

TEST_F(ProgramToolTest, InputThatIsNotReadIsNoError) {
  ProgramRun run;
  run.argv = {"sh", "-c", "exec <&-; echo done"};
  run.input = std::string(1 << 20, 'x');
  const auto closed = loop_.Run(RunProgram(ctx_, run, around_));
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->output, "done\n");

  run.argv = {"sh", "-c", "head -c 3"};
  EXPECT_EQ(loop_.Run(RunProgram(ctx_, run, around_))->output, "xxx");
  run.argv = {"wc", "-c"};
  EXPECT_EQ(Trim(loop_.Run(RunProgram(ctx_, run, around_))->output), "1048576");
}

TEST_F(ProgramToolTest, OneThatHangsIsKilledWithItsGroup) {
  const Error error =
      Hang("tail -f /dev/null > /dev/null & echo $! > inner; echo $$ > outer; echo so far; wait",
           "so far");

  EXPECT_EQ(error.code, Code::kTimeout);
  EXPECT_THAT(error.message, StartsWith("'sh' took longer than "));
  EXPECT_THAT(error.message, testing::EndsWith(" and was killed; the end of what it said: so far"));
  EXPECT_FALSE(Lives("outer"));
  WaitUntilDead("inner");
}

TEST_F(ProgramToolTest, NothingGoesOnWhenItHasEnded) {
  const auto result =
      Run("(trap '' TERM HUP; exec tail -f /dev/null > /dev/null) & echo $! > inner; echo up");

  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->output, "up\n");
  WaitUntilDead("inner");
}

// `timeout` makes a group of its own. (Where its output is a pipe, `tail` ends with who reads it.)
TEST_F(ProgramToolTest, NothingGoesOnInAnotherGroupEither) {
  const auto result =
      Run("timeout 100 sh -c 'echo $$ > inner; exec tail -f /dev/null > /dev/null' & "
          "while [ ! -s inner ]; do :; done; echo up");

  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->output, "up\n");
  WaitUntilDead("inner");
}

// One that has left the session is not waited for, though it holds the output.
TEST_F(ProgramToolTest, OneThatGotAwayDoesNotHoldItUp) {
  const auto result =
      Run("setsid sh -c 'echo $$ > away; exec tail -f /dev/null' & "
          "while [ ! -s away ]; do :; done; echo ended");

  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->output, "ended\n");
  ::kill(static_cast<pid_t>(*ParseInt(Trim(folder_.Get("in/away")))), SIGKILL);
}

TEST_F(ProgramToolTest, CancellingKillsIt) {
  async::Cancellation cancellation;
  async::Context cancelled = ctx_;
  cancelled.cancellation = &cancellation;
  async::Alarm alarm(loop_, [&] { cancellation.Cancel(); });
  alarm.Arm(loop_.Now() + 50ms);
  ProgramRun run;
  run.argv = {"sh", "-c", "exec tail -f /dev/null"};

  const auto result = loop_.Run(RunProgram(cancelled, std::move(run), around_));

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::kCancelled);

  ProgramRun endless;
  endless.argv = {"tail", "-f", "/dev/null"};
  const auto late =
      loop_.Run(RunProgram(async::Context(loop_).WithTimeout(20ms), std::move(endless), around_));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, Code::kTimeout);
  EXPECT_THAT(late.error().message, HasSubstr("the whole call"));  // not its own limit
}

// The bomb has an end of its own: each of its processes asks how deep it is.
constexpr std::string_view kBomb = R"(
  bomb() { [ $1 -gt 5 ] && exec tail -f /dev/null; bomb $(($1 + 1)) & bomb $(($1 + 1)) & wait; }
  bomb 0)";

TEST_F(ProgramToolTest, AForkBombIsEnded) {
  ProgramRun run;
  run.argv = {"sh", "-c", std::string(kBomb)};
  run.max_processes = 64;

  const auto result = loop_.Run(RunProgram(ctx_, std::move(run), around_));

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::kIoError);
  EXPECT_EQ(result.error().message,
            "'sh' had more than 64 processes at once and was killed with all of them");
}

// Unlike the one above it does not wait for its children, and ends by its depth.
TEST_F(ProgramToolTest, ABombThatRunsAwayFromItsBeginningIsEnded) {
  ProgramRun run;
  run.argv = {"sh", "-c",
              "b() { echo >> made; [ $1 -gt 8 ] && exec tail -f /dev/null; b $(($1 + 1)) | b $(($1 "
              "+ 1)) & }; b 0; exec tail -f /dev/null"};
  run.max_processes = 64;

  const auto result = loop_.Run(RunProgram(ctx_, std::move(run), around_));

  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("had more than 64 processes at once"));
}

TEST_F(ProgramToolTest, ABombInAnotherGroupIsEnded) {
  ProgramRun run;
  run.argv = {
      "sh", "-c",
      "timeout 100 sh -c 'exec > /dev/null; echo $$ > bomb; tail -f /dev/null & echo $! > first; "
      "i=0; while [ $i -lt 64 ]; do tail -f /dev/null & i=$((i+1)); done; wait'; :"};
  run.max_processes = 32;

  const auto result = loop_.Run(RunProgram(ctx_, std::move(run), around_));

  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("had more than 32 processes at once"));
  WaitUntilDead("bomb");
  WaitUntilDead("first");
}

TEST_F(ProgramToolTest, OthersThatEndDoNotHideABomb) {
  std::latch started(1);
  std::jthread others([&](const std::stop_token& stop) {
    std::latch end(1);
    std::vector<std::jthread> threads;
    threads.reserve(100);
    for (int i = 0; i < 100; ++i) threads.emplace_back([&] { end.wait(); });
    started.count_down();
    while (folder_.Get("in/up").empty() && !stop.stop_requested()) std::this_thread::yield();
    end.count_down();
    threads.clear();
    folder_.Put("in/alone", "");
  });
  started.wait();
  ProgramRun run;
  run.argv = {"sh", "-c",
              "echo up > up; while [ ! -e alone ]; do :; done; "
              "i=0; while [ $i -lt 64 ]; do tail -f /dev/null & i=$((i+1)); done; wait"};
  run.max_processes = 32;

  const auto result = loop_.Run(RunProgram(ctx_, std::move(run), around_));

  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("had more than 32 processes at once"));
}

// It says so when it was let go on. Its growth can be missed where others end meanwhile, so it
// grows until it was not.
constexpr std::string_view kManyThreads = R"(
import signal, threading
told = threading.Event()
signal.signal(signal.SIGCONT, lambda *_: told.set())
while not told.is_set():
    threads = [threading.Thread(target=told.wait, args=(1,)) for _ in range(200)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print("went on"))";

TEST_F(ProgramToolTest, OneOfManyThreadsStandsStillWhileItIsCountedAndGoesOn) {
  ProgramRun run;
  run.argv = {"python3", "-c", std::string(kManyThreads)};
  run.max_processes = 8;

  const auto result = loop_.Run(RunProgram(ctx_, std::move(run), around_));

  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->output, "went on\n");
}

TEST_F(ProgramToolTest, OneInAnotherGroupStandsStillWhileItIsCountedAndGoesOn) {
  ProgramRun run;
  run.argv = {"sh", "-c", "timeout 100 python3 -c \"$1\"; :", "sh", std::string(kManyThreads)};
  run.max_processes = 8;

  const auto result = loop_.Run(RunProgram(ctx_, std::move(run), around_));

  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->output, "went on\n");
}

TEST_F(ProgramToolTest, NothingIsLeftOfASmallBombAtTheTimeLimit) {
  const Error error = Hang(
      "i=0; while [ $i -lt 50 ]; do tail -f /dev/null > /dev/null & echo $! > last; "
      "i=$((i+1)); done; echo all; wait",
      "all");

  EXPECT_EQ(error.code, Code::kTimeout);
  WaitUntilDead("last");
}

TEST_F(ProgramToolTest, MemoryAndDumpsAreLimited) {
  EXPECT_EQ(Run("ulimit -d; ulimit -c")->output, "4194304\n0\n");
}

TEST_F(ProgramToolTest, ItHasNoTerminalAndNothingElseThatIsOpen) {
  EXPECT_EQ(
      Run("cat; [ -t 0 ] || echo none; (: < /dev/tty) 2>/dev/null || echo no terminal")->output,
      "none\nno terminal\n");
}

TEST(SurroundingsTest, ToolsGetFewVariables) {
  Env env;
  env.variables = {{"PATH", ".:/usr/bin::bin:/bin"},
                   {"HOME", "/home/x"},
                   {"LANG", "C.UTF-8"},
                   {"LC_ALL", "C"},
                   {"TMPDIR", "/var/tmp"},
                   {"TERM", "xterm"},
                   {"WEIR_TOOL_TOKEN", "t"},
                   {"WEIR_API_KEY", "secret"},
                   {"OPENAI_API_KEY", "secret"},
                   {"LD_PRELOAD", "x.so"}};

  EXPECT_EQ(ToolEnv(env).variables, (decltype(env.variables){{"PATH", "/usr/bin:/bin"},
                                                             {"HOME", "/home/x"},
                                                             {"LANG", "C.UTF-8"},
                                                             {"LC_ALL", "C"},
                                                             {"TMPDIR", "/var/tmp"},
                                                             {"TERM", "dumb"},
                                                             {"WEIR_TOOL_TOKEN", "t"}}));
  EXPECT_EQ(*ToolEnv({}).Get("PATH"), "/usr/local/bin:/usr/bin:/bin");
}

}  // namespace
}  // namespace weir::agent
