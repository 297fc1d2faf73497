#include "weir/engine/managed/log_keeper.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <limits>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/fd.h"
#include "weir/base/text.h"
#include "weir/engine/managed/command_line.h"

namespace weir::engine {
namespace {

constexpr int kLookEveryMillis = 500;

// What follows runs between fork and _exit in a process that may have had other threads: nothing in
// it allocates, locks or throws.

void CopyLog(int log, int to) {
  std::array<char, 64 * 1024> piece;
  off_t from = 0;
  for (;;) {
    const ssize_t got = ::pread(log, piece.data(), piece.size(), from);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || !WriteAll(to, {piece.data(), static_cast<std::size_t>(got)})) return;
    from += got;
  }
}

[[noreturn]] void Keep(const char* older, std::int64_t most) {
  for (;;) {
    pollfd end{.fd = 1, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&end, 1, kLookEveryMillis);
    if (ready > 0) ::_exit(0);
    CutLog(0, older, most);
  }
}

}  // namespace

std::string OlderLog(const std::string& path) { return path + ".1"; }

bool CutLog(int log, const char* older, std::int64_t most) {
  struct stat status{};
  if (::fstat(log, &status) != 0 || status.st_size <= most) return false;
  const int to = ::open(older, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  // A full disk is no reason to go on filling it: what cannot be copied is gone.
  if (to >= 0) {
    CopyLog(log, to);
    ::close(to);
  }
  return ::ftruncate(log, 0) == 0;
}

Result<void> KeepLogShort(const std::string& path, pid_t server, std::int64_t most) {
  std::error_code ignored;
  const std::string older = OlderLog(std::filesystem::absolute(path, ignored).string());
  const int log = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, server, 0));
  const int failed = errno;
  pid_t between = -1;
  if (log >= 0 && process >= 0) {
    const CommandLine line = FindCommandLine();
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // for ever in the keeper
    between = ::fork();
    if (between == 0) {
      // Whoever waits for this process knows that it has let go. The keeper is a child of nobody,
      // so that nobody has to wait for that.
      StandAside(line, "weir-log", log, process);
      if (::fork() == 0) Keep(older.c_str(), most);
      ::_exit(0);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  if (log >= 0) ::close(log);
  if (process >= 0) ::close(process);
  if (between > 0) {
    while (::waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
    }
    return {};
  }
  return Fail(Code::kIoError, StrCat("nobody looks after the size of the log ", path),
              std::strerror(failed));
}

}  // namespace weir::engine
