#pragma once

// Tree: the files beneath a folder, by path, for a review: read, replaced and removed one by one.
// No link is ever followed, neither at the end of a path nor on its way, so that whatever stands in
// the tree, nothing outside of it is touched.

#include <cstddef>
#include <string>
#include <string_view>

#include "weir/agent/tools/beneath.h"
#include "weir/agent/workspace/workspace.h"
#include "weir/base/result.h"

namespace weir::agent {

struct FileState {
  FileForm form = FileForm::kNone;
  std::string text;  // what is in it; of a link, where it leads

  friend bool operator==(const FileState&, const FileState&) = default;
};

// What was found at a path.
struct Found {
  FileState file;
  // Something that is no file stands there or on the way: "src is a link". Empty: nothing does.
  std::string obstacle;
  std::string obstacle_path;
};

class Tree {
 public:
  // Fails with kConfigError when `folder` is none.
  static Result<Tree> Open(std::string folder);

  // Fails with kIoError, and with kInvalidRequest for a path that is none of a tree (`..`, `.git`).
  Result<Found> Read(std::string_view path, std::size_t max_bytes) const;
  // Replaces what stands there at once, or makes it with the folders on its way; it is on the disk
  // then. Permissions of a file that was there stay, but for "may be run".
  Result<void> Write(std::string_view path, const FileState& file) const;
  // Also the folders that it leaves empty.
  Result<void> Remove(std::string_view path) const;
  // What a Write() that was killed may have left.
  void RemoveLeftover(std::string_view path) const;

  const std::string& folder() const { return folder_; }

 private:
  // The folder of a file, opened.
  struct Parent {
    Fd fd;             // not open: it is not there
    std::string name;  // of the file
    std::string obstacle;
  };

  Tree(std::string folder, Fd fd) : folder_(std::move(folder)), fd_(std::move(fd)) {}
  Result<Parent> OpenParent(std::string_view path, bool make) const;

  std::string folder_;
  Fd fd_;
};

}  // namespace weir::agent
