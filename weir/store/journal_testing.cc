#include "weir/store/journal_testing.h"

#include <utility>

#include "weir/store/journal_format.h"

namespace weir::store {

Result<OpenedJournal> OpenJournal(const std::string& path, const JournalOptions& options) {
  std::vector<TestRecord> records;
  WEIR_TRY(Journal journal,
           Journal::Open(path, options, [&](std::string_view payload, std::uint8_t type) {
             records.push_back({type, std::string(payload)});
             return Result<void>();
           }));
  return OpenedJournal{std::move(journal), std::move(records)};
}

std::string JournalBytes(const std::vector<TestRecord>& records) {
  std::string bytes(kJournalHeader);
  for (const TestRecord& record : records) {
    AppendRecord(bytes, bytes.size(), record.type, record.payload);
  }
  return bytes;
}

}  // namespace weir::store
