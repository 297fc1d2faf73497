#pragma once

// What every source of rows is made of: a descriptor that is read in pieces, lines, and rows that
// get their numbers and ids.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/flow/gunzip.h"
#include "weir/flow/row_ids.h"
#include "weir/flow/rows.h"

namespace weir::flow {

// A descriptor, read a buffer at a time. A byte order mark at its start is stepped over.
class RowInput {
 public:
  // `name` is for messages, and may be empty.
  RowInput(int fd, bool owned, std::string name);
  ~RowInput();
  RowInput(const RowInput&) = delete;
  RowInput& operator=(const RowInput&) = delete;

  // Bytes that were read and not skipped; reads when there are none. Empty: the end. Good until
  // the next call.
  Result<std::string_view> Peek();
  void Skip(std::size_t bytes) { from_ += bytes; }
  // Whether a whole line is not there yet and would have to be waited for. What is there is read,
  // up to a line of `max_bytes`.
  bool WouldWait(std::size_t max_bytes);
  // The bytes are gzip. Before the first Peek().
  void Unpack() { gunzip_ = std::make_unique<Gunzip>(); }

  // Of its size; nullopt when it is no file.
  std::optional<double> part_read() const;
  std::optional<std::uint64_t> size() const { return size_; }
  // "rows.csv, line 7"
  std::string Place(std::uint64_t line) const;

 private:
  Result<void> Fill();
  Result<void> Decode();
  Result<std::size_t> Read(std::string& into);

  const int fd_;
  const bool owned_;
  const std::string name_;
  std::optional<std::uint64_t> size_;
  std::uint64_t read_ = 0;
  std::string buffer_;
  std::size_t from_ = 0;  // of the buffer: what was skipped
  bool started_ = false;
  bool ended_ = false;
  std::size_t looked_ = 0;          // of the buffer: no line ends before it
  std::unique_ptr<Gunzip> gunzip_;  // null: bytes are as they are
  std::string packed_;              // what is to be decoded
};

// Opens a file to read; "-" is stdin. Fails with kConfigError.
Result<std::unique_ptr<RowInput>> OpenInput(const std::string& path);

// Lines without their ends; LF and CRLF end one.
class LineInput {
 public:
  LineInput(RowInput& input, std::size_t max_bytes) : input_(input), max_bytes_(max_bytes) {}

  // False: the end. A line that is too long is read to its end, and only its beginning kept.
  Result<bool> Next();

  std::string_view text() const { return text_; }
  bool blank() const;
  bool too_long() const { return too_long_; }
  std::uint64_t number() const { return number_; }  // from 1
  // Of the bytes of `before` and this line.
  std::uint32_t Checksum(std::uint32_t before) const;

 private:
  void Keep(std::string_view piece);

  RowInput& input_;
  const std::size_t max_bytes_;
  std::string text_;
  bool too_long_ = false;
  std::uint32_t lost_ = 0;  // the checksum of what was not kept
  std::uint64_t number_ = 0;
};

// Numbers rows and takes their ids out of them.
class RowMaker {
 public:
  explicit RowMaker(const RowOptions& options) : options_(options) {}

  const RowOptions& options() const { return options_; }
  bool at_limit() const { return options_.limit && next_ >= *options_.limit; }
  std::optional<double> part_of_limit() const;

  // `place` is Row::place.
  Row Make(json::Value object, std::string_view place);
  // A row that cannot be read. `id` is its own, where that could be.
  Row Bad(Error error, std::string_view id = {});
  Row Bad(std::string message, std::string_view id = {}) {
    return Bad(Fail(Code::kInvalidRequest, std::move(message)).error(), id);
  }
  Row TooLong(std::string_view place);

 private:
  // What stands for an id where there is none, and is hardly a row's own: "7", or "#7" where rows
  // have ids.
  std::string Stand(std::uint64_t number) const;

  const RowOptions options_;
  std::uint64_t next_ = 0;
  RowIds ids_;
};

// The larger part of the two that are known.
std::optional<double> PartRead(std::optional<double> input, std::optional<double> limit);

std::unique_ptr<RowSource> JsonRows(std::unique_ptr<RowInput> input, const RowOptions& options);
// One list of objects. Fails with kConfigError when it is none.
Result<std::unique_ptr<RowSource>> JsonListRows(std::unique_ptr<RowInput> input,
                                                const RowOptions& options);
// Fields stand between `separator`s; a comma becomes a semicolon where the first line has only
// those.
std::unique_ptr<RowSource> CsvRows(std::unique_ptr<RowInput> input, const RowOptions& options,
                                   char separator = ',');

}  // namespace weir::flow
