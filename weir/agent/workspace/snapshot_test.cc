#include "weir/agent/workspace/snapshot.h"

#include <array>
#include <barrier>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/agent/workspace/review.h"
#include "weir/agent/workspace/workspace_testing.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() { WriteFiles(run_.source(), {{"a.txt", "one\n"}, {"b.txt", "b\n"}}); }

  // As the workers of a queue open its folder.
  std::unique_ptr<WorkspaceStore> OpenPresent() const {
    WorkspaceStore::Options options = run_.options();
    options.present = true;
    return RunForTest::Open(std::move(options));
  }
  void Change(const Files& files) const { WriteFiles(run_.source(), files); }

  std::vector<std::string> Snapshots() const {
    std::vector<std::string> ids;
    for (const auto& entry : fs::directory_iterator(run_.run() + "/workspaces/.snapshots")) {
      if (entry.is_directory()) ids.push_back(entry.path().filename().string());
    }
    return ids;
  }
  std::string DiffOf(std::string_view row) const {
    const auto review = Review::Open(run_.run());
    EXPECT_TRUE(review) << review.error().message << review.error().cause;
    const ReviewItem* item = (*review)->Find("lint", row).value();
    return item == nullptr ? "" : (*review)->Diff(*item).value();
  }

  RunForTest run_;
};

TEST_F(SnapshotTest, WhoOpenAtOnceShareOneWholeSnapshot) {
  Files files;
  for (int i = 0; i < 300; ++i) files[StrCat("many/", i, ".txt")] = "x\n";
  WriteFiles(run_.source(), files);
  files.insert({{"a.txt", "one\n"}, {"b.txt", "b\n"}});
  for (const bool present : {false, true}) {
    fs::remove_all(run_.run() + "/workspaces");
    constexpr int kWorkers = 4;
    std::barrier together(kWorkers);
    std::array<std::string, kWorkers> problems;
    std::array<Files, kWorkers> rows;
    {
      std::vector<std::jthread> workers;
      workers.reserve(kWorkers);
      for (std::size_t i = 0; i < kWorkers; ++i) {
        workers.emplace_back([&, i] {
          WorkspaceStore::Options options = run_.options();
          options.present = present;
          together.arrive_and_wait();
          for (bool busy = true; busy;) {
            busy = false;
            const auto store = WorkspaceStore::Open(options, &busy);
            if (store) rows[i] = FilesIn((*store)->Make("lint", StrCat(i), false).value());
            if (!store && !busy) problems[i] = store.error().message + store.error().cause;
          }
        });
      }
    }
    EXPECT_THAT(problems, Each(IsEmpty()));
    EXPECT_THAT(rows, Each(files)) << "present: " << present;
    if (present) {
      EXPECT_THAT(Snapshots(), SizeIs(1));
    }
  }
}

TEST_F(SnapshotTest, WhatIsOpenedForAQueueBeginsFromTheSourceAsItIs) {
  const auto first = OpenPresent();
  run_.Row(*first, "1", {{"a.txt", "one\nmore\n"}});
  Change({{"a.txt", "zero\none\n"}, {"new.txt", "n\n"}, {"b.txt", ""}});
  const auto second = OpenPresent();
  EXPECT_EQ(FilesIn(second->Make("lint", "2", false).value()),
            (Files{{"a.txt", "zero\none\n"}, {"new.txt", "n\n"}}));
  EXPECT_EQ(FilesIn(first->Make("lint", "3", false).value()),
            (Files{{"a.txt", "one\n"}, {"b.txt", "b\n"}}))
      << "who is at work goes on with what it opened";
  EXPECT_THAT(DiffOf("1"), HasSubstr("@@ -1 +1,2 @@\n one\n+more\n"));
}

TEST_F(SnapshotTest, AnAcceptMergesWithWhatTheRowBeganFrom) {
  run_.Row(*OpenPresent(), "1", {{"a.txt", "one\nmore\n"}});
  Change({{"b.txt", "B\n"}});
  run_.Row(*OpenPresent(), "2", {{"b.txt", "B\nb\n"}});
  const auto review = Review::Open(run_.run()).value();
  for (const ReviewItem& item : review->items()) {
    EXPECT_THAT(review->Accept(item, {}).value(), IsEmpty());
  }
  EXPECT_EQ(FilesIn(run_.source()), (Files{{"a.txt", "one\nmore\n"}, {"b.txt", "B\nb\n"}}));
}

TEST_F(SnapshotTest, ARowThatIsAtWorkIsComparedWithWhatItBeganFrom) {
  WriteFiles(OpenPresent()->Make("lint", "1", false).value(), {{"a.txt", "two\n"}});
  Change({{"b.txt", "B\n"}});
  const auto store = OpenPresent();
  const std::string row = store->Make("lint", "1", true).value();
  EXPECT_EQ(FilesIn(row), (Files{{"a.txt", "two\n"}, {"b.txt", "b\n"}})) << "it goes on";
  EXPECT_THAT(store->Finish("lint", "1", {}).value(), SizeIs(1));
  EXPECT_EQ(FilesIn(store->Make("lint", "1", true).value()),
            (Files{{"a.txt", "two\n"}, {"b.txt", "b\n"}}))
      << "once more, with what it had changed";
  EXPECT_EQ(FilesIn(store->Make("lint", "1", false).value()),
            (Files{{"a.txt", "one\n"}, {"b.txt", "B\n"}}))
      << "anew";
}

TEST_F(SnapshotTest, SnapshotsThatNobodyUsesGo) {
  run_.Row(*OpenPresent(), "changed", {{"a.txt", "two\n"}});
  Change({{"b.txt", "2\n"}});
  ASSERT_TRUE(OpenPresent()->Make("lint", "at work", false));
  Change({{"b.txt", "3\n"}});
  run_.Row(*OpenPresent(), "nothing changed", {});
  Change({{"b.txt", "4\n"}});
  const auto open = OpenPresent();
  EXPECT_THAT(Snapshots(), SizeIs(3)) << "the third has gone";
  Change({{"b.txt", "5\n"}});
  ASSERT_TRUE(OpenPresent()->Discard("lint", "at work"));
  EXPECT_THAT(Snapshots(), SizeIs(4)) << "one is open";
  Change({{"b.txt", "6\n"}});
  ASSERT_TRUE(OpenPresent());
  EXPECT_THAT(Snapshots(), SizeIs(3)) << "of the row that changed something, the open one, the new";
  EXPECT_THAT(DiffOf("changed"), HasSubstr("+two"));
  EXPECT_TRUE(open->Make("lint", "later", false));
}

TEST_F(SnapshotTest, ARunGoesOnWithTheSourceAsItWas) {
  run_.Row(*run_.Open(), "1", {{"a.txt", "two\n"}});
  Change({{"b.txt", "B\n"}});
  EXPECT_EQ(FilesIn(run_.Open()->Make("lint", "2", false).value()),
            (Files{{"a.txt", "one\n"}, {"b.txt", "b\n"}}));
  EXPECT_FALSE(fs::exists(run_.run() + "/workspaces/.snapshots"));
  EXPECT_FALSE(fs::exists(run_.run() + "/workspaces/lint/2.base.part"));
}

// A queue whose folder an earlier version has made.
TEST_F(SnapshotTest, RowsOfAFolderWithOneSnapshotStayComparedWithIt) {
  run_.Row(*run_.Open(), "1", {{"a.txt", "two\n"}});
  WriteFiles(run_.Open()->Make("lint", "2", false).value(), {{"a.txt", "three\n"}});
  Change({{"a.txt", "changed\n"}});
  const auto store = OpenPresent();
  EXPECT_THAT(DiffOf("1"), HasSubstr("-one\n+two\n"));
  EXPECT_EQ(FilesIn(store->Make("lint", "2", true).value()).at("a.txt"), "three\n");
  ASSERT_TRUE(store->Finish("lint", "2", {}));
  EXPECT_THAT(DiffOf("2"), HasSubstr("-one\n+three\n"));
}

TEST_F(SnapshotTest, WhatAKilledOneLeftIsTakenAwayAndReadByNobody) {
  run_.Row(*OpenPresent(), "1", {{"a.txt", "two\n"}});
  const std::string root = run_.run() + "/workspaces";
  WriteFiles(root, {{"base-1.tmp/package.json", "[]"},
                    {".snapshots/0.tmp/package.json", "[]"},
                    {".snapshots/package.json", "[]"}});
  EXPECT_THAT(DiffOf("1"), HasSubstr("+two")) << "a review";
  Change({{"b.txt", "B\n"}});
  ASSERT_TRUE(OpenPresent());
  EXPECT_FALSE(fs::exists(root + "/base-1.tmp"));
  EXPECT_FALSE(fs::exists(root + "/.snapshots/0.tmp"));
}

TEST_F(SnapshotTest, WhatWorkersWriteIsNotOfTheSource) {
  WorkspaceStore::Options options = run_.options();
  options.present = true;
  options.without = {run_.source() + "/jobs.db", run_.source() + "/answers"};
  const auto rows = [&] {
    return FilesIn(RunForTest::Open(options)->Make("lint", "1", false).value());
  };
  WriteFiles(run_.source(), {{"jobs.db", "1"}, {"answers/w", "1"}, {"jobs.dbx", "x"}});
  const Files source = {{"a.txt", "one\n"}, {"b.txt", "b\n"}, {"jobs.dbx", "x"}};
  EXPECT_EQ(rows(), source);
  WriteFiles(run_.source(), {{"jobs.db", "2"}, {"answers/w", "2"}});
  EXPECT_EQ(rows(), source);
  EXPECT_THAT(Snapshots(), SizeIs(1));
}

}  // namespace
}  // namespace weir::agent
