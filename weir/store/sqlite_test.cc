#include "weir/store/sqlite.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace weir::store {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

class SqliteTest : public testing::Test {
 protected:
  SqliteTest() { fs::create_directories(folder_); }
  ~SqliteTest() override { fs::remove_all(folder_); }

  Result<Sqlite> Open(Duration patience = 30s) const {
    return Sqlite::Open(path_, {.patience = patience});
  }
  static std::int64_t Number(Sqlite& db, std::string_view sql) {
    auto query = db.Query(sql);
    const auto row = query.Next();
    EXPECT_TRUE(row && *row) << (row ? "no row" : row.error().cause);
    return query.Int(0);
  }

  fs::path folder_ =
      fs::temp_directory_path() / ("weir-sqlite-" + std::to_string(::getpid()) + "-" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  std::string path_ = (folder_ / "file.db").string();
};

TEST_F(SqliteTest, EveryKindOfValueComesBackAsItWent) {
  auto db = Open();
  ASSERT_TRUE(db);
  ASSERT_TRUE(db->Execute("CREATE TABLE t (a, b, c, d, e)"));
  const std::string text = "a 'quoted' text\nwith ü";
  const std::optional<int> none;
  ASSERT_TRUE(db->Run("INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5)",
                      {std::int64_t{-5}, 0.25, text, none, ""}));
  auto query = db->Query("SELECT a, b, c, d, e FROM t");
  ASSERT_TRUE(*query.Next());
  EXPECT_EQ(query.Int(0), -5);
  EXPECT_EQ(query.Real(1), 0.25);
  EXPECT_EQ(query.Text(2), text);
  EXPECT_TRUE(query.IsNull(3));
  EXPECT_FALSE(query.IsNull(4));
  EXPECT_EQ(query.Text(4), "");
  EXPECT_FALSE(*query.Next());
}

TEST_F(SqliteTest, AStatementMayBeUsedAgain) {
  auto db = Open();
  ASSERT_TRUE(db);
  ASSERT_TRUE(db->Execute("CREATE TABLE t (a)"));
  auto insert = db->Query("INSERT INTO t VALUES (?1)");
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(insert.Run({i}));
  EXPECT_EQ(db->changes(), 1);
  EXPECT_EQ(Number(*db, "SELECT sum(a) FROM t"), 45);
  EXPECT_EQ(Number(*db, "SELECT sum(a) FROM t"), 45);
}

TEST_F(SqliteTest, WhatIsNotCommittedHasNotHappened) {
  auto db = Open();
  ASSERT_TRUE(db);
  ASSERT_TRUE(db->Execute("CREATE TABLE t (a)"));
  {
    auto dropped = SqliteTransaction::Begin(*db, SqliteSync::kNormal);
    ASSERT_TRUE(dropped);
    ASSERT_TRUE(db->Run("INSERT INTO t VALUES (1)", {}));
  }
  EXPECT_EQ(Number(*db, "SELECT count(*) FROM t"), 0);
  auto kept = SqliteTransaction::Begin(*db, SqliteSync::kFull);
  ASSERT_TRUE(kept);
  ASSERT_TRUE(db->Run("INSERT INTO t VALUES (1)", {}));
  ASSERT_TRUE(kept->Commit());
  EXPECT_EQ(Number(*db, "SELECT count(*) FROM t"), 1);
}

TEST_F(SqliteTest, AnotherConnectionSeesThatSomethingChanged) {
  auto one = Open();
  auto other = Open();
  ASSERT_TRUE(one && other);
  ASSERT_TRUE(one->Execute("CREATE TABLE t (a)"));
  const auto before = other->DataVersion();
  ASSERT_TRUE(before);
  EXPECT_EQ(*other->DataVersion(), *before);
  ASSERT_TRUE(one->Run("INSERT INTO t VALUES (1)", {}));
  EXPECT_NE(*other->DataVersion(), *before);
}

TEST_F(SqliteTest, ALockOfAnotherIsWaitedForButNotForEver) {
  auto one = Open();
  auto other = Open(5ms);
  ASSERT_TRUE(one && other);
  {
    auto held = SqliteTransaction::Begin(*one, SqliteSync::kNormal);
    ASSERT_TRUE(held);
    const auto refused = SqliteTransaction::Begin(*other, SqliteSync::kNormal);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kIoError);
    EXPECT_THAT(refused.error().message, HasSubstr("locked by another process"));
  }
  EXPECT_TRUE(SqliteTransaction::Begin(*other, SqliteSync::kNormal));
}

TEST_F(SqliteTest, WhatCannotBeOpenedSaysWhy) {
  const auto no_folder = Sqlite::Open((folder_ / "none" / "file.db").string(), {});
  ASSERT_FALSE(no_folder);
  EXPECT_EQ(no_folder.error().code, Code::kIoError);
  EXPECT_THAT(no_folder.error().message, HasSubstr("its folder has to be there"));

  EXPECT_FALSE(Sqlite::Open(path_, {.create = false}));
  EXPECT_FALSE(fs::exists(path_));

  std::ofstream(path_) << std::string(5000, 'x');
  const auto no_database = Open();
  ASSERT_FALSE(no_database);
  EXPECT_THAT(no_database.error().message, HasSubstr("is not an SQLite database"));
}

TEST_F(SqliteTest, AWrongStatementFailsWithItsReason) {
  auto db = Open();
  ASSERT_TRUE(db);
  for (int i = 0; i < 2; ++i) {  // also when it is asked for again
    const auto wrong = db->Run("SELECT none FROM nowhere", {});
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().cause, HasSubstr("nowhere"));
  }
}

TEST_F(SqliteTest, AFullDiskIsToldAndLosesNothing) {
  auto db = Open();
  ASSERT_TRUE(db);
  ASSERT_TRUE(
      db->Execute("CREATE TABLE t (a); INSERT INTO t VALUES ('kept'); "
                  "PRAGMA max_page_count=20"));
  {
    auto transaction = SqliteTransaction::Begin(*db, SqliteSync::kFull);
    ASSERT_TRUE(transaction);
    const std::string large(1 << 20, 'x');
    const auto full = db->Run("INSERT INTO t VALUES (?1)", {large});
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Code::kIoError);
    EXPECT_THAT(full.error().message, HasSubstr("the disk is full"));
  }
  ASSERT_TRUE(db->Execute("PRAGMA max_page_count=100000"));
  EXPECT_EQ(Number(*db, "SELECT count(*) FROM t"), 1);
  EXPECT_TRUE(db->Run("INSERT INTO t VALUES ('more')", {}));
}

}  // namespace
}  // namespace weir::store
