#include "weir/agent/workspace/review.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/agent/workspace/workspace_testing.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/files.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Files kReviewSource = {
    {"a.txt", "1\n2\n3\n4\n5\n"}, {"bin/tool", "#!echo\n"}, {"sub/b.txt", "b\n"}, {"z.txt", "z\n"}};

class ReviewTest : public testing::Test {
 protected:
  ReviewTest() {
    WriteFiles(run_.source(), kReviewSource);
    store_ = run_.Open();
  }

  std::unique_ptr<Review> Open() const {
    Result<std::unique_ptr<Review>> review = Review::Open(run_.run());
    EXPECT_TRUE(review) << review.error().message << review.error().cause;
    return review ? *std::move(review) : nullptr;
  }
  void Row(std::string_view row, const Files& changes) { run_.Row(*store_, row, changes); }
  static const ReviewItem& Item(Review& review, std::string_view row) {
    return **review.Find("lint", row);
  }
  static std::vector<Conflict> Accept(Review& review, std::string_view row,
                                      const AcceptOptions& options = {}) {
    Result<std::vector<Conflict>> conflicts = review.Accept(Item(review, row), options);
    EXPECT_TRUE(conflicts) << conflicts.error().message << conflicts.error().cause;
    return conflicts ? *std::move(conflicts) : std::vector<Conflict>();
  }
  Files Tree() const { return FilesIn(run_.source()); }
  static Files With(const Files& changes) {
    Files files = kReviewSource;
    for (const auto& [path, text] : changes) {
      files[path] = text;
      if (text.empty()) files.erase(path);
    }
    return files;
  }

  RunForTest run_;
  std::unique_ptr<WorkspaceStore> store_;
};

TEST_F(ReviewTest, OneIsAcceptedOneRejectedOneSentBackAndARestartKnowsIt) {
  const Files wanted = {{"a.txt", "1\nTWO\n3\n4\n5\n"}, {"new/c.txt", "#!c\n"}, {"sub/b.txt", ""}};
  Row("2", wanted);
  Row("10", {{"a.txt", "rejected\n"}});
  Row("1", {{"a.txt", "again\n"}});
  {
    const auto review = Open();
    ASSERT_THAT(review->items(), SizeIs(3));
    EXPECT_EQ(review->items()[1].row, "2");
    EXPECT_EQ(review->items()[2].row, "10");
    EXPECT_THAT(Accept(*review, "2"), IsEmpty());
    EXPECT_TRUE(review->Reject(Item(*review, "10")));
    EXPECT_TRUE(review->Retry(Item(*review, "1"), *json::Read(R"({"max_turns":30})")));
    EXPECT_EQ(review->items()[1].state, ReviewState::kAccepted);
  }
  EXPECT_EQ(Tree(), With(wanted));
  EXPECT_FALSE(fs::exists(run_.source() + "/sub"));

  const auto again = Open();
  EXPECT_EQ(Item(*again, "2").state, ReviewState::kAccepted);
  EXPECT_EQ(Item(*again, "10").state, ReviewState::kRejected);
  EXPECT_EQ(Item(*again, "1").state, ReviewState::kRetrying);
  EXPECT_EQ(again->Accept(Item(*again, "2"), {}).error().code, Code::kInvalidRequest);
  EXPECT_EQ(again->Reject(Item(*again, "2")).error().code, Code::kInvalidRequest);
  EXPECT_EQ(again->Accept(Item(*again, "10"), {}).error().code, Code::kInvalidRequest);
}

TEST_F(ReviewTest, ARowThatWasSentBackIsPendingWhenItIsFinishedAgain) {
  Row("1", {{"a.txt", "A\n"}});
  {
    const auto review = Open();
    ASSERT_TRUE(review->Retry(Item(*review, "1"), *json::Read(R"({"max_turns":30})")));
  }
  std::vector<RetriedRow> rows = RetriedRows(run_.run()).value();
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].row, "1");
  EXPECT_EQ(json::Write(rows[0].overrides), R"({"max_turns":30})");

  ASSERT_TRUE(store_->Make("lint", "1", false));
  EXPECT_THAT(RetriedRows(run_.run()).value(), SizeIs(1)) << "it is at work";
  ASSERT_TRUE(store_->Finish("lint", "1", {}));
  EXPECT_THAT(RetriedRows(run_.run()).value(), IsEmpty());
  EXPECT_EQ(Open()->items().front().state, ReviewState::kPending);
}

TEST_F(ReviewTest, ARowThatWasSentBackAndGivenUpIsPendingAndNotTriedAgain) {
  Row("1", {{"a.txt", "A\n"}});
  {
    const auto review = Open();
    ASSERT_TRUE(review->Retry(Item(*review, "1"), {}));
  }
  ASSERT_TRUE(store_->Make("lint", "1", false));
  ASSERT_TRUE(store_->GiveUp("lint", "1"));
  EXPECT_THAT(RetriedRows(run_.run()).value(), IsEmpty());
  const auto review = Open();
  ASSERT_THAT(review->items(), SizeIs(1));
  EXPECT_EQ(review->items().front().state, ReviewState::kPending);
  EXPECT_THAT(Accept(*review, "1"), IsEmpty());
  EXPECT_EQ(Tree(), With({{"a.txt", "A\n"}}));
}

TEST_F(ReviewTest, LookingNeedsNoLockAndDecidesNothing) {
  Row("1", {{"a.txt", "A\n"}});
  Row("2", {{"z.txt", "Z\n"}});
  EXPECT_TRUE(Review::Look(run_.run())) << "before there is a journal";
  EXPECT_FALSE(fs::exists(run_.run() + "/workspaces/review"));
  const auto review = Open();
  ASSERT_TRUE(review->Reject(Item(*review, "2")));
  EXPECT_FALSE(Review::Open(run_.run())) << "one review at a time";

  const auto looked = Review::Look(run_.run());
  ASSERT_TRUE(looked) << looked.error().message;
  EXPECT_EQ((*looked)->items()[1].state, ReviewState::kRejected);
  EXPECT_THAT((*looked)->Diff((*looked)->items()[0]).value(), HasSubstr("+A"));
  EXPECT_EQ((*looked)->Reject((*looked)->items()[0]).error().code, Code::kInvalidRequest);
  EXPECT_FALSE((*looked)->Accept((*looked)->items()[0], {}));
  EXPECT_EQ(Tree(), kReviewSource);
}

TEST_F(ReviewTest, TheTitleOfARowIsKept) {
  ASSERT_TRUE(store_->Make("lint", "1", false));
  ASSERT_TRUE(store_->Finish("lint", "1", {.result = {}, .title = "src/a.py:Account.pay"}));
  EXPECT_EQ(Open()->items().front().title, "src/a.py:Account.pay");
}

TEST_F(ReviewTest, ChangesOfTwoRowsMergeWhereTheyDoNotTouch) {
  Row("1", {{"a.txt", "ONE\n2\n3\n4\n5\n"}});
  Row("2", {{"a.txt", "1\n2\n3\n4\nFIVE\n"}});
  const auto review = Open();
  EXPECT_THAT(Accept(*review, "1"), IsEmpty());
  EXPECT_THAT(Accept(*review, "2"), IsEmpty());
  EXPECT_EQ(Tree(), With({{"a.txt", "ONE\n2\n3\n4\nFIVE\n"}}));
}

TEST_F(ReviewTest, AConflictWritesNothingUnlessItIsAskedFor) {
  Row("1", {{"a.txt", "ONE\n2\n3\n4\n5\n"}});
  Row("2", {{"a.txt", "UNO\n2\n3\n4\n5\n"}, {"z.txt", "Z\n"}});
  const auto review = Open();
  ASSERT_THAT(Accept(*review, "1"), IsEmpty());
  const Files before = Tree();

  const std::vector<Conflict> conflicts = Accept(*review, "2");
  ASSERT_THAT(conflicts, SizeIs(1));
  EXPECT_EQ(conflicts[0].path, "a.txt");
  EXPECT_THAT(conflicts[0].text, HasSubstr("<<<<<<< the tree\nONE\n=======\nUNO\n>>>>>>> row 2\n"));
  EXPECT_EQ(Tree(), before);
  EXPECT_EQ(Item(*review, "2").state, ReviewState::kPending);

  EXPECT_THAT(Accept(*review, "2", {.write_conflicts = true}), SizeIs(1));
  EXPECT_EQ(Tree(), With({{"a.txt", conflicts[0].text}, {"z.txt", "Z\n"}}));
  EXPECT_EQ(Item(*review, "2").state, ReviewState::kAccepted);
}

TEST_F(ReviewTest, AFileMayBecomeAFolderAndAFolderAFile) {
  Row("1", {{"z.txt", ""}, {"z.txt/inside", "i\n"}, {"sub/b.txt", ""}});
  Row("2", {{"sub/b.txt", ""}, {"sub", "now a file\n"}});
  const auto review = Open();
  EXPECT_THAT(Accept(*review, "2"), IsEmpty());
  EXPECT_THAT(Accept(*review, "1"), IsEmpty());
  EXPECT_EQ(
      Tree(),
      With({{"sub/b.txt", ""}, {"sub", "now a file\n"}, {"z.txt", ""}, {"z.txt/inside", "i\n"}}));
}

TEST_F(ReviewTest, ALinkOnTheWayIsNotFollowed) {
  Row("1", {{"sub/b.txt", "B\n"}, {"sub/more.txt", "m\n"}});
  fs::remove_all(run_.source() + "/sub");
  fs::create_directories(run_.folder() / "outside");
  fs::create_symlink(run_.folder() / "outside", run_.source() + "/sub");
  const auto review = Open();
  const std::vector<Conflict> conflicts = Accept(*review, "1");
  ASSERT_THAT(conflicts, SizeIs(2));
  EXPECT_THAT(conflicts[0].why, HasSubstr("sub is no folder"));
  EXPECT_THAT(FilesIn(run_.folder() / "outside"), IsEmpty());
}

TEST_F(ReviewTest, PermissionsOfTheTreeStay) {
  fs::permissions(run_.source() + "/a.txt", fs::perms::owner_read | fs::perms::owner_write);
  Row("1", {{"a.txt", "A\n"}});
  const auto review = Open();
  EXPECT_THAT(Accept(*review, "1"), IsEmpty());
  EXPECT_EQ(fs::status(run_.source() + "/a.txt").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(ReviewTest, GitAppliesTheDiff) {
  Row("1", {{"a.txt", "1\nTWO\n3\n4\n5"},
            {"bin/tool", "echo\n"},
            {"sub/b.txt", ""},
            {"with a blank.txt", "x\n"},
            {"link", "->a.txt"}});
  const auto review = Open();
  const std::string diff = review->Diff(Item(*review, "1")).value_or("");
  EXPECT_THAT(diff, HasSubstr("--- a/a.txt\n+++ b/a.txt\n"));
  const std::string file = run_.folder().string() + "/diff";
  ASSERT_TRUE(store::ReplaceFile(file, diff));
  if (std::system("git --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no git";
  ASSERT_EQ(std::system(StrCat("cd '", run_.source(), "' && git apply '", file, "'").c_str()), 0)
      << diff;
  EXPECT_EQ(Tree(), With({{"a.txt", "1\nTWO\n3\n4\n5"},
                          {"bin/tool", "echo\n"},
                          {"sub/b.txt", ""},
                          {"with a blank.txt", "x\n"},
                          {"link", "->a.txt"}}));
}

TEST_F(ReviewTest, BinaryFilesAreALineOfTheDiff) {
  Row("1", {{"z.txt", std::string("z\0", 2)}});
  const auto review = Open();
  EXPECT_THAT(review->Diff(Item(*review, "1")).value_or(""),
              HasSubstr("Binary files a/z.txt and b/z.txt differ\n"));
}

TEST_F(ReviewTest, ARowIsAcceptedRightAfterItWasFinished) {
  const auto review = Open();
  EXPECT_EQ(review->Find("lint", "5").value(), nullptr);
  Row("5", {{"a.txt", "A\n"}});
  EXPECT_THAT(Accept(*review, "5"), IsEmpty());
  EXPECT_EQ(Tree(), With({{"a.txt", "A\n"}}));
}

TEST_F(ReviewTest, OneReviewAtATime) {
  const auto review = Open();
  const auto second = Review::Open(run_.run());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("is in use by"));
}

TEST_F(ReviewTest, WhatIsNoRunIsRefused) {
  const auto none = Review::Open(run_.folder().string());
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("is no run folder"));
  fs::remove_all(run_.run() + "/workspaces");
  EXPECT_THAT(Review::Open(run_.run()).error().message, HasSubstr("has no workspaces"));
  EXPECT_THAT(RetriedRows(run_.run()).value(), IsEmpty());
}

TEST_F(ReviewTest, AKillAtAnyStepOfAnAcceptIsMendedByTheNextReview) {
  if (!CanKillAt()) GTEST_SKIP() << "processes may not be watched";
  const Files wanted = {{"a.txt", "1\n2\n3\n4\nFIVE\n"},
                        {"bin/tool", "echo\n"},
                        {"new/c.txt", "c\n"},
                        {"sub/b.txt", ""}};
  Row("1", wanted);
  const Files changed = {{"a.txt", "ONE\n2\n3\n4\n5\n"}};
  Files after = With(wanted);
  after["a.txt"] = "ONE\n2\n3\n4\nFIVE\n";
  fs::copy(run_.run(), run_.folder() / "saved", fs::copy_options::recursive);
  bool killed = true;
  int mended = 0;
  for (int call = 0; killed; call += 1 + call / 60) {
    fs::remove_all(run_.source());
    fs::create_directories(run_.source());
    WriteFiles(run_.source(), With(changed));
    fs::remove_all(run_.run());
    fs::copy(run_.folder() / "saved", run_.run(), fs::copy_options::recursive);
    killed = KilledAt(call, [&] {
      const auto review = Review::Open(run_.run());
      if (!review || !(*review)->Accept(**(*review)->Find("lint", "1"), {})) ::_exit(1);
    });
    const auto review = Open();
    const ReviewItem& item = Item(*review, "1");
    mended += review->notes().empty() ? 0 : 1;
    if (item.state == ReviewState::kPending) {
      ASSERT_EQ(Tree(), With(changed)) << "at call " << call;
      ASSERT_THAT(Accept(*review, "1"), IsEmpty());
    }
    ASSERT_EQ(Tree(), after) << "at call " << call;
  }
  EXPECT_GT(mended, 10);
}

TEST_F(ReviewTest, AnAcceptThatConflictsAfterItsKillIsGivenUpAndSaysSo) {
  if (!CanKillAt()) GTEST_SKIP() << "processes may not be watched";
  Row("1", {{"a.txt", "A\n"}, {"z.txt", "Z\n"}});
  fs::copy(run_.run(), run_.folder() / "saved", fs::copy_options::recursive);
  for (int call = 40;; ++call) {
    WriteFiles(run_.source(), kReviewSource);
    fs::remove_all(run_.run());
    fs::copy(run_.folder() / "saved", run_.run(), fs::copy_options::recursive);
    ASSERT_TRUE(KilledAt(call, [&] {
      const auto review = Review::Open(run_.run());
      if (review) (void)(*review)->Accept(**(*review)->Find("lint", "1"), {});
    })) << "it was never killed between two files";
    if (Tree().at("a.txt") == "A\n" && Tree().at("z.txt") == "z\n") break;
  }
  WriteFiles(run_.source(), {{"z.txt", "by a person\n"}});
  const auto review = Open();
  ASSERT_THAT(review->notes(), SizeIs(1));
  EXPECT_THAT(review->notes()[0], HasSubstr("z.txt conflicts by now"));
  EXPECT_EQ(Item(*review, "1").state, ReviewState::kPending);
  EXPECT_EQ(Tree(), With({{"a.txt", "A\n"}, {"z.txt", "by a person\n"}}));
}

TEST_F(ReviewTest, AJournalThatIsCutAnywhereOpensWithTheDecisionsBefore) {
  Row("1", {{"a.txt", "A\n"}});
  Row("2", {{"z.txt", "Z\n"}});
  {
    const auto review = Open();
    ASSERT_TRUE(review->Reject(Item(*review, "1")));
    ASSERT_TRUE(review->Retry(Item(*review, "2"), *json::Read(R"({"a":1})")));
  }
  const std::string path = run_.run() + "/workspaces/review";
  const std::string bytes = store::ReadFile(path, 1 << 20).value().value_or("");
  std::size_t decided = 0;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    std::ofstream(path, std::ios::binary) << bytes.substr(0, size);
    const auto review = Review::Open(run_.run());
    if (!review) {
      EXPECT_THAT(review.error().message, HasSubstr("review")) << size;
      continue;
    }
    const auto is_decided = [](const ReviewItem& item) {
      return item.state != ReviewState::kPending;
    };
    const auto now =
        static_cast<std::size_t>(std::ranges::count_if((*review)->items(), is_decided));
    EXPECT_GE(now, decided) << size;
    decided = now;
  }
  EXPECT_EQ(decided, 2);
}

}  // namespace
}  // namespace weir::agent
