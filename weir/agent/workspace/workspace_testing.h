#pragma once

// Folders on the disk, for the tests of workspaces and reviews.

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "weir/agent/workspace/workspace.h"

namespace weir::agent {

// What is in a folder, by path: texts as they are, of a program "#!" in front of it, of a link "->"
// and where it leads.
using Files = std::map<std::string, std::string>;

Files FilesIn(const std::filesystem::path& folder);
void WriteFiles(const std::filesystem::path& folder, const Files& files);

// A folder that is gone at the end, with a source and a run in it.
class RunForTest {
 public:
  RunForTest();
  ~RunForTest();
  RunForTest(const RunForTest&) = delete;
  RunForTest& operator=(const RunForTest&) = delete;

  std::string source() const { return (folder_ / "source").string(); }
  std::string run() const { return (folder_ / "run").string(); }
  const std::filesystem::path& folder() const { return folder_; }
  WorkspaceStore::Options options() const;
  std::unique_ptr<WorkspaceStore> Open() const { return Open(options()); }
  static std::unique_ptr<WorkspaceStore> Open(WorkspaceStore::Options options);

  // A row that makes its copy look so; "" takes a file away.
  void Row(WorkspaceStore& store, std::string_view row, const Files& changes) const;

 private:
  std::filesystem::path folder_;
};

// Runs `work` in a process of its own and kills that before its `call`-th system call. False: it
// came to its end before.
bool KilledAt(int call, const std::function<void()>& work);

// Whether the system lets one process watch another one.
bool CanKillAt();

}  // namespace weir::agent
