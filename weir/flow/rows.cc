#include "weir/flow/rows.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/flow/rows_input.h"

namespace weir::flow {
namespace {

bool HasEnding(const std::string& path, std::string_view ending) {
  return path.size() > ending.size() &&
         EqualsIgnoreCase(std::string_view(path).substr(path.size() - ending.size()), ending);
}

// Whether the first sign of the text that is no blank opens a list.
Result<bool> BeginsList(RowInput& input) {
  for (;;) {
    WEIR_TRY(const std::string_view bytes, input.Peek());
    if (bytes.empty()) return false;
    const std::size_t first = bytes.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos) return bytes[first] == '[';
    input.Skip(bytes.size());
  }
}

std::unique_ptr<RowSource> RowsOf(std::unique_ptr<RowInput> input, RowFormat format,
                                  const RowOptions& options) {
  if (format == RowFormat::kCsv) return CsvRows(std::move(input), options);
  return JsonRows(std::move(input), options);
}

}  // namespace

Result<std::unique_ptr<RowSource>> OpenRows(const std::string& path, const RowOptions& options) {
  if (HasEnding(path, ".yaml") || HasEnding(path, ".yml")) {
    return Fail(Code::kConfigError, StrCat(path,
                                           " is no file of rows; they come as .jsonl, .json, "
                                           ".csv or .tsv, each also packed as .gz"));
  }
  WEIR_TRY(std::unique_ptr<RowInput> input, OpenInput(path));
  constexpr std::string_view kPacked = ".gz";
  std::string name = path;
  if (HasEnding(path, kPacked)) {
    input->Unpack();
    name.resize(name.size() - kPacked.size());
  }
  if (input->size()) {  // into a pipe nobody may write yet
    WEIR_TRY(const std::string_view begin, input->Peek());
    if (begin.starts_with("\xFF\xFE") || begin.starts_with("\xFE\xFF")) {
      return Fail(Code::kConfigError, StrCat(path, " is UTF-16; save it as UTF-8"));
    }
  }
  if (HasEnding(name, ".json")) {
    WEIR_TRY(const bool list, BeginsList(*input));
    if (list) return JsonListRows(std::move(input), options);
  }
  if (HasEnding(name, ".tsv")) return CsvRows(std::move(input), options, '\t');
  const bool csv = HasEnding(name, ".csv");
  return RowsOf(std::move(input), csv ? RowFormat::kCsv : RowFormat::kJsonLines, options);
}

std::unique_ptr<RowSource> RowsOf(int fd, RowFormat format, const RowOptions& options) {
  return RowsOf(std::make_unique<RowInput>(fd, false, ""), format, options);
}

}  // namespace weir::flow
