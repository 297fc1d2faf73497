#pragma once

// A journal: a file that only grows, of records that are there whole or not at all. It is what a
// run that was interrupted goes on from. The format is in docs/formats/journal.md.
//
// A record whose Append returned survives any death of the process. It survives a power cut when a
// Sync that began after it returned; no thread and no clock hides in here, so the owner calls
// SyncIfDue() when SyncDue() has come, and the records in between share one fsync.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/store/file_ops.h"

namespace weir::store {

struct JournalOptions {
  std::size_t max_record_bytes = 64 << 20;  // the longest payload written or read; at most 1 GiB
  Duration sync_within = std::chrono::milliseconds(200);  // how long a record waits for its fsync
  unsigned mode = 0644;                                   // of a new file, before the umask
  FileOps* ops = nullptr;  // outlives the journal; null: SystemFileOps()
};

class Journal {
 public:
  // Gets each record that is there, in order; the payload is gone afterwards. A failure ends Open()
  // with it, and the file stays as it is.
  using OnRecord = std::function<Result<void>(std::string_view payload, std::uint8_t type)>;

  // Opens the journal at `path`, or makes it, and locks it until it is destroyed. An end that was
  // torn by a kill or a power cut is cut off: cut_bytes(). What is there is on the disk afterwards.
  //
  // Fails with kIoError when the disk does, when another process has the journal open (whose pid is
  // named if it can be told), when the file is none, and when whole records stand behind a damaged
  // place: nothing is cut off then, and what `on_record` got must not be taken for everything.
  // `in_use`, unless null, tells that another process has it open.
  static Result<Journal> Open(const std::string& path, const JournalOptions& options,
                              const OnRecord& on_record, bool* in_use = nullptr);

  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;
  // Waits for nothing: call Sync() before.
  ~Journal();

  // Writes one record with one write(). `type` is the owner's, from 1. May be called from any
  // thread, and does not wait for a Sync() that is under way.
  //
  // Fails with kInvalidRequest for a record that may not be (type 0, too long), and with kIoError
  // when the disk does. Then the record is not in the journal, and the next one may succeed; only
  // if what was written of it cannot be cut off again, the journal takes no more records.
  Result<void> Append(std::uint8_t type, std::string_view payload);

  // Returns when every record that was appended before is on the disk. Blocks; any thread. After a
  // failure the journal takes no more records: the kernel may have dropped the ones it could not
  // write, and would call the next fsync a success.
  Result<void> Sync();

  // When the next SyncIfDue() has something to do; kNever when all is on the disk or nothing can be
  // done any more. After a silence of `sync_within` this is at once, so ask after every Append.
  TimePoint SyncDue() const;
  Result<void> SyncIfDue(TimePoint now);

  std::uint64_t bytes() const;      // of the file
  std::uint64_t cut_bytes() const;  // that Open() cut off

 private:
  class Core;
  explicit Journal(std::unique_ptr<Core> core);

  std::unique_ptr<Core> core_;
};

}  // namespace weir::store
