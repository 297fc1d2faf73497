#pragma once

// A disk that fails at one step, so that a test can let it fail at each. It syncs nothing: only a
// power cut could tell, and it makes a test that opens thousands of files quick.

#include <atomic>
#include <cstdint>

#include "weir/store/file_ops.h"

namespace weir::store {

enum class Failure : std::uint8_t {
  kNothingDone,   // the call fails and has done nothing
  kHalfDone,      // a write does half of its bytes and says so; other calls as kNothingDone
  kHalfAndFails,  // a write does half of its bytes and fails
  kDoneAndFails,  // the call does its work, and fails
};

struct FailingOptions {
  int at = 0;     // the call that fails, from 1; 0: none
  int until = 0;  // the last one that does; less than `at`: only that
  Failure how = Failure::kNothingDone;
  int error = 5;  // EIO
};

class FailingFileOps final : public FileOps {
 public:
  explicit FailingFileOps(const FailingOptions& options) : options_(options) {}

  int calls() const { return calls_; }
  int syncs() const { return syncs_; }  // that were asked for

  int Open(const std::string& path, int flags, unsigned mode) override;
  ssize_t Read(int fd, char* into, std::size_t bytes, off_t position) override;
  ssize_t Write(int fd, std::string_view bytes, off_t position) override;
  int Truncate(int fd, off_t size) override;
  int Sync(int fd) override;
  int Lock(int fd, int operation) override;
  int Close(int fd) override;
  off_t Size(int fd) override;
  int MakeFolder(const std::string& path, unsigned mode) override;
  int Rename(const std::string& from, const std::string& to) override;
  int Remove(const std::string& path) override;

 private:
  bool Fails();
  template <class Call>
  auto Do(Call call);

  const FailingOptions options_;
  std::atomic<int> calls_ = 0;
  std::atomic<int> syncs_ = 0;
};

}  // namespace weir::store
