#pragma once

// A new store for each test, of either kind.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "weir/jobs/queue.h"

namespace weir::jobs {

// Where a store may be: a file in a folder of its own, or a database of the tests' PostgreSQL. What
// is there goes with it.
class StorePlace {
 public:
  // `kind` is "sqlite" or "postgres". Fails with kConfigError when there is no PostgreSQL here.
  static Result<std::unique_ptr<StorePlace>> New(const std::string& kind);

  StorePlace(const StorePlace&) = delete;
  StorePlace& operator=(const StorePlace&) = delete;
  ~StorePlace();

  const std::string& url() const { return url_; }
  // Behind the back of the store.
  Result<void> Execute(const std::string& sql) const;

 private:
  StorePlace(std::string url, std::filesystem::path folder);

  const std::string url_;
  const std::filesystem::path folder_;  // of a file; else empty
};

// Jobs with the keys and rows that these numbers make.
std::vector<NewJob> NumberedJobs(int first, int count);
std::vector<Ended> DoneOf(const std::vector<Claimed>& jobs);
std::vector<JobId> IdsOf(const std::vector<Claimed>& jobs);

}  // namespace weir::jobs
