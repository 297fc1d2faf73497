#pragma once

// Root: a folder that nothing leaves. Every path of a tool is resolved by the kernel beneath it
// (openat2 with RESOLVE_BENEATH and no magic links), so that `..`, absolute paths and symbolic
// links that lead out fail, whatever is changed meanwhile. Where the kernel has no openat2, each
// part of a path is opened without following links, and a link is an error.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/fd.h"
#include "weir/base/result.h"

namespace weir::agent {

struct RootEntry {
  std::string path;  // from the root, with '/'
  bool folder = false;
  std::size_t bytes = 0;
};

enum class Resolving : std::uint8_t {
  kByKernel,  // openat2, where the kernel has it
  kByParts,   // one part after the other; links are errors
};

class Root {
 public:
  // Fails with kConfigError when `folder` is none.
  static Result<Root> Open(const std::string& folder, Resolving resolving = Resolving::kByKernel);

  const std::string& folder() const { return folder_; }  // absolute

  // All fail with kInvalidRequest for a path that leads out (the message says so and names the
  // path), with kIoError for what the disk says ("there is no file 'a.py'; did you mean 'b.py'?").
  // Only regular files are read and written: a pipe or a device is refused.
  Result<std::string> Read(std::string_view path, std::size_t max_bytes) const;
  // Replaces the file whole, or makes it with the folders on its way. Keeps the mode of a file that
  // was there. Another name of the same file (a hard link) keeps the old text. Nothing named .git,
  // nor in a folder of that name, is written (kInvalidRequest): what git runs and trusts lies
  // there.
  Result<void> Write(std::string_view path, std::string_view text) const;
  Result<bool> Exists(std::string_view path) const;
  // Entries below `path` ("" or ".": the root), sorted, at most `max_entries`; `deep`: all levels.
  // ".git" is left out. Links are neither followed nor listed as folders.
  Result<std::vector<RootEntry>> List(std::string_view path, bool deep,
                                      std::size_t max_entries) const;

 private:
  Root(std::string folder, Fd fd, Resolving resolving)
      : folder_(std::move(folder)), fd_(std::move(fd)), resolving_(resolving) {}
  Error Explain(std::string_view path, int error) const;
  std::string NotThere(std::string_view path) const;

  std::string folder_;
  Fd fd_;
  Resolving resolving_;
};

}  // namespace weir::agent
