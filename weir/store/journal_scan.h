#pragma once

// Reads a journal from its first byte to the last one that is good.

#include <cstdint>
#include <string>

#include "weir/base/result.h"
#include "weir/store/file_ops.h"
#include "weir/store/journal.h"

namespace weir::store {

struct JournalScan {
  std::uint64_t good_bytes = 0;  // header and whole records; 0: not even the header is there
  std::uint64_t file_bytes = 0;  // what stands behind the good bytes is a torn end
};

// Gives every record to `on_record`. Fails as Journal::Open() says; changes nothing. `path` is for
// messages.
Result<JournalScan> ScanJournal(const File& file, const std::string& path,
                                std::size_t max_record_bytes, const Journal::OnRecord& on_record);

}  // namespace weir::store
