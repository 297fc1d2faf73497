#include "weir/store/journal.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>

#include "weir/base/text.h"
#include "weir/store/journal_format.h"
#include "weir/store/journal_scan.h"
#include "weir/store/lock.h"

namespace weir::store {
namespace {

constexpr std::size_t kLongestRecord = 1 << 30;  // one write() takes twice as much

// "" when all of `bytes` was written, otherwise why not.
std::string Write(const File& file, std::string_view bytes, std::uint64_t position) {
  const ssize_t written = file.Write(bytes, static_cast<off_t>(position));
  if (written < 0) return std::strerror(errno);
  if (static_cast<std::size_t>(written) == bytes.size()) return "";
  return StrCat("only ", written, " of ", bytes.size(), " bytes were written; is the disk full?");
}

// The name of a file is on the disk when its folder is. Some file systems cannot sync folders.
void SyncFolderOf(FileOps& ops, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const File file(ops, ops.Open(folder, O_RDONLY | O_DIRECTORY, 0));
  if (file.open()) (void)file.Sync();
}

Result<void> Lock(const File& file, const std::string& path, bool* in_use) {
  if (file.Lock(LOCK_EX | LOCK_NB) == 0) return {};
  const int error = errno;
  if (error != EWOULDBLOCK) {
    return Fail(Code::kIoError, StrCat("cannot lock the journal ", path), std::strerror(error));
  }
  if (in_use != nullptr) *in_use = true;
  const pid_t holder = FlockHolder(file.fd());
  return Fail(Code::kIoError,
              StrCat("the journal ", path, " is in use by ",
                     holder == 0 ? "another process" : StrCat("the process ", holder),
                     "; wait for its end, or stop it"));
}

}  // namespace

class Journal::Core {
 public:
  Core(File file, std::string path, const JournalOptions& options)
      : file_(std::move(file)),
        path_(std::move(path)),
        max_record_bytes_(std::min(options.max_record_bytes, kLongestRecord)),
        sync_within_(options.sync_within) {}

  Result<void> Load(const OnRecord& on_record, bool* in_use);
  Result<void> Append(std::uint8_t type, std::string_view payload);
  Result<void> Sync();
  TimePoint SyncDue() const;
  Result<void> SyncIfDue(TimePoint now);
  std::uint64_t bytes() const;
  std::uint64_t cut_bytes() const { return cut_bytes_; }

 private:
  std::unexpected<Error> Failed(std::string_view what, std::string cause) const {
    return Fail(Code::kIoError, StrCat("cannot ", what, " the journal ", path_), std::move(cause));
  }
  TimePoint DueLocked() const { return broken_ || synced_ == end_ ? kNever : next_sync_; }

  const File file_;
  const std::string path_;
  const std::size_t max_record_bytes_;
  const Duration sync_within_;
  std::uint64_t cut_bytes_ = 0;

  // One fsync at a time, because the kernel tells a failure to one of them only. Taken before
  // mutex_, which is never held during one.
  std::mutex syncing_;
  mutable std::mutex mutex_;  // guards what follows
  std::uint64_t end_ = 0;     // of the last whole record
  std::uint64_t synced_ = 0;  // what is on the disk for sure
  TimePoint next_sync_ = TimePoint::min();
  std::optional<Error> broken_;  // why nothing is written any more
  std::string record_;           // kept for its memory
};

Result<void> Journal::Core::Load(const OnRecord& on_record, bool* in_use) {
  WEIR_CHECK(Lock(file_, path_, in_use));
  WEIR_TRY(const JournalScan scan, ScanJournal(file_, path_, max_record_bytes_, on_record));
  cut_bytes_ = scan.file_bytes - scan.good_bytes;
  if (cut_bytes_ > 0 && file_.Truncate(static_cast<off_t>(scan.good_bytes)) != 0) {
    return Failed("cut the torn end off", std::strerror(errno));
  }
  end_ = scan.good_bytes;
  if (end_ == 0) {
    const std::string problem = Write(file_, kJournalHeader, 0);
    if (!problem.empty()) return Failed("begin", problem);
    end_ = kJournalHeader.size();
  }
  // Records of a process that died may not be on the disk yet, and a cut has to be before
  // something else stands in its place.
  if (file_.Sync() != 0) return Failed("sync", std::strerror(errno));
  synced_ = end_;
  return {};
}

Result<void> Journal::Core::Append(std::uint8_t type, std::string_view payload) {
  if (type == 0 || payload.size() > max_record_bytes_) {
    return Fail(Code::kInvalidRequest,
                StrCat("a record of type ", int{type}, " with ", payload.size(),
                       " bytes cannot be in a journal: types begin at 1, and ", max_record_bytes_,
                       " bytes are allowed"));
  }
  const std::scoped_lock lock(mutex_);
  if (broken_) return Fail(*broken_);
  record_.clear();
  AppendRecord(record_, end_, type, payload);
  std::string problem = Write(file_, record_, end_);
  if (problem.empty()) {
    end_ += record_.size();
    return {};
  }
  if (file_.Truncate(static_cast<off_t>(end_)) != 0) {
    StrAppend(problem, "; nor can what was written be cut off: ", std::strerror(errno));
    broken_ = Failed("write any more to", problem).error();
    return Fail(*broken_);
  }
  return Failed("write to", std::move(problem));
}

Result<void> Journal::Core::Sync() {
  const std::scoped_lock one_at_a_time(syncing_);
  std::uint64_t end = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (broken_) return Fail(*broken_);
    if (synced_ == end_) return {};
    end = end_;
  }
  const int error = file_.Sync() == 0 ? 0 : errno;
  const std::scoped_lock lock(mutex_);
  if (error != 0) {
    broken_ = Failed("sync", std::strerror(error)).error();
    return Fail(*broken_);
  }
  synced_ = end;
  return {};
}

TimePoint Journal::Core::SyncDue() const {
  const std::scoped_lock lock(mutex_);
  return DueLocked();
}

Result<void> Journal::Core::SyncIfDue(TimePoint now) {
  {
    const std::scoped_lock lock(mutex_);
    if (broken_) return Fail(*broken_);
    if (now < DueLocked()) return {};
    next_sync_ = After(now, sync_within_);
  }
  return Sync();
}

std::uint64_t Journal::Core::bytes() const {
  const std::scoped_lock lock(mutex_);
  return end_;
}

Result<Journal> Journal::Open(const std::string& path, const JournalOptions& options,
                              const OnRecord& on_record, bool* in_use) {
  FileOps& ops = options.ops != nullptr ? *options.ops : SystemFileOps();
  File file(ops, ops.Open(path, O_RDWR | O_CREAT, options.mode));
  if (!file.open()) {
    return Fail(Code::kIoError, StrCat("cannot open the journal ", path), std::strerror(errno));
  }
  auto core = std::make_unique<Core>(std::move(file), path, options);
  WEIR_CHECK(core->Load(on_record, in_use));
  SyncFolderOf(ops, path);
  return Journal(std::move(core));
}

Journal::Journal(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

Result<void> Journal::Append(std::uint8_t type, std::string_view payload) {
  return core_->Append(type, payload);
}
Result<void> Journal::Sync() { return core_->Sync(); }
TimePoint Journal::SyncDue() const { return core_->SyncDue(); }
Result<void> Journal::SyncIfDue(TimePoint now) { return core_->SyncIfDue(now); }
std::uint64_t Journal::bytes() const { return core_->bytes(); }
std::uint64_t Journal::cut_bytes() const { return core_->cut_bytes(); }

}  // namespace weir::store
