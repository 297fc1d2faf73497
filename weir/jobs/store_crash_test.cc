// What the stores keep of their word when processes, servers, connections and disks fail.

#include <csignal>
#include <map>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/jobs/store_suite_testing.h"
#include "weir/store/postgres.h"
#include "weir/store/postgres_proxy_testing.h"
#include "weir/store/postgres_testing.h"
#include "weir/store/sqlite.h"

namespace weir::jobs {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class PostgresCrashTest : public testing::Test {
 protected:
  void SetUp() override {
    auto place = StorePlace::New("postgres");
    if (!place && place.error().code == Code::kConfigError) {
      GTEST_SKIP() << "NOT TESTED: " << place.error().message << " " << place.error().cause;
    }
    ASSERT_TRUE(place) << place.error().message;
    place_ = *std::move(place);
    server_ = *store::TestPostgres::Shared();
  }
  std::unique_ptr<StorePlace> place_;
  store::TestPostgres* server_ = nullptr;
};

// What several workers were told.
struct Told {
  std::mutex mutex;
  std::map<JobId, int> counted;   // how often an end of the job counted
  std::atomic<int> accepted = 0;  // new jobs, by the answers
  std::atomic<int> done = 0;      // ends that counted
  std::atomic<bool> failed = false;
};

// Submits its share, and works until everything is done.
void Work(JobStore& store, QueueId queue, int share, int total, int of, Told& told) {
  const auto worker = store.Enlist({.name = "w", .lease = 1h});
  const ClaimFrom from[] = {{queue, 7}};
  for (int next = 0; told.done < total && !told.failed;) {
    if (next < total / of) {
      const auto submitted = store.Submit(queue, NumberedJobs(share * (total / of) + next, 10));
      if (!submitted) break;
      told.accepted += static_cast<int>(submitted->accepted);
      next += 10;
    }
    const auto claims = store.Claim(*worker, from);
    if (!claims || !claims->alive) break;
    const auto ended = store.Complete(*worker, DoneOf(claims->jobs));
    if (!ended) break;
    EXPECT_EQ(ended->size(), claims->jobs.size()) << "nobody else may have had them";
    std::scoped_lock lock(told.mutex);
    for (const JobId id : *ended) ++told.counted[id];
    told.done += static_cast<int>(ended->size());
  }
  if (told.done < total) told.failed = true;
}

// Lets four workers do `total` jobs, while `disturb` is called each time that a part is done.
void DoWhile(const std::string& url, int total, int times, const std::function<void()>& disturb) {
  constexpr int kThreads = 4;
  std::vector<std::unique_ptr<JobStore>> stores;
  stores.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) stores.push_back(Value(OpenStore(url, {})));
  const QueueId queue = Value(stores[0]->Declare({.name = "q"}));
  Told told;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back(
        [&, t] { Work(*stores[static_cast<std::size_t>(t)], queue, t, total, kThreads, told); });
  }
  for (int time = 1; time <= times; ++time) {
    while (told.done < total * time / (times + 1) && !told.failed) std::this_thread::yield();
    disturb();
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_FALSE(told.failed);
  EXPECT_EQ(told.accepted, total) << "each was new to one, and to one only";
  EXPECT_EQ(told.counted.size(), static_cast<std::size_t>(total));
  for (const auto& [id, count] : told.counted) EXPECT_EQ(count, 1) << id;
  const auto queues = Value(stores[0]->Queues());
  EXPECT_EQ(queues.at(0).counts[static_cast<int>(JobState::kDone)], total);
  EXPECT_EQ(queues.at(0).counts[static_cast<int>(JobState::kRunning)], 0);
  JobId after = 0;
  for (;;) {
    const auto page = Value(stores[0]->List({.queue = queue}, after, 500));
    if (page.empty()) break;
    for (const JobInfo& job : page) EXPECT_EQ(job.result, job.row);
    after = page.back().id;
  }
}

// On a server of its own: after a crash all its databases are synced, and the shared one has many.
TEST_F(PostgresCrashTest, AServerThatCrashesLosesNothingAndDoublesNothing) {
  const auto server = Value(store::TestPostgres::Start());
  ASSERT_NE(server, nullptr);
  DoWhile(Value(server->NewDatabase()), 2000, 2, [&] {
    ASSERT_TRUE(server->Stop());
    ASSERT_TRUE(server->Run());
  });
}

TEST_F(PostgresCrashTest, ConnectionsThatAreCutLoseNothingAndDoubleNothing) {
  const auto killer = Value(store::Postgres::Connect(place_->url(), {}));
  DoWhile(place_->url(), 2000, 30, [&] {
    ASSERT_TRUE(
        killer->Run("SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE "
                    "datname = current_database() AND pid <> pg_backend_pid()"));
  });
}

// The worst moment of all: it is done, and nobody knows.
TEST_F(PostgresCrashTest, ACommitWhoseAnswerIsLostIsNotDoneAgain) {
  store::TestPostgresProxy proxy(server_->folder());
  const auto store = Value(OpenStore(proxy.Through(place_->url()), {}));
  ASSERT_NE(store, nullptr);
  int lost = 0;
  const auto lose = [&] {
    EXPECT_EQ(proxy.lost(), lost++) << "the one before was not lost";
    proxy.LoseNextCommit();
  };

  lose();
  const QueueId queue = Value(store->Declare({.name = "q", .rate = 1000}));
  lose();
  EXPECT_EQ(Value(store->Submit(queue, NumberedJobs(0, 20))).accepted, 20);
  lose();
  const WorkerId worker = Value(store->Enlist({.name = "w", .lease = 1h}));
  EXPECT_EQ(Value(store->Workers()).size(), 1U);
  lose();
  const ClaimFrom from[] = {{queue, 4}};
  const auto claims = Value(store->Claim(worker, from));
  ASSERT_EQ(claims.jobs.size(), 4U);
  EXPECT_EQ(claims.jobs[0].fence, 1);
  EXPECT_EQ(Value(store->Queues())[0].counts[static_cast<int>(JobState::kRunning)], 4);
  lose();
  auto ended = DoneOf(claims.jobs);
  ended[1].how = Ended::How::kAgain;
  ended[2].how = Ended::How::kFailed;
  ended[3].how = Ended::How::kBack;
  EXPECT_EQ(Value(store->Complete(worker, ended)), IdsOf(claims.jobs));
  EXPECT_EQ(Value(store->Find(claims.jobs[1].id))->attempts, 1);
  lose();
  EXPECT_EQ(Value(store->Retry({.queue = queue})), 1);
  lose();
  EXPECT_EQ(Value(store->Cancel({.queue = queue})), 19);
  lose();
  EXPECT_EQ(Value(store->Purge({.queue = queue})), 20);
  EXPECT_EQ(proxy.lost(), lost);
}

// As after a crash, which takes back what was given out last.
TEST_F(PostgresCrashTest, JobsThatGetTheirIdsASecondTimeCountOnce) {
  const auto store = Value(OpenStore(place_->url(), {}));
  ASSERT_NE(store, nullptr);
  const QueueId queue = Value(store->Declare({.name = "q"}));
  const auto db = Value(store::Postgres::Connect(place_->url(), {}));
  ASSERT_TRUE(db->Execute(R"(
      CREATE SEQUENCE times;
      CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('times') = 1 THEN
          PERFORM setval(pg_get_serial_sequence('weir_jobs', 'id'), 1, false);
          RAISE EXCEPTION 'again' USING ERRCODE = '40001';
        END IF;
        RETURN NULL;
      END $$;
      CREATE CONSTRAINT TRIGGER fail_once AFTER INSERT ON weir_jobs DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION fail_once();)"));
  const Submitted submitted = Value(store->Submit(queue, NumberedJobs(0, 20)));
  EXPECT_EQ(submitted.accepted, 20);
  EXPECT_EQ(submitted.known, 0);
}

TEST_F(PostgresCrashTest, AServerThatIsGoneIsToldWhenThePatienceIsOver) {
  store::TestPostgresProxy proxy(server_->folder());
  const auto store = Value(OpenStore(proxy.Through(place_->url()), {.patience = 0s}));
  ASSERT_NE(store, nullptr);
  proxy.LoseNextCommit();
  const auto failed = store->Declare({.name = "q"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kConnectionError);
  EXPECT_THAT(failed.error().message, HasSubstr(store->Where()));
  EXPECT_TRUE(store->Declare({.name = "q"})) << "the next one may have more luck";
}

class SqliteCrashTest : public testing::Test {
 protected:
  void SetUp() override { place_ = Value(StorePlace::New("sqlite")); }
  std::string path() const { return place_->url().substr(7); }
  std::int64_t Number(std::string_view sql) const {
    auto db = Value(Opened());
    auto query = db->Query(sql);
    EXPECT_TRUE(Value(query.Next()));
    return query.Int(0);
  }
  Result<std::unique_ptr<store::Sqlite>> Opened() const {
    WEIR_TRY(auto db, store::Sqlite::Open(path(), {}));
    return std::make_unique<store::Sqlite>(std::move(db));
  }
  // That every table agrees with every other.
  void CheckInvariants() const {
    EXPECT_EQ(Number("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    EXPECT_EQ(Number("SELECT count(*) FROM weir_counts c WHERE jobs <> (SELECT count(*) FROM "
                     "weir_jobs j WHERE j.queue = c.queue AND j.state = c.state)"),
              0);
    EXPECT_EQ(Number("SELECT count(*) FROM weir_jobs j WHERE (state = 3) <> EXISTS (SELECT 1 FROM "
                     "weir_results r WHERE r.job = j.id)"),
              0)
        << "a result and its end are one";
    EXPECT_EQ(Number("SELECT count(*) FROM weir_jobs j WHERE NOT EXISTS (SELECT 1 FROM weir_rows r "
                     "WHERE r.job = j.id)"),
              0);
    EXPECT_EQ(Number("SELECT count(*) FROM weir_jobs WHERE (state = 2) <> (worker IS NOT NULL)"),
              0);
  }

  std::unique_ptr<StorePlace> place_;
};

TEST_F(SqliteCrashTest, AFullDiskLosesNothingAndWorkGoesOnAfterwards) {
  const auto store = Value(OpenStore(place_->url(), {}));
  const QueueId queue = Value(store->Declare({.name = "q"}));
  const WorkerId worker = Value(store->Enlist({.name = "w", .lease = 1h}));
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 400'000, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  std::int64_t accepted = 0;
  Result<Submitted> submitted = Submitted();
  for (int i = 0; submitted && i < 100'000; i += 50) {
    submitted = store->Submit(queue, NumberedJobs(i, 50));
    if (submitted) accepted += submitted->accepted;
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  ASSERT_FALSE(submitted);
  EXPECT_EQ(submitted.error().code, Code::kIoError);
  EXPECT_THAT(submitted.error().message, HasSubstr("is full or fails"));
  EXPECT_GT(accepted, 0);
  EXPECT_EQ(Value(store->Queues())[0].counts[static_cast<int>(JobState::kQueued)], accepted);
  EXPECT_EQ(Value(store->Submit(queue, NumberedJobs(0, 50))).known, 50);
  EXPECT_EQ(Value(store->Submit(queue, NumberedJobs(100'000, 50))).accepted, 50);
  const ClaimFrom from[] = {{queue, 100}};
  const auto claims = Value(store->Claim(worker, from));
  EXPECT_EQ(Value(store->Complete(worker, DoneOf(claims.jobs))).size(), 100U);
  CheckInvariants();
}

struct News {
  int submitted = 0;  // jobs with the numbers below it are there
  JobId done = 0;     // this one is
};

// Submits, claims and completes, and tells what was answered, until it is killed.
[[noreturn]] void WorkForever(const std::string& url, int next, int tell) {
  const auto store = OpenStore(url, {});
  if (!store) ::_exit(1);
  const auto queue = (*store)->Declare({.name = "q"});
  const auto worker = (*store)->Enlist({.name = "w", .lease = 1ms});
  if (!queue || !worker) ::_exit(2);
  for (;;) {
    if (!(*store)->Submit(*queue, NumberedJobs(next, 5))) ::_exit(3);
    next += 5;
    News news{next, 0};
    if (::write(tell, &news, sizeof(news)) != sizeof(news)) ::_exit(4);
    const ClaimFrom from[] = {{*queue, 4}};
    const auto claims = (*store)->Claim(*worker, from);
    if (!claims) ::_exit(5);
    const auto ended = (*store)->Complete(*worker, DoneOf(claims->jobs));
    if (!ended) ::_exit(6);
    for (const JobId id : *ended) {
      news.done = id;
      if (::write(tell, &news, sizeof(news)) != sizeof(news)) ::_exit(7);
    }
  }
}

TEST_F(SqliteCrashTest, AKilledProcessLosesNothingThatItWasTold) {
  Random random(9);
  std::set<JobId> done;
  int submitted = 0;
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE(round);
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const pid_t child = ::fork();
    if (child == 0) WorkForever(place_->url(), submitted, told[1]);
    ::close(told[1]);
    News news;
    bool killed = false;
    for (auto left = 3 + random.Below(60); ::read(told[0], &news, sizeof(news)) == sizeof(news);) {
      submitted = std::max(submitted, news.submitted);
      if (news.done != 0) {
        EXPECT_TRUE(done.insert(news.done).second) << "done twice: " << news.done;
      }
      if (left > 0) --left;
      if (left > 0) continue;
      if (killed) continue;
      for (volatile auto spin = random.Below(300'000); spin > 0;) spin = spin - 1;
      ASSERT_EQ(::kill(child, SIGKILL), 0);
      killed = true;
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ::close(told[0]);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);

    CheckInvariants();
    const auto store = Value(OpenStore(place_->url(), {}));
    const auto queue = Value(store->Declare({.name = "q", .max_crashes = 1000}));
    EXPECT_EQ(Value(store->Submit(queue, NumberedJobs(0, submitted))).accepted, 0);
    for (const JobId id : done) EXPECT_EQ(Value(store->Find(id))->state, JobState::kDone);
    for (Reaped reaped; Value(store->Workers()).size() != 0; reaped = Value(store->Reap())) {
      EXPECT_EQ(reaped.quarantined, 0);
    }
    // What nobody was told is done all the same.
    for (const JobInfo& job :
         Value(store->List({.queue = queue, .states = {JobState::kDone}}, 0, 100'000))) {
      done.insert(job.id);
    }
  }
  EXPECT_GT(done.size(), 100U);
}

}  // namespace
}  // namespace weir::jobs
