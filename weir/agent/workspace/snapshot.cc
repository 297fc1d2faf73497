#include "weir/agent/workspace/snapshot.h"

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "weir/agent/workspace/workspace_source.h"
#include "weir/base/fd.h"
#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/store/files.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunk = 1 << 16;
constexpr std::string_view kTmp = ".tmp";
constexpr std::string_view kNote = ".base.part";  // no row is called so

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// All that was written in this file system is on the disk afterwards.
void SyncFileSystem(const std::string& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.open()) (void)::syncfs(fd.get());  // a power cut only
}

Result<store::FileLock> Lock(const WorkspacePaths& paths, bool* busy) {
  WEIR_TRY(store::LockAttempt attempt, store::FileLock::TryAcquire(paths.lock()));
  if (attempt.lock) return *std::move(attempt.lock);
  if (busy != nullptr) *busy = true;
  return Fail(
      Code::kIoError,
      StrCat(attempt.holder == 0 ? "another process" : StrCat("the process ", attempt.holder),
             " makes the snapshot in ", paths.root(), "; wait for its end, or stop it"));
}

Result<std::uint64_t> DigestOfFile(const std::string& path, std::uint64_t digest) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.open()) return FileError("read", path, errno);
  std::string buffer(kChunk, '\0');
  // However much each read gives, pieces are of one size.
  for (std::size_t had = 0;;) {
    const ssize_t got = ::read(fd.get(), buffer.data() + had, kChunk - had);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError("read", path, errno);
    had += static_cast<std::size_t>(got);
    if (got > 0 && had < kChunk) continue;
    digest = StableHash(buffer.data(), had, digest);
    if (got == 0) return digest;
    had = 0;
  }
}

// What a folder holds, as a name: paths, what may be run, and every byte. Not when it was changed:
// what was checked out anew is the same source.
Result<std::string> DigestOf(const std::string& folder, const std::vector<ListedFile>& files) {
  std::uint64_t digest = 0;
  for (const ListedFile& file : files) {
    const std::string path = StrCat(folder, "/", file.path);
    std::string head = StrCat(ModeText(file.form), " ", file.path.size(), " ", file.path);
    if (file.form == FileForm::kLink) {
      std::error_code error;
      head += fs::read_symlink(path, error).string();
      if (error) return FileError("read the link", path, error.value());
    }
    digest = StableHash(head.data(), head.size(), digest);
    if (file.form != FileForm::kLink) {
      WEIR_TRY(digest, DigestOfFile(path, digest));
    }
  }
  return HexText(digest);
}

bool IsTmpOfBase(const std::string& name) {
  return name.starts_with("base") && name.ends_with(kTmp);
}

// What those left that were killed while they made or removed a snapshot. Under the lock nobody
// else does.
Result<void> RemoveLeftovers(const WorkspacePaths& paths) {
  for (const std::string& folder : {paths.root(), paths.snapshots()}) {
    std::vector<std::string> leftovers;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      const std::string name = at->path().filename().string();
      const bool left = folder == paths.root() ? IsTmpOfBase(name) : name.ends_with(kTmp);
      if (left) leftovers.push_back(at->path().string());
    }
    for (const std::string& path : leftovers) {
      WEIR_CHECK(RemoveFolder(path));
    }
  }
  return {};
}

// A copy of the source that has no name yet.
Result<std::string> CopyOf(const Source& source, const WorkspaceStore::Options& options,
                           const std::string& target) {
  Random random = Random::FromSystem();
  std::string fresh = StrCat(target, "-", HexId(random, 8), kTmp);
  WEIR_CHECK(MakeFolders(fresh));
  WEIR_CHECK(CopyFiles(options.source, source.files, fresh));
  SyncFileSystem(fresh);
  return fresh;
}

// The snapshots that rows began from which are at work or have changed something.
Result<std::set<std::string>> Used(const WorkspacePaths& paths) {
  std::set<std::string> used;
  std::error_code error;
  for (fs::directory_iterator node(paths.root(), error), end; !error && node != end;
       node.increment(error)) {
    if (!paths.IsOfNode(node->path().filename().string()) || !node->is_directory()) continue;
    for (fs::directory_iterator file(node->path(), error); !error && file != end;
         file.increment(error)) {
      const std::string path = file->path().string();
      if (path.ends_with(kNote)) {
        WEIR_TRY(std::string id, NotedSnapshot(path.substr(0, path.size() - kNote.size())));
        used.insert(std::move(id));
      }
      if (!path.ends_with(".json") && !path.ends_with(".json.tmp")) continue;
      WEIR_TRY(const std::optional<RowRecord> record, ReadRecord(path));
      if (record && !record->changes.empty()) used.insert(record->base);
    }
  }
  if (error) return FileError("list the folder", paths.root(), error.value());
  return used;
}

// What cannot be looked at or taken away stays.
void RemoveUnused(const WorkspacePaths& paths, const std::string& but) {
  const Result<std::set<std::string>> used = Used(paths);
  if (!used) return;
  std::vector<std::string> unused;
  std::error_code error;
  for (fs::directory_iterator at(paths.snapshots(), error), end; !error && at != end;
       at.increment(error)) {
    std::string id = at->path().filename().string();
    if (IsSnapshotId(id) && id != but && !used->contains(id)) unused.push_back(std::move(id));
  }
  for (const std::string& id : unused) {
    const std::string folder = paths.snapshot(id);
    const Result<store::LockAttempt> alone = store::FileLock::TryAcquire(paths.use(id));
    if (!alone || !alone->lock) continue;
    if (!RemoveAtOnce(folder, StrCat(folder, kTmp))) continue;
    ::unlink(paths.use(id).c_str());  // whoever takes it anew does so under the lock
  }
}

Result<void> CheckSource(const WorkspaceStore::Options& options, const WorkspacePaths& paths) {
  WEIR_TRY(const std::optional<SourceRecord> known, ReadSource(paths));
  if (!known || known->folder == options.source) return {};
  return Fail(Code::kConfigError,
              StrCat("the rows of ", options.run_folder, " work on copies of ", known->folder,
                     ", not of ", options.source, "; go on with that source, or begin a new run"));
}

Result<void> NoteSource(const WorkspaceStore::Options& options, const WorkspacePaths& paths) {
  return store::ReplaceFile(paths.source_file(),
                            SourceText({.folder = options.source, .mode = options.mode}));
}

// The snapshot is whole as soon as it has its name.
Result<OpenedSnapshot> OpenOfRun(const WorkspaceStore::Options& options,
                                 const WorkspacePaths& paths, bool* busy) {
  OpenedSnapshot opened;
  if (!Exists(paths.base())) {
    WEIR_TRY(const store::FileLock lock, Lock(paths, busy));
    WEIR_CHECK(RemoveLeftovers(paths));
    if (!Exists(paths.base())) {
      WEIR_TRY(Source source, ListSource(options.source, options.run_folder, options));
      opened.notes = std::move(source.notes);
      WEIR_TRY(const std::string fresh, CopyOf(source, options, paths.base()));
      WEIR_CHECK(NoteSource(options, paths));
      WEIR_CHECK(RenameFile(fresh, paths.base()));
    }
  }
  WEIR_TRY(opened.snapshot, ReadSnapshot(paths, ""));
  return opened;
}

Result<OpenedSnapshot> OpenPresent(const WorkspaceStore::Options& options,
                                   const WorkspacePaths& paths, bool* busy) {
  OpenedSnapshot opened;
  WEIR_TRY(const store::FileLock lock, Lock(paths, busy));
  WEIR_TRY(Source source, ListSource(options.source, options.run_folder, options));
  opened.notes = std::move(source.notes);
  WEIR_TRY(std::string id, DigestOf(options.source, source.files));
  WEIR_CHECK(MakeFolders(paths.snapshots()));
  if (!Exists(paths.snapshot(id))) {
    WEIR_CHECK(RemoveLeftovers(paths));
    WEIR_TRY(const std::string fresh, CopyOf(source, options, paths.snapshot(id)));
    // The source may have changed meanwhile: the name is that of what was copied.
    WEIR_TRY(id, DigestOf(fresh, source.files));
    WEIR_CHECK(NoteSource(options, paths));
    if (Exists(paths.snapshot(id))) {
      WEIR_CHECK(RemoveFolder(fresh));
    } else {
      WEIR_CHECK(RenameFile(fresh, paths.snapshot(id)));
    }
    RemoveUnused(paths, id);
  }
  WEIR_TRY(store::LockAttempt use,
           store::FileLock::TryAcquire(paths.use(id), store::LockMode::kShared));
  if (use.lock) opened.use.emplace(*std::move(use.lock));
  WEIR_TRY(opened.snapshot, ReadSnapshot(paths, id));
  return opened;
}

}  // namespace

Result<OpenedSnapshot> OpenSnapshot(const WorkspaceStore::Options& options,
                                    const WorkspacePaths& paths, bool* busy) {
  WEIR_CHECK(CheckSource(options, paths));
  return options.present ? OpenPresent(options, paths, busy) : OpenOfRun(options, paths, busy);
}

Result<Snapshot> ReadSnapshot(const WorkspacePaths& paths, const std::string& id) {
  Snapshot snapshot{.id = id, .folder = paths.snapshot(id), .files = {}};
  if (!Exists(snapshot.folder)) {
    return Fail(Code::kConfigError,
                StrCat("the snapshot ", snapshot.folder, ", from which rows began, is gone"));
  }
  WEIR_TRY(snapshot.files, ListFolder(snapshot.folder, {.max_files = std::string::npos}));
  return snapshot;
}

Result<void> NoteSnapshot(const std::string& place, const std::string& id) {
  const std::string note = StrCat(place, kNote);
  if (!id.empty()) return store::ReplaceFile(note, id + "\n");
  if (::unlink(note.c_str()) != 0 && errno != ENOENT) return FileError("remove", note, errno);
  return {};
}

Result<std::string> NotedSnapshot(const std::string& place) {
  WEIR_TRY(const std::optional<std::string> text, store::ReadFile(StrCat(place, kNote), 100));
  std::string id(Trim(text.value_or("")));
  if (!text || IsSnapshotId(id)) return id;
  return Fail(Code::kConfigError, StrCat(place, kNote, " names no snapshot"));
}

}  // namespace weir::agent
