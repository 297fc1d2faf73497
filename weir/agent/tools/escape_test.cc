// Attempts to leave the workspace, by every tool that takes a path, with openat2 and without it.

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "weir/agent/tools/tools_testing.h"
#include "weir/json/writer.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSecret = "weir-witness-4711";

struct Attempt {
  const char* path;
};

// `out` is a folder beside the root `in`, with the file `witness` in it.
std::vector<Attempt> Attempts() {
  return {
      // dots
      {".."},
      {"../"},
      {"../out"},
      {"../out/witness"},
      {"./../out/witness"},
      {"a/../../out/witness"},
      {"a/b/../../../out/witness"},
      {"a/./.././../out/witness"},
      {"a//..//..//out//witness"},
      {"../in/../out/witness"},
      {"../in/a.txt"},
      {"../../../../../../../../etc/passwd"},
      {"missing/../../out/witness"},
      {"a.txt/../../out/witness"},
      {"a/b/../../.."},
      {"a/..//../out/witness"},
      // absolute
      {"/"},
      {"//"},
      {"/etc/passwd"},
      {"//etc/passwd"},
      {"/./etc/passwd"},
      {"/proc/self/root/etc/passwd"},
      {"/proc/self/cwd"},
      {"/proc/self/environ"},
      {"/dev/zero"},
      {"/dev/stdin"},
      // links
      {"file-out"},
      {"file-out-absolute"},
      {"folder-out/witness"},
      {"folder-out-absolute/witness"},
      {"folder-out/../out/witness"},
      {"a/folder-up/out/witness"},
      {"a/folder-up/../out/witness"},
      {"chain-1"},
      {"chain-folder-1/witness"},
      {"a/deep-chain/witness"},
      {"loop"},
      {"loop/x"},
      {"dangling-out"},
      {"dangling-out-folder/new"},
      {"to-proc-root/etc/passwd"},
      {"to-proc-cwd/witness"},
      {"to-proc-fd"},
      {"to-dev-zero"},
      {"to-null"},
      {"link-to-root/out/witness"},
      {"dot-link/../../out/witness"},
      // what is no file
      {"pipe"},
      {"socket-like"},
      {"device"},
      {"pipe/../../out/witness"},
      {"a.txt/"},
      {"a.txt/."},
      {"a.txt/../../out/witness/"},
      // names
      {""},
      {"nul\\u0000/../../out/witness"},
      {"a.txt\\u0000"},
      {"../out/witness\\u0000"},
      {"\\u0000"},
      {"%2e%2e/out/witness"},
      {"..\\\\out\\\\witness"},
      {"~/witness"},
      {"$HOME/witness"},
      {"file:///etc/passwd"},
      {".. /out/witness"},
      {"\\uff0e\\uff0e/out/witness"},
      {"LONG"},
      {"LONGPART"},
  };
}

class EscapeTest : public testing::TestWithParam<Resolving> {
 protected:
  EscapeTest() {
    folder_.Put("out/witness", kSecret);
    folder_.Put("witness", kSecret);
    folder_.Put("in/a.txt", "inside");
    folder_.Put("in/a/b/c.txt", "inside");
    const std::string out = (folder_.path() / "out").string();
    folder_.Link("../out/witness", "in/file-out");
    folder_.Link(out + "/witness", "in/file-out-absolute");
    folder_.Link("../out", "in/folder-out");
    folder_.Link(out, "in/folder-out-absolute");
    folder_.Link("../..", "in/a/folder-up");
    folder_.Link("chain-2", "in/chain-1");
    folder_.Link("a/chain-3", "in/chain-2");
    folder_.Link("../../out/witness", "in/a/chain-3");
    folder_.Link("chain-folder-2", "in/chain-folder-1");
    folder_.Link("folder-out", "in/chain-folder-2");
    folder_.Link("b/../../chain-folder-1", "in/a/deep-chain");
    folder_.Link("loop", "in/loop");
    folder_.Link("../out/new", "in/dangling-out");
    folder_.Link("../new-folder", "in/dangling-out-folder");
    folder_.Link("/proc/self/root", "in/to-proc-root");
    folder_.Link("/proc/self/cwd", "in/to-proc-cwd");
    folder_.Link("/proc/self/fd/0", "in/to-proc-fd");
    folder_.Link("/dev/zero", "in/to-dev-zero");
    folder_.Link("/dev/null", "in/to-null");
    folder_.Link("..", "in/link-to-root");
    folder_.Link(".", "in/dot-link");
    EXPECT_EQ(::mkfifo((folder_.in() + "/pipe").c_str(), 0600), 0);
    // Both need root; without it they are names of nothing, which fails as well.
    (void)::mknod((folder_.in() + "/device").c_str(), S_IFCHR | 0600, makedev(1, 5));
    (void)::mknod((folder_.in() + "/socket-like").c_str(), S_IFSOCK | 0600, 0);
    around_.root = &root_;
    around_.env = TestEnv();
  }

  std::string Try(std::string_view tool, std::string_view arguments) {
    ToolDefinition definition;
    definition.builtin = tool;
    definition.allow = {"cat", "sh"};
    const auto made = NewBuiltin(definition);
    EXPECT_TRUE(made.has_value());
    return Say(loop_, **made, around_, arguments);
  }

  // Everything outside the workspace, as text.
  std::string Outside() const {
    std::string all;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      const std::string name = entry.path().lexically_relative(folder_.path()).string();
      if (name.starts_with("in/")) continue;
      StrAppend(all, name, entry.is_regular_file() ? folder_.Get(name) : "", "\n");
    }
    return all;
  }

  TestFolder folder_{GetParam() == Resolving::kByKernel ? "escape-kernel" : "escape-parts"};
  Root root_ = *Root::Open(folder_.in(), GetParam());
  Surroundings around_;
  async::Loop loop_;
};

TEST_P(EscapeTest, NothingOutsideIsReadOrChanged) {
  const std::string before = Outside();
  const std::vector<Attempt> attempts = Attempts();
  ASSERT_GE(attempts.size(), 40U);
  for (const Attempt& attempt : attempts) {
    std::string path = attempt.path;
    if (path == "LONG") {
      path.clear();
      for (int i = 0; i < 3'000; ++i) path += "a/../";
      path += "../out/witness";
    } else if (path == "LONGPART") {
      path = std::string(300, 'x') + "/../../out/witness";
    }
    const std::string tried = path.substr(0, 80);
    const std::string read = Try("read_file", StrCat(R"({"path": ")", path, "\"}"));
    EXPECT_TRUE(read.starts_with("error: ")) << tried << ": " << read;
    EXPECT_GT(read.size(), 30U) << "say more: " << read;
    EXPECT_FALSE(read.contains(kSecret)) << tried;
    const std::string edit =
        Try("edit_file", StrCat(R"({"path": ")", path, R"(", "old": "weir", "new": "x"})"));
    EXPECT_TRUE(edit.starts_with("error: ")) << tried << ": " << edit;
    EXPECT_FALSE(edit.contains(kSecret)) << tried;
    const std::string write =
        Try("write_file", StrCat(R"({"path": ")", path, R"(", "text": "broken out"})"));
    EXPECT_EQ(Outside(), before) << tried << ": " << write;
    for (const char* const tool : {"list_files", "search_text"}) {
      const std::string_view text =
          tool == std::string_view("search_text") ? R"(, "text": "weir-")" : R"(, "glob": "**")";
      const std::string said = Try(tool, StrCat(R"({"path": ")", path, "\"", text, "}"));
      EXPECT_FALSE(said.contains(kSecret)) << tool << " " << tried << ": " << said;
      EXPECT_TRUE(said.starts_with("error: ") || !said.contains("out/")) << tried << ": " << said;
    }
  }
  EXPECT_EQ(Outside(), before);
}

// What a plain name stays inside, however it looks.
TEST_P(EscapeTest, WritesThatLeadOutFail) {
  for (const char* const path : {"..",
                                 "../out/new",
                                 "a/../../out/new",
                                 "/tmp/new",
                                 "file-out",
                                 "file-out-absolute",
                                 "folder-out/new",
                                 "folder-out-absolute/new",
                                 "a/folder-up/out/new",
                                 "chain-1",
                                 "chain-folder-1/new",
                                 "a/deep-chain/new",
                                 "dangling-out",
                                 "dangling-out-folder/new",
                                 "loop",
                                 "to-proc-root/tmp/new",
                                 "to-proc-cwd/new",
                                 "to-null",
                                 "pipe",
                                 "",
                                 ".",
                                 "a",
                                 "a.txt/",
                                 "new/../../out/new",
                                 "link-to-root/out/new",
                                 "dot-link/../../new"}) {
    const std::string said =
        Try("write_file", StrCat(R"({"path": ")", path, R"(", "text": "broken out"})"));
    EXPECT_TRUE(said.starts_with("error: ")) << path << ": " << said;
  }
}

// What git runs and trusts, by every name that leads to it.
class GitTest : public EscapeTest {
 protected:
  GitTest() {
    folder_.Put("in/.git/config", "[core]\n");
    folder_.Put("in/.git/hooks/pre-commit", "hook\n");
    folder_.Put("in/vendor/lib/.git/config", "[core]\n");
    folder_.Put("in/submodule/.git", "gitdir: ../.git/modules/submodule\n");
    folder_.Put("in/.GIT/config", "[core]\n");
    folder_.Link(".git", "in/to-git");
    folder_.Link(".git/config", "in/to-config");
    folder_.Link("to-git/hooks", "in/to-hooks");
    folder_.Link("../.git", "in/a/up-to-git");
  }

  std::string GitFiles() const {
    std::string all;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.in())) {
      const std::string name = entry.path().lexically_relative(folder_.path()).string();
      if (!ToLower(name).contains(".git")) continue;
      StrAppend(all, name, " ", entry.is_regular_file() ? folder_.Get(name) : "", "\n");
    }
    return all;
  }

  // Refused, by the tool with these other arguments, and nothing is changed or made.
  void ExpectRefusal(std::string_view tool, std::string_view arguments, std::string_view says) {
    const std::string before = GitFiles();
    for (const char* const path :
         {".git/config", "./.git/config", ".git/hooks/pre-commit", "a/../.git/config",
          "vendor/lib/.git/config", "submodule/.git", ".GIT/config", "to-git/config", "to-config",
          "to-hooks/pre-commit", "a/up-to-git/config", ".git//config"}) {
      const std::string said = Try(tool, StrCat(R"({"path": ")", path, "\", ", arguments, "}"));
      EXPECT_TRUE(said.starts_with("error: ")) << path << ": " << said;
      const bool link_is_refused = GetParam() == Resolving::kByParts && said.contains("a link");
      EXPECT_TRUE(link_is_refused || said.contains(says)) << path << ": " << said;
      EXPECT_EQ(GitFiles(), before) << path;
    }
  }
};

TEST_P(GitTest, WriteFileLeavesGitAlone) {
  ExpectRefusal("write_file", R"("text": "[core]\n\tfsmonitor = evil")", "is git's own");
}

TEST_P(GitTest, WriteFileMakesNothingInGit) {
  const std::string before = GitFiles();
  for (const char* const path : {".git/new", ".git/new/deep", "to-git/new", "to-git/new/deep/file",
                                 "new/.git/config", ".git", "new/.Git", "a/up-to-git/new/x"}) {
    const std::string said = Try("write_file", StrCat(R"({"path": ")", path, R"(", "text": "x"})"));
    EXPECT_TRUE(said.starts_with("error: ")) << path << ": " << said;
    EXPECT_EQ(GitFiles(), before) << path;
  }
}

TEST_P(GitTest, EditFileLeavesGitAlone) {
  ExpectRefusal("edit_file", R"("old": "o", "new": "x", "all": true)", "is git's own");
}

TEST_P(GitTest, FilesThatOnlySoundLikeGitAreWritten) {
  for (const char* const path : {".gitignore", ".github/x.yaml", "git/config", "x.git/config"}) {
    const std::string said = Try("write_file", StrCat(R"({"path": ")", path, R"(", "text": "x"})"));
    EXPECT_FALSE(said.starts_with("error: ")) << path << ": " << said;
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, GitTest, testing::Values(Resolving::kByKernel, Resolving::kByParts),
                         [](const auto& way) {
                           return way.param == Resolving::kByKernel ? "ByKernel" : "ByParts";
                         });

TEST_P(EscapeTest, SearchesOfTheWholeWorkspaceStayInIt) {
  EXPECT_FALSE(Try("search_text", R"({"text": "witness-"})").contains(kSecret));
  EXPECT_FALSE(Try("search_text", R"({"regex": "weir-.*"})").contains(kSecret));
  EXPECT_FALSE(Try("list_files", R"({"glob": "**/*"})").contains("out/"));
  EXPECT_FALSE(Try("list_files", R"({"glob": "../**"})").contains("witness"));
}

TEST_P(EscapeTest, CommandsRunInTheWorkspaceAndOnlyThoseAllowed) {
  EXPECT_EQ(Try("run_command", R"({"command": ["sh", "-c", "pwd"]})"), folder_.in() + "\n");
  for (const char* const command :
       {R"(["ls"])", R"(["/bin/cat", "a.txt"])", R"(["../../bin/cat"])", R"(["./cat"])", R"([""])",
        R"(["cat a.txt"])", R"(["CAT", "a.txt"])", R"(["cat\u0000"])", R"([])", R"(["cat", 1])"}) {
    const std::string said = Try("run_command", StrCat(R"({"command": )", command, "}"));
    EXPECT_TRUE(said.starts_with("error: ")) << command << ": " << said;
  }
}

// A process of ours has links in /proc that only the kernel can follow; they are never followed.
TEST_P(EscapeTest, MagicLinksAreNotFollowed) {
  const Root proc = *Root::Open("/proc", GetParam());
  const std::string self = std::to_string(::getpid());
  for (const char* const path : {"/root/etc/passwd", "/cwd", "/exe", "/root", "/fd/0", "/task"}) {
    const auto text = proc.Read(self + path, 1 << 20);
    EXPECT_FALSE(text.has_value()) << path;
    EXPECT_FALSE(proc.Write(StrCat(self, path, "/new"), "x").has_value());
  }
  const Root dev = *Root::Open("/dev", GetParam());
  for (const char* const path : {"zero", "null", "fd/0", "stdin", "fd/../../etc/passwd"}) {
    EXPECT_FALSE(dev.Read(path, 100).has_value()) << path;
  }
}

// Names that cannot be made from outside, so they are inside: said in docs/tools.md.
TEST_P(EscapeTest, AHardLinkIsAFileOfTheWorkspaceAndWritingUnlinksIt) {
  fs::create_hard_link(folder_.path() / "out/witness", folder_.path() / "in/hard");

  EXPECT_EQ(Try("read_file", R"({"path": "hard"})"), kSecret);
  EXPECT_EQ(Try("edit_file", R"({"path": "hard", "old": "weir", "new": "x"})"),
            "changed hard\n1: x-witness-4711");

  EXPECT_EQ(folder_.Get("out/witness"), kSecret);
}

INSTANTIATE_TEST_SUITE_P(Ways, EscapeTest,
                         testing::Values(Resolving::kByKernel, Resolving::kByParts));

}  // namespace
}  // namespace weir::agent
