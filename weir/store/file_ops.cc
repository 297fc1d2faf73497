#include "weir/store/file_ops.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir::store {
namespace {

template <class Call>
auto Uninterrupted(Call call) {
  for (;;) {
    const auto got = call();
    if (got >= 0 || errno != EINTR) return got;
  }
}

class SystemCalls final : public FileOps {
 public:
  int Open(const std::string& path, int flags, unsigned mode) override {
    return Uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
  }
  ssize_t Read(int fd, char* into, std::size_t bytes, off_t position) override {
    return Uninterrupted([&] { return ::pread(fd, into, bytes, position); });
  }
  ssize_t Write(int fd, std::string_view bytes, off_t position) override {
    return Uninterrupted([&] { return ::pwrite(fd, bytes.data(), bytes.size(), position); });
  }
  int Truncate(int fd, off_t size) override {
    return Uninterrupted([&] { return ::ftruncate(fd, size); });
  }
  int Sync(int fd) override {
    return Uninterrupted([&] { return ::fsync(fd); });
  }
  int Lock(int fd, int operation) override {
    return Uninterrupted([&] { return ::flock(fd, operation); });
  }
  // Linux has closed the descriptor even when it says that it was interrupted.
  int Close(int fd) override { return ::close(fd); }
  off_t Size(int fd) override {
    struct stat status{};
    return ::fstat(fd, &status) == 0 ? status.st_size : -1;
  }
  int MakeFolder(const std::string& path, unsigned mode) override {
    return ::mkdir(path.c_str(), mode);
  }
  int Rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str());
  }
  int Remove(const std::string& path) override { return ::unlink(path.c_str()); }
};

}  // namespace

FileOps& SystemFileOps() {
  static SystemCalls calls;
  return calls;
}

File::File(File&& other) noexcept : ops_(other.ops_), fd_(std::exchange(other.fd_, -1)) {}

// What has to be on the disk was synced before: an error of close says nothing about it.
File::~File() {
  if (fd_ >= 0) (void)ops_->Close(fd_);
}

}  // namespace weir::store
