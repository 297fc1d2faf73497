#include "weir/agent/tools/root_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "weir/base/fd.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

constexpr std::size_t kDeepest = 64;  // folders inside each other; each keeps one file open

std::string TemporaryName() {
  std::uint64_t number = 0;
  // Names that were taken are found out by O_EXCL.
  (void)!::getrandom(&number, sizeof number, 0);
  return StrCat(".weir-", number, ".part");
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

std::string NotRegular(std::string_view path) {
  return StrCat("'", Truncate(path, 200),
                "' is no regular file but a pipe, a socket or a device, which are not used");
}

std::optional<std::string> ReadWhole(int fd, std::size_t max_bytes) {
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (text.size() <= max_bytes) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

int ReplaceIn(int folder_fd, const std::string& name, std::string_view text,
              std::optional<mode_t> mode) {
  std::string fresh = TemporaryName();
  const auto open_fresh = [&] {
    return Fd(::openat(folder_fd, fresh.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  };
  Fd fd = open_fresh();
  while (!fd.open() && errno == EEXIST) {
    fresh = TemporaryName();
    fd = open_fresh();
  }
  if (!fd.open()) return errno;
  const bool whole = WriteAll(fd.get(), text) &&
                     (!mode || ::fchmod(fd.get(), *mode & kPermissions) == 0) &&
                     ::close(fd.release()) == 0 &&
                     ::renameat(folder_fd, fresh.c_str(), folder_fd, name.c_str()) == 0;
  if (whole) return 0;
  const int error = errno;
  ::unlinkat(folder_fd, fresh.c_str(), 0);
  return error;
}

int ListFolder(Fd folder, const std::string& prefix, bool deep, std::size_t max_entries,
               std::vector<RootEntry>& entries) {
  const std::unique_ptr<DIR, CloseFolder> open(::fdopendir(folder.get()));
  if (open == nullptr) return errno;
  const int fd = folder.release();  // fdopendir() has taken it
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && name != ".git") names.emplace_back(name);
  }
  if (errno != 0) return errno;
  std::ranges::sort(names);
  for (const std::string& name : names) {
    if (entries.size() >= max_entries) return 0;
    struct stat status{};
    if (::fstatat(fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;  // gone since
    const bool is_folder = S_ISDIR(status.st_mode);
    if (!is_folder && !S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) continue;
    entries.push_back({.path = StrCat(prefix, name),
                       .folder = is_folder,
                       .bytes = is_folder ? 0 : static_cast<std::size_t>(status.st_size)});
    if (!is_folder || !deep) continue;
    const std::string below = StrCat(prefix, name, "/");
    if (static_cast<std::size_t>(std::ranges::count(below, '/')) > kDeepest) continue;
    Fd inner(::openat(fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    // One that may not be read is left closed.
    if (inner.open()) (void)ListFolder(std::move(inner), below, deep, max_entries, entries);
  }
  return 0;
}

}  // namespace weir::agent
