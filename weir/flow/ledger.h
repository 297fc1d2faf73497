#pragma once

// The records of a run's ledger, as the payloads of a journal: docs/formats/run-folder.md.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/flow/folder.h"

namespace weir::flow {

// Types of the journal's records. 0 is no type; numbers never change.
inline constexpr std::uint8_t kHeaderRecord = 1;
inline constexpr std::uint8_t kFinishedRecord = 2;
inline constexpr std::uint8_t kNoteRecord = 3;
// A note, too: all rows go through the flow once more, so that failed ones are tried again.
inline constexpr std::uint8_t kAgainRecord = 4;

// How far an output is: its files, and what is in them.
struct OutputState {
  std::uint64_t lines = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;       // of all files
  std::uint64_t last_bytes = 0;  // of the last one

  friend bool operator==(const OutputState&, const OutputState&) = default;
};

// What is on the disk. A run goes on from its last note.
struct Note {
  std::size_t pass = 0;
  std::uint64_t rows = 0;
  std::uint32_t input_checksum = 0;
  bool finished = false;
  std::map<std::string, OutputState> outputs;  // by name; the ones that have a file
  std::string totals;                          // JSON; empty: none

  friend bool operator==(const Note&, const Note&) = default;
};

std::string EncodeHeader();
// Messages of errors are redacted.
std::string EncodeFinished(const Finished& finished);
std::string EncodeNote(const Note& note);

// Fail with kIoError for bytes that no function above gave.
Result<Finished> DecodeFinished(std::string_view payload);
Result<Note> DecodeNote(std::string_view payload);

// Takes the records of a journal in order, and keeps what a run needs to go on: the last note, and
// of what was finished only the rows behind it.
class LedgerReader {
 public:
  LedgerReader();

  // Fails with kIoError for a record that is none, and for a ledger of another version.
  Result<void> Take(std::string_view payload, std::uint8_t type);

  // Not even a header was there.
  bool empty() const { return !has_header_; }
  bool behind_empty() const { return behind_.empty(); }
  // Nothing when none was written.
  Result<std::optional<Note>> LastNote() const;
  // In the order of the passes and rows; the later of two of the same thing comes later.
  Result<std::vector<Finished>> Behind() const;
  // Where in the journal each kAgainRecord stands: what is before them is a History.
  const std::vector<std::uint64_t>& rounds() const { return rounds_; }

 private:
  using Place = std::pair<std::uint64_t, std::uint64_t>;  // pass, row

  bool has_header_ = false;
  std::string note_;  // its payload; empty: none
  std::map<Place, std::vector<std::string>> behind_;
  std::uint64_t position_;  // in the journal, of the next record
  std::vector<std::uint64_t> rounds_;
};

}  // namespace weir::flow
