#include "weir/agent/tools/root.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/agent/tools/beneath.h"
#include "weir/agent/tools/root_files.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

constexpr std::size_t kMostSuggestions = 2'000;  // entries that are looked at for what was meant
constexpr int kMostLinks = 8;                    // from link to link, to the file to be written
constexpr int kInGit = -1;                       // beside errno: a file of git's own

std::string Quoted(std::string_view path) { return StrCat("'", Truncate(path, 200), "'"); }

std::string_view NameOf(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

// "" for what has no folder before it.
std::string_view FolderOf(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? "" : path.substr(0, slash);
}

// However it is written: where a file system knows no case, all of them are the one folder.
bool NamesGit(std::string_view path) {
  return std::ranges::any_of(Split(path, '/'),
                             [](std::string_view part) { return EqualsIgnoreCase(part, ".git"); });
}

std::string PlaceOf(int fd) {
  std::array<char, PATH_MAX> place;
  const ssize_t size = ::readlink(StrCat("/proc/self/fd/", fd).c_str(), place.data(), place.size());
  return size < 0 ? std::string() : std::string(place.data(), static_cast<std::size_t>(size));
}

// Whether a folder lies in a .git of the root, whatever way led to it.
bool IsInGit(int root, const Fd& folder) {
  const std::string whole = PlaceOf(folder.get());
  const std::string top = PlaceOf(root);
  std::string_view place = whole;
  if (!top.empty() && place.starts_with(top)) place.remove_prefix(top.size());
  return NamesGit(place);
}

// Opens the folder, and makes what is missing of it. None of git's own.
Fd MakeFolders(int root, std::string_view path, Resolving resolving) {
  Fd fd = OpenBeneath(root, path, O_PATH | O_DIRECTORY, resolving);
  if (fd.open() && IsInGit(root, fd)) {
    fd = Fd();
    errno = kInGit;
    return fd;
  }
  if (fd.open() || errno != ENOENT || path.empty()) return fd;
  const Fd above = MakeFolders(root, FolderOf(path), resolving);
  if (!above.open()) return {};
  const std::string name(path.substr(path.rfind('/') + 1));
  if (::mkdirat(above.get(), name.c_str(), 0777) != 0 && errno != EEXIST && !name.empty()) {
    return {};
  }
  return OpenBeneath(root, path, O_PATH | O_DIRECTORY, resolving);
}

}  // namespace

Result<Root> Root::Open(const std::string& folder, Resolving resolving) {
  std::array<char, PATH_MAX> buffer;
  const char* const absolute = ::realpath(folder.c_str(), buffer.data());
  Fd fd(absolute == nullptr ? -1 : ::open(absolute, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) {
    return Fail(Code::kConfigError, StrCat("the workspace ", folder, " cannot be opened"),
                std::strerror(errno));
  }
  if (!HasOpenat2(fd.get())) resolving = Resolving::kByParts;
  return Root(absolute, std::move(fd), resolving);
}

// "there is no file 'a.py'", with what may have been meant.
std::string Root::NotThere(std::string_view path) const {
  std::string text = StrCat("there is no ", Quoted(path), " in the workspace");
  const Result<std::vector<RootEntry>> entries = List("", true, kMostSuggestions);
  if (!entries) return text;
  std::vector<std::string> paths;
  paths.reserve(entries->size());
  std::optional<std::string> meant;
  for (const RootEntry& entry : *entries) {
    if (!meant && EqualsIgnoreCase(NameOf(entry.path), NameOf(path))) meant = entry.path;
    paths.push_back(entry.path);
  }
  if (!meant) meant = Nearest(path, paths);
  StrAppend(text, meant ? StrCat("; did you mean ", Quoted(*meant), "?")
                        : "; list_files shows what there is");
  return text;
}

Error Root::Explain(std::string_view path, int error) const {
  const auto make = [](Code code, std::string message) {
    Error made;
    made.code = code;
    made.message = std::move(message);
    return made;
  };
  const std::string name = Quoted(path);
  switch (error) {
    case kInGit:
      return make(Code::kInvalidRequest,
                  StrCat("the path ", name,
                         " is git's own: nothing in a .git folder is written; change the files of "
                         "the workspace"));
    case EXDEV:
      return make(Code::kInvalidRequest,
                  StrCat("the path ", name,
                         " leads out of the workspace through a link; nothing "
                         "outside it can be used"));
    case ELOOP:
      return make(Code::kInvalidRequest, StrCat("the path ", name,
                                                " goes through a link, which is not followed; "
                                                "use the file itself"));
    case ENAMETOOLONG:
      return make(Code::kInvalidRequest, StrCat("the path ", name, " has a name that is too long"));
    case ENOENT:
      return make(Code::kIoError, NotThere(path));
    case ENOTDIR:
      return make(Code::kIoError, StrCat("a file is used as a folder in the path ", name,
                                         "; take the `/` behind it away, or name its folder"));
    case EISDIR:
      return make(Code::kIoError, StrCat(name, " is a folder; name a file in it"));
    case ENXIO:
    case ENODEV:
      return make(Code::kIoError, NotRegular(path));
    case EACCES:
    case EPERM:
    case EROFS:
      return make(Code::kIoError, StrCat(name, " may not be used: ", std::strerror(error)));
    default:
      return make(Code::kIoError, StrCat(name, " cannot be used: ", std::strerror(error)));
  }
}

Result<std::string> Root::Read(std::string_view path, std::size_t max_bytes) const {
  WEIR_CHECK(CheckPath(path, folder_));
  if (path.empty()) return Fail(Code::kInvalidRequest, "the path is empty; name a file");
  // Not waiting: opening a pipe would, for whoever writes to it.
  const Fd fd = OpenBeneath(fd_.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY, resolving_);
  if (!fd.open()) return Fail(Explain(path, errno));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return Fail(Explain(path, errno));
  if (S_ISDIR(status.st_mode)) return Fail(Explain(path, EISDIR));
  if (!S_ISREG(status.st_mode)) return Fail(Code::kIoError, NotRegular(path));
  std::optional<std::string> text = ReadWhole(fd.get(), max_bytes);
  if (!text) return Fail(Explain(path, errno));
  if (text->size() <= max_bytes) return *std::move(text);
  return Fail(Code::kIoError, StrCat(Quoted(path), " is too large: only files of up to ", max_bytes,
                                     " bytes are read"));
}

Result<void> Root::Write(std::string_view path, std::string_view text) const {
  std::string target(path);
  for (int links = 0; links <= kMostLinks; ++links) {
    WEIR_CHECK(CheckPath(target, folder_));
    const std::string name(target.substr(target.rfind('/') + 1));
    if (target.empty()) return Fail(Code::kInvalidRequest, "the path is empty; name a file");
    if (name.empty() || name == "." || name == "..") return Fail(Explain(path, EISDIR));
    if (NamesGit(target)) return Fail(Explain(path, kInGit));
    const Fd folder = MakeFolders(fd_.get(), FolderOf(target), resolving_);
    if (!folder.open()) return Fail(Explain(path, errno));
    struct stat status{};
    const bool exists = ::fstatat(folder.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (!exists && errno != ENOENT) return Fail(Explain(path, errno));
    if (exists && S_ISLNK(status.st_mode)) {
      // What the link names is resolved beneath like any other path.
      std::array<char, PATH_MAX> link;
      const ssize_t size = ::readlinkat(folder.get(), name.c_str(), link.data(), link.size());
      if (resolving_ == Resolving::kByParts || size < 0) return Fail(Explain(path, ELOOP));
      const std::string_view next(link.data(), static_cast<std::size_t>(size));
      if (next.starts_with('/')) return Fail(Explain(path, EXDEV));
      const std::string_view before = FolderOf(target);
      target = StrCat(before, before.empty() ? "" : "/", next);
      if (!CheckPath(target, folder_)) return Fail(Explain(path, EXDEV));
      continue;
    }
    if (exists && S_ISDIR(status.st_mode)) return Fail(Explain(path, EISDIR));
    if (exists && !S_ISREG(status.st_mode)) return Fail(Code::kIoError, NotRegular(path));
    const int error =
        ReplaceIn(folder.get(), name, text, exists ? std::optional(status.st_mode) : std::nullopt);
    if (error != 0) return Fail(Explain(path, error));
    return {};
  }
  return Fail(Explain(path, ELOOP));
}

Result<bool> Root::Exists(std::string_view path) const {
  WEIR_CHECK(CheckPath(path, folder_));
  if (path.empty()) return Fail(Code::kInvalidRequest, "the path is empty; name a file");
  if (OpenBeneath(fd_.get(), path, O_PATH, resolving_).open()) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return Fail(Explain(path, errno));
}

Result<std::vector<RootEntry>> Root::List(std::string_view path, bool deep,
                                          std::size_t max_entries) const {
  WEIR_CHECK(CheckPath(path, folder_));
  Fd fd = OpenBeneath(fd_.get(), path, O_RDONLY | O_DIRECTORY, resolving_);
  if (!fd.open() && errno == ENOTDIR && OpenBeneath(fd_.get(), path, O_PATH, resolving_).open()) {
    return Fail(Code::kIoError, StrCat(Quoted(path), " is a file, not a folder"));
  }
  if (!fd.open()) {
    // Looking for what was meant lists the root itself.
    if (path.empty() || path == ".") {
      return Fail(Code::kIoError, "the workspace cannot be read", std::strerror(errno));
    }
    return Fail(Explain(path, errno));
  }
  std::string prefix;
  for (const std::string_view part : Split(path, '/')) {
    if (!part.empty() && part != ".") StrAppend(prefix, part, "/");
  }
  std::vector<RootEntry> entries;
  const int error = ListFolder(std::move(fd), prefix, deep, max_entries, entries);
  if (error != 0) return Fail(Explain(path, error));
  std::ranges::sort(entries, {}, &RootEntry::path);
  return entries;
}

}  // namespace weir::agent
