#pragma once

// Documents and JSON lines from a file or stdin, for commands that work on texts. Lines are read in
// flat memory, however long the stream is.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "weir/base/limits.h"
#include "weir/base/result.h"
#include "weir/cli/command.h"
#include "weir/json/writer.h"

namespace weir::cli {

inline constexpr std::string_view kStdin = "-";
inline constexpr int kExitSomeFailed = 1;  // of many rows

// All of a file, or of stdin for "-". Fails with kInvalidRequest when it is longer than
// `max_bytes`, or when a person sits in front of stdin.
Result<std::string> ReadDocument(const Session& session, const std::string& path,
                                 std::size_t max_bytes);

enum class RowOutcome : std::uint8_t { kOk, kFailed };

// Appends the answer to one line, its line break aside. The line is an error when it is too long.
using AnswerLine =
    std::function<RowOutcome(const Result<std::string_view>& line, std::string& out)>;

struct LineInput {
  std::string path{kStdin};
  std::size_t max_bytes = limits::kStdinBytes;  // of one line
};

// One answer line on stdout for each line of the input, in their order; an empty line is a line.
// Answers are written before more input is waited for, so that two programs can talk in turns.
// Returns the exit code: 0, 1 when some rows failed, 2 when all did.
int AnswerLines(Session& session, const LineInput& input, const AnswerLine& answer);

// The text of a row that names it: a string "text", or any bytes in "base64", but not both.
Result<std::string> TextOfRow(std::string_view line);

// Fails with kConfigError where a text cannot go into a request as it is, and names the first byte
// that is wrong. `what` is the text's name: "the prompt".
Result<void> CheckUtf8(std::string_view text, std::string_view what);

// Where something stands in a text, for people: both count from 1, columns in characters.
struct LineColumn {
  std::size_t line = 1;
  std::size_t column = 1;
};

// Tells the places of offsets in a text. Cheap for offsets that ascend.
class PlaceFinder {
 public:
  explicit PlaceFinder(std::string_view text) : text_(text) {}

  LineColumn Find(std::size_t offset);

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  LineColumn place_;
};

// Appends the members "offset", "line" and "column".
void WritePlace(json::Writer& out, std::size_t offset, LineColumn place);

// Two lines that show a place in a text: the line, cut to what fits, and a caret below it.
std::string Excerpt(std::string_view text, std::size_t offset);

}  // namespace weir::cli
