#pragma once

// CSV as RFC 4180 has it, byte for byte: fields between commas, quoted where they hold a comma, a
// quotation mark or a line break. Lines end with LF or CRLF.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::flow {

// A byte machine without input of its own. It frames broken records too, so that one does not take
// the next with it; only a quotation mark that is never closed reaches to the end.
class CsvReader {
 public:
  // A longer record is read to its end, and dropped.
  explicit CsvReader(std::size_t max_record_bytes, char separator = ',')
      : max_record_bytes_(max_record_bytes), separator_(separator) {}

  char separator() const { return separator_; }

  // Takes bytes up to the end of a record and returns how many; ready() says whether there is one.
  std::size_t Feed(std::string_view bytes);
  // No more bytes come: what was begun is a record.
  void End();

  // A record is whole. Next() goes on behind it.
  bool ready() const { return ready_; }
  void Next();

  // An empty line.
  bool blank() const { return raw_bytes_ == 0; }
  const std::vector<std::string>& fields() const { return fields_; }
  // What is wrong with it first; empty: nothing. Its fields are then good for nothing.
  std::string_view problem() const { return problem_; }
  bool too_long() const { return raw_bytes_ > max_record_bytes_; }
  // The line that it begins in, from 1.
  std::uint64_t line() const { return line_; }

 private:
  enum class State : std::uint8_t {
    kFieldStart,
    kPlain,
    kQuoted,
    kQuote,  // behind a quotation mark inside a quoted field: its end, or the first of two
    kCarriageReturn,
  };

  void Take(char c);
  void TakePlain(char c);
  void TakeBehindQuote(char c);
  void Keep(char c);
  void EndField();
  void EndRecord();

  static constexpr std::size_t kMaxFields = 100'000;

  std::size_t max_record_bytes_;
  char separator_;
  State state_ = State::kFieldStart;
  bool ready_ = false;
  std::string field_;
  std::vector<std::string> fields_;
  std::string_view problem_;
  std::size_t raw_bytes_ = 0;  // of the record, its end not counted
  std::uint64_t line_ = 1;
  std::uint64_t lines_ = 0;  // line breaks so far
};

// Appends one field, in quotes where it needs them.
void AppendCsvField(std::string& out, std::string_view field);

// Appends a record and its line break. One empty field is written with quotes: an empty line would
// be no record.
void AppendCsvRecord(std::string& out, const std::vector<std::string>& fields);

}  // namespace weir::flow
