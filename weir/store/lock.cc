#include "weir/store/lock.h"

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/store/files.h"

namespace weir::store {
namespace {

constexpr std::size_t kProcLocksBytes = 4 << 20;  // some 60,000 locks

std::optional<std::uint64_t> ParseHex(std::string_view text) {
  if (text.empty() || text.size() > 8) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!IsHexDigit(c)) return std::nullopt;
    value = value * 16 + static_cast<std::uint64_t>(HexValue(c));
  }
  return value;
}

pid_t ParsePid(std::string_view text) {
  const std::optional<std::int64_t> pid = ParseInt(text);
  return pid && *pid > 0 && *pid <= 0x7FFFFFFF ? static_cast<pid_t>(*pid) : 0;
}

// The pid that the holder of an exclusive lock wrote.
pid_t PidIn(const File& file) {
  char text[32];
  const ssize_t got = file.Read(text, sizeof(text), 0);
  return got > 0 ? ParsePid(Trim({text, static_cast<std::size_t>(got)})) : 0;
}

}  // namespace

// A line is "5: FLOCK  ADVISORY  WRITE 4711 fd:01:1835023 0 EOF". The device is the kernel's, which
// on some file systems is not the one that fstat tells: then the number of the file has to do.
pid_t FlockHolderIn(std::string_view proc_locks, dev_t device, ino_t inode) {
  pid_t likely = 0;
  for (const std::string_view line : Split(proc_locks, '\n')) {
    std::vector<std::string_view> words = Split(line, ' ');
    std::erase(words, std::string_view());
    if (words.size() < 6 || words[1] != "FLOCK") continue;  // a waiter has "->" there
    const std::vector<std::string_view> place = Split(words[5], ':');
    if (place.size() != 3 || ParseUint(place[2]) != std::uint64_t{inode}) continue;
    const pid_t pid = ParsePid(words[4]);
    if (ParseHex(place[0]) == major(device) && ParseHex(place[1]) == minor(device)) return pid;
    likely = pid;
  }
  return likely;
}

pid_t FlockHolder(int fd) {
  struct stat about{};
  if (::fstat(fd, &about) != 0) return 0;
  const auto locks = ReadFile("/proc/locks", kProcLocksBytes);
  if (!locks || !*locks) return 0;
  return FlockHolderIn(**locks, about.st_dev, about.st_ino);
}

Result<LockAttempt> FileLock::TryAcquire(const std::string& path, LockMode mode) {
  FileOps& ops = SystemFileOps();
  File file(ops, ops.Open(path, O_RDWR | O_CREAT, 0644));
  if (!file.open()) {
    return Fail(Code::kIoError, StrCat("cannot open the lock file ", path), std::strerror(errno));
  }
  LockAttempt attempt;
  if (file.Lock((mode == LockMode::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return Fail(Code::kIoError, StrCat("cannot lock ", path), std::strerror(errno));
    }
    attempt.holder = FlockHolder(file.fd());
    if (attempt.holder == 0) attempt.holder = PidIn(file);
    return attempt;
  }
  // The lock is held whether or not its pid can be written: that is for people.
  (void)file.Truncate(0);  // of one that died; those who share have none
  if (mode == LockMode::kExclusive) (void)file.Write(StrCat(::getpid(), "\n"), 0);
  attempt.lock.emplace(FileLock(std::move(file), mode));
  return attempt;
}

FileLock::~FileLock() {
  // The pid goes before the lock does; after it, it could be another's.
  if (file_.open() && mode_ == LockMode::kExclusive) (void)file_.Truncate(0);
}

}  // namespace weir::store
