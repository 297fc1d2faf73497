#pragma once

// Lists and copies of whole folders. `.git` and what is neither file nor link are left out.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/agent/workspace/workspace.h"
#include "weir/base/result.h"

namespace weir::agent {

// kIoError: "cannot read /some/path", with what `error`, an errno, stands for as the cause.
std::unexpected<Error> FileError(std::string_view what, std::string_view path, int error);

struct ListedFile {
  std::string path;  // from the folder, with '/'
  FileForm form = FileForm::kFile;
  std::uint64_t bytes = 0;

  friend bool operator==(const ListedFile&, const ListedFile&) = default;
};

struct ListLimits {
  std::size_t max_files = 0;
  bool without_runs = false;  // folders that `weir run` wrote are left out
};

// By path. Fails with kIoError, and with kConfigError when there are more than max_files.
Result<std::vector<ListedFile>> ListFolder(const std::string& folder, const ListLimits& limits);

// What one path of `folder` is; nothing when there is neither file nor link.
Result<ListedFile> LookAt(const std::string& folder, std::string path);

// Whether `weir run` wrote this folder.
bool IsRunFolder(const std::string& folder);

// Sorts by the bytes of the path, and leaves each once.
void SortByPath(std::vector<ListedFile>& files);

enum class CopyWay : std::uint8_t {
  kFiles,  // files of their own
  kLinks,  // other names of the same files, where the file system can: nobody may write into them
};

// Copies files of one folder into another, with what they may and when they were changed; links
// stay links. Blocks are shared where the file system can.
Result<void> CopyFiles(const std::string& from, const std::vector<ListedFile>& files,
                       const std::string& to, CopyWay way = CopyWay::kFiles);

// Whether two files of the same size hold the same, or two links lead to the same place.
Result<bool> SameContent(const std::string& a, const std::string& b, FileForm form);

Result<void> MakeFolders(const std::string& folder);
// With all that is in it; nothing happens when it is not there.
Result<void> RemoveFolder(const std::string& folder);
// A folder is gone at once: it is first moved to `aside`, so that no half of it is left behind.
Result<void> RemoveAtOnce(const std::string& folder, const std::string& aside);
Result<void> RenameFile(const std::string& from, const std::string& to);

}  // namespace weir::agent
