// Properties of any bytes that are read as CSV: the records are the same however the bytes come;
// those without a problem are read again when they are written.

#include <string>
#include <vector>

#include "weir/base/fuzz_testing.h"
#include "weir/flow/csv.h"

namespace {

using weir::Require;
using weir::flow::CsvReader;

struct Record {
  std::vector<std::string> fields;
  std::string problem;
  bool too_long;
  std::uint64_t line;

  friend bool operator==(const Record&, const Record&) = default;
};

constexpr std::size_t kMaxRecordBytes = 200;

std::vector<Record> ReadAll(std::string_view text, std::size_t step) {
  CsvReader reader(kMaxRecordBytes);
  std::vector<Record> records;
  const auto take = [&] {
    if (!reader.ready()) return;
    if (!reader.blank()) {
      records.push_back(
          {reader.fields(), std::string(reader.problem()), reader.too_long(), reader.line()});
    }
    reader.Next();
  };
  while (!text.empty()) {
    std::string_view piece = text.substr(0, step);
    text.remove_prefix(piece.size());
    while (!piece.empty()) {
      const std::size_t taken = reader.Feed(piece);
      Require(taken > 0);
      piece.remove_prefix(taken);
      take();
    }
  }
  reader.End();
  take();
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = weir::FuzzText(data, size);
  const std::vector<Record> records = ReadAll(text, size + 1);
  Require(ReadAll(text, 1) == records);
  Require(ReadAll(text, 3) == records);
  for (const Record& record : records) {
    if (record.too_long || !record.problem.empty()) continue;
    std::string written;
    weir::flow::AppendCsvRecord(written, record.fields);
    if (written.size() > kMaxRecordBytes) continue;
    const std::vector<Record> again = ReadAll(written, written.size());
    Require(again.size() == 1 && again[0].fields == record.fields && again[0].problem.empty());
  }
  return 0;
}
