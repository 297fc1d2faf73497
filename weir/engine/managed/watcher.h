#pragma once

// Watcher: a small process that outlives this one, however this one ends, and then ends a server.
// It is away in a session of its own and sees the end of this process as the end of a pipe. (The
// kernel's parent-death signal would not do: it is sent when the thread that started the child
// ends, and the server's own workers do not get it.)

#include <string>
#include <utility>

#include <sys/types.h>

#include "weir/base/clock.h"
#include "weir/base/result.h"

namespace weir::engine {

// At the end of this object or process the watcher waits until it gets the lock at `lock_path`
// alone, that is until nobody else uses the server, sends SIGTERM to its process group, and SIGKILL
// to what is left after `grace`. When the server ends by itself, what is left of its group is
// killed, too.
class Watcher {
 public:
  // Fails with kIoError.
  static Result<Watcher> Start(const std::string& lock_path, Duration grace);

  Watcher(Watcher&& other) noexcept
      : pipe_(std::exchange(other.pipe_, -1)), pid_(std::exchange(other.pid_, 0)) {}
  Watcher& operator=(Watcher&&) = delete;
  ~Watcher();

  // Where the server writes its pid, or somebody else does; close-on-exec.
  int announce_fd() const { return pipe_; }
  void Watch(pid_t server);

  // The server is gone, or others look after it: the watcher goes without touching it.
  void Release();

 private:
  Watcher(int pipe, pid_t pid) : pipe_(pipe), pid_(pid) {}

  int pipe_;
  pid_t pid_;
};

}  // namespace weir::engine
