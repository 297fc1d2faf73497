#pragma once

// What the tests of the stores begin with: one on a place of each kind, and a clock in their hands.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "weir/jobs/queue.h"
#include "weir/jobs/store_testing.h"

namespace weir::jobs {

// The value, or a failed test and an empty one.
template <class T>
T Value(Result<T> result) {
  EXPECT_TRUE(result) << (result ? "" : result.error().message + " " + result.error().cause);
  return result ? *std::move(result) : T{};
}

// A new place for each test; what cannot be tested here says so.
class PlaceTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto place = StorePlace::New(GetParam());
    if (!place && place.error().code == Code::kConfigError) {
      GTEST_SKIP() << "NOT TESTED: " << place.error().message << " " << place.error().cause;
    }
    ASSERT_TRUE(place) << place.error().message << " " << place.error().cause;
    place_ = *std::move(place);
  }

  std::unique_ptr<StorePlace> place_;
};

inline constexpr std::int64_t kStart = 1'700'000'000'000;

class StoreTest : public PlaceTest {
 protected:
  void SetUp() override {
    PlaceTest::SetUp();
    if (place_ == nullptr) return;
    store_ = Open();
    ASSERT_NE(store_, nullptr);
  }

  std::unique_ptr<JobStore> Open() {
    StoreOptions options;
    options.now_ms = [this] { return now_.load(); };
    return Value(OpenStore(place_->url(), options));
  }
  QueueId Queue(QueueSpec spec = {}) {
    if (spec.name.empty()) spec.name = "q";
    return Value(store_->Declare(spec));
  }
  Submitted Submit(QueueId queue, const std::vector<NewJob>& jobs) {
    return Value(store_->Submit(queue, jobs));
  }
  WorkerId Worker(Duration lease = std::chrono::seconds(30)) {
    return Value(store_->Enlist({.name = "w", .lease = lease}));
  }
  std::vector<Claimed> Claim(WorkerId worker, QueueId queue, int most) {
    const ClaimFrom from[] = {{queue, most}};
    const Claims claims = Value(store_->Claim(worker, from));
    EXPECT_TRUE(claims.alive);
    return claims.jobs;
  }
  std::vector<std::string> ClaimKeys(WorkerId worker, QueueId queue, int most) {
    std::vector<std::string> keys;
    for (const Claimed& job : Claim(worker, queue, most)) keys.push_back(job.key);
    return keys;
  }
  std::vector<JobId> End(WorkerId worker, const Claimed& job, Ended::How how, Ended ended = {}) {
    ended.id = job.id;
    ended.fence = job.fence;
    ended.how = how;
    return Value(store_->Complete(worker, std::vector{ended}));
  }
  JobInfo Find(JobId id) {
    const auto found = Value(store_->Find(id));
    EXPECT_TRUE(found);
    return found.value_or(JobInfo());
  }
  std::int64_t Count(QueueId queue, JobState state) {
    for (const QueueInfo& info : Value(store_->Queues())) {
      if (info.id == queue) return info.counts[static_cast<int>(state)];
    }
    return -1;
  }

  std::atomic<std::int64_t> now_ = kStart;
  std::unique_ptr<JobStore> store_;
};

// "sqlite", "postgres": the names of the two.
inline std::string KindName(const testing::TestParamInfo<const char*>& about) {
  return about.param;
}

}  // namespace weir::jobs
