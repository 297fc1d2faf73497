#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "weir/agent/tools/builtin_call.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/schema/pattern.h"

namespace weir::agent {
namespace {

constexpr std::size_t kMostFiles = 50'000;    // that are looked at
constexpr std::size_t kFileBytes = 4 << 20;   // a larger file of a folder is passed over
constexpr std::size_t kTurnBytes = 1 << 20;   // that are searched before others have their turn
constexpr std::size_t kFoundLineBytes = 300;  // of a line that is shown
constexpr std::size_t kCutSearchBytes = 200;  // that are kept free for what is said of a cut

struct Wanted {
  std::string_view text;
  std::optional<schema::Pattern> pattern;

  bool In(std::string_view line) const {
    return pattern ? pattern->Found(line) : line.contains(text);
  }
};

// What is found, told line by line.
struct Findings {
  std::string text;
  std::size_t room = 0;
  std::size_t lines = 0;
  std::size_t left_out = 0;
  std::size_t files = 0;
  std::size_t passed_over = 0;

  void Add(std::string_view path, std::size_t number, std::string_view line) {
    ++lines;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool cut = line.size() > kFoundLineBytes;
    const std::string told = ToUtf8(
        StrCat(path, ":", number, ": ", Utf8Prefix(line, kFoundLineBytes), cut ? "..." : ""));
    if (left_out > 0 || !AppendLine(text, told, room)) ++left_out;
  }
};

void SearchFile(std::string_view path, std::string_view text, const Wanted& wanted,
                Findings& findings) {
  ++findings.files;
  // A text without line ends in it that is nowhere in the file is in none of its lines.
  if (!wanted.pattern && !text.contains(wanted.text)) return;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    ++number;
    if (wanted.In(line)) findings.Add(path, number, line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
}

Result<Wanted> WantedOf(const BuiltinCall& call) {
  const auto text = call.Text("text");
  const auto regex = call.Text("regex");
  if (text.has_value() == regex.has_value()) {
    return Fail(Code::kInvalidRequest,
                "give either `text`, which is looked for as it is, or `regex`, a regular "
                "expression");
  }
  if (text && text->contains('\n')) {
    return Fail(Code::kInvalidRequest, "`text` has more than one line; look for one of them");
  }
  Wanted wanted{.text = text.value_or(""), .pattern = {}};
  if (regex) {
    Result<schema::Pattern> pattern = schema::Pattern::Compile(*regex);
    if (!pattern) {
      return Fail(Code::kInvalidRequest, StrCat("`regex` cannot be used: ", pattern.error().message,
                                                "; `text` looks for words as they are"));
    }
    wanted.pattern = *std::move(pattern);
  }
  return wanted;
}

// The files that are searched: one, or those of a folder.
Result<std::vector<RootEntry>> FilesOf(const BuiltinCall& call, bool& more) {
  const std::string_view path = call.Text("path").value_or("");
  const auto glob = call.Text("glob");
  // For what is no file, the error of List() is the better one.
  if (!path.empty() && call.root.Read(path, kMostFileBytes)) {
    return std::vector<RootEntry>{{.path = std::string(path)}};
  }
  WEIR_TRY(std::vector<RootEntry> entries, call.root.List(path, true, kMostFiles));
  more = entries.size() == kMostFiles;
  std::erase_if(entries, [&](const RootEntry& entry) {
    return entry.folder || (glob && !MatchesGlob(*glob, entry.path, path));
  });
  return entries;
}

std::string Told(Findings findings, bool more) {
  std::string& text = findings.text;
  if (findings.lines == 0) text = StrCat("nothing found in ", CountOf(findings.files, "file"));
  if (findings.left_out > 0) {
    StrAppend(text, "[", findings.left_out, " more lines; narrow it with `path` or `glob`]\n");
  }
  if (findings.passed_over > 0) {
    StrAppend(text, text.ends_with('\n') ? "" : "\n",
              "[not searched: ", CountOf(findings.passed_over, "file"),
              " that are binary or too large]\n");
  }
  if (more)
    StrAppend(text, text.ends_with('\n') ? "" : "\n", "[only the first ", kMostFiles, " files]");
  while (text.ends_with('\n')) text.pop_back();
  return std::move(text);
}

}  // namespace

async::Task<Result<std::string>> SearchTextTool(async::Context ctx, BuiltinCall call) {
  WEIR_CO_TRY(const Wanted wanted, WantedOf(call));
  bool more = false;
  WEIR_CO_TRY(const std::vector<RootEntry> files, FilesOf(call, more));
  Findings findings;
  findings.room = std::max(call.max_output, 2 * kCutSearchBytes) - kCutSearchBytes;
  std::size_t searched = 0;
  for (const RootEntry& file : files) {
    if (file.bytes > kFileBytes) {
      ++findings.passed_over;
      continue;
    }
    const Result<std::string> text = call.root.Read(file.path, kMostFileBytes);
    // A link that leads out or to a folder, and what is gone since, are none of the files.
    if (!text) continue;
    if (LooksBinary(*text)) {
      ++findings.passed_over;
      continue;
    }
    SearchFile(file.path, *text, wanted, findings);
    searched += text->size() + 1024;
    if (searched < kTurnBytes) continue;
    searched = 0;
    const Result<void> turn = co_await async::Sleep(ctx, Duration{});
    if (!turn) co_return Fail(turn.error());
  }
  co_return Told(std::move(findings), more);
}

}  // namespace weir::agent
