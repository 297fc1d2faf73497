#pragma once

// What git knows of a source: which files belong to it, which are ignored, and worktrees of it.

#include <string>
#include <vector>

#include "weir/base/env.h"
#include "weir/base/result.h"

namespace weir::agent {

// Runs git and waits for its end. Any thread.
class Git {
 public:
  Git(std::string folder, const Env& env);

  // Whether the folder is in the working tree of a repository, and git is there to ask.
  bool IsRepository() const;
  // Where the folder lies in its repository: "" or "sub/folder".
  Result<std::string> Prefix() const;
  // Paths of what is tracked or would be: files, links, and folders of other repositories.
  Result<std::vector<std::string>> Files() const;
  // Those of `paths` that are ignored.
  std::vector<std::string> Ignored(const std::vector<std::string>& paths) const;

  // A worktree of the current commit at `path`, on no branch.
  Result<void> AddWorktree(const std::string& path) const;
  // A worktree was moved to `path`.
  Result<void> RepairWorktree(const std::string& path) const;
  // Also one whose folder is gone already.
  void RemoveWorktree(const std::string& path) const;

 private:
  struct Output {
    int status = -1;
    std::string out;
    std::string err;
  };
  Output Run(std::vector<std::string> arguments, const std::string& input = {}) const;
  Result<std::string> RunWell(std::vector<std::string> arguments) const;

  std::string folder_;
  Env env_;
  std::string program_;  // empty: there is none
};

}  // namespace weir::agent
