#pragma once

// Snapshots: what rows begin from. A run has one, made once: RUN/workspaces/base. Where rows come
// over weeks (a queue), each state of the source has one of its own, called after what is in it:
// RUN/workspaces/.snapshots/ID; what a row changed is compared with the one that it began from.

#include <optional>
#include <string>
#include <vector>

#include "weir/agent/workspace/workspace.h"
#include "weir/agent/workspace/workspace_files.h"
#include "weir/agent/workspace/workspace_record.h"
#include "weir/base/result.h"
#include "weir/store/lock.h"

namespace weir::agent {

struct Snapshot {
  std::string id;  // empty: the one of a run
  std::string folder;
  std::vector<ListedFile> files;  // by path
};

struct OpenedSnapshot {
  Snapshot snapshot;
  std::optional<store::FileLock> use;  // nobody takes the snapshot away while it is held
  std::vector<std::string> notes;      // see WorkspaceStore::notes()
};

// The snapshot that new rows begin from, made where it is not there. Where one is made with
// `options.present`, earlier ones go that nobody uses: no store, no row that is at work, and no row
// that has changed anything. Fails as WorkspaceStore::Open() does.
Result<OpenedSnapshot> OpenSnapshot(const WorkspaceStore::Options& options,
                                    const WorkspacePaths& paths, bool* busy);

// One that is there. Fails with kConfigError where it is not.
Result<Snapshot> ReadSnapshot(const WorkspacePaths& paths, const std::string& id);

// Which one the row in `place` (WorkspacePaths::row()) began from is noted before its copy has its
// name. Empty: that of the run.
Result<void> NoteSnapshot(const std::string& place, const std::string& id);
Result<std::string> NotedSnapshot(const std::string& place);

}  // namespace weir::agent
