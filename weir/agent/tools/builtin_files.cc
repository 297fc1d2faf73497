#include <algorithm>
#include <utility>
#include <vector>

#include "weir/agent/tools/builtin_call.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::agent {
namespace {

constexpr std::size_t kCutFileBytes = 160;    // that are kept free for what is said of a cut
constexpr std::size_t kMostListed = 100'000;  // entries that are looked at

std::size_t Room(const BuiltinCall& call) {
  return std::max(call.max_output, 2 * kCutFileBytes) - kCutFileBytes;
}

// Where line `number` (from 1) begins; the end where there are fewer.
std::size_t StartOfLine(std::string_view text, std::size_t number) {
  std::size_t at = 0;
  for (std::size_t line = 1; line < number && at < text.size(); ++line) {
    at = std::min(text.find('\n', at), text.size() - 1) + 1;
  }
  return at;
}

}  // namespace

Result<std::string> ReadFileTool(const BuiltinCall& call) {
  WEIR_TRY(const std::string_view path, call.Need("path"));
  WEIR_TRY(const std::string text, call.root.Read(path, kMostFileBytes));
  if (LooksBinary(text)) {
    return Fail(Code::kInvalidRequest,
                StrCat("'", path, "' is a binary file of ", text.size(), " bytes, not text"));
  }
  if (text.empty()) return StrCat("(", path, " is empty)");
  const std::size_t lines = LinesIn(text);
  const std::int64_t first = std::max<std::int64_t>(call.Number("first_line").value_or(1), 1);
  const std::int64_t last = call.Number("last_line").value_or(static_cast<std::int64_t>(lines));
  if (first > static_cast<std::int64_t>(lines)) {
    return Fail(Code::kInvalidRequest, StrCat("'", path, "' has only ", CountOf(lines, "line")));
  }
  if (last < first) {
    return Fail(Code::kInvalidRequest, StrCat("last_line ", last, " is before first_line ", first));
  }
  const auto from = static_cast<std::size_t>(first);
  std::size_t to = std::min(static_cast<std::size_t>(last), lines);
  const std::size_t begin = StartOfLine(text, from);
  std::string part =
      ToUtf8(std::string_view(text).substr(begin, StartOfLine(text, to + 1) - begin));
  std::string_view whole = part;
  if (part.size() > Room(call)) {
    whole = Utf8Prefix(part, Room(call));
    // Whole lines, unless the first is longer than all that may be said.
    if (whole.contains('\n')) whole = whole.substr(0, whole.rfind('\n') + 1);
    to = from + LinesIn(whole) - 1;
  }
  std::string result(whole);
  if (from == 1 && to == lines && whole.size() == part.size()) return result;
  StrAppend(result, result.ends_with('\n') ? "" : "\n", "[lines ", from, " to ", to, " of ", lines);
  if (whole.size() < part.size()) {
    if (whole.ends_with('\n')) {
      StrAppend(result, "; read on with first_line ", to + 1);
    } else {
      StrAppend(result, "; this line is too long to be shown whole");
    }
  }
  return result += "]";
}

Result<std::string> WriteFileTool(const BuiltinCall& call) {
  WEIR_TRY(const std::string_view path, call.Need("path"));
  WEIR_TRY(const std::string_view text, call.Need("text"));
  WEIR_TRY(const bool existed, call.root.Exists(path));
  WEIR_CHECK(call.root.Write(path, text));
  return StrCat(existed ? "replaced " : "made ", path, ": ", CountOf(LinesIn(text), "line"), ", ",
                CountOf(text.size(), "byte"));
}

Result<std::string> ListFilesTool(const BuiltinCall& call) {
  const std::string_view path = call.Text("path").value_or("");
  const auto glob = call.Text("glob");
  WEIR_TRY(const std::vector<RootEntry> entries,
           call.root.List(path, glob.has_value(), kMostListed));
  std::string result;
  std::size_t left_out = 0;
  for (const RootEntry& entry : entries) {
    if (glob && (entry.folder || !MatchesGlob(*glob, entry.path, path))) continue;
    const std::string line = ToUtf8(StrCat(entry.path, entry.folder ? "/" : ""));
    if (left_out > 0 || !AppendLine(result, line, Room(call))) ++left_out;
  }
  if (left_out > 0) {
    StrAppend(result, "[", left_out, " more; narrow it with `path` or `glob`]");
  } else if (result.empty()) {
    result = glob ? StrCat("no file matches ", *glob) : "the folder is empty";
  }
  if (entries.size() == kMostListed) StrAppend(result, "\n[only the first ", kMostListed, "]");
  return result;
}

}  // namespace weir::agent
