#pragma once

// A network between a program and a test's PostgreSQL that can lose what a test wants it to.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "weir/base/result.h"

namespace weir::store {

class TestPostgresProxy {
 public:
  // In front of the socket in `folder`, which a URL of TestPostgres names.
  explicit TestPostgresProxy(std::string folder);
  TestPostgresProxy(const TestPostgresProxy&) = delete;
  TestPostgresProxy& operator=(const TestPostgresProxy&) = delete;
  ~TestPostgresProxy();

  // The URL of the same database through it.
  std::string Through(const std::string& url) const;
  // The answer to the next commit is lost with its connection: it is done, and nobody knows.
  void LoseNextCommit() { lose_ = true; }
  int lost() const { return lost_; }

 private:
  void Run();

  const std::string server_;
  const std::string folder_;
  int listener_ = -1;
  int stop_ = -1;
  std::atomic<bool> lose_ = false;
  std::atomic<int> lost_ = 0;
  std::thread thread_;
};

}  // namespace weir::store
