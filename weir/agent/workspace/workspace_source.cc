#include "weir/agent/workspace/workspace_source.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <utility>

#include <sys/stat.h>

#include "weir/agent/workspace/workspace_git.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

constexpr std::size_t kFoldersNamed = 3;
constexpr int kDeepest = 16;  // repositories inside of repositories

std::string Megabytes(std::uint64_t bytes) { return StrCat((bytes + (1 << 19)) >> 20, " MiB"); }

// Collects the files of a source, repository by repository.
class SourceList {
 public:
  SourceList(std::string source, const WorkspaceStore::Options& options)
      : source_(std::move(source)), options_(options) {}

  Result<std::vector<ListedFile>> List() && {
    const bool whole = options_.only.empty() || options_.mode == WorkspaceMode::kWorktree;
    if (!whole) {
      WEIR_CHECK(CheckPart());
    }
    WEIR_CHECK(AddFolder(whole ? std::string() : options_.only + "/", 0));
    SortByPath(files_);
    return std::move(files_);
  }

 private:
  Result<void> CheckPart() const {
    std::error_code failed;
    const std::string whole = StrCat(source_, "/", options_.only);
    const std::filesystem::path real = std::filesystem::canonical(whole, failed);
    if (failed) return Fail(Code::kConfigError, StrCat(whole, " is no folder"), failed.message());
    if (real == std::filesystem::path(whole).lexically_normal()) return {};
    return Fail(Code::kConfigError,
                StrCat("a link leads to ", whole, ", which is ", real.string(),
                       "; agents work on copies of real folders only: run it from there, or name "
                       "the folder (workspace: {source: ...})"));
  }

  // `folder` is "" or ends with '/'.
  Result<void> AddFolder(const std::string& folder, int depth) {
    const std::string whole = StrCat(source_, "/", folder);
    const Git git(whole, options_.env);
    if (git.IsRepository()) {
      WEIR_TRY(std::vector<std::string> paths, git.Files());
      // A folder that its own repository ignores is worked on all the same.
      if (!paths.empty()) return AddPaths(folder, std::move(paths), depth);
    }
    WEIR_TRY(std::vector<ListedFile> listed,
             ListFolder(Trimmed(whole), {.max_files = options_.max_files, .without_runs = true}));
    for (ListedFile& file : listed) {
      file.path.insert(0, folder);
      files_.push_back(std::move(file));
    }
    return {};
  }

  Result<void> AddPaths(const std::string& folder, std::vector<std::string> paths, int depth) {
    for (std::string& path : paths) {
      if (path.ends_with('/')) path.pop_back();
      path.insert(0, folder);
      if (InRunFolder(path)) continue;
      WEIR_TRY(ListedFile file, LookAt(source_, path));
      if (file.form == FileForm::kNone) {
        // What was deleted and not committed; or a repository inside, which git names as a folder.
        const std::string inside = StrCat(path, "/");
        if (depth < kDeepest && IsFolder(inside)) {
          WEIR_CHECK(AddFolder(inside, depth + 1));
        }
        continue;
      }
      files_.push_back(std::move(file));
      if (files_.size() > options_.max_files) {
        return Fail(Code::kConfigError,
                    StrCat(source_, " has more than ", options_.max_files,
                           " files; name a smaller folder as the source of the workspace"));
      }
    }
    return {};
  }

  bool IsFolder(const std::string& path) const {
    struct stat status{};
    return ::lstat(Trimmed(StrCat(source_, "/", path)).c_str(), &status) == 0 &&
           S_ISDIR(status.st_mode);
  }

  static std::string Trimmed(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
  }

  // Whether a folder on the way to the file is one that `weir run` wrote.
  bool InRunFolder(const std::string& path) {
    for (std::size_t slash = path.find('/'); slash != path.npos;
         slash = path.find('/', slash + 1)) {
      const auto [at, fresh] = runs_.try_emplace(path.substr(0, slash), false);
      if (fresh) at->second = IsRunFolder(StrCat(source_, "/", at->first));
      if (at->second) return true;
    }
    return false;
  }

  const std::string source_;
  const WorkspaceStore::Options& options_;
  std::vector<ListedFile> files_;
  std::map<std::string, bool> runs_;  // folders that were looked at
};

// Takes the links out that lead out; what is left to say of them.
std::vector<std::string> LeaveOutLinks(const std::string& source, std::vector<ListedFile>& files) {
  std::vector<std::string> out;
  std::erase_if(files, [&](const ListedFile& file) {
    if (file.form != FileForm::kLink || LeadsInside(source, file.path)) return false;
    out.push_back(file.path);
    return true;
  });
  if (out.empty()) return {};
  const std::size_t count = out.size();
  if (count > kFoldersNamed) out.resize(kFoldersNamed);
  return {StrCat("workspaces are without ", Join(out, ", "),
                 count > out.size() ? StrCat(" and ", count - out.size(), " more links") : "",
                 ": links that lead out of ", source, ", or name it by its whole path")};
}

// "data (300 MiB), models (12 MiB)"
std::string LargestFolders(const std::vector<ListedFile>& files) {
  std::map<std::string, std::uint64_t> sizes;
  for (const ListedFile& file : files) {
    sizes[file.path.substr(0, file.path.find('/'))] += file.bytes;
  }
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  sorted.reserve(sizes.size());
  for (const auto& [name, bytes] : sizes) sorted.emplace_back(bytes, name);
  std::ranges::sort(sorted, std::greater<>());
  if (sorted.size() > kFoldersNamed) sorted.resize(kFoldersNamed);
  std::string text;
  for (const auto& [bytes, name] : sorted) {
    StrAppend(text, text.empty() ? "" : ", ", name, " (", Megabytes(bytes), ")");
  }
  return text;
}

}  // namespace

bool LeadsInside(const std::string& folder, const std::string& link) {
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::path(folder) / link;
  const std::filesystem::path target = std::filesystem::read_symlink(path, failed);
  if (failed || target.is_absolute()) return false;
  const std::filesystem::path end =
      std::filesystem::weakly_canonical(path.parent_path() / target, failed);
  return !failed && (end == folder || end.string().starts_with(folder + "/"));
}

Result<Source> ListSource(const std::string& source, const std::string& run_folder,
                          const WorkspaceStore::Options& options) {
  WEIR_TRY(std::vector<ListedFile> files, SourceList(source, options).List());
  std::vector<std::string> own = options.without;
  own.push_back(run_folder);
  for (const std::string& path : own) {
    std::error_code failed;
    const std::string whole = std::filesystem::weakly_canonical(path, failed).string();
    if (failed || !whole.starts_with(source + "/")) continue;
    const std::string_view its = std::string_view(whole).substr(source.size() + 1);
    std::erase_if(files, [&](const ListedFile& file) {
      return file.path.starts_with(its) &&
             (file.path.size() == its.size() || file.path[its.size()] == '/');
    });
  }
  std::uint64_t bytes = 0;
  for (const ListedFile& file : files) bytes += file.bytes;
  if (bytes <= options.max_bytes) {
    std::vector<std::string> notes = LeaveOutLinks(source, files);
    return Source{.files = std::move(files), .notes = std::move(notes)};
  }
  return Fail(Code::kConfigError,
              StrCat("the source ", source, " is ", Megabytes(bytes), ", and a copy for each row ",
                     "may have ", Megabytes(options.max_bytes), "; the largest in it: ",
                     LargestFolders(files), "; name a smaller source, let git ignore what is not ",
                     "needed, or allow more (workspace: {max_bytes: ...})"));
}

}  // namespace weir::agent
