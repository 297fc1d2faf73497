#include "weir/agent/workspace/workspace.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/agent/workspace/snapshot.h"
#include "weir/agent/workspace/workspace_changes.h"
#include "weir/agent/workspace/workspace_files.h"
#include "weir/agent/workspace/workspace_git.h"
#include "weir/agent/workspace/workspace_record.h"
#include "weir/agent/workspace/workspace_source.h"
#include "weir/base/fd.h"
#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/store/files.h"

namespace weir::agent {
namespace {

Result<std::string> RealFolder(const std::string& path, std::string_view what) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  struct stat status{};
  if (real && ::stat(real.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
    return std::string(real.get());
  }
  return Fail(Code::kConfigError, StrCat("there is no folder ", path, ", which is to be ", what));
}

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

void SyncFile(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (fd.open()) (void)::fsync(fd.get());  // a power cut only
}

// Rows that work in the source itself.
class InPlaceStore final : public WorkspaceStore {
 public:
  explicit InPlaceStore(std::string source) : source_(std::move(source)) {}

  Result<std::string> Make(std::string_view, std::string_view, bool) override { return source_; }
  Result<std::vector<Change>> Finish(std::string_view, std::string_view, const Outcome&) override {
    return std::vector<Change>();
  }
  Result<void> Discard(std::string_view, std::string_view) override { return {}; }
  Result<void> GiveUp(std::string_view, std::string_view) override { return {}; }
  const std::vector<std::string>& notes() const override { return notes_; }

 private:
  const std::string source_;
  const std::vector<std::string> notes_;
};

class CopyStore final : public WorkspaceStore {
 public:
  CopyStore(Options options, WorkspacePaths paths, OpenedSnapshot opened)
      : options_(std::move(options)),
        paths_(std::move(paths)),
        git_(options_.source, options_.env),
        is_repository_(git_.IsRepository()),
        opened_(std::move(opened)) {}

  const std::vector<std::string>& notes() const override { return opened_.notes; }

  Result<void> Prepare() {
    if (!worktrees()) return {};
    if (!is_repository_) {
      return Fail(Code::kConfigError,
                  StrCat(options_.source, " is in no git repository, so that rows cannot work in ",
                         "worktrees of it; say `workspace: copy`, or make one with `git init`"));
    }
    WEIR_TRY(prefix_, git_.Prefix());
    return {};
  }

  Result<std::string> Make(std::string_view node, std::string_view row, bool keep) override {
    const std::string place = paths_.row(node, row);
    WEIR_CHECK(MakeFolders(paths_.node(node)));
    WEIR_TRY(const std::optional<RowRecord> done, ReadRecord(place + ".json"));
    if (!keep) {
      WEIR_CHECK(RemoveCopy(place));
      WEIR_CHECK(SetAside(place, done.has_value()));
    }
    WEIR_TRY(const std::string base, NotedSnapshot(place));
    if (keep && !done && Exists(place) && Exists(paths_.snapshot(base))) {
      if (worktrees()) {
        WEIR_CHECK(Locked(&Git::RepairWorktree, place));
      }
      return Inside(place);
    }
    WEIR_CHECK(RemoveCopy(place));
    const bool links = !worktrees() && options_.replacing.contains(node);
    WEIR_CHECK(MakeCopy(place, keep && done ? &*done : nullptr,
                        links ? CopyWay::kLinks : CopyWay::kFiles));
    if (keep && done) {
      WEIR_CHECK(ForgetRecord(place));
    }
    return Inside(place);
  }

  Result<std::vector<Change>> Finish(std::string_view node, std::string_view row,
                                     const Outcome& outcome) override {
    const std::string place = paths_.row(node, row);
    WEIR_TRY(std::optional<RowRecord> done, ReadRecord(place + ".json"));
    if (!done) {
      WEIR_TRY(const std::string base, NotedSnapshot(place));
      WEIR_TRY(const Snapshot* snapshot, SnapshotOf(base));
      WEIR_TRY(RowRecord made, OfRow(Compare(place, *snapshot)));
      made.node = node;
      made.row = row;
      made.title = outcome.title;
      if (outcome.result.exists()) made.result = json::Value::CopyOf(outcome.result);
      WEIR_CHECK(Keep(place, made));
      done = std::move(made);
    }
    WEIR_CHECK(ForgetEarlier(place));
    WEIR_CHECK(RemoveCopy(place));
    return std::move(done->changes);
  }

  Result<void> Discard(std::string_view node, std::string_view row) override {
    const std::string place = paths_.row(node, row);
    WEIR_CHECK(Forget(place));
    return ForgetEarlier(place);
  }

  Result<void> GiveUp(std::string_view node, std::string_view row) override {
    const std::string place = paths_.row(node, row);
    WEIR_CHECK(RemoveCopy(place));
    if (!Exists(Aside(place + ".json"))) return {};
    if (Exists(Aside(place + ".kept"))) {
      WEIR_CHECK(ForgetRecord(place));
    }
    return BringBack(place);
  }

 private:
  bool worktrees() const { return options_.mode == WorkspaceMode::kWorktree; }

  // The folder of the source in a row's copy: a worktree is of the whole repository.
  std::string Inside(const std::string& place) const {
    return worktrees() && !prefix_.empty() ? StrCat(place, "/", prefix_) : place;
  }

  // A repository does not like it when several change its list of worktrees.
  Result<void> Locked(Result<void> (Git::*step)(const std::string&) const,
                      const std::string& place) {
    const std::lock_guard lock(git_mutex_);
    return (git_.*step)(place);
  }

  Result<void> MakeCopy(const std::string& place, const RowRecord* done, CopyWay way) {
    const std::string fresh = place + ".tmp";
    WEIR_CHECK(RemoveFolder(fresh));
    const std::string inside = Inside(fresh);
    WEIR_TRY(const Snapshot* snapshot, SnapshotOf(done != nullptr ? done->base : current().id));
    if (worktrees()) {
      WEIR_CHECK(Locked(&Git::AddWorktree, fresh));
      WEIR_CHECK(MakeFolders(inside));  // it may never have been committed
      // A worktree is what was committed; a row begins with what is there.
      WEIR_TRY(const std::vector<ListedFile> committed,
               ListFolder(fresh, {.max_files = std::string::npos}));
      for (const ListedFile& file : committed) {
        const std::string path = StrCat(fresh, "/", file.path);
        const bool of_source = path.starts_with(inside + "/");
        const bool leads_out = file.form == FileForm::kLink && !LeadsInside(fresh, file.path);
        if (!of_source && !leads_out) continue;
        WEIR_CHECK(RemoveFolder(path));
      }
    }
    WEIR_CHECK(CopyFiles(snapshot->folder, snapshot->files, inside, way));
    if (done != nullptr) {
      WEIR_CHECK(Redo(place, *done, inside));
    }
    WEIR_CHECK(OfDisk(NoteSnapshot(place, snapshot->id)));
    WEIR_CHECK(RenameFile(fresh, place));
    if (worktrees()) {
      WEIR_CHECK(Locked(&Git::RepairWorktree, place));
    }
    return {};
  }

  const Snapshot& current() const { return opened_.snapshot; }

  // One that a row began from, which may be earlier than that of this store.
  Result<const Snapshot*> SnapshotOf(const std::string& id) {
    if (id == current().id) return &current();
    const std::lock_guard lock(earlier_mutex_);
    auto at = earlier_.find(id);
    if (at == earlier_.end()) {
      WEIR_TRY(Snapshot snapshot, ReadSnapshot(paths_, id));
      at = earlier_.emplace(id, std::move(snapshot)).first;
    }
    return &at->second;
  }

  // What a row has made may be such that it cannot be read or taken away: no fault of the disk.
  template <class T>
  static Result<T> OfRow(Result<T> result) {
    if (!result && result.error().code == Code::kIoError) {
      result.error().code = Code::kInvalidRequest;
    }
    return result;
  }

  // Files of ours that cannot be written are one.
  static Result<void> OfDisk(Result<void> result) {
    if (!result) result.error().code = Code::kIoError;
    return result;
  }

  // What a row had changed, once more.
  static Result<void> Redo(const std::string& place, const RowRecord& done,
                           const std::string& inside) {
    std::vector<ListedFile> files;
    for (const Change& change : done.changes) {
      if (change.kind != ChangeKind::kAdded) {
        WEIR_CHECK(RemoveFolder(StrCat(inside, "/", change.path)));
      }
      if (change.kind != ChangeKind::kDeleted) {
        files.push_back({.path = change.path, .form = change.form});
      }
    }
    return CopyFiles(place + ".kept", files, inside);
  }

  Result<RowRecord> Compare(const std::string& place, const Snapshot& base) {
    const std::string inside = Inside(place);
    WEIR_TRY(const std::vector<ListedFile> made,
             ListFolder(inside, {.max_files = base.files.size() + options_.max_files}));
    RowRecord record;
    record.base = base.id;
    WEIR_TRY(record.changes, CompareFolders({.folder = base.folder, .files = base.files},
                                            {.folder = inside, .files = made}));
    DropIgnored(record.changes);
    for (Change& change : record.changes) {
      if (!IsUtf8(change.path)) {
        return Fail(Code::kIoError, StrCat("the name of a file in ", inside,
                                           " is no UTF-8, so that it cannot be reviewed"));
      }
      WEIR_CHECK(CountLinesOf(change, base.folder, inside));
    }
    record.id = FreshId();
    return record;
  }

  void DropIgnored(std::vector<Change>& changes) const {
    if (!is_repository_) return;
    std::vector<std::string> added;
    for (const Change& change : changes) {
      if (change.kind == ChangeKind::kAdded) added.push_back(change.path);
    }
    const std::vector<std::string> list = git_.Ignored(added);
    const std::set<std::string_view> ignored(list.begin(), list.end());
    std::erase_if(changes, [&](const Change& change) {
      return change.kind == ChangeKind::kAdded && ignored.contains(change.path);
    });
  }

  // From here on the row is done: first its files, then the record that says so.
  Result<void> Keep(const std::string& place, const RowRecord& record) {
    const std::string kept = place + ".kept";
    WEIR_CHECK(RemoveFolder(kept));
    WEIR_CHECK(MakeFolders(kept));
    std::vector<ListedFile> files;
    std::uint64_t bytes = 0;
    for (const Change& change : record.changes) {
      if (change.kind == ChangeKind::kDeleted) continue;
      WEIR_TRY(ListedFile file, LookAt(Inside(place), change.path));
      bytes += file.bytes;
      files.push_back(std::move(file));
    }
    if (bytes > options_.max_bytes) {
      return Fail(Code::kIoError, StrCat("the row wrote ", bytes, " bytes, and a workspace may ",
                                         "have ", options_.max_bytes));
    }
    WEIR_CHECK(CopyFiles(Inside(place), files, kept));
    for (const ListedFile& file : files) SyncFile(StrCat(kept, "/", file.path));
    return OfDisk(store::ReplaceFile(place + ".json", RecordText(record)));
  }

  Result<void> RemoveCopy(const std::string& place) {
    WEIR_CHECK(OfRow(RemoveAtOnce(place, place + ".tmp")));
    WEIR_CHECK(NoteSnapshot(place, ""));
    if (!worktrees()) return {};
    const std::lock_guard lock(git_mutex_);
    git_.RemoveWorktree(place);
    git_.RemoveWorktree(place + ".tmp");  // which one that was killed has left
    return {};
  }

  static Result<void> ForgetRecord(const std::string& place) {
    WEIR_CHECK(RemoveFolder(place + ".json"));
    return RemoveFolder(place + ".kept");
  }

  Result<void> Forget(const std::string& place) {
    WEIR_CHECK(RemoveCopy(place));
    return ForgetRecord(place);
  }

  static std::string Aside(const std::string& path) { return path + ".tmp"; }

  // What a row had made lies aside while it is done anew. The record goes first: without it the
  // row is not done. A kill may come between the two.
  static Result<void> SetAside(const std::string& place, bool done) {
    const std::string record = place + ".json";
    const std::string kept = place + ".kept";
    if (done) {
      WEIR_CHECK(ForgetEarlier(place));
      WEIR_CHECK(RenameFile(record, Aside(record)));
    }
    if (!Exists(Aside(record)) || Exists(Aside(kept)) || !Exists(kept)) return {};
    return RenameFile(kept, Aside(kept));
  }

  static Result<void> BringBack(const std::string& place) {
    const std::string record = place + ".json";
    const std::string kept = place + ".kept";
    WEIR_TRY(std::optional<RowRecord> earlier, ReadRecord(Aside(record)));
    if (!earlier) return {};
    if (Exists(Aside(kept))) {
      WEIR_CHECK(RenameFile(Aside(kept), kept));
    }
    earlier->id = FreshId();
    WEIR_CHECK(OfDisk(store::ReplaceFile(record, RecordText(*earlier))));
    return RemoveFolder(Aside(record));
  }

  static Result<void> ForgetEarlier(const std::string& place) {
    WEIR_CHECK(RemoveFolder(Aside(place + ".json")));
    return RemoveFolder(Aside(place + ".kept"));
  }

  static std::string FreshId() {
    Random random = Random::FromSystem();
    return HexId(random, 16);
  }

  const Options options_;
  const WorkspacePaths paths_;
  const Git git_;
  const bool is_repository_;
  std::string prefix_;           // of the source in its repository
  const OpenedSnapshot opened_;  // what new rows begin from
  std::mutex earlier_mutex_;
  std::map<std::string, Snapshot> earlier_;  // that rows began from before
  std::mutex git_mutex_;
};

}  // namespace

Result<std::unique_ptr<WorkspaceStore>> WorkspaceStore::Open(Options options, bool* busy) {
  WEIR_TRY(options.source, RealFolder(options.source, "the source of the workspaces"));
  if (options.mode == WorkspaceMode::kNone || options.mode == WorkspaceMode::kInPlace) {
    return std::make_unique<InPlaceStore>(std::move(options.source));
  }
  WEIR_TRY(options.run_folder, RealFolder(options.run_folder, "the folder of the run"));
  WorkspacePaths paths(options.run_folder);
  if (options.mode == WorkspaceMode::kWorktree) {
    WEIR_CHECK(CopyStore(options, paths, {}).Prepare());  // before anything is copied
  }
  WEIR_CHECK(MakeFolders(paths.root()));
  WEIR_TRY(OpenedSnapshot opened, OpenSnapshot(options, paths, busy));
  auto store = std::make_unique<CopyStore>(std::move(options), std::move(paths), std::move(opened));
  WEIR_CHECK(store->Prepare());
  return store;
}

}  // namespace weir::agent
