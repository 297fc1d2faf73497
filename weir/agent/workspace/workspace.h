#pragma once

// Workspace: the folder in which the tools of one row work: a copy of the source, so that nothing
// of it changes before a person has said yes (review.h).
//
//   RUN/workspaces/base/            what all rows began from, made once a run; else snapshot.h
//   RUN/workspaces/source.json      where that came from
//   RUN/workspaces/NODE/ROW/        the row's own copy, while it works
//   RUN/workspaces/NODE/ROW.json    what it changed and handed in, once it is done ...
//   RUN/workspaces/NODE/ROW.kept/   ... and the files that it added or changed
//
// While a row that was done is done anew, both of them lie aside, with `.tmp` behind their names.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weir/agent/agent.h"
#include "weir/base/env.h"
#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::agent {

enum class ChangeKind : std::uint8_t { kAdded, kChanged, kDeleted };

// What a file is. Of its permissions only "may be run" counts, as in git.
enum class FileForm : std::uint8_t {
  kNone,  // not there
  kFile,
  kProgram,
  kLink,
};

struct Change {
  ChangeKind kind = ChangeKind::kChanged;
  std::string path;                 // from the source, with '/'
  FileForm form = FileForm::kFile;  // afterwards
  bool binary = false;              // then it has no diff
  std::size_t lines_added = 0;
  std::size_t lines_removed = 0;

  friend bool operator==(const Change&, const Change&) = default;
};

// The source of a run and its snapshot. Blocking: calls of it belong into async::OffLoop().
class WorkspaceStore {
 public:
  struct Options {
    std::string source;  // the folder that is worked on
    // The part of the source that is copied, a folder in it; empty: all. Paths of changes still
    // count from the source, and a row's folder has this part where it stands in the source. A
    // worktree is always whole.
    std::string only;
    std::string run_folder;  // `workspaces/` is made in it
    WorkspaceMode mode = WorkspaceMode::kCopy;
    std::size_t max_bytes = 256 << 20;  // of the snapshot, and of what a row changes
    std::size_t max_files = 100'000;    // the same
    Env env;                            // for git
    // Rows begin from the source as it is at Open(), and others may open the folder meanwhile: that
    // of a queue. Else they begin from it as it was when the folder was opened first.
    bool present = false;
    std::vector<std::string> without;  // files and folders that are never of the source
    // Nodes whose tools never write into a file that is there, but replace it: in mode kCopy their
    // rows get hard links to the snapshot instead of copies.
    std::set<std::string, std::less<>> replacing;
  };
  // What is written down of a row that is done. What it points to is the caller's.
  struct Outcome {
    json::View result;       // what the agent handed in; absent: not known
    std::string_view title;  // what a person calls the row; empty: by its id
  };

  // Makes the snapshot unless it is there (a run that is resumed; `present`: the source is as it
  // was). What belongs to the source: in a
  // git repository what git tracks or would track, else every regular file and link; never `.git`
  // and the folders of runs. Links that lead out of the source are left out, since programs would
  // write through them: notes() names them. In a worktree links of the repository around the
  // source are left out where they lead out of that. Copies are reflinks where the file system has
  // them. Fails with kConfigError (no such folder; larger than max_bytes,
  // with the largest folders named; a worktree without git; a run that began with another source)
  // and kIoError. `busy`, unless null, tells that it failed because another process is about to
  // make the snapshot: then it is to be opened again.
  static Result<std::unique_ptr<WorkspaceStore>> Open(Options options, bool* busy = nullptr);
  virtual ~WorkspaceStore() = default;

  // What a person should know of the snapshot that was made: sentences.
  virtual const std::vector<std::string>& notes() const = 0;

  // All that follows may be called from several threads, for different rows. It fails with kIoError
  // and a cause where the disk does: it is full, or read-only, and no row can be blamed. What a row
  // has made and cannot be read or taken away has other codes, or no cause.

  // The folder of a row; made anew unless `keep` and it is there whole (a kill in the middle of a
  // copy leaves none). A row that was finished is opened again with what it had changed where
  // `keep`; where not, what it had made lies aside until Finish(), Discard() or GiveUp(). In place
  // and with mode none: the source.
  virtual Result<std::string> Make(std::string_view node, std::string_view row, bool keep) = 0;

  // What differs from the snapshot, by path. It is written down with the outcome, for the review;
  // the row's folder is gone afterwards, and so is what it had made before. In a git
  // repository new files that git ignores do not count. A row that is finished stays as it is. In
  // place and with mode none there is no snapshot: nothing.
  virtual Result<std::vector<Change>> Finish(std::string_view node, std::string_view row,
                                             const Outcome& outcome) = 0;

  // Leaves nothing of a row that failed.
  virtual Result<void> Discard(std::string_view node, std::string_view row) = 0;
  // Of a row that was done anew and failed, what it had made before is there again, as a record of
  // its own: what was decided of it before does not count.
  virtual Result<void> GiveUp(std::string_view node, std::string_view row) = 0;
};

// A name for a folder or file of a row: its id where that is a plain name, else made safe, with a
// checksum that keeps two of them apart.
std::string FolderNameOf(std::string_view row);

}  // namespace weir::agent
