#include "weir/agent/tools/root.h"

#include <atomic>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/stat.h>

#include "weir/agent/tools/tools_testing.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class RootTest : public testing::TestWithParam<Resolving> {
 protected:
  std::string Error(const auto& result) { return result ? "(none)" : result.error().message; }
  std::vector<std::string> Listed(std::string_view path, bool deep, std::size_t max = 100) {
    const auto entries = root_.List(path, deep, max);
    if (!entries) return {entries.error().message};
    std::vector<std::string> paths;
    for (const RootEntry& entry : *entries) {
      paths.push_back(StrCat(entry.path, entry.folder ? "/" : StrCat(" ", entry.bytes)));
    }
    return paths;
  }

  TestFolder folder_{GetParam() == Resolving::kByKernel ? "root-kernel" : "root-parts"};
  Root root_ = *Root::Open(folder_.in(), GetParam());
};

TEST_P(RootTest, ReadsAndWritesInside) {
  EXPECT_EQ(root_.folder(), folder_.in());
  ASSERT_TRUE(root_.Write("a/b/c.txt", "one").has_value());
  EXPECT_EQ(*root_.Read("a/b/c.txt", 100), "one");
  EXPECT_EQ(*root_.Read("./a//b/../b/./c.txt", 3), "one");
  ASSERT_TRUE(root_.Write("a/b/../../d.txt", "two").has_value());
  EXPECT_EQ(folder_.Get("in/d.txt"), "two");
  EXPECT_TRUE(*root_.Exists("a/b"));
  EXPECT_FALSE(*root_.Exists("a/x"));
  EXPECT_FALSE(*root_.Exists("d.txt/x"));
  EXPECT_THAT(Error(root_.Read("d.txt", 2)), HasSubstr("only files of up to 2 bytes"));
}

TEST_P(RootTest, ReplacesWholeFilesAndKeepsTheirMode) {
  const std::string file = folder_.Put("in/run.sh", "old");
  fs::permissions(file, fs::perms(0750));
  fs::create_hard_link(file, folder_.path() / "other-name");

  ASSERT_TRUE(root_.Write("run.sh", "new").has_value());

  EXPECT_EQ(folder_.Get("in/run.sh"), "new");
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0750));
  EXPECT_EQ(folder_.Get("other-name"), "old");
  EXPECT_THAT(Listed("", true), ElementsAre("run.sh 3"));  // nothing is left over
}

TEST_P(RootTest, ListsSortedAndWithoutGit) {
  for (const char* const name : {"b.txt", "a/z", "a/.hidden", ".git/config", "a/.git/x", "a-b"}) {
    folder_.Put(StrCat("in/", name), "123");
  }
  folder_.Link("a", "in/link");
  ASSERT_EQ(::mkfifo((folder_.in() + "/pipe").c_str(), 0600), 0);

  EXPECT_THAT(Listed("", false), ElementsAre("a/", "a-b 3", "b.txt 3", "link 1"));
  EXPECT_THAT(Listed(".", true),
              ElementsAre("a/", "a-b 3", "a/.hidden 3", "a/z 3", "b.txt 3", "link 1"));
  EXPECT_THAT(Listed("./a/", true), ElementsAre("a/.hidden 3", "a/z 3"));
  EXPECT_THAT(Listed("", true, 2), ElementsAre("a/", "a/.hidden 3"));
  EXPECT_THAT(Listed("b.txt", true), ElementsAre("'b.txt' is a file, not a folder"));
}

TEST_P(RootTest, SaysWhatMayHaveBeenMeant) {
  folder_.Put("in/src/parser.py", "");
  folder_.Put("in/README.md", "");
  const struct {
    const char* path;
    const char* message;
  } cases[] = {
      {"src/parsre.py",
       "there is no 'src/parsre.py' in the workspace; did you mean "
       "'src/parser.py'?"},
      {"parser.py", "did you mean 'src/parser.py'?"},
      {"Readme.md", "did you mean 'README.md'?"},
      {"something/else/entirely.txt", "list_files shows what there is"},
      {"src", "'src' is a folder; name a file in it"},
      {"README.md/x", "a file is used as a folder in the path 'README.md/x'"},
      {"", "the path is empty"},
  };
  for (const auto& one : cases) {
    EXPECT_THAT(Error(root_.Read(one.path, 100)), HasSubstr(one.message)) << one.path;
  }
  EXPECT_THAT(Error(root_.Read(folder_.in() + "/README.md", 100)),
              HasSubstr("is absolute; write it from the top of the workspace: 'README.md'"));
  EXPECT_THAT(Error(root_.Write("README.md/x", "")), HasSubstr("a file is used as a folder"));
  EXPECT_THAT(Error(root_.Write("src", "")), HasSubstr("is a folder"));
  EXPECT_THAT(Error(root_.Write("src/", "")), HasSubstr("is a folder"));
}

TEST_P(RootTest, LinksThatStayInsideAreTheKernelsToFollow) {
  folder_.Put("in/a/real.txt", "real");
  folder_.Link("a", "in/folder");
  folder_.Link("a/real.txt", "in/file");
  folder_.Link("../file", "in/a/back");

  const bool follows = GetParam() == Resolving::kByKernel;
  for (const char* const path : {"folder/real.txt", "file", "a/back"}) {
    const auto text = root_.Read(path, 100);
    EXPECT_EQ(text.has_value(), follows) << path;
    EXPECT_EQ(text ? *text : "real", "real");
  }
  EXPECT_EQ(root_.Write("a/back", "new").has_value(), follows);
  EXPECT_EQ(folder_.Get("in/a/real.txt"), follows ? "new" : "real");
  EXPECT_TRUE(fs::is_symlink(folder_.path() / "in/a/back"));
  EXPECT_EQ(root_.Write("folder/x.txt", "x").has_value(), follows);
}

// Another thread swaps a folder with a link that leads out, all the time.
TEST_P(RootTest, AFolderThatBecomesALinkMeanwhileLetsNothingOut) {
  folder_.Put("out/witness", "secret");
  folder_.Put("in/d/witness", "inside");
  folder_.Link("../out", "in/evil");
  std::atomic<bool> done = false;
  std::thread flipper([&] {
    const std::string one = folder_.in() + "/d";
    const std::string other = folder_.in() + "/evil";
    while (!done) ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
  });

  for (int i = 0; i < 1'000; ++i) {
    (void)root_.Write(StrCat("d/", i), "text");
    (void)root_.Write("d/new/file", "text");
    const auto text = root_.Read("d/witness", 100);
    EXPECT_EQ(text ? *text : "inside", "inside");
    const auto listed = root_.List("d", false, 3'000);
    for (const RootEntry& entry : listed ? *listed : std::vector<RootEntry>()) {
      EXPECT_TRUE(entry.path != "d/witness" || entry.bytes == 6) << entry.path;
    }
  }
  done = true;
  flipper.join();

  std::vector<std::string> outside;
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "out")) {
    outside.push_back(entry.path().filename().string());
  }
  EXPECT_THAT(outside, ElementsAre("witness"));
  EXPECT_EQ(folder_.Get("out/witness"), "secret");
}

TEST(RootOpenTest, NeedsAFolder) {
  const TestFolder folder("root-open");
  folder.Put("file", "");

  for (const char* const name : {"file", "missing"}) {
    const auto root = Root::Open((folder.path() / name).string());
    ASSERT_FALSE(root.has_value());
    EXPECT_EQ(root.error().code, Code::kConfigError);
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, RootTest,
                         testing::Values(Resolving::kByKernel, Resolving::kByParts));

}  // namespace
}  // namespace weir::agent
