#include "weir/agent/workspace/workspace.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/agent/tools/root.h"
#include "weir/agent/workspace/workspace_testing.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const Files kWorkspaceSource = {{"a.txt", "one\ntwo\nthree\n"},
                                {"bin/tool", "#!echo\n"},
                                {"sub/deep/b.txt", "b\n"},
                                {"link", "->a.txt"}};

class WorkspaceTest : public testing::Test {
 protected:
  WorkspaceTest() { WriteFiles(run_.source(), kWorkspaceSource); }

  bool Git(const std::string& arguments) const {
    return std::system(("git -C '" + run_.source() + "' -c user.name=x -c user.email=x@x " +
                        "-c init.defaultBranch=main " + arguments + " >/dev/null 2>&1")
                           .c_str()) == 0;
  }
  bool Commit() const { return Git("init") && Git("add -A") && Git("commit -m first"); }

  RunForTest run_;
};

TEST_F(WorkspaceTest, ARowGetsACopyAndTheSourceStaysAsItIs) {
  const auto store = run_.Open();
  const std::string row = store->Make("lint", "1", true).value();

  EXPECT_EQ(FilesIn(row), kWorkspaceSource);
  WriteFiles(row,
             {{"a.txt", "one\nTWO\nthree\n"}, {"new/c.txt", "c\nc\n"}, {"sub/deep/b.txt", ""}});
  EXPECT_EQ(FilesIn(run_.source()), kWorkspaceSource);
  EXPECT_EQ(FilesIn(store->Make("lint", "2", true).value()), kWorkspaceSource)
      << "rows see each other";

  const std::vector<Change> changes = store->Finish("lint", "1", {}).value();
  EXPECT_THAT(changes,
              ElementsAre(Change{.path = "a.txt", .lines_added = 1, .lines_removed = 1},
                          Change{.kind = ChangeKind::kAdded, .path = "new/c.txt", .lines_added = 2},
                          Change{.kind = ChangeKind::kDeleted,
                                 .path = "sub/deep/b.txt",
                                 .form = FileForm::kNone,
                                 .lines_removed = 1}));
  EXPECT_EQ(FilesIn(run_.run() + "/workspaces/lint/1.kept"),
            (Files{{"a.txt", "one\nTWO\nthree\n"}, {"new/c.txt", "c\nc\n"}}));
  EXPECT_FALSE(fs::exists(row));
  EXPECT_EQ(store->Finish("lint", "1", {}).value(), changes) << "a second time";
}

TEST_F(WorkspaceTest, LinksThatLeadOutAreLeftOutAndSaid) {
  WriteFiles(run_.source(), {{"up", "->../outside"},
                             {"whole", "->/etc/passwd"},
                             {"sub/near", "->../a.txt"},
                             {"sub/far", "->deep/../../../outside"}});
  const auto store = run_.Open();

  const Files files = FilesIn(store->Make("lint", "1", true).value());
  EXPECT_TRUE(files.contains("link") && files.contains("sub/near"));
  EXPECT_FALSE(files.contains("up") || files.contains("whole") || files.contains("sub/far"));
  EXPECT_THAT(store->notes(),
              ElementsAre(HasSubstr("without sub/far, up, whole: links that lead")));
}

TEST_F(WorkspaceTest, APartOfTheSourceIsCopiedWhereItStands) {
  WorkspaceStore::Options options = run_.options();
  options.only = "sub";
  const auto store = WorkspaceStore::Open(options).value();
  EXPECT_EQ(FilesIn(store->Make("lint", "1", true).value()), (Files{{"sub/deep/b.txt", "b\n"}}));

  WriteFiles(run_.source(), {{"other", "->sub"}});
  options.run_folder += "2";
  fs::create_directories(options.run_folder);
  options.only = "other/deep";
  EXPECT_THAT(WorkspaceStore::Open(options).error().message, HasSubstr("a link leads to "));
  options.only = "nowhere";
  EXPECT_THAT(WorkspaceStore::Open(options).error().message, HasSubstr("is no folder"));
}

TEST_F(WorkspaceTest, WhatCountsAsAChange) {
  const auto store = run_.Open();
  const std::string row = store->Make("lint", "1", true).value();
  WriteFiles(row, {{"a.txt", "#!one\ntwo\nthree\n"},
                   {"link", "->bin/tool"},
                   {"bin/tool", std::string("#!ec\0o\n", 7)}});
  fs::last_write_time(fs::path(row) / "sub/deep/b.txt", fs::file_time_type::clock::now());
  fs::create_directories(fs::path(row) / "empty");

  EXPECT_THAT(
      store->Finish("lint", "1", {}).value(),
      ElementsAre(
          Change{.path = "a.txt", .form = FileForm::kProgram},
          Change{.path = "bin/tool", .form = FileForm::kProgram, .binary = true},
          Change{.path = "link", .form = FileForm::kLink, .lines_added = 1, .lines_removed = 1}));
}

TEST_F(WorkspaceTest, AFinishedRowIsOpenedAgainWithWhatItHadChanged) {
  const auto store = run_.Open();
  const Files changed = {{"a.txt", "A\n"}, {"link", "->b"}};
  run_.Row(*store, "1", {{"a.txt", "A\n"}, {"link", "->b"}, {"sub/deep/b.txt", ""}});

  Files expected = kWorkspaceSource;
  expected.erase("sub/deep/b.txt");
  for (const auto& [path, text] : changed) expected[path] = text;
  EXPECT_EQ(FilesIn(store->Make("lint", "1", true).value()), expected);
  EXPECT_EQ(store->Finish("lint", "1", {}).value().size(), 3);
  EXPECT_EQ(FilesIn(store->Make("lint", "1", false).value()), kWorkspaceSource);
}

TEST_F(WorkspaceTest, ARowThatIsDoneAnewAndGivenUpHasWhatItHadMadeBefore) {
  const auto store = run_.Open();
  run_.Row(*store, "1", {{"a.txt", "A\n"}});
  const fs::path rows = fs::path(run_.run()) / "workspaces/lint";
  const Files before = FilesIn(rows / "1.kept");
  const std::string row = store->Make("lint", "1", false).value();
  EXPECT_EQ(FilesIn(row), kWorkspaceSource);
  EXPECT_FALSE(fs::exists(rows / "1.json"));
  WriteFiles(row, {{"a.txt", "half\n"}});
  ASSERT_TRUE(store->Make("lint", "1", false));  // another attempt
  ASSERT_TRUE(store->GiveUp("lint", "1"));
  EXPECT_EQ(FilesIn(rows / "1.kept"), before);
  EXPECT_EQ(store->Finish("lint", "1", {}).value().size(), 1);
  EXPECT_THAT(FilesIn(rows), testing::Not(testing::Contains(testing::Key(HasSubstr(".tmp")))));

  ASSERT_TRUE(store->GiveUp("lint", "1"));  // nothing lies aside
  EXPECT_EQ(FilesIn(rows / "1.kept"), before);
}

TEST_F(WorkspaceTest, ARowThatIsDoneAnewAndFinishedHasOnlyTheNew) {
  const auto store = run_.Open();
  run_.Row(*store, "1", {{"a.txt", "A\n"}, {"new.txt", "n\n"}});
  run_.Row(*store, "1", {{"a.txt", "B\n"}});
  const fs::path rows = fs::path(run_.run()) / "workspaces/lint";
  EXPECT_EQ(FilesIn(rows / "1.kept"), (Files{{"a.txt", "B\n"}}));
  EXPECT_THAT(FilesIn(rows), testing::SizeIs(2));
}

// Whenever it is killed: a row that was given up has all of what it had made, or the new.
TEST_F(WorkspaceTest, AKillAtAnyStepLosesNothingOfARowThatIsDoneAnew) {
  if (!CanKillAt()) GTEST_SKIP() << "processes may not be watched";
  const fs::path rows = fs::path(run_.run()) / "workspaces/lint";
  bool killed = true;
  for (int call = 0; killed; call += 1 + call / 20) {
    fs::remove_all(run_.run() + "/workspaces");
    run_.Row(*run_.Open(), "1", {{"a.txt", "A\n"}});
    killed = KilledAt(call, [&] {
      const auto store = WorkspaceStore::Open(run_.options());
      if (!store) ::_exit(1);
      const auto folder = (*store)->Make("lint", "1", false);
      if (!folder) ::_exit(1);
      WriteFiles(*folder, {{"a.txt", "B\n"}});
      if (!(*store)->Finish("lint", "1", {})) ::_exit(1);
    });
    const auto store = run_.Open();
    ASSERT_TRUE(store->GiveUp("lint", "1")) << "at call " << call;
    ASSERT_TRUE(fs::exists(rows / "1.kept")) << "at call " << call;
    const Files kept = FilesIn(rows / "1.kept");
    ASSERT_TRUE(kept == (Files{{"a.txt", "A\n"}}) || kept == (Files{{"a.txt", "B\n"}})) << call;
    ASSERT_TRUE(fs::exists(rows / "1.json")) << "at call " << call;
    ASSERT_EQ(store->Finish("lint", "1", {}).value().size(), 1) << "at call " << call;
  }
}

TEST_F(WorkspaceTest, RowsOfToolsThatOnlyReplaceShareTheFilesAndNotTheChanges) {
  auto options = run_.options();
  options.replacing = {"lint"};
  const auto store = RunForTest::Open(options);
  const std::string row = store->Make("lint", "1", true).value();
  const std::string other = store->Make("lint", "2", true).value();
  const std::string own = store->Make("format", "1", true).value();
  const fs::path base = fs::path(run_.run()) / "workspaces/base";
  EXPECT_TRUE(fs::equivalent(row + "/a.txt", base / "a.txt"));
  EXPECT_FALSE(fs::equivalent(own + "/a.txt", base / "a.txt")) << "a node of programs";
  EXPECT_FALSE(fs::equivalent(row + "/a.txt", run_.source() + "/a.txt"));

  {
    const Root root = *Root::Open(row);
    ASSERT_TRUE(root.Write("a.txt", "changed\n"));
    ASSERT_TRUE(root.Write("bin/tool", "changed\n"));
    ASSERT_TRUE(root.Write("link", "by a link\n"));
  }
  EXPECT_EQ(FilesIn(base), kWorkspaceSource);
  EXPECT_EQ(FilesIn(other), kWorkspaceSource);
  EXPECT_EQ(FilesIn(run_.source()), kWorkspaceSource);
  EXPECT_EQ(FilesIn(row).at("bin/tool"), "#!changed\n");
  EXPECT_EQ(store->Finish("lint", "1", {}).value().size(), 2);
  EXPECT_THAT(store->Finish("lint", "2", {}).value(), IsEmpty());
  EXPECT_EQ(FilesIn(base), kWorkspaceSource);
}

TEST_F(WorkspaceTest, NothingIsLeftOfARowThatIsDiscarded) {
  const auto store = run_.Open();
  run_.Row(*store, "1", {{"a.txt", "A\n"}});
  ASSERT_TRUE(store->Make("lint", "2", true));
  ASSERT_TRUE(store->Discard("lint", "1"));
  ASSERT_TRUE(store->Discard("lint", "2"));
  ASSERT_TRUE(store->Discard("lint", "3"));
  EXPECT_THAT(FilesIn(run_.run() + "/workspaces/lint"), IsEmpty());
}

TEST_F(WorkspaceTest, TheRunItselfIsNeverCopied) {
  auto options = run_.options();
  options.run_folder = run_.source() + "/runs/2";
  WriteFiles(run_.source(), {{"runs/1/run.json", "{}"}, {"runs/1/ledger", "x"}});
  WriteFiles(options.run_folder, {{"run.json", "{}"}, {"events.jsonl", "x"}});
  const auto store = RunForTest::Open(options);
  EXPECT_EQ(FilesIn(store->Make("lint", "1", true).value()), kWorkspaceSource);
}

TEST_F(WorkspaceTest, ASourceThatIsTooLargeIsRefusedWithItsLargestFolders) {
  auto options = run_.options();
  options.max_bytes = 1 << 20;
  WriteFiles(run_.source(), {{"data/x", std::string(3 << 20, 'x')}});
  const auto store = WorkspaceStore::Open(options);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::kConfigError);
  EXPECT_THAT(store.error().message, HasSubstr("the largest in it: data (3 MiB), "));

  options.max_bytes = 1 << 30;
  options.max_files = 3;
  EXPECT_THAT(WorkspaceStore::Open(options).error().message, HasSubstr("more than 3 files"));
}

TEST_F(WorkspaceTest, AFolderThatIsNotThereOrAnotherSourceIsRefused) {
  auto options = run_.options();
  options.source += "/nowhere";
  EXPECT_EQ(WorkspaceStore::Open(options).error().code, Code::kConfigError);
  EXPECT_TRUE(run_.Open());
  options.source = run_.folder().string() + "/run";
  EXPECT_THAT(WorkspaceStore::Open(options).error().message, HasSubstr("work on copies of"));
}

TEST_F(WorkspaceTest, InPlaceIsTheSource) {
  auto options = run_.options();
  options.mode = WorkspaceMode::kInPlace;
  const auto store = RunForTest::Open(options);
  EXPECT_EQ(store->Make("lint", "1", true).value(), fs::canonical(run_.source()).string());
  EXPECT_THAT(store->Finish("lint", "1", {}).value(), IsEmpty());
  EXPECT_FALSE(fs::exists(run_.run() + "/workspaces"));
}

TEST_F(WorkspaceTest, InARepositoryWhatGitIgnoresStaysOut) {
  WriteFiles(run_.source(), {{".gitignore", "*.o\n/build\n"}, {"untracked.txt", "u\n"}});
  if (!Commit()) GTEST_SKIP() << "there is no git";
  WriteFiles(run_.source(), {{"x.o", "o"}, {"build/out", "o"}, {"fresh.txt", "f\n"}, {"link", ""}});

  const auto store = run_.Open();
  const std::string row = store->Make("lint", "1", true).value();
  Files expected = kWorkspaceSource;
  expected.erase("link");
  expected.insert(
      {{".gitignore", "*.o\n/build\n"}, {"untracked.txt", "u\n"}, {"fresh.txt", "f\n"}});
  EXPECT_EQ(FilesIn(row), expected);
  EXPECT_FALSE(fs::exists(row + "/.git"));

  WriteFiles(row, {{"sub/y.o", "o"}, {"build/more", "o"}, {"y.txt", "y\n"}});
  const std::vector<Change> changes = store->Finish("lint", "1", {}).value();
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes.front().path, "y.txt");
}

TEST_F(WorkspaceTest, AWorktreeBeginsWithWhatIsThereAndLeavesNothingInTheRepository) {
  if (!Commit()) GTEST_SKIP() << "there is no git";
  WriteFiles(run_.source(), {{"a.txt", "changed\n"}, {"bin/tool", ""}, {"fresh.txt", "f\n"}});
  auto options = run_.options();
  options.mode = WorkspaceMode::kWorktree;
  const auto store = RunForTest::Open(options);
  const std::string row = store->Make("lint", "1", true).value();

  EXPECT_EQ(FilesIn(row), FilesIn(run_.source()));
  EXPECT_EQ(std::system(("git -C '" + row + "' log -1 >/dev/null").c_str()), 0);
  EXPECT_EQ(store->Make("lint", "1", true).value(), row);
  WriteFiles(row, {{"a.txt", "again\n"}});
  EXPECT_EQ(store->Finish("lint", "1", {}).value().size(), 1);
  ASSERT_TRUE(store->Make("lint", "2", true));
  ASSERT_TRUE(store->Discard("lint", "2"));
  EXPECT_FALSE(fs::exists(fs::path(run_.source()) / ".git/worktrees"));
}

TEST_F(WorkspaceTest, AWorktreeOfAFolderInsideARepositoryHasTheRestAround) {
  if (!Commit()) GTEST_SKIP() << "there is no git";
  auto options = run_.options();
  options.mode = WorkspaceMode::kWorktree;
  options.source += "/sub";
  const auto store = RunForTest::Open(options);
  const std::string row = store->Make("lint", "1", true).value();
  EXPECT_EQ(FilesIn(row), (Files{{"deep/b.txt", "b\n"}}));
  EXPECT_TRUE(fs::exists(row + "/../a.txt"));
  WriteFiles(row, {{"deep/b.txt", "B\n"}});
  EXPECT_EQ(store->Finish("lint", "1", {}).value().front().path, "deep/b.txt");
}

TEST_F(WorkspaceTest, LinksThatLeadOutOfAWorktreeAreLeftOutEverywhereInIt) {
  fs::create_directories(run_.folder() / "outside");
  WriteFiles(run_.source(), {{"out", "->../outside"},
                             {"whole", "->" + run_.source() + "/a.txt"},
                             {"deep/up", "->../../../outside"},
                             {"beside", "->sub/deep/b.txt"},
                             {"sub/out", "->../../outside"},
                             {"sub/to-root", "->../a.txt"}});
  if (!Commit()) GTEST_SKIP() << "there is no git";
  auto options = run_.options();
  options.mode = WorkspaceMode::kWorktree;
  options.source += "/sub";
  const auto store = RunForTest::Open(options);
  const std::string row = store->Make("lint", "1", true).value();
  EXPECT_EQ(FilesIn(row), (Files{{"deep/b.txt", "b\n"}}));
  for (const char* const gone : {"out", "whole", "deep/up"}) {
    EXPECT_FALSE(fs::is_symlink(fs::symlink_status(StrCat(row, "/../", gone)))) << gone;
  }
  EXPECT_TRUE(fs::is_symlink(row + "/../beside"));
  EXPECT_TRUE(fs::is_symlink(row + "/../link"));
  EXPECT_THAT(store->Finish("lint", "1", {}).value(), IsEmpty());
}

TEST_F(WorkspaceTest, WithoutGitThereAreNoWorktrees) {
  auto options = run_.options();
  options.mode = WorkspaceMode::kWorktree;
  const auto store = WorkspaceStore::Open(options);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("workspace: copy"));
}

// Whenever it is killed: the source is as it was, and what the next one makes is whole.
TEST_F(WorkspaceTest, AKillAtAnyStepLeavesNoHalfOfACopy) {
  if (!CanKillAt()) GTEST_SKIP() << "processes may not be watched";
  const Files changes = {{"a.txt", "A\n"}, {"bin/tool", ""}, {"new.txt", "n\n"}};
  Files after = kWorkspaceSource;
  after["a.txt"] = "A\n";
  after["new.txt"] = "n\n";
  after.erase("bin/tool");
  bool killed = true;
  for (int call = 0; killed; call += 1 + call / 40) {
    fs::remove_all(run_.run() + "/workspaces");
    killed = KilledAt(call, [&] {
      const auto store = WorkspaceStore::Open(run_.options());
      if (!store) ::_exit(1);
      const auto folder = (*store)->Make("lint", "1", true);
      if (!folder) ::_exit(1);
      WriteFiles(*folder, changes);
      if (!(*store)->Finish("lint", "1", {})) ::_exit(1);
    });
    ASSERT_EQ(FilesIn(run_.source()), kWorkspaceSource);
    const auto store = run_.Open();
    ASSERT_EQ(FilesIn(run_.run() + "/workspaces/base"), kWorkspaceSource) << "at call " << call;
    const std::string row = store->Make("lint", "1", true).value();
    for (const auto& [path, text] : FilesIn(row)) {
      // Only what the tool itself had half written may be neither the old nor the new.
      ASSERT_TRUE(changes.contains(path) || kWorkspaceSource.at(path) == text)
          << call << " " << path;
    }
    WriteFiles(row, changes);
    ASSERT_EQ(store->Finish("lint", "1", {}).value().size(), 3) << "at call " << call;
    ASSERT_EQ(FilesIn(store->Make("lint", "1", true).value()), after) << "at call " << call;
  }
}

TEST_F(WorkspaceTest, AKillAtAnyStepLeavesNoHalfOfAWorktree) {
  if (!Commit()) GTEST_SKIP() << "there is no git";
  if (!CanKillAt()) GTEST_SKIP() << "processes may not be watched";
  auto options = run_.options();
  options.mode = WorkspaceMode::kWorktree;
  bool killed = true;
  for (int call = 0; killed; call += 41) {
    killed = KilledAt(call, [&] {
      const auto store = WorkspaceStore::Open(options);
      if (!store || !(*store)->Make("lint", "1", true)) ::_exit(1);
      if (!(*store)->Finish("lint", "1", {})) ::_exit(1);
    });
    const auto store = RunForTest::Open(options);
    const std::string row = store->Make("lint", "1", true).value();
    ASSERT_EQ(FilesIn(row), kWorkspaceSource) << "at call " << call;
    ASSERT_EQ(std::system(("git -C '" + row + "' status >/dev/null").c_str()), 0);
    ASSERT_THAT(store->Finish("lint", "1", {}).value(), IsEmpty()) << "at call " << call;
    ASSERT_TRUE(store->Discard("lint", "1"));
    ASSERT_FALSE(fs::exists(fs::path(run_.source()) / ".git/worktrees")) << "at call " << call;
  }
}

struct NameCase {
  const char* row;
  const char* begin;
};

TEST(FolderNameTest, PlainNamesStayAndOthersAreMadeSafe) {
  for (const char* plain : {"0", "a.py", "row-7_b", "x.yaml"})
    EXPECT_EQ(FolderNameOf(plain), plain);
  const NameCase cases[] = {{"", "~"},
                            {"..", "_.~"},
                            {".", "_~"},
                            {"src/a.py", "src_a.py~"},
                            {"../../x", "_._.._x~"},
                            {"naïve", "na_ve~"},
                            {"a b", "a_b~"},
                            {"-rf", "-rf~"},
                            {"x.json", "x.json~"},
                            {"x.tmp", "x.tmp~"},
                            {"x.kept", "x.kept~"},
                            {".hidden", "_hidden~"}};
  for (const NameCase& at : cases) {
    const std::string name = FolderNameOf(at.row);
    EXPECT_THAT(name, StartsWith(at.begin));
    EXPECT_THAT(name, Not(HasSubstr("/")));
    EXPECT_EQ(name.size(), std::string_view(at.begin).size() + 16);
  }
  const std::string length(5000, 'x');
  EXPECT_LT(FolderNameOf(length).size(), 100);
  EXPECT_NE(FolderNameOf(length), FolderNameOf(length + "x"));
  EXPECT_NE(FolderNameOf("a/b"), FolderNameOf("a b"));
}

}  // namespace
}  // namespace weir::agent
