#pragma once

// A PostgreSQL of a test's own: in a temporary folder, reached by a socket in there only, ended by
// its pid and removed.

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "weir/base/result.h"

namespace weir::store {

class TestPostgres {
 public:
  // Fails with kConfigError when PostgreSQL is not installed: a reason to skip a test, loudly. Who
  // is root runs it as the user postgres, because it refuses root.
  static Result<std::unique_ptr<TestPostgres>> Start();
  // One for the whole program, started by the first call and ended at exit.
  static Result<TestPostgres*> Shared();

  TestPostgres(const TestPostgres&) = delete;
  TestPostgres& operator=(const TestPostgres&) = delete;
  ~TestPostgres();

  // The URL of a database; "postgres" is there.
  std::string Url(const std::string& database) const;
  // The URL of a new one.
  Result<std::string> NewDatabase();

  // As after a crash: nothing is finished, connections are cut.
  Result<void> Stop();
  // Returns when it answers.
  Result<void> Run();
  pid_t pid() const { return server_; }
  const std::string& folder() const { return folder_; }  // with its socket

 private:
  TestPostgres(std::string programs, std::string folder);
  pid_t Spawn(const std::string& program, const std::vector<std::string>& args) const;
  // Until SQL is answered.
  Result<void> Answer(const std::string& sql);

  const std::string programs_;
  const std::string folder_;
  pid_t server_ = 0;
  int databases_ = 0;
};

}  // namespace weir::store
