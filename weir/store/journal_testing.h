#pragma once

// What the tests of journals share.

#include <cstdint>
#include <string>
#include <vector>

#include "weir/store/journal.h"

namespace weir::store {

struct TestRecord {
  std::uint8_t type = 0;
  std::string payload;

  friend bool operator==(const TestRecord&, const TestRecord&) = default;
};

// A journal and what stood in it when it was opened.
struct OpenedJournal {
  Journal journal;
  std::vector<TestRecord> records;
};

Result<OpenedJournal> OpenJournal(const std::string& path, const JournalOptions& options = {});

// The bytes of a journal of these records.
std::string JournalBytes(const std::vector<TestRecord>& records);

}  // namespace weir::store
