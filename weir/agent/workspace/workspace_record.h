#pragma once

// Where the workspaces of a run lie, and what is written down of a row that is done.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/agent/workspace/workspace.h"
#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::agent {

// The folder `workspaces` of a run.
class WorkspacePaths {
 public:
  explicit WorkspacePaths(std::string_view run_folder);

  const std::string& root() const { return root_; }
  std::string base() const { return root_ + "/base"; }
  // Of those that snapshot.h tells of: a folder each, and the lock of who uses it. Empty: base().
  // No node is called by such a name.
  std::string snapshots() const { return root_ + "/.snapshots"; }
  std::string snapshot(std::string_view id) const;
  std::string use(std::string_view id) const;
  std::string lock() const { return root_ + "/.lock"; }  // of who makes one
  // Whether an entry of root() is the folder of a node.
  static bool IsOfNode(std::string_view name);
  std::string source_file() const { return root_ + "/source.json"; }
  std::string review() const { return root_ + "/review"; }
  std::string node(std::string_view node) const;
  // RUN/workspaces/NODE/ROW: the row's copy; with ".json" what it changed, ".kept" the files of it,
  // ".tmp" what is being made or taken away, ".json.tmp" and ".kept.tmp" what it had made before.
  std::string row(std::string_view node, std::string_view row) const;

 private:
  std::string root_;
};

// Where a snapshot came from.
struct SourceRecord {
  std::string folder;
  WorkspaceMode mode = WorkspaceMode::kCopy;
};
std::string SourceText(const SourceRecord& source);
// Nothing when the run has no workspaces. Fails with kConfigError.
Result<std::optional<SourceRecord>> ReadSource(const WorkspacePaths& paths);

struct RowRecord {
  std::string id;    // of this time: a row that is run again has another one
  std::string base;  // the snapshot that it began from; empty: that of the run
  std::string node;
  std::string row;
  std::string title;  // what a person calls it; empty: by its id
  std::vector<Change> changes;
  json::Value result;  // null: not known
};
std::string RecordText(const RowRecord& record);
// Nothing when there is no such file. Fails with kConfigError.
Result<std::optional<RowRecord>> ReadRecord(const std::string& path);

// Whether that may be a snapshot's name, which is what HexText() gives.
bool IsSnapshotId(std::string_view text);

std::string_view ChangeName(ChangeKind kind);  // "added", "changed", "deleted"
// As git has it: "100644", "100755", "120000"; "000000" for nothing.
std::string_view ModeText(FileForm form);

}  // namespace weir::agent
