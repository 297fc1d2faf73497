// How a store comes to its schema, and to which stores weir says no.

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/jobs/postgres_schema.h"
#include "weir/jobs/sqlite_schema.h"
#include "weir/jobs/store_suite_testing.h"

namespace weir::jobs {
namespace {

using testing::HasSubstr;
using testing::Not;

class StoreSchemaTest : public PlaceTest {
 protected:
  bool sqlite() const { return place_->url().starts_with("sqlite:"); }
  std::string path() const { return place_->url().substr(7); }
  // As a weir does that knows these migrations.
  Result<void> Migrate(std::span<const char* const> migrations, bool migrate) const {
    if (sqlite()) {
      WEIR_TRY(auto db, store::Sqlite::Open(path(), {}));
      return MigrateSqlite(db, place_->url(), migrate, migrations);
    }
    WEIR_TRY(const auto pool, store::PostgresPool::Create(place_->url(), {}));
    return MigratePostgres(*pool, migrate, migrations);
  }
  // The first `count` versions.
  std::span<const char* const> First(std::size_t count) const {
    return (sqlite() ? SqliteMigrations() : PostgresMigrations()).first(count);
  }
  int Version() const {
    const auto version = StoreVersion(place_->url());
    EXPECT_TRUE(version) << (version ? "" : version.error().message);
    return version.value_or(-1);
  }
};

INSTANTIATE_TEST_SUITE_P(On, StoreSchemaTest, testing::Values("sqlite", "postgres"), KindName);

TEST_P(StoreSchemaTest, AnEmptyStoreGetsItsSchemaOnce) {
  EXPECT_EQ(Version(), 0);
  for (int i = 0; i < 2; ++i) {
    const auto store = OpenStore(place_->url(), {});
    ASSERT_TRUE(store) << store.error().message << store.error().cause;
    EXPECT_EQ(Version(), kSchemaVersion);
  }
}

TEST_P(StoreSchemaTest, EveryOlderVersionIsBroughtUpToDateOnlyWhenThatIsAllowed) {
  for (int version = 0; version < kSchemaVersion; ++version) {
    auto place = StorePlace::New(GetParam());
    ASSERT_TRUE(place);
    place_ = *std::move(place);
    if (version > 0) {
      ASSERT_TRUE(Migrate(First(static_cast<std::size_t>(version)), true));
    } else {
      ASSERT_TRUE(place_->Execute("CREATE TABLE of_somebody_else (a int)"));
    }
    const auto refused = OpenStore(place_->url(), {.migrate = false});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kConfigError);
    EXPECT_THAT(refused.error().message, HasSubstr("weir jobs migrate"));
    EXPECT_EQ(Version(), version);

    EXPECT_TRUE(OpenStore(place_->url(), {}));
    EXPECT_EQ(Version(), kSchemaVersion);
    EXPECT_TRUE(OpenStore(place_->url(), {.migrate = false}));
  }
}

TEST_P(StoreSchemaTest, JobsSurviveAMigrationAndANewerStoreIsRefused) {
  {
    const auto store = OpenStore(place_->url(), {});
    ASSERT_TRUE(store);
    const auto queue = (*store)->Declare({.name = "q"});
    ASSERT_TRUE(queue);
    ASSERT_TRUE((*store)->Submit(*queue, NumberedJobs(0, 3)));
  }
  std::vector<const char*> next(First(kSchemaVersion).begin(), First(kSchemaVersion).end());
  next.push_back("ALTER TABLE weir_jobs ADD COLUMN of_the_future text");
  ASSERT_TRUE(Migrate(next, true));
  EXPECT_EQ(Version(), kSchemaVersion + 1);
  for (const bool migrate : {false, true}) {
    const auto refused = OpenStore(place_->url(), {.migrate = migrate});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kConfigError);
    EXPECT_THAT(refused.error().message, HasSubstr("made by a newer weir"));
  }
  ASSERT_TRUE(place_->Execute(
      StrCat("UPDATE weir_meta SET value = '", kSchemaVersion, "' WHERE name = 'version'")));
  const auto store = OpenStore(place_->url(), {});
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->List({}, 0, 10)->size(), 3U);
}

TEST_P(StoreSchemaTest, JobsOfTheFirstVersionAreWorkedOnByThisOne) {
  ASSERT_TRUE(Migrate(First(1), true));
  const std::string key = sqlite() ? "key, row_id" : "key, row_id, row";
  const std::string values = sqlite() ? "'k', 'r'" : "'k', 'r', '{}'";
  ASSERT_TRUE(place_->Execute(
      "INSERT INTO weir_queues (name, flow, digest, max_crashes, max_attempts, tokens, tokens_at) "
      "VALUES ('q', 'f', 'd', 3, 1, 10, 0)"));
  ASSERT_TRUE(
      place_->Execute(StrCat("INSERT INTO weir_jobs (queue, state, priority, submitted_at, ", key,
                             ") VALUES (1, 1, 0, 5, ", values, ")")));
  if (sqlite()) {
    ASSERT_TRUE(place_->Execute("INSERT INTO weir_rows VALUES (1, '{}')"));
  }
  const auto store = OpenStore(place_->url(), {});
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(Value((*store)->Id()).size(), 16U);
  const WorkerId worker = Value((*store)->Enlist({.name = "w"}));
  const ClaimFrom from[] = {{1, 5}};
  for (const Ended::How how : {Ended::How::kFailed, Ended::How::kDone}) {
    const Claims claims = Value((*store)->Claim(worker, from));
    ASSERT_EQ(claims.jobs.size(), 1U);
    const Ended ended{.id = claims.jobs[0].id,
                      .fence = claims.jobs[0].fence,
                      .how = how,
                      .result = "1",
                      .metadata = "{}",
                      .error = "timeout"};
    EXPECT_EQ(Value((*store)->Complete(worker, std::span(&ended, 1))).size(), 1U);
    (void)(*store)->Retry({.queue = 1});
  }
  EXPECT_EQ(Value((*store)->Find(1))->state, JobState::kDone);
}

TEST_P(StoreSchemaTest, AStoreHasANameThatIsNoOthers) {
  const auto store = OpenStore(place_->url(), {});
  ASSERT_TRUE(store);
  const std::string id = Value((*store)->Id());
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), id.npos) << id;
  EXPECT_EQ(Value(Value(OpenStore(place_->url(), {}))->Id()), id);
  const auto other = StorePlace::New(GetParam());
  ASSERT_TRUE(other);
  EXPECT_NE(Value(Value(OpenStore((*other)->url(), {}))->Id()), id);
}

TEST_P(StoreSchemaTest, AMigrationThatFailsChangesNothing) {
  ASSERT_TRUE(Migrate(First(kSchemaVersion), true));
  std::vector<const char*> next(First(kSchemaVersion).begin(), First(kSchemaVersion).end());
  next.push_back("CREATE TABLE half (a int); CREATE TABLE weir_jobs (a int)");
  EXPECT_FALSE(Migrate(next, true));
  EXPECT_EQ(Version(), kSchemaVersion);
  EXPECT_TRUE(place_->Execute("CREATE TABLE half (a int)")) << "it is not there";
}

TEST(StoreUrl, AnUnknownStoreIsRefusedWithoutItsPassword) {
  for (const char* url : {"", "jobs.db", "mysql://user:geheim1@host/db", "sqlite:"}) {
    const auto store = OpenStore(url, {});
    ASSERT_FALSE(store) << url;
    EXPECT_EQ(store.error().code, Code::kConfigError);
    EXPECT_THAT(store.error().message, Not(HasSubstr("geheim")));
  }
  EXPECT_FALSE(StoreVersion("mysql://host"));
}

// The clock of the leases begins anew when the machine does.
TEST(SqliteBoot, AnotherBootEndsAllLeases) {
  const auto place = StorePlace::New("sqlite");
  ASSERT_TRUE(place);
  WorkerId worker = 0;
  {
    const auto store = OpenStore((*place)->url(), {});
    ASSERT_TRUE(store);
    const auto queue = (*store)->Declare({.name = "q"});
    ASSERT_TRUE((*store)->Submit(*queue, NumberedJobs(0, 2)));
    worker = (*store)->Enlist({.name = "w", .lease = std::chrono::hours(1)}).value_or(0);
    const ClaimFrom from[] = {{*queue, 2}};
    ASSERT_EQ((*store)->Claim(worker, from)->jobs.size(), 2U);
  }
  {
    const auto same_boot = OpenStore((*place)->url(), {});
    ASSERT_TRUE(same_boot);
    EXPECT_EQ((*same_boot)->Reap()->workers, 0);
  }
  ASSERT_TRUE((*place)->Execute("UPDATE weir_meta SET value = 'another' WHERE name = 'boot'"));
  const auto store = OpenStore((*place)->url(), {});
  ASSERT_TRUE(store);
  const auto reaped = (*store)->Reap();
  ASSERT_TRUE(reaped);
  EXPECT_EQ(reaped->workers, 1);
  EXPECT_EQ(reaped->requeued, 2);
}

}  // namespace
}  // namespace weir::jobs
