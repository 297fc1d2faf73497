#include "weir/agent/tools/sandbox.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/agent/tools/program_tool.h"
#include "weir/agent/tools/tools_testing.h"
#include "weir/async/child.h"

namespace weir::agent {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// What a command line binds, as "--bind /a".
std::vector<std::string> Binds(const std::vector<std::string>& command) {
  std::vector<std::string> binds;
  for (std::size_t i = 0; i + 1 < command.size(); ++i) {
    if (command[i].ends_with("bind") && command[i + 1] != "/") {
      binds.push_back(StrCat(command[i], " ", command[i + 1]));
    }
  }
  return binds;
}

class SandboxTest : public testing::Test {
 protected:
  SandboxTest() {
    around_.root = &root_;
    around_.env = TestEnv();
    around_.env.variables["HOME"] = (folder_.path() / "home").string();
    around_.sandbox = true;
    folder_.Put("home/.ssh/key", "secret");
    folder_.Put("beside", "secret");
  }
  Result<ProgramResult> Run(std::vector<std::string> argv) {
    ProgramRun run;
    run.argv = std::move(argv);
    run.timeout = std::chrono::seconds(30);
    const async::Context ctx(loop_);
    return loop_.Run(RunProgram(ctx, std::move(run), around_));
  }
  std::string Sh(std::string script) {
    const auto result = Run({"sh", "-c", std::move(script)});
    return result ? StrCat(result->output, result->errors) : result.error().message;
  }

  TestFolder folder_{"sandbox"};
  Root root_ = *Root::Open(folder_.in());
  Surroundings around_;
  async::Loop loop_;
};

TEST_F(SandboxTest, WithoutBubblewrapItSaysHowToGetIt) {
  Env env;
  env.variables = {{"PATH", "/nowhere"}};

  const Result<void> checked = CheckSandbox(env);

  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code, Code::kConfigError);
  EXPECT_FALSE(SandboxCommand("", "/bin/true", env).has_value());
  // Also where it is there but may do nothing.
  folder_.PutScript("bin/bwrap",
                    "echo 'bwrap: No permissions to create new namespace' >&2; exit 1");
  env.variables["PATH"] = StrCat((folder_.path() / "bin").string(), ":/usr/bin:/bin");
  const Result<void> forbidden = CheckSandbox(env);
  ASSERT_FALSE(forbidden.has_value());
  EXPECT_THAT(forbidden.error().message,
              StartsWith("bubblewrap is installed but cannot make a sandbox here: bwrap: No "
                         "permissions"));
}

TEST_F(SandboxTest, AProgramInAHiddenFolderIsShownWithoutTheRestOfIt) {
  folder_.PutScript("bin/bwrap", "");
  Env env = around_.env;
  env.variables["PATH"] = (folder_.path() / "bin").string();
  const std::string home = env.variables["HOME"];

  EXPECT_THAT(Binds(*SandboxCommand("/w", "/usr/bin/true", env)),
              testing::ElementsAre("--bind /w"));
  EXPECT_THAT(Binds(*SandboxCommand("/w", home + "/tools/x", env)),
              testing::ElementsAre(StrCat("--ro-bind ", home, "/tools"), "--bind /w"));
  EXPECT_THAT(Binds(*SandboxCommand("", home + "/x", env)),
              testing::ElementsAre(StrCat("--ro-bind ", home, "/x")));
  const auto command = *SandboxCommand("", home + "/x", env);
  EXPECT_TRUE(std::ranges::count(command, "--unshare-all") == 1);
  EXPECT_EQ(command.back(), "--");
}

// The rest needs bubblewrap and namespaces.
class RealSandboxTest : public SandboxTest {
 protected:
  void SetUp() override {
    const Result<void> checked = CheckSandbox(TestEnv());
    if (!checked) GTEST_SKIP() << checked.error().message;
  }
};

TEST_F(RealSandboxTest, SeesTheWorkspaceAndTheSystemButNoHomes) {
  folder_.Put("in/a.txt", "inside\n");

  EXPECT_EQ(Sh("pwd; cat a.txt"), StrCat(folder_.in(), "\ninside\n"));
  EXPECT_EQ(Sh("echo new > b.txt; ls /usr/bin/env"), "/usr/bin/env\n");
  EXPECT_EQ(folder_.Get("in/b.txt"), "new\n");
  EXPECT_EQ(Sh("ls -A $HOME /home /root | tr -d '\\n'"),
            StrCat("/home:/root:", folder_.path().string(), "/home:"));
  EXPECT_THAT(Sh("cat ../beside"), HasSubstr("No such file"));
  EXPECT_EQ(Sh("echo x > ../beside; echo $?; cat ../beside"), "0\nx\n");  // in its own /tmp
  EXPECT_EQ(folder_.Get("beside"), "secret");
  EXPECT_THAT(Sh("echo x > /usr/new"), HasSubstr("Read-only"));
  EXPECT_THAT(Sh("echo x > /etc/new"), HasSubstr("Read-only"));
}

TEST_F(RealSandboxTest, HasNoNetworkAndSeesNoProcesses) {
  EXPECT_EQ(Sh("grep -c : /proc/net/dev"), "1\n");  // loopback alone
  EXPECT_EQ(Sh("[ $(ls -d /proc/[0-9]* | wc -l) -lt 9 ] && echo few"), "few\n");
}

TEST_F(RealSandboxTest, ProgramsOutsideTheSystemRun) {
  folder_.PutScript("home/bin/tool", "echo $0; ls -A $HOME");
  const auto result = Run({(folder_.path() / "home/bin/tool").string()});

  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->output, StrCat(folder_.path().string(), "/home/bin/tool\nbin\n"));
}

TEST_F(RealSandboxTest, ExitCodesAndTimeLimitsHold) {
  EXPECT_EQ(Run({"sh", "-c", "exit 7"})->status, 7);
  ProgramRun run;
  run.argv = {"sh", "-c", "setsid tail -f /dev/null & tail -f /dev/null"};
  run.timeout = std::chrono::milliseconds(300);
  const async::Context ctx(loop_);

  const auto result = loop_.Run(RunProgram(ctx, std::move(run), around_));

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::kTimeout);
}

}  // namespace
}  // namespace weir::agent
