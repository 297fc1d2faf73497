// Whatever several workers do to a store, in whatever order: no job is done twice, none is lost,
// and a result comes from the holder of the last fence only.

#include <atomic>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/jobs/store_suite_testing.h"

namespace weir::jobs {
namespace {

using How = Ended::How;

constexpr std::int64_t kLease = 1000;
constexpr int kMaxCrashes = 2;
constexpr int kMaxAttempts = 2;
constexpr int kWorkers = 3;

struct ModelJob {
  JobState state = JobState::kQueued;
  int priority = 0;
  std::int64_t not_before = 0;
  WorkerId worker = 0;
  std::int64_t fence = 0;
  int attempts = 0;
  int crashes = 0;
  bool cancel_asked = false;
  std::string result;
};

struct ModelWorker {
  WorkerId id = 0;
  std::int64_t lease_until = 0;
  bool alive = false;
  std::vector<Claimed> held;  // what it believes; some of it may be lost
};

// What the store should do, in the words of queue.h.
class Model {
 public:
  explicit Model(const std::string& url) {
    StoreOptions options;
    options.now_ms = [this] { return now_.load(); };
    auto opened = OpenStore(url, options);
    RC_ASSERT(opened.has_value());
    store_ = *std::move(opened);
    static int queues = 0;
    queue_ = *store_->Declare(
        {.name = StrCat("q", ++queues), .max_crashes = kMaxCrashes, .max_attempts = kMaxAttempts});
  }

  void Submit(int first, int count, int priority, std::int64_t wait) {
    auto jobs = NumberedJobs(first, count);
    for (NewJob& job : jobs) {
      job.priority = priority;
      if (wait > 0) job.not_before = now_ + wait;
    }
    std::int64_t fresh = 0;
    for (const NewJob& job : jobs) {
      if (!keys_.insert(job.key).second) continue;
      ++fresh;
    }
    const auto submitted = store_->Submit(queue_, jobs);
    RC_ASSERT(submitted.has_value());
    RC_ASSERT(submitted->accepted == fresh);
    const auto listed = store_->List({.queue = queue_}, last_, 1000);
    RC_ASSERT(listed.has_value());
    RC_ASSERT(static_cast<std::int64_t>(listed->size()) == fresh);
    for (const JobInfo& job : *listed) {
      last_ = job.id;
      jobs_[job.id] = {.state = wait > 0 ? JobState::kWaiting : JobState::kQueued,
                       .priority = priority,
                       .not_before = now_ + wait};
    }
  }

  void Claim(int index, int most) {
    ModelWorker& worker = Alive(index);
    const ClaimFrom from[] = {{queue_, most}};
    const auto claims = store_->Claim(worker.id, from);
    RC_ASSERT(claims.has_value());
    RC_ASSERT(claims->alive == worker.alive);
    if (!worker.alive) return;
    std::vector<std::pair<int, JobId>> next;
    for (auto& [id, job] : jobs_) {
      if (job.state == JobState::kWaiting && job.not_before <= now_) job.state = JobState::kQueued;
      if (job.state == JobState::kQueued) next.emplace_back(-job.priority, id);
    }
    std::sort(next.begin(), next.end());
    if (next.size() > static_cast<std::size_t>(most)) next.resize(static_cast<std::size_t>(most));
    RC_ASSERT(claims->jobs.size() == next.size());
    if (!next.empty()) worker.lease_until = std::max(worker.lease_until, Extended(worker));
    for (std::size_t i = 0; i < next.size(); ++i) {
      const Claimed& claimed = claims->jobs[i];
      ModelJob& job = jobs_[claimed.id];
      RC_ASSERT(claimed.id == next[i].second);
      RC_ASSERT(claimed.fence == ++job.fence);
      RC_ASSERT(claimed.attempts == job.attempts);
      RC_ASSERT(claimed.crashes == job.crashes);
      job.state = JobState::kRunning;
      job.worker = worker.id;
      worker.held.push_back(claimed);
    }
  }

  // Ends what the worker believes to hold, and says so twice: the first answer was lost.
  void Complete(int index, How how, std::int64_t delay) {
    ModelWorker& worker = workers_[index];
    std::vector<Ended> ended;
    std::vector<JobId> counted;
    for (const Claimed& claimed : worker.held) {
      const std::string result = StrCat("\"", claimed.id, "/", claimed.fence, "\"");
      ended.push_back({.id = claimed.id,
                       .fence = claimed.fence,
                       .how = how,
                       .delay = std::chrono::milliseconds(delay),
                       .result = result,
                       .error = "e"});
      ModelJob& job = jobs_[claimed.id];
      if (job.state != JobState::kRunning || job.worker != worker.id ||
          job.fence != claimed.fence) {
        continue;
      }
      counted.push_back(claimed.id);
      End(job, how, delay, result);
    }
    worker.held.clear();
    for (int time = 0; time < 2; ++time) {
      const auto done = store_->Complete(worker.id, ended);
      RC_ASSERT(done.has_value());
      RC_ASSERT(*done == counted);
    }
  }

  void Renew(int index) {
    ModelWorker& worker = Alive(index);
    std::vector<JobId> cancelled;
    for (const auto& [id, job] : jobs_) {
      const bool held = job.state == JobState::kRunning && job.worker == worker.id;
      if (held && job.cancel_asked) cancelled.push_back(id);
    }
    const auto beat = store_->Renew(worker.id, {});
    RC_ASSERT(beat.has_value());
    RC_ASSERT(beat->alive == worker.alive);
    RC_ASSERT(beat->cancelled == cancelled);
    worker.lease_until = now_ + kLease;
  }

  void Retire(int index) {
    ModelWorker& worker = workers_[index];
    RC_ASSERT(store_->Retire(worker.id).has_value());
    if (worker.alive) TakeBack(worker, false);
  }

  void Reap() {
    Reaped expected;
    for (ModelWorker& worker : workers_) {
      if (!worker.alive || worker.lease_until >= now_) continue;
      ++expected.workers;
      const Reaped one = TakeBack(worker, true);
      expected.requeued += one.requeued;
      expected.quarantined += one.quarantined;
    }
    const auto reaped = store_->Reap();
    RC_ASSERT(reaped.has_value());
    RC_ASSERT(reaped->workers == expected.workers);
    RC_ASSERT(reaped->requeued == expected.requeued);
    RC_ASSERT(reaped->quarantined == expected.quarantined);
  }

  void Cancel(int number) {
    if (jobs_.empty()) return;
    const auto at = std::next(jobs_.begin(), number % static_cast<int>(jobs_.size()));
    ModelJob& job = at->second;
    std::int64_t expected = 0;
    if (job.state == JobState::kRunning && !job.cancel_asked) {
      job.cancel_asked = true;
      expected = 1;
    } else if (job.state < JobState::kRunning) {
      job.state = JobState::kCancelled;
      expected = 1;
    }
    const auto cancelled = store_->Cancel({.queue = queue_, .ids = {at->first}});
    RC_ASSERT(cancelled.has_value());
    RC_ASSERT(*cancelled == expected);
  }

  void Retry() {
    std::int64_t expected = 0;
    for (auto& [id, job] : jobs_) {
      if (job.state != JobState::kFailed && job.state != JobState::kCancelled) continue;
      ++expected;
      job.state = JobState::kQueued;
      job.attempts = 0;
      job.crashes = 0;
      job.cancel_asked = false;
    }
    const auto retried = store_->Retry({.queue = queue_});
    RC_ASSERT(retried.has_value());
    RC_ASSERT(*retried == expected);
  }

  void Pass(std::int64_t millis) { now_ += millis; }

  void Check() {
    std::int64_t counts[kJobStates] = {};
    const auto listed = store_->List({.queue = queue_}, 0, 10'000);
    RC_ASSERT(listed.has_value());
    RC_ASSERT(listed->size() == jobs_.size());
    for (const JobInfo& info : *listed) {
      const ModelJob& job = jobs_.at(info.id);
      RC_ASSERT(info.state == job.state);
      RC_ASSERT(info.result == job.result);
      RC_ASSERT(info.attempts == job.attempts);
      RC_ASSERT(info.crashes == job.crashes);
      ++counts[static_cast<int>(info.state)];
    }
    const auto queues = store_->Queues();
    RC_ASSERT(queues.has_value());
    for (const QueueInfo& queue : *queues) {
      if (queue.id != queue_) continue;
      RC_ASSERT(std::equal(std::begin(counts), std::end(counts), std::begin(queue.counts)));
    }
  }

  // From any state all that is left gets done.
  void Finish() {
    now_ += kLease + 1;
    Reap();
    now_ += 10'000;
    ModelWorker& worker = Alive(0);
    for (int round = 0; round < 1000; ++round) {
      Claim(0, 50);
      if (worker.held.empty()) break;
      Complete(0, How::kDone, 0);
    }
    Check();
    for (const auto& [id, job] : jobs_) RC_ASSERT(job.state >= JobState::kDone);
    // The next play begins with the same clock in the same store: a worker left behind would be
    // reaped there.
    for (int index = 0; index < kWorkers; ++index) Retire(index);
  }

 private:
  // A worker that is no more is replaced, once in a while.
  ModelWorker& Alive(int index) {
    ModelWorker& worker = workers_[index];
    if (!worker.alive && (worker.id == 0 || ++deaths_ % 2 == 0)) {
      const auto lease = std::chrono::milliseconds(kLease);
      worker.id = *store_->Enlist({.name = "w", .lease = lease});
      worker.alive = true;
      worker.lease_until = now_ + kLease;
      worker.held.clear();
    }
    return worker;
  }
  std::int64_t Extended(const ModelWorker& worker) const {
    return worker.lease_until < now_ ? now_ + kLease : worker.lease_until;
  }
  void End(ModelJob& job, How how, std::int64_t delay, const std::string& result) const {
    if (how != How::kBack) ++job.attempts;
    if (job.cancel_asked) {
      job.state = JobState::kCancelled;
    } else if (how == How::kDone) {
      RC_ASSERT(job.result.empty());
      job.state = JobState::kDone;
      job.result = result;
    } else if (how == How::kFailed || (how == How::kAgain && job.attempts >= kMaxAttempts)) {
      job.state = JobState::kFailed;
    } else {
      job.state = delay > 0 ? JobState::kWaiting : JobState::kQueued;
      job.not_before = now_ + delay;
    }
  }
  Reaped TakeBack(ModelWorker& worker, bool crashed) {
    Reaped reaped;
    for (auto& [id, job] : jobs_) {
      if (job.state != JobState::kRunning || job.worker != worker.id) continue;
      if (crashed) ++job.crashes;
      if (job.cancel_asked) {
        job.state = JobState::kCancelled;
      } else if (crashed && job.crashes >= kMaxCrashes) {
        job.state = JobState::kFailed;
        ++reaped.quarantined;
      } else {
        job.state = JobState::kQueued;
        ++reaped.requeued;
      }
    }
    worker.alive = false;
    return reaped;
  }

  std::atomic<std::int64_t> now_ = 1'700'000'000'000;
  std::unique_ptr<JobStore> store_;
  QueueId queue_ = 0;
  std::map<JobId, ModelJob> jobs_;
  std::set<std::string> keys_;
  JobId last_ = 0;
  ModelWorker workers_[kWorkers];
  int deaths_ = 0;
};

void Play(const std::string& url, const std::vector<std::uint32_t>& steps) {
  Model model(url);
  for (const std::uint32_t step : steps) {
    const auto a = static_cast<int>(step >> 8 & 0xFF);
    const auto b = static_cast<int>(step >> 16 & 0xFF);
    const int worker = a % kWorkers;
    switch (step % 12) {
      case 0:
      case 1:
        model.Submit(a % 20, 1 + b % 8, b % 3, a % 4 == 0 ? b * 10 : 0);
        break;
      case 2:
      case 3:
      case 4:
        model.Claim(worker, 1 + b % 5);
        break;
      case 5:
        model.Complete(worker, How::kDone, 0);
        break;
      case 6:
        model.Complete(worker, static_cast<How>(b % 4), b % 3 == 0 ? b * 10 : 0);
        break;
      case 7:
        model.Renew(worker);
        break;
      case 8:
        model.Pass(b * 8);
        break;
      case 9:
        model.Reap();
        break;
      case 10:
        model.Cancel(b);
        break;
      default:
        if (b % 2 == 0) {
          model.Retire(worker);
        } else {
          model.Retry();
        }
    }
    model.Check();
  }
  model.Finish();
}

class StoreModelTest : public PlaceTest {};
INSTANTIATE_TEST_SUITE_P(On, StoreModelTest, testing::Values("sqlite", "postgres"), KindName);

TEST_P(StoreModelTest, NoJobIsDoneTwiceAndNoneIsLost) {
  // Nothing crashes in here, so nothing has to wait for the disk.
  std::string url = place_->url();
  if (url.starts_with("postgres:")) url += "&options=-csynchronous_commit%3Doff";
  EXPECT_TRUE(rc::check([&] {
    const auto length = *rc::gen::inRange(1, 60);
    const auto step = rc::gen::inRange<std::uint32_t>(0, 1U << 24);
    const auto steps = *rc::gen::container<std::vector<std::uint32_t>>(length, step);
    Play(url, steps);
  }));
}

}  // namespace
}  // namespace weir::jobs
