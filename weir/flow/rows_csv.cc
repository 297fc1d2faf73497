// Rows of CSV: the first line names the columns, values are what the schema of a row says.

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/flow/cells.h"
#include "weir/flow/csv.h"
#include "weir/flow/rows_input.h"
#include "weir/json/builder.h"
#include "weir/store/crc32c.h"

namespace weir::flow {
namespace {

// One that no LF follows: it was to end a line.
bool HasLoneCr(const std::string& text) {
  const std::size_t at = text.find('\r');
  return at != text.npos && (at + 1 == text.size() || text[at + 1] != '\n');
}

class CsvSource final : public RowSource {
 public:
  CsvSource(std::unique_ptr<RowInput> input, const RowOptions& options, char separator)
      : input_(std::move(input)), csv_(options.max_row_bytes, separator), maker_(options) {}

  Result<std::optional<Row>> Next() override {
    if (names_.empty()) {
      WEIR_CHECK(FindSeparator());
      WEIR_TRY(const bool more, ReadRecord());
      if (!more) return std::optional<Row>();
      WEIR_CHECK(ReadNames());
    }
    if (maker_.at_limit()) return std::optional<Row>();
    WEIR_TRY(const bool more, ReadRecord());
    if (!more) return std::optional<Row>();
    return std::optional(ReadRow());
  }
  bool WouldWait() override { return input_->WouldWait(maker_.options().max_row_bytes); }
  std::uint32_t checksum() const override { return checksum_; }
  std::optional<double> part_read() const override {
    return PartRead(input_->part_read(), maker_.part_of_limit());
  }

 private:
  // Tables of many a country have semicolons, because their numbers have commas.
  Result<void> FindSeparator() {
    WEIR_TRY(std::string_view line, input_->Peek());
    line = line.substr(0, line.find('\n'));
    if (csv_.separator() != ',' || !line.contains(';') || line.contains(',')) return {};
    csv_ = CsvReader(maker_.options().max_row_bytes, ';');
    if (maker_.options().on_notice) {
      maker_.options().on_notice(StrCat(input_->Place(1),
                                        " has semicolons and no comma: fields are taken to stand ",
                                        "between semicolons"));
    }
    return {};
  }

  // The next record that is not blank; false at the end.
  Result<bool> ReadRecord() {
    do {
      csv_.Next();
      while (!csv_.ready()) {
        WEIR_TRY(const std::string_view bytes, input_->Peek());
        if (bytes.empty()) csv_.End();
        if (bytes.empty() && !csv_.ready()) return false;
        const std::size_t taken = csv_.Feed(bytes);
        checksum_ = store::Crc32c(bytes.substr(0, taken), checksum_);
        input_->Skip(taken);
      }
    } while (csv_.blank());
    return true;
  }

  Result<void> ReadNames() {
    const std::string place = input_->Place(csv_.line());
    const auto failed = [&](std::string_view what) {
      return Fail(Code::kConfigError,
                  StrCat(place, ": ", what, "; the first line of CSV names the columns"));
    };
    if (csv_.too_long()) return failed("the line is too long");
    if (!csv_.problem().empty()) return failed(csv_.problem());
    std::vector<std::string> sorted = csv_.fields();
    if (!std::ranges::all_of(sorted, IsUtf8)) {
      return failed("the text is not UTF-8: save the file as UTF-8");
    }
    if (std::ranges::any_of(sorted, HasLoneCr)) {
      return failed("its lines end with CR: save the file with LF or CRLF at their ends");
    }
    std::ranges::sort(sorted);
    if (const auto same = std::ranges::adjacent_find(sorted); same != sorted.end()) {
      return failed(StrCat("two columns have the name \"", Truncate(*same, 100), '"'));
    }
    names_ = csv_.fields();
    cells_.emplace(maker_.options().input, names_);
    return {};
  }

  Row ReadRow() {
    const std::string place = input_->Place(csv_.line());
    const std::vector<std::string>& fields = csv_.fields();
    if (csv_.too_long()) return maker_.TooLong(place);
    if (!csv_.problem().empty()) return maker_.Bad(StrCat(place, ": ", csv_.problem()));
    if (fields.size() != names_.size()) {
      const bool few = fields.size() < names_.size();
      return maker_.Bad(
          StrCat(place, " has ", CountOf(fields.size(), "field"), ", and the first line names ",
                 names_.size(), " columns; ",
                 few ? StrCat("write the missing ones as nothing between ", SeparatorName())
                     : StrCat("put fields with ", SeparatorName(), " in quotes")));
    }
    if (!std::ranges::all_of(fields, IsUtf8)) {
      return maker_.Bad(StrCat(place, " is not UTF-8; save the file as UTF-8"));
    }
    json::Builder object;
    object.BeginObject();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (const Result<void> added = cells_->Add(i, fields[i], object); !added) {
        return maker_.Bad(StrCat(place, ": ", added.error().message), IdAmong(fields));
      }
    }
    object.EndObject();
    Row row = maker_.Make(std::move(object).Finish(), place);
    return row;
  }

  std::string_view IdAmong(const std::vector<std::string>& fields) const {
    const auto column = std::ranges::find(names_, maker_.options().id);
    if (column == names_.end()) return {};
    return fields[static_cast<std::size_t>(column - names_.begin())];
  }

  std::string_view SeparatorName() const {
    const char separator = csv_.separator();
    return separator == '\t' ? "tabs" : separator == ';' ? "semicolons" : "commas";
  }

  const std::unique_ptr<RowInput> input_;
  CsvReader csv_;
  RowMaker maker_;
  std::vector<std::string> names_;
  std::optional<CellReader> cells_;  // set with the names
  std::uint32_t checksum_ = 0;
};

}  // namespace

std::unique_ptr<RowSource> CsvRows(std::unique_ptr<RowInput> input, const RowOptions& options,
                                   char separator) {
  return std::make_unique<CsvSource>(std::move(input), options, separator);
}

}  // namespace weir::flow
