#include "weir/store/files.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/fd.h"
#include "weir/base/text.h"

namespace weir::store {
namespace {

std::unexpected<Error> Failed(std::string_view what, const std::string& path, int error) {
  return Fail(Code::kConfigError, StrCat("cannot ", what, " ", path), std::strerror(error));
}

// The name of a file is on the disk when its folder is.
void SyncFolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.open()) ::fsync(fd.get());
}

// Removes a file that was not finished.
class Unfinished {
 public:
  explicit Unfinished(std::string path) : path_(std::move(path)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  void Keep() { path_.clear(); }

 private:
  std::string path_;
};

}  // namespace

Result<std::optional<std::string>> ReadFile(const std::string& path, std::size_t max_bytes) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open() && errno == ENOENT) return std::optional<std::string>();
  if (!fd.open()) return Failed("read", path, errno);
  std::string text;
  char buffer[1 << 14];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path, errno);
    if (got == 0) return std::optional<std::string>(std::move(text));
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > max_bytes) {
      return Fail(Code::kConfigError,
                  StrCat(path, " is longer than the ", max_bytes, " bytes that are read of it"));
    }
  }
}

Result<void> ReplaceFile(const std::string& path, std::string_view text,
                         const ReplaceOptions& options) {
  std::string fresh = StrCat(path, ".", ::getpid(), ".part");
  Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, options.mode));
  if (!fd.open()) return Failed("write", path, errno);
  Unfinished unfinished(fresh);
  if (!WriteAll(fd.get(), text)) return Failed("write", path, errno);
  if (options.durable && ::fsync(fd.get()) != 0) return Failed("write", path, errno);
  if (!fd.Close()) return Failed("write", path, errno);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return Failed("replace", path, errno);
  unfinished.Keep();
  if (options.durable) SyncFolderOf(path);
  return {};
}

}  // namespace weir::store
