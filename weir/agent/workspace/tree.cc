#include "weir/agent/workspace/tree.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include "weir/agent/workspace/workspace_files.h"
#include "weir/base/fd.h"
#include "weir/base/random.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

constexpr mode_t kMayRun = 0111;
constexpr std::size_t kLongestLink = 4096;

Result<std::string> ReadAll(int fd, std::string_view path, std::size_t max_bytes) {
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError("read", path, errno);
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > max_bytes) {
      return Fail(Code::kIoError, StrCat(path, " is longer than ", max_bytes, " bytes"));
    }
  }
}

// The same for the same file, so that what one attempt left is overwritten by the next.
std::string TemporaryName(const std::string& name) {
  return StrCat(".weir-", HexText(StableHash(name.data(), name.size())), ".part");
}

// Permissions that tell who may read a file tell who may run it, too.
mode_t WithMayRun(mode_t mode, bool may_run) {
  mode &= kPermissions & ~kMayRun;
  return may_run ? mode | (mode & 0444) >> 2 : mode;
}

}  // namespace

Result<Tree> Tree::Open(std::string folder) {
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) {
    return Fail(Code::kConfigError, StrCat("cannot open the folder ", folder),
                std::strerror(errno));
  }
  return Tree(std::move(folder), std::move(fd));
}

Result<Tree::Parent> Tree::OpenParent(std::string_view path, bool make) const {
  const std::vector<std::string_view> parts = Split(path, '/');
  for (const std::string_view part : parts) {
    if (part.empty() || part == "." || part == ".." || part == ".git" || part.contains('\0')) {
      return Fail(Code::kInvalidRequest, StrCat("'", path, "' is no path of a file in ", folder_));
    }
  }
  Fd at(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  std::string way;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const std::string part(parts[i]);
    StrAppend(way, i == 0 ? "" : "/", part);
    if (make && ::mkdirat(at.get(), part.c_str(), 0777) != 0 && errno != EEXIST) {
      return FileError("make the folder", StrCat(folder_, "/", way), errno);
    }
    Fd next(::openat(at.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next.open()) {
      if (errno == ENOENT)
        return Parent{.fd = {}, .name = std::string(parts.back()), .obstacle = {}};
      if (errno != ENOTDIR && errno != ELOOP) {
        return FileError("open", StrCat(folder_, "/", way), errno);
      }
      return Parent{.fd = {}, .name = std::string(parts.back()), .obstacle = std::move(way)};
    }
    at = std::move(next);
  }
  return Parent{.fd = std::move(at), .name = std::string(parts.back()), .obstacle = {}};
}

Result<Found> Tree::Read(std::string_view path, std::size_t max_bytes) const {
  WEIR_TRY(const Parent parent, OpenParent(path, false));
  Found found;
  if (!parent.obstacle.empty()) {
    found.obstacle = StrCat(parent.obstacle, " is no folder");
    found.obstacle_path = parent.obstacle;
    return found;
  }
  if (!parent.fd.open()) return found;
  struct stat status{};
  if (::fstatat(parent.fd.get(), parent.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return found;
    return FileError("look at", StrCat(folder_, "/", path), errno);
  }
  if (S_ISLNK(status.st_mode)) {
    std::string target(kLongestLink, '\0');
    const ssize_t size =
        ::readlinkat(parent.fd.get(), parent.name.c_str(), target.data(), target.size());
    if (size < 0) return FileError("read the link", StrCat(folder_, "/", path), errno);
    target.resize(static_cast<std::size_t>(size));
    found.file = {.form = FileForm::kLink, .text = std::move(target)};
    return found;
  }
  if (!S_ISREG(status.st_mode)) {
    found.obstacle = StrCat(path, S_ISDIR(status.st_mode) ? " is a folder" : " is no regular file");
    found.obstacle_path = path;
    return found;
  }
  const Fd fd(::openat(parent.fd.get(), parent.name.c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.open()) return FileError("read", StrCat(folder_, "/", path), errno);
  WEIR_TRY(found.file.text, ReadAll(fd.get(), StrCat(folder_, "/", path), max_bytes));
  found.file.form = (status.st_mode & S_IXUSR) != 0 ? FileForm::kProgram : FileForm::kFile;
  return found;
}

Result<void> Tree::Write(std::string_view path, const FileState& file) const {
  const std::string whole = StrCat(folder_, "/", path);
  WEIR_TRY(const Parent parent, OpenParent(path, true));
  if (!parent.fd.open()) {
    return Fail(Code::kIoError,
                StrCat("cannot write ", whole, ": ", parent.obstacle, " is no folder"));
  }
  const std::string fresh = TemporaryName(parent.name);
  (void)::unlinkat(parent.fd.get(), fresh.c_str(), 0);  // what is not there need not go
  if (file.form == FileForm::kLink) {
    if (::symlinkat(file.text.c_str(), parent.fd.get(), fresh.c_str()) != 0) {
      return FileError("make the link", whole, errno);
    }
  } else {
    struct stat before{};
    const bool known =
        ::fstatat(parent.fd.get(), parent.name.c_str(), &before, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(before.st_mode);
    const Fd fd(::openat(parent.fd.get(), fresh.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (!fd.open()) return FileError("write", whole, errno);
    struct stat made{};
    const bool well = ::fstat(fd.get(), &made) == 0 && WriteAll(fd.get(), file.text) &&
                      ::fchmod(fd.get(), WithMayRun(known ? before.st_mode : made.st_mode,
                                                    file.form == FileForm::kProgram)) == 0 &&
                      ::fsync(fd.get()) == 0;
    if (!well) {
      const int error = errno;
      RemoveLeftover(path);
      return FileError("write", whole, error);
    }
  }
  if (::renameat(parent.fd.get(), fresh.c_str(), parent.fd.get(), parent.name.c_str()) != 0) {
    const int error = errno;
    RemoveLeftover(path);
    return FileError("replace", whole, error);
  }
  (void)::fsync(parent.fd.get());  // some file systems cannot sync folders
  return {};
}

Result<void> Tree::Remove(std::string_view path) const {
  WEIR_TRY(const Parent parent, OpenParent(path, false));
  if (!parent.fd.open()) return {};
  if (::unlinkat(parent.fd.get(), parent.name.c_str(), 0) != 0 && errno != ENOENT) {
    return FileError("remove", StrCat(folder_, "/", path), errno);
  }
  for (std::size_t slash = path.rfind('/'); slash != path.npos; slash = path.rfind('/')) {
    path = path.substr(0, slash);
    WEIR_TRY(const Parent above, OpenParent(path, false));
    if (!above.fd.open()) break;
    if (::unlinkat(above.fd.get(), above.name.c_str(), AT_REMOVEDIR) != 0) break;
  }
  return {};
}

void Tree::RemoveLeftover(std::string_view path) const {
  const Result<Parent> parent = OpenParent(path, false);
  if (!parent || !parent->fd.open()) return;
  (void)::unlinkat(parent->fd.get(), TemporaryName(parent->name).c_str(), 0);
}

}  // namespace weir::agent
