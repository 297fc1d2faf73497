#include "weir/store/failing_testing.h"

#include <algorithm>
#include <cerrno>

namespace weir::store {

bool FailingFileOps::Fails() {
  const int call = ++calls_;
  return options_.at > 0 && call >= options_.at && call <= std::max(options_.at, options_.until);
}

template <class Call>
auto FailingFileOps::Do(Call call) {
  const bool fails = Fails();
  decltype(call()) got = -1;
  if (!fails || options_.how == Failure::kDoneAndFails) got = call();
  if (!fails) return got;
  errno = options_.error;
  return decltype(got){-1};
}

// One that fails leaves no descriptor behind.
int FailingFileOps::Open(const std::string& path, int flags, unsigned mode) {
  if (!Fails()) return SystemFileOps().Open(path, flags, mode);
  if (options_.how == Failure::kDoneAndFails) {
    SystemFileOps().Close(SystemFileOps().Open(path, flags, mode));
  }
  errno = options_.error;
  return -1;
}

ssize_t FailingFileOps::Read(int fd, char* into, std::size_t bytes, off_t position) {
  return Do([&] { return SystemFileOps().Read(fd, into, bytes, position); });
}

ssize_t FailingFileOps::Write(int fd, std::string_view bytes, off_t position) {
  if (options_.how != Failure::kHalfDone && options_.how != Failure::kHalfAndFails) {
    return Do([&] { return SystemFileOps().Write(fd, bytes, position); });
  }
  if (!Fails()) return SystemFileOps().Write(fd, bytes, position);
  const ssize_t half = SystemFileOps().Write(fd, bytes.substr(0, bytes.size() / 2), position);
  if (options_.how == Failure::kHalfDone) return half;
  errno = options_.error;
  return -1;
}

int FailingFileOps::Truncate(int fd, off_t size) {
  return Do([&] { return SystemFileOps().Truncate(fd, size); });
}

int FailingFileOps::Sync(int /*fd*/) {
  ++syncs_;
  return Do([] { return 0; });
}

int FailingFileOps::Lock(int fd, int operation) {
  return Do([&] { return SystemFileOps().Lock(fd, operation); });
}

// The descriptor is closed in any case, as it is on Linux.
int FailingFileOps::Close(int fd) {
  const bool fails = Fails();
  const int got = SystemFileOps().Close(fd);
  if (!fails) return got;
  errno = options_.error;
  return -1;
}

off_t FailingFileOps::Size(int fd) {
  return Do([&] { return SystemFileOps().Size(fd); });
}

int FailingFileOps::MakeFolder(const std::string& path, unsigned mode) {
  return Do([&] { return SystemFileOps().MakeFolder(path, mode); });
}

int FailingFileOps::Rename(const std::string& from, const std::string& to) {
  return Do([&] { return SystemFileOps().Rename(from, to); });
}

int FailingFileOps::Remove(const std::string& path) {
  return Do([&] { return SystemFileOps().Remove(path); });
}

}  // namespace weir::store
