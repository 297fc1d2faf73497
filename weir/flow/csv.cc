#include "weir/flow/csv.h"

#include <utility>

namespace weir::flow {

std::size_t CsvReader::Feed(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !ready_) Take(bytes[taken++]);
  return taken;
}

void CsvReader::Take(char c) {
  if (c == '\n') ++lines_;
  switch (state_) {
    case State::kFieldStart:
      if (c == '"') {
        ++raw_bytes_;
        state_ = State::kQuoted;
        return;
      }
      state_ = State::kPlain;
      return TakePlain(c);
    case State::kPlain:
      return TakePlain(c);
    case State::kQuoted:
      if (c == '"') {
        ++raw_bytes_;
        state_ = State::kQuote;
        return;
      }
      return Keep(c);
    case State::kQuote:
      return TakeBehindQuote(c);
    case State::kCarriageReturn:
      if (c == '\n') return EndRecord();
      // It did not end the line, so it belongs to the field.
      state_ = State::kPlain;
      Keep('\r');
      return TakePlain(c);
  }
}

void CsvReader::TakePlain(char c) {
  if (c == separator_) {
    ++raw_bytes_;
    return EndField();
  }
  switch (c) {
    case '\n':
      return EndRecord();
    case '\r':
      state_ = State::kCarriageReturn;
      return;
    case '"':
      if (problem_.empty()) problem_ = "a quotation mark stands inside a field without quotes";
      [[fallthrough]];
    default:
      return Keep(c);
  }
}

void CsvReader::TakeBehindQuote(char c) {
  if (c == '"') {
    state_ = State::kQuoted;
    return Keep(c);
  }
  if (c != separator_ && c != '\n' && c != '\r' && problem_.empty()) {
    problem_ = "text stands behind the closing quotation mark of a field";
  }
  state_ = State::kPlain;
  TakePlain(c);
}

void CsvReader::Keep(char c) {
  ++raw_bytes_;
  if (!too_long()) field_ += c;
}

void CsvReader::EndField() {
  if (fields_.size() == kMaxFields && problem_.empty()) {
    problem_ = "there are more than 100000 fields";
  }
  if (!too_long() && fields_.size() < kMaxFields) fields_.push_back(std::exchange(field_, {}));
  state_ = State::kFieldStart;
}

void CsvReader::EndRecord() {
  EndField();
  ready_ = true;
}

void CsvReader::End() {
  if (ready_ || (raw_bytes_ == 0 && state_ != State::kCarriageReturn)) return;
  if (state_ == State::kQuoted && problem_.empty()) {
    problem_ = "a quotation mark is opened and never closed";
  }
  EndRecord();
}

void CsvReader::Next() {
  ready_ = false;
  state_ = State::kFieldStart;
  field_.clear();
  fields_.clear();
  problem_ = {};
  raw_bytes_ = 0;
  line_ = lines_ + 1;
}

void AppendCsvField(std::string& out, std::string_view field) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += field;
    return;
  }
  out += '"';
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void AppendCsvRecord(std::string& out, const std::vector<std::string>& fields) {
  if (fields.size() == 1 && fields.front().empty()) out += "\"\"";
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += ',';
    AppendCsvField(out, fields[i]);
  }
  out += '\n';
}

}  // namespace weir::flow
