#pragma once

// The journal RUN/workspaces/review: what was decided of rows, before and after it was carried out.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/store/journal.h"

namespace weir::agent {

// The types of the records.
enum class Decision : std::uint8_t {
  kAccepting = 1,  // the intent: these files will be written
  kAccepted = 2,
  kRejected = 3,
  kRetrying = 4,
  kGivenUp = 5,  // an accept that was killed, and that conflicts by now
};

// A file that an accept writes: what will stand there, as a checksum.
struct IntendedFile {
  std::string path;
  std::string after;
};

struct DecisionRecord {
  Decision decision = Decision::kGivenUp;
  std::string id;  // of the row's record
  std::string node;
  std::string row;
  std::vector<IntendedFile> files;  // kAccepting
  bool write_conflicts = false;     // kAccepting
  json::Value overrides;            // kRetrying
};

using RowKey = std::pair<std::string, std::string>;  // node, row

class ReviewJournal {
 public:
  // Makes it where there is none. Fails as store::Journal::Open() does, and with kIoError for a
  // record that cannot be read.
  static Result<ReviewJournal> Open(const std::string& path);

  // What was decided so far, without a lock; nothing where there is no journal. Fails as Open()
  // does.
  static Result<ReviewJournal> Read(const std::string& path);

  bool may_append() const { return journal_.has_value(); }
  // Is on the disk when it returns. Fails with kInvalidRequest for a journal that was only read.
  Result<void> Append(DecisionRecord record);

  const DecisionRecord* Last(const RowKey& row) const;
  const std::map<RowKey, DecisionRecord>& decisions() const { return last_; }

 private:
  ReviewJournal(std::optional<store::Journal> journal, std::map<RowKey, DecisionRecord> last)
      : journal_(std::move(journal)), last_(std::move(last)) {}

  std::optional<store::Journal> journal_;  // nothing: it was only read
  std::map<RowKey, DecisionRecord> last_;
};

}  // namespace weir::agent
