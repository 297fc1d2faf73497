#include "weir/store/journal_scan.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "weir/base/text.h"
#include "weir/store/journal_format.h"

namespace weir::store {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;  // what one read asks for, at least

// The part of a file that is being looked at; it only moves forward.
class Window {
 public:
  Window(const File& file, const std::string& path) : file_(file), path_(path) {}

  // What is known of the file from `position` on: at least `bytes` bytes, fewer only at its end.
  // Good until the next call.
  Result<std::string_view> At(std::uint64_t position, std::size_t bytes) {
    if (end() < position + bytes && !at_end_) {
      WEIR_CHECK(Read(position, bytes));
    }
    const std::size_t skipped = std::min<std::uint64_t>(position - start_, buffer_.size());
    return std::string_view(buffer_).substr(skipped);
  }
  // Of the file, as far as it was read.
  std::uint64_t end() const { return start_ + buffer_.size(); }

 private:
  Result<void> Read(std::uint64_t position, std::size_t bytes) {
    buffer_.erase(0, position - start_);
    start_ = position;
    while (buffer_.size() < bytes && !at_end_) {
      const std::size_t had = buffer_.size();
      buffer_.resize(std::max(bytes, had + kReadBytes));
      const ssize_t got =
          file_.Read(buffer_.data() + had, buffer_.size() - had, static_cast<off_t>(start_ + had));
      const int error = errno;
      buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got < 0) {
        return Fail(Code::kIoError, StrCat("cannot read the journal ", path_),
                    std::strerror(error));
      }
      at_end_ = got == 0;
    }
    return {};
  }

  const File& file_;
  const std::string& path_;
  std::string buffer_;
  std::uint64_t start_ = 0;  // where in the file the buffer begins
  bool at_end_ = false;
};

Result<bool> HasHeader(Window& window, const std::string& path) {
  WEIR_TRY(const std::string_view start, window.At(0, kJournalHeader.size()));
  if (start.starts_with(kJournalHeader)) return true;
  if (kJournalHeader.starts_with(start)) return false;
  if (start.starts_with(kJournalMagic)) {
    return Fail(Code::kIoError, StrCat("the journal ", path, " has another version than ",
                                       Trim(kJournalHeader.substr(kJournalMagic.size())),
                                       "; read it with the program that wrote it"));
  }
  return Fail(Code::kIoError, StrCat(path, " is not a journal; name another file"));
}

// Where after `position` a whole record begins. A head too long to check counts as one: better
// refused than dropped. The search goes through the rest once: heads have a checksum of their own.
Result<std::optional<std::uint64_t>> NextRecord(Window& window, std::uint64_t position,
                                                std::size_t max_record_bytes) {
  for (;;) {
    ++position;
    WEIR_TRY(std::string_view bytes, window.At(position, kRecordHeadBytes));
    if (bytes.size() < kRecordHeadBytes) return std::optional<std::uint64_t>();
    const std::optional<RecordHead> head = ReadRecordHead(bytes, position);
    if (!head) continue;
    if (head->length > max_record_bytes) return position;
    WEIR_TRY(bytes, window.At(position, head->record_bytes()));
    if (ReadRecordPayload(bytes, *head)) return position;
  }
}

}  // namespace

Result<JournalScan> ScanJournal(const File& file, const std::string& path,
                                std::size_t max_record_bytes, const Journal::OnRecord& on_record) {
  Window window(file, path);
  WEIR_TRY(const bool has_header, HasHeader(window, path));
  if (!has_header) return JournalScan{.good_bytes = 0, .file_bytes = window.end()};

  std::uint64_t position = kJournalHeader.size();
  for (std::uint64_t records = 0;; ++records) {
    WEIR_TRY(std::string_view bytes, window.At(position, kRecordHeadBytes));
    if (bytes.empty()) return JournalScan{.good_bytes = position, .file_bytes = position};
    std::optional<std::string_view> payload;
    const std::optional<RecordHead> head = ReadRecordHead(bytes, position);
    if (head && head->length > max_record_bytes) {
      return Fail(Code::kIoError,
                  StrCat("the record at byte ", position, " of the journal ", path, " has ",
                         head->length, " bytes, and ", max_record_bytes, " are allowed"));
    }
    if (head) {
      WEIR_TRY(bytes, window.At(position, head->record_bytes()));
      payload = ReadRecordPayload(bytes, *head);
    }
    if (!payload) {
      WEIR_TRY(const auto next, NextRecord(window, position, max_record_bytes));
      if (!next) return JournalScan{.good_bytes = position, .file_bytes = window.end()};
      return Fail(Code::kIoError,
                  StrCat("the journal ", path, " is damaged at byte ", position,
                         ": a whole record follows at byte ", *next, ". To go on with the ",
                         records, " records before the damage, keep a copy and run: truncate -s ",
                         position, " ", path));
    }
    WEIR_CHECK(on_record(*payload, head->type));
    position += head->record_bytes();
  }
}

}  // namespace weir::store
