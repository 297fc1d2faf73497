#include "weir/agent/workspace/workspace_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/fd.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunk = 1 << 16;

FileForm FormOf(const struct stat& status) {
  if (S_ISLNK(status.st_mode)) return FileForm::kLink;
  if (!S_ISREG(status.st_mode)) return FileForm::kNone;
  return (status.st_mode & S_IXUSR) != 0 ? FileForm::kProgram : FileForm::kFile;
}

Result<void> CopyByHand(int from, int to, const std::string& path) {
  char buffer[kChunk];
  for (;;) {
    const ssize_t got = ::read(from, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError("read", path, errno);
    if (got == 0) return {};
    for (ssize_t done = 0; done < got;) {
      const ssize_t written = ::write(to, buffer + done, static_cast<std::size_t>(got - done));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return FileError("write a copy of", path, errno);
      done += written;
    }
  }
}

Result<void> CopyBytes(int from, int to, const std::string& path) {
  if (::ioctl(to, FICLONE, from) == 0) return {};
  for (;;) {
    const ssize_t copied = ::copy_file_range(from, nullptr, to, nullptr, std::size_t{1} << 30, 0);
    if (copied > 0 || (copied < 0 && errno == EINTR)) continue;
    // What another file system, or a file of /proc, cannot do goes on by hand, from there.
    return CopyByHand(from, to, path);
  }
}

Result<void> CopyLink(const std::string& from, const std::string& to) {
  std::error_code error;
  const fs::path target = fs::read_symlink(from, error);
  if (error) return FileError("read the link", from, error.value());
  if (::symlink(target.c_str(), to.c_str()) != 0) return FileError("make the link", to, errno);
  return {};
}

Result<void> CopyFile(const std::string& from, const std::string& to) {
  const Fd source(::open(from.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status{};
  if (!source.open() || ::fstat(source.get(), &status) != 0) return FileError("read", from, errno);
  const Fd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!target.open()) return FileError("write", to, errno);
  WEIR_CHECK(CopyBytes(source.get(), target.get(), from));
  const timespec times[] = {status.st_atim, status.st_mtim};
  // Its owner must be able to work with it, and to take it away.
  const mode_t mode = (status.st_mode & 0777) | S_IRUSR | S_IWUSR;
  if (::fchmod(target.get(), mode) != 0) return FileError("set the permissions of", to, errno);
  if (::futimens(target.get(), times) != 0) return FileError("set the time of", to, errno);
  return {};
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? std::string() : path.substr(0, slash);
}

}  // namespace

std::unexpected<Error> FileError(std::string_view what, std::string_view path, int error) {
  return Fail(Code::kIoError, StrCat("cannot ", what, " ", path), std::strerror(error));
}

bool IsRunFolder(const std::string& folder) {
  return ::access(StrCat(folder, "/run.json").c_str(), F_OK) == 0 &&
         (::access(StrCat(folder, "/ledger").c_str(), F_OK) == 0 ||
          ::access(StrCat(folder, "/workspaces").c_str(), F_OK) == 0);
}

void SortByPath(std::vector<ListedFile>& files) {
  std::ranges::sort(files, {}, &ListedFile::path);
  const auto doubles = std::ranges::unique(files, {}, &ListedFile::path);
  files.erase(doubles.begin(), doubles.end());
}

Result<ListedFile> LookAt(const std::string& folder, std::string path) {
  struct stat status{};
  const std::string whole = StrCat(folder, "/", path);
  if (::lstat(whole.c_str(), &status) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) return FileError("look at", whole, errno);
    return ListedFile{.path = std::move(path), .form = FileForm::kNone};
  }
  return ListedFile{.path = std::move(path),
                    .form = FormOf(status),
                    .bytes = static_cast<std::uint64_t>(status.st_size)};
}

Result<std::vector<ListedFile>> ListFolder(const std::string& folder, const ListLimits& limits) {
  std::vector<ListedFile> files;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string whole = at->path().string();
    const bool is_folder = at->symlink_status(error).type() == fs::file_type::directory;
    if (at->path().filename() == ".git") {
      if (is_folder) at.disable_recursion_pending();
      continue;
    }
    if (is_folder) {
      if (limits.without_runs && IsRunFolder(whole)) at.disable_recursion_pending();
      continue;
    }
    WEIR_TRY(ListedFile file, LookAt(folder, whole.substr(folder.size() + 1)));
    if (file.form == FileForm::kNone) continue;
    files.push_back(std::move(file));
    if (files.size() > limits.max_files) {
      return Fail(Code::kConfigError, StrCat(folder, " has more than ", limits.max_files,
                                             " files; name a smaller folder as the source"));
    }
  }
  if (error) return FileError("list the folder", folder, error.value());
  SortByPath(files);
  return files;
}

Result<void> CopyFiles(const std::string& from, const std::vector<ListedFile>& files,
                       const std::string& to, CopyWay way) {
  WEIR_CHECK(MakeFolders(to));
  std::string made;  // the folder that was made last
  for (const ListedFile& file : files) {
    const std::string folder = FolderOf(file.path);
    if (folder != made) {
      WEIR_CHECK(MakeFolders(StrCat(to, "/", folder)));
      made = folder;
    }
    const std::string source = StrCat(from, "/", file.path);
    const std::string target = StrCat(to, "/", file.path);
    if (file.form == FileForm::kLink) {
      WEIR_CHECK(CopyLink(source, target));
    } else if (way != CopyWay::kLinks || ::link(source.c_str(), target.c_str()) != 0) {
      WEIR_CHECK(CopyFile(source, target));
    }
  }
  return {};
}

Result<bool> SameContent(const std::string& a, const std::string& b, FileForm form) {
  if (form == FileForm::kLink) {
    std::error_code error;
    const fs::path one = fs::read_symlink(a, error);
    if (error) return FileError("read the link", a, error.value());
    const fs::path other = fs::read_symlink(b, error);
    if (error) return FileError("read the link", b, error.value());
    return one == other;
  }
  const Fd one(::open(a.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!one.open()) return FileError("read", a, errno);
  const Fd other(::open(b.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!other.open()) return FileError("read", b, errno);
  struct stat here{};
  struct stat there{};
  if (::fstat(one.get(), &here) != 0) return FileError("look at", a, errno);
  if (::fstat(other.get(), &there) != 0) return FileError("look at", b, errno);
  if (here.st_dev == there.st_dev && here.st_ino == there.st_ino) return true;
  char from_one[kChunk];
  char from_other[kChunk];
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(one.get(), from_one, kChunk, at);
    if (got < 0) return FileError("read", a, errno);
    const ssize_t also = ::pread(other.get(), from_other, kChunk, at);
    if (also < 0) return FileError("read", b, errno);
    if (got != also || std::memcmp(from_one, from_other, static_cast<std::size_t>(got)) != 0) {
      return false;
    }
    if (got == 0) return true;
    at += got;
  }
}

Result<void> MakeFolders(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return FileError("make the folder", folder, error.value());
  return {};
}

Result<void> RemoveFolder(const std::string& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error == std::errc::permission_denied) {
    // A tool has taken the right to write from a folder of its own.
    std::error_code ignored;
    for (fs::recursive_directory_iterator at(folder, ignored), end; !ignored && at != end;
         at.increment(ignored)) {
      if (at->symlink_status(ignored).type() == fs::file_type::directory) {
        fs::permissions(at->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
      }
    }
    fs::remove_all(folder, error);
  }
  if (error) return FileError("remove the folder", folder, error.value());
  return {};
}

Result<void> RemoveAtOnce(const std::string& folder, const std::string& aside) {
  WEIR_CHECK(RemoveFolder(aside));
  if (::rename(folder.c_str(), aside.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return FileError("remove the folder", folder, errno);
  }
  return RemoveFolder(aside);
}

Result<void> RenameFile(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return FileError("move to its place", to, errno);
  return {};
}

}  // namespace weir::agent
