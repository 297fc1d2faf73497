#include "weir/agent/tools/beneath.h"

#include <cerrno>
#include <cstdint>
#include <vector>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "weir/base/text.h"

namespace weir::agent {
namespace {

constexpr std::size_t kLongestPath = 4096;
// The kernel gives up with EAGAIN when something is renamed while it resolves `..`.
constexpr int kMostTries = 64;

Fd OpenByKernel(int folder_fd, std::string_view path, int flags) {
  const std::string text(path.empty() ? "." : path);
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  Fd fd;
  for (int i = 0; i < kMostTries && !fd.open(); ++i) {
    fd = Fd(static_cast<int>(::syscall(SYS_openat2, folder_fd, text.c_str(), &how, sizeof how)));
    if (!fd.open() && errno != EAGAIN && errno != EINTR) break;
  }
  return fd;
}

// openat(2) of one name, or of "."; a link is ELOOP.
Fd OpenPart(int folder_fd, std::string_view part, int flags) {
  const std::string name(part);
  Fd fd(::openat(folder_fd, name.c_str(), flags | O_NOFOLLOW));
  const int error = errno;
  struct stat status{};
  const bool link =
      fd.open()
          ? (flags & O_PATH) != 0 && ::fstat(fd.get(), &status) == 0 && S_ISLNK(status.st_mode)
          : error == ENOTDIR &&
                ::fstatat(folder_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISLNK(status.st_mode);
  if (link) fd = Fd();
  errno = link ? ELOOP : error;
  return fd;
}

Fd OpenByParts(int folder_fd, std::string_view path, int flags) {
  // The folders on the way, so that `..` goes back to where the path came from.
  std::vector<Fd> way;
  const auto top = [&] { return way.empty() ? folder_fd : way.back().get(); };
  const std::vector<std::string_view> parts = Split(path, '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    const bool here = parts[i].empty() || parts[i] == ".";
    if (parts[i] == "..") {
      if (way.empty()) {
        errno = EXDEV;
        return {};
      }
      way.pop_back();
    }
    if (here || parts[i] == "..") {
      if (last) return OpenPart(top(), ".", flags);
      continue;
    }
    if (last) return OpenPart(top(), parts[i], flags);
    Fd fd = OpenPart(top(), parts[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!fd.open()) return {};
    way.push_back(std::move(fd));
  }
  return {};
}

}  // namespace

Result<void> CheckPath(std::string_view path, std::string_view folder) {
  const auto refuse = [&](std::string_view why) {
    return Fail(Code::kInvalidRequest, StrCat("the path '", Truncate(path, 200), "' ", why));
  };
  if (path.contains('\0')) {
    return Fail(Code::kInvalidRequest, "the path has a NUL byte in it; write the name of a file");
  }
  if (path.size() > kLongestPath) return refuse("is too long");
  if (path.starts_with('/')) {
    std::string_view inside = path;
    const bool known = path.starts_with(folder) && path.substr(folder.size()).starts_with('/');
    if (known) inside.remove_prefix(folder.size() + 1);
    return refuse(known ? StrCat("is absolute; write it from the top of the workspace: '",
                                 Truncate(inside, 200), "'")
                        : "is absolute; only paths that count from the top of the workspace can "
                          "be used, such as 'src/a.py'");
  }
  std::size_t depth = 0;
  for (const std::string_view part : Split(path, '/')) {
    if (part == ".." && depth-- == 0) {
      return refuse("leads out of the workspace; nothing outside it can be used");
    }
    if (!part.empty() && part != "." && part != "..") ++depth;
  }
  return {};
}

Fd OpenBeneath(int folder_fd, std::string_view path, int flags, Resolving resolving) {
  flags |= O_CLOEXEC;
  return resolving == Resolving::kByKernel ? OpenByKernel(folder_fd, path, flags)
                                           : OpenByParts(folder_fd, path, flags);
}

bool HasOpenat2(int folder_fd) {
  return OpenByKernel(folder_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC).open();
}

}  // namespace weir::agent
