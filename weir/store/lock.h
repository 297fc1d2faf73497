#pragma once

// Locks between processes, on flock: they end with their holder, however it dies, and are never
// stale. What a lock file holds is a help for people; that it exists means nothing.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sys/types.h>

#include "weir/base/result.h"
#include "weir/store/file_ops.h"

namespace weir::store {

enum class LockMode : std::uint8_t {
  kExclusive,  // nobody else
  kShared,     // others that share
};

struct LockAttempt;

// Held from TryAcquire until it is destroyed. A child process that is forked (and does not call
// exec) while the lock is held keeps it alive.
class FileLock {
 public:
  // Never waits. The file is made when there is none, and is left behind: to remove it would give
  // two processes the lock. Who holds it alone has its pid in it. Fails with kIoError when the file
  // cannot be opened or locked for another reason than a holder.
  static Result<LockAttempt> TryAcquire(const std::string& path,
                                        LockMode mode = LockMode::kExclusive);

  FileLock(FileLock&&) noexcept = default;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  FileLock(File file, LockMode mode) : file_(std::move(file)), mode_(mode) {}

  File file_;
  LockMode mode_;
};

struct LockAttempt {
  std::optional<FileLock> lock;  // empty when somebody else holds it:
  pid_t holder = 0;              // who, or one of them; 0 if it cannot be told
};

// A process that holds a flock on the file behind `fd`, as the kernel lists it; 0 if it cannot be
// told, for example because it runs in another container.
pid_t FlockHolder(int fd);

// The same, out of the text of /proc/locks.
pid_t FlockHolderIn(std::string_view proc_locks, dev_t device, ino_t inode);

}  // namespace weir::store
