#pragma once

// Where rows come from: JSON lines, CSV, files, an OpenAI batch. A source reads ahead by at most a
// buffer; it is asked from one thread and may block for as long as its file does. Whoever may not
// be blocked by a pipe asks WouldWait() before.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/error.h"
#include "weir/base/limits.h"
#include "weir/base/result.h"
#include "weir/flow/flow.h"
#include "weir/json/value.h"

namespace weir::flow {

// One row of the input.
struct Row {
  std::uint64_t number = 0;  // from 0; what a run knows it by
  std::string id;            // for people: its number, or the field that the flow calls `id`
  json::Value value;         // an object
  std::string place;         // for people: "rows.jsonl, line 6"; empty: not known
  // Why it is none: no JSON, no object, no id. Such a row fails alone, and keeps its number.
  std::optional<Error> error;
};

class RowSource {
 public:
  virtual ~RowSource() = default;

  // The next row, or nullopt at the end. Fails with kIoError when reading does: the run ends.
  virtual Result<std::optional<Row>> Next() = 0;

  // Whether Next() would wait for somebody who writes into a pipe. Reads what is there meanwhile.
  virtual bool WouldWait() { return false; }

  // A checksum of everything that the rows so far were made of, to notice on resume that they are
  // no longer the same.
  virtual std::uint32_t checksum() const = 0;
  // How many rows there are, when that is known beforehand.
  virtual std::optional<std::uint64_t> total() const { return std::nullopt; }
  // Which part of the input was read, 0 to 1; nullopt when it has no known size.
  virtual std::optional<double> part_read() const { return std::nullopt; }
};

enum class RowFormat : std::uint8_t { kJsonLines, kCsv };

struct RowOptions {
  std::string id;                              // Flow::id
  std::size_t max_row_bytes = 64 << 20;        // a longer row fails alone
  std::size_t max_depth = limits::kJsonDepth;  // of JSON lines
  std::optional<std::uint64_t> limit;          // rows, then the end
  bool same_ids = false;                       // false: a row with the id of an earlier one fails
  // The schema of a row, by which cells of CSV are read; null: they are texts. Outlives the source.
  json::View input;
  // Told what a person may want to know of how rows are read; may be empty.
  std::function<void(std::string_view)> on_notice;
};

// "rows.csv" is CSV (first line: names; RFC 4180, also with semicolons), "rows.tsv" the same with
// tabs, everything else JSON lines, also .json with a list of objects; behind any of them ".gz".
// "-" is stdin. Fails with kConfigError when it cannot be opened or is UTF-16, with kIoError when
// its beginning cannot be read.
Result<std::unique_ptr<RowSource>> OpenRows(const std::string& path, const RowOptions& options);
// Of an open descriptor, which it does not close.
std::unique_ptr<RowSource> RowsOf(int fd, RowFormat format, const RowOptions& options);
// The files that rows are made of, in the order of their paths; `folder` is what the glob counts
// from. What ** finds in the folders of runs is none of them. Fails with kConfigError when nothing
// matches.
Result<std::vector<std::string>> FindRowFiles(const FileRows& files, const std::string& folder);
// Of those. Fails as that does.
Result<std::unique_ptr<RowSource>> OpenFiles(const FileRows& files, const std::string& folder,
                                             const RowOptions& options);

}  // namespace weir::flow
