// Properties of any bytes that are opened as a journal: what is read are records as they would have
// been appended, and together they are the beginning of the file; a refused file is not changed;
// opening again reads the same; what is appended then is read behind it. And of a journal whose
// bytes were damaged: what is read is a beginning of what was appended.

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "weir/base/fuzz_testing.h"
#include "weir/store/journal.h"
#include "weir/store/journal_format.h"

namespace {

using weir::Require;
using weir::Result;
using weir::store::Journal;

// Small, so that the fuzzer finds it.
constexpr std::size_t kMaxRecordBytes = 4096;

// A file in memory; folders can be opened and are nothing.
class MemoryOps final : public weir::store::FileOps {
 public:
  std::string bytes;

  int Open(const std::string& /*path*/, int /*flags*/, unsigned /*mode*/) override { return 1000; }
  ssize_t Read(int /*fd*/, char* into, std::size_t size, off_t position) override {
    const auto from = std::min(static_cast<std::size_t>(position), bytes.size());
    const std::size_t got = std::min(size, bytes.size() - from);
    std::memcpy(into, bytes.data() + from, got);
    return static_cast<ssize_t>(got);
  }
  ssize_t Write(int /*fd*/, std::string_view written, off_t position) override {
    const auto from = static_cast<std::size_t>(position);
    Require(from == bytes.size());
    bytes += written;
    return static_cast<ssize_t>(written.size());
  }
  int Truncate(int /*fd*/, off_t size) override {
    Require(static_cast<std::size_t>(size) <= bytes.size());
    bytes.resize(static_cast<std::size_t>(size));
    return 0;
  }
  int Sync(int /*fd*/) override { return 0; }
  int Lock(int /*fd*/, int /*operation*/) override { return 0; }
  int Close(int /*fd*/) override { return 0; }
  off_t Size(int /*fd*/) override { return static_cast<off_t>(bytes.size()); }
  int MakeFolder(const std::string& /*path*/, unsigned /*mode*/) override { return 0; }
  int Rename(const std::string& /*from*/, const std::string& /*to*/) override { return 0; }
  int Remove(const std::string& /*path*/) override { return 0; }
};

struct Record {
  std::uint8_t type;
  std::string payload;

  friend bool operator==(const Record&, const Record&) = default;
};

Result<Journal> Open(MemoryOps& ops, std::vector<Record>& records) {
  records.clear();
  return Journal::Open("it", {.max_record_bytes = kMaxRecordBytes, .ops = &ops},
                       [&](std::string_view payload, std::uint8_t type) {
                         records.push_back({type, std::string(payload)});
                         return Result<void>();
                       });
}

std::string Written(const std::vector<Record>& records) {
  std::string bytes(weir::store::kJournalHeader);
  for (const Record& record : records) {
    weir::store::AppendRecord(bytes, bytes.size(), record.type, record.payload);
  }
  return bytes;
}

// Returns what is read of `bytes`, whether or not it can be opened.
std::vector<Record> CheckAnyBytes(std::string_view bytes) {
  MemoryOps ops;
  ops.bytes = bytes;
  std::vector<Record> records;
  {
    Result<Journal> journal = Open(ops, records);
    const std::string good = Written(records);
    Require(bytes.starts_with(good) || (records.empty() && good.starts_with(bytes)) || !journal);
    if (!journal) {
      Require(ops.bytes == bytes);
      Require(records.empty() || bytes.starts_with(good));
      return records;
    }
    Require(ops.bytes == good);
    Require(journal->bytes() == good.size());
  }
  std::vector<Record> again;
  {
    Result<Journal> journal = Open(ops, again);
    Require(journal && again == records && journal->cut_bytes() == 0);
    Require(journal->Append(7, "more").has_value());
  }
  Require(Open(ops, again).has_value());
  Require(again.size() == records.size() + 1 && again.back() == Record{7, "more"});
  return records;
}

// A journal of pieces of `text`; then some bytes are changed, and the end is cut off.
void CheckDamaged(std::string_view text) {
  std::vector<Record> appended;
  std::vector<std::pair<unsigned char, unsigned char>> changes;
  while (text.size() >= 3) {
    const auto what = static_cast<unsigned char>(text[0]);
    const auto much = static_cast<unsigned char>(text[1]);
    text.remove_prefix(2);
    if (what % 4 == 0) {
      changes.emplace_back(much, static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    appended.push_back({what, std::string(text.substr(0, much))});
    text.remove_prefix(std::min<std::size_t>(much, text.size()));
  }
  std::string bytes = Written(appended);
  const std::string whole = bytes;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto [place, change] = changes[i];
    const std::size_t at = (place * 257 + i * 31) % bytes.size();
    if (change == 0) bytes.resize(std::max<std::size_t>(at, 1));
    bytes[at % bytes.size()] = static_cast<char>(bytes[at % bytes.size()] ^ change);
  }
  const std::vector<Record> read = CheckAnyBytes(bytes);
  Require(read.size() <= appended.size());
  Require(std::equal(read.begin(), read.end(), appended.begin()));
  Require(bytes != whole || read.size() == appended.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = weir::FuzzText(data, size);
  CheckAnyBytes(text);
  CheckAnyBytes(std::string(weir::store::kJournalHeader).append(text));
  CheckDamaged(text);
  return 0;
}
