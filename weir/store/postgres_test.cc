#include "weir/store/postgres.h"

#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/store/postgres_pool.h"
#include "weir/store/postgres_testing.h"

namespace weir::store {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST(PostgresUrl, ThePasswordIsInNoMessage) {
  const struct {
    const char* url;
    const char* where;
  } cases[] = {
      {"postgres://user:secret@host:5433/db", "postgres://user@host:5433/db"},
      {"postgresql://user:secret@a,b:1/db?sslmode=require", "postgres://user@a,b:,1/db"},
      {"postgres://host/db?user=me&password=secret", "postgres://me@host/db"},
      {"postgres://host", "postgres://host/"},
      {"postgres://u:se%40cret@%2Ftmp%2Fsock/db", "postgres://u@/tmp/sock/db"},
  };
  for (const auto& one : cases) {
    const auto where = Postgres::Describe(one.url, {});
    ASSERT_TRUE(where) << one.url;
    EXPECT_EQ(*where, one.where);
  }
  for (const char* wrong :
       {"postgres://user:sec%zzret@host/db", "postgres://user:secret@host:1:2:3/x?y",
        "postgres://user:secret@[host/db"}) {
    const auto refused = Postgres::Describe(wrong, {});
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, Code::kConfigError);
    EXPECT_THAT(Describe(refused.error()) + refused.error().cause, Not(HasSubstr("ret")));
  }
}

TEST(PostgresLibrary, AMissingLibraryNamesItsPackage) {
  const auto missing = Postgres::Connect("postgres://host/db", {.library = "libpq.so.none"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kConfigError);
  EXPECT_THAT(missing.error().message, HasSubstr("libpq5"));

  const auto another = Postgres::Connect("postgres://host/db", {.library = "libc.so.6"});
  ASSERT_FALSE(another);
  EXPECT_THAT(another.error().message, HasSubstr("libpq5"));
}

class PostgresTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto server = TestPostgres::Shared();
    if (!server && server.error().code == Code::kConfigError) {
      GTEST_SKIP() << "NOT TESTED: " << server.error().message << " " << server.error().cause;
    }
    ASSERT_TRUE(server) << server.error().message << " " << server.error().cause;
    server_ = *server;
    url_ = server_->Url("postgres");
  }
  std::unique_ptr<Postgres> Connect(const PostgresOptions& options = {}) const {
    auto connection = Postgres::Connect(url_, options);
    EXPECT_TRUE(connection) << (connection ? "" : connection.error().cause);
    return connection ? *std::move(connection) : nullptr;
  }

  TestPostgres* server_ = nullptr;
  std::string url_;
};

TEST_F(PostgresTest, EveryKindOfValueComesBackAsItWent) {
  const auto db = Connect();
  const std::string text = "a 'quoted' \\ \"text\"\nwith ü";
  const std::string_view texts[] = {text, "", "{,}", "NULL"};
  const std::int64_t ints[] = {0, -1, INT64_MAX, INT64_MIN};
  const std::optional<std::int64_t> maybe[] = {std::nullopt, 7};
  PostgresArgs args;
  args.Int(-5).Real(0.25).Text(text).Int(std::nullopt).Ints(ints).Texts(texts).Ints(maybe);
  args.Ints(std::span<const std::int64_t>());
  const auto rows = db->Run(
      "SELECT $1, $2, $3, $4, $5[3], $5[4], $6[1], $6[2], $6[3], $6[4], $7[1], $7[2], "
      "cardinality($8)::bigint",
      args);
  ASSERT_TRUE(rows) << rows.error().cause;
  ASSERT_EQ(rows->size(), 1);
  EXPECT_EQ(rows->Int(0, 0), -5);
  EXPECT_EQ(rows->Real(0, 1), 0.25);
  EXPECT_EQ(rows->Text(0, 2), text);
  EXPECT_TRUE(rows->IsNull(0, 3));
  EXPECT_EQ(rows->Int(0, 4), INT64_MAX);
  EXPECT_EQ(rows->Int(0, 5), INT64_MIN);
  EXPECT_EQ(rows->Text(0, 6), text);
  EXPECT_EQ(rows->Text(0, 7), "");
  EXPECT_EQ(rows->Text(0, 8), "{,}");
  EXPECT_EQ(rows->Text(0, 9), "NULL");
  EXPECT_TRUE(rows->IsNull(0, 10));
  EXPECT_EQ(rows->Int(0, 11), 7);
  EXPECT_EQ(rows->Int(0, 12), 0);
}

TEST_F(PostgresTest, AFailedStatementLeavesTheConnectionUsable) {
  const auto db = Connect();
  for (int i = 0; i < 2; ++i) {
    const auto wrong = db->Run("SELECT none FROM nowhere");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Code::kConfigError);
    EXPECT_THAT(wrong.error().cause, HasSubstr("nowhere"));
    EXPECT_FALSE(db->broken());
    EXPECT_TRUE(db->Run("SELECT 1"));
  }
}

TEST_F(PostgresTest, ASilentServerCostsADeadline) {
  const auto db = Connect({.statement = 20ms});
  const auto slow = db->Run("SELECT pg_sleep(600)::text");
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code, Code::kConnectionError);
  EXPECT_THAT(slow.error().cause, HasSubstr("no answer in time"));
  EXPECT_TRUE(db->broken());
  EXPECT_FALSE(db->Run("SELECT 1"));
}

TEST_F(PostgresTest, WhatSomebodyHasToChangeIsNotTriedAgain) {
  for (const std::string& url : {server_->Url("no_such_database"), [&] {
                                   std::string as_nobody = url_;
                                   return as_nobody.replace(as_nobody.find("weir@"), 5,
                                                            "nobody:secret@");
                                 }()}) {
    const auto refused = Postgres::Connect(url, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kConfigError) << refused.error().cause;
    EXPECT_THAT(refused.error().message + refused.error().cause, Not(HasSubstr("secret")));
  }
}

TEST_F(PostgresTest, OnlyAStatementIsToldThatItsValuesAreNotTaken) {
  const auto refused = Connect()->Run("SELECT 1 / (0 * $1)", PostgresArgs().Int(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidRequest) << refused.error().cause;
  const auto unknown = Connect()->Run("SELECT no_such_function()");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kInternal) << unknown.error().cause;
  const auto outside = Postgres::Connect(url_ + "&options=-c%20work_mem%3Dnonsense", {});
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().code, Code::kConfigError) << outside.error().cause;
}

TEST_F(PostgresTest, NobodyThereIsAConnectionError) {
  const auto nobody = Postgres::Connect("postgres://weir@/db?host=/nowhere", {});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::kConnectionError);
  EXPECT_THAT(nobody.error().message, HasSubstr("postgres://weir@/nowhere/db"));
  EXPECT_THAT(nobody.error().cause, HasSubstr("No such file or directory"));
}

TEST_F(PostgresTest, APoolGivesUpWhenItsPatienceIsOver) {
  const auto pool =
      PostgresPool::Create("postgres://weir@/db?host=/nowhere", {.patience = Duration::zero()});
  ASSERT_TRUE(pool);
  const auto refused = (*pool)->TransactVoid([](Postgres&) -> Result<void> { return {}; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConnectionError);
  EXPECT_THAT(refused.error().message, HasSubstr("see whether its server runs"));
}

TEST_F(PostgresTest, ATransactionWhoseConnectionIsCutIsDoneAgainOnAnother) {
  const auto pool = PostgresPool::Create(url_, {});
  ASSERT_TRUE(pool);
  ASSERT_TRUE((*pool)->TransactVoid([](Postgres& db) {
    return db.Execute("DROP TABLE IF EXISTS cut; CREATE TABLE cut (a bigint)");
  }));
  int calls = 0;
  const auto done = (*pool)->Transact<std::int64_t>([&](Postgres& db) -> Result<std::int64_t> {
    ++calls;
    WEIR_CHECK(db.Run("INSERT INTO cut VALUES (1)"));
    if (calls == 1) {
      const auto killer = Connect();
      WEIR_TRY(const auto self, db.Run("SELECT pg_backend_pid()::bigint"));
      PostgresArgs args;
      WEIR_CHECK(
          killer->Run("SELECT pg_terminate_backend($1::int)::text", args.Int(self.Int(0, 0))));
    }
    WEIR_TRY(const auto rows, db.Run("SELECT count(*) FROM cut"));
    return rows.Int(0, 0);
  });
  ASSERT_TRUE(done) << done.error().message << done.error().cause;
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(*done, 1);
}

TEST_F(PostgresTest, AFailureThatTryingAgainDoesNotHelpIsToldAtOnce) {
  const auto pool = PostgresPool::Create(url_, {});
  ASSERT_TRUE(pool);
  int calls = 0;
  const auto failed = (*pool)->TransactVoid([&](Postgres&) -> Result<void> {
    ++calls;
    return Fail(Code::kInvalidRequest, "mine");
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "mine");
  EXPECT_EQ(calls, 1);
}

TEST_F(PostgresTest, ANotificationIsSeenOnce) {
  const auto listener = Connect();
  const auto speaker = Connect();
  ASSERT_TRUE(listener->Run("LISTEN test"));
  EXPECT_FALSE(*listener->Notified());
  ASSERT_TRUE(speaker->Run("SELECT pg_notify('test', '')::text"));
  ASSERT_TRUE(listener->Run("SELECT 1"));  // its answer comes behind the notification
  EXPECT_TRUE(*listener->Notified());
  EXPECT_FALSE(*listener->Notified());
}

}  // namespace
}  // namespace weir::store
