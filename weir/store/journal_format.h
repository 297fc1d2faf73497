#pragma once

// The bytes of a journal (docs/formats/journal.md), without a file: what a record looks like, and
// whether these bytes are one.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::store {

inline constexpr std::string_view kJournalHeader = "weir-journal 1\n";
inline constexpr std::string_view kJournalMagic = "weir-journal ";  // of every version

inline constexpr std::size_t kRecordHeadBytes = 9;  // length, type, checksum of both
inline constexpr std::size_t kRecordTailBytes = 4;  // checksum of everything

struct RecordHead {
  std::uint32_t length = 0;  // of the payload
  std::uint8_t type = 0;     // never 0
  std::uint32_t sum = 0;     // with which the checksum of the payload goes on

  std::size_t record_bytes() const { return kRecordHeadBytes + length + kRecordTailBytes; }
};

// Appends the record as it has to stand at `position` of its file: the checksums cover the
// position, so that a record which was copied into another's payload is none there.
void AppendRecord(std::string& out, std::uint64_t position, std::uint8_t type,
                  std::string_view payload);

// The head that `bytes`, which begin at `position`, begin with; nothing when they do not begin with
// a whole and right one.
std::optional<RecordHead> ReadRecordHead(std::string_view bytes, std::uint64_t position);

// The payload of the record that `bytes` begin with; nothing when it is cut off or damaged.
std::optional<std::string_view> ReadRecordPayload(std::string_view bytes, const RecordHead& head);

}  // namespace weir::store
