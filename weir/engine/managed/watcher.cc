#include "weir/engine/managed/watcher.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <limits>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/engine/managed/command_line.h"

namespace weir::engine {
namespace {

constexpr int kPollMillis = 100;

// What follows runs between fork and _exit in a process that may have had other threads: nothing in
// it allocates, locks or throws.

// Waits for the end of the process at most so long.
bool WaitForEnd(int process, int millis) {
  pollfd end{.fd = process, .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&end, 1, millis);
  } while (ready < 0 && errno == EINTR);
  return ready != 0;
}

// Until nobody else uses the server. False: it ended meanwhile.
bool WaitUntilUnused(int lock, int process) {
  while (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (WaitForEnd(process, kPollMillis)) return false;
  }
  return true;
}

[[noreturn]] void Run(int pipe, int lock, int grace_millis, const CommandLine& line) {
  StandAside(line, "weir-watcher", pipe, lock);

  pid_t group = 0;
  int process = -1;
  for (;;) {
    pollfd ready[2] = {{.fd = 0, .events = POLLIN, .revents = 0},
                       {.fd = process, .events = POLLIN, .revents = 0}};  // -1 is left out
    if (::poll(ready, 2, -1) < 0) continue;
    if (ready[1].revents != 0) {
      ::kill(-group, SIGKILL);
      ::_exit(0);
    }
    pid_t word = 0;
    const ssize_t got = ::read(0, &word, sizeof word);
    if (got < 0) continue;
    if (got == sizeof word && word == 0) ::_exit(0);
    if (got == 0) break;
    group = word;
    process = static_cast<int>(::syscall(SYS_pidfd_open, group, 0));
    if (process < 0) ::_exit(0);  // it is gone already
  }
  if (group <= 1) ::_exit(0);
  if (WaitUntilUnused(1, process)) {
    ::kill(-group, SIGTERM);
    WaitForEnd(process, grace_millis);
  }
  ::kill(-group, SIGKILL);
  ::_exit(0);
}

}  // namespace

Result<Watcher> Watcher::Start(const std::string& lock_path, Duration grace) {
  const auto failed = [](std::string_view what) {
    return Fail(Code::kIoError, StrCat("no server can be started: ", what), std::strerror(errno));
  };
  int ends[2];
  // Sockets, because to write into a pipe that nobody reads raises a signal.
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return failed("no more files can be opened");
  }
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    return failed(StrCat("the lock ", lock_path, " cannot be opened"));
  }
  const auto millis = std::clamp<std::int64_t>(grace / std::chrono::milliseconds(1), 0,
                                               std::numeric_limits<int>::max());
  const CommandLine line = FindCommandLine();
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // for ever in the watcher
  const pid_t pid = ::fork();
  if (pid == 0) Run(ends[0], lock, static_cast<int>(millis), line);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(ends[0]);
  ::close(lock);
  if (pid < 0) {
    ::close(ends[1]);
    return failed("no more processes can be started");
  }
  return Watcher(ends[1], pid);
}

Watcher::~Watcher() {
  if (pipe_ >= 0) ::close(pipe_);
  if (pid_ > 0) ::waitpid(pid_, nullptr, WNOHANG);
}

void Watcher::Watch(pid_t server) {
  // Fails only when the watcher is gone, and with it the server.
  (void)::send(pipe_, &server, sizeof server, MSG_NOSIGNAL);
}

void Watcher::Release() {
  Watch(0);
  ::close(std::exchange(pipe_, -1));
  ::waitpid(std::exchange(pid_, 0), nullptr, 0);
}

}  // namespace weir::engine
