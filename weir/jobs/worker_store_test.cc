// Results, and a store that does not take them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/jobs/store_testing.h"
#include "weir/jobs/worker_suite_testing.h"

namespace weir::jobs {
namespace {

using testing::HasSubstr;

// In PostgreSQL, whose triggers say what of a result is wrong.
class WorkerResultsTest : public WorkerTest {
 protected:
  void SetUp() override {
    auto place = StorePlace::New("postgres");
    if (!place && place.error().code == Code::kConfigError) {
      GTEST_SKIP() << "NOT TESTED: " << place.error().message << " " << place.error().cause;
    }
    ASSERT_TRUE(place) << place.error().message << " " << place.error().cause;
    place_ = *std::move(place);
    auto store = OpenStore(place_->url(), {});
    ASSERT_TRUE(store) << store.error().message << " " << store.error().cause;
    store_ = *std::move(store);
    Refuse("");
    Execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON weir_results FOR EACH ROW "
        "EXECUTE FUNCTION refuse()");
    ear_.on_event = [this](std::string_view name, std::span<const TraceField>) {
      // Somebody mends it as soon as it is told.
      if (name == "jobs.store" && ear_.heard["jobs.store"] == 1) Refuse(refused_for_good_);
    };
  }
  void Refuse(const std::string& when) const {
    Execute(StrCat("CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS ",
                   "$$ BEGIN ", when, " RETURN NEW; END $$"));
  }
  void Execute(const std::string& sql) const {
    const Result<void> done = place_->Execute(sql);
    EXPECT_TRUE(done) << (done ? "" : done.error().cause);
  }
  static std::string Raise(const std::string& result, const std::string& state) {
    return StrCat("IF NEW.result LIKE '%", result, "%' THEN RAISE EXCEPTION 'not ", result,
                  "' USING ERRCODE = '", state, "'; END IF; ");
  }

  std::unique_ptr<StorePlace> place_;
  std::string refused_for_good_;
};

TEST_F(WorkerResultsTest, ResultsWaitUntilSomebodyHasMendedTheStore) {
  for (const char* const state : {"42501", "28000", "58030", "42703"}) {
    SCOPED_TRACE(state);
    ear_.heard.clear();
    const WorkQueue queue = QueueOf(kSay, 5);
    Refuse(Raise("n=", state));
    ASSERT_TRUE(Work(queue, Same()));
    EXPECT_GE(ear_.heard["jobs.store"], 2) << "away, and there again";
    EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 5U);
    EXPECT_EQ(JobsIn(queue, JobState::kFailed).size(), 0U);
    EXPECT_TRUE(std::filesystem::is_empty(root_ + "/answers"));
    ASSERT_TRUE(store_->Purge({.queue = queue.id}));
  }
}

TEST_F(WorkerResultsTest, OnlyAResultThatTheStoreDoesNotTakeIsReplaced) {
  const WorkQueue queue = QueueOf(kSay, 4);
  refused_for_good_ = Raise("n=1", "22000");
  Refuse(refused_for_good_ + Raise("n=2", "42501"));
  ASSERT_TRUE(Work(queue, Same()));
  const std::vector<JobInfo> failed = JobsIn(queue, JobState::kFailed);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].row_id, "1");
  EXPECT_THAT(failed[0].message, HasSubstr("does not take the result"));
  EXPECT_EQ(JobsIn(queue, JobState::kDone).size(), 3U);
  EXPECT_EQ(engine_->calls, 4);
}

}  // namespace
}  // namespace weir::jobs
