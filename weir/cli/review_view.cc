#include "weir/cli/review_view.h"

#include <algorithm>

#include "weir/agent/workspace/workspace_record.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/cli/colours.h"
#include "weir/cli/run_frame.h"
#include "weir/cli/terminal.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

constexpr std::size_t kLongestName = 40;
constexpr std::size_t kConflictLines = 40;  // that are shown of one file

struct Sums {
  std::size_t added = 0;
  std::size_t removed = 0;
};

Sums SumsOf(const agent::ReviewItem& item) {
  Sums sums;
  for (const agent::Change& change : item.changes) {
    sums.added += change.lines_added;
    sums.removed += change.lines_removed;
  }
  return sums;
}

std::string FilesText(std::size_t count) { return StrCat(count, count == 1 ? " file" : " files"); }

void Pad(std::string& line, std::string_view text, std::size_t width) {
  line += text;
  line.append(width - std::min(width, text.size()), ' ');
  line += "  ";
}

// As it can be pasted into a shell.
std::string ShellWord(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-/+:,@").contains(c);
  };
  if (!text.empty() && std::ranges::all_of(text, plain)) return std::string(text);
  std::string quoted = "'";
  for (const char c : OneLine(text)) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string_view Sign(agent::ChangeKind kind) {
  switch (kind) {
    case agent::ChangeKind::kAdded:
      return "A";
    case agent::ChangeKind::kDeleted:
      return "D";
    case agent::ChangeKind::kChanged:
      break;
  }
  return "M";
}

// The stretches between the marks, with their marks.
std::string MarkedLines(std::string_view text) {
  std::string shown;
  bool inside = false;
  std::size_t lines = 0;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.starts_with("<<<<<<< ")) inside = true;
    if (inside && lines < kConflictLines) StrAppend(shown, "      ", Harmless(line), "\n");
    lines += inside ? 1 : 0;
    if (line.starts_with(">>>>>>> ")) inside = false;
  }
  if (lines > kConflictLines)
    StrAppend(shown, "      ... ", lines - kConflictLines, " more lines\n");
  return shown;
}

}  // namespace

std::string_view StateWord(agent::ReviewState state) {
  switch (state) {
    case agent::ReviewState::kAccepted:
      return "accepted";
    case agent::ReviewState::kRejected:
      return "rejected";
    case agent::ReviewState::kRetrying:
      return "retrying";
    case agent::ReviewState::kPending:
      break;
  }
  return "pending";
}

std::string RowName(const agent::Review& review, const agent::ReviewItem& item) {
  const bool titled = !item.title.empty() && std::ranges::count(review.items(), item.title,
                                                                &agent::ReviewItem::title) == 1;
  if (titled) return item.title;
  const bool alone = std::ranges::count(review.items(), item.row, &agent::ReviewItem::row) == 1;
  return alone ? item.row : StrCat(item.node, "/", item.row);
}

std::string RowTitle(const agent::Review& review, const agent::ReviewItem& item) {
  std::string name = RowName(review, item);
  if (item.title.empty() || name == item.title) return name;
  return StrCat(item.title, " (", name, ")");
}

std::string ReviewTable(const agent::Review& review, int width) {
  std::size_t widest = 3;
  for (const agent::ReviewItem& item : review.items()) {
    widest = std::max(widest, std::min(kLongestName, RowTitle(review, item).size()));
  }
  std::string table;
  Pad(table, "row", widest);
  table += "state     files  lines         says\n";
  for (const agent::ReviewItem& item : review.items()) {
    std::string line;
    const Sums sums = SumsOf(item);
    Pad(line, Truncate(OneLine(RowTitle(review, item)), kLongestName), widest);
    Pad(line, StateWord(item.state), 8);
    Pad(line, StrCat(item.changes.size()), 5);
    Pad(line, StrCat("+", sums.added, " -", sums.removed), 12);
    StrAppend(line, OneLine(item.result.Find("status").StringOr("")), "  ",
              OneLine(item.result.Find("summary").StringOr("")));
    line.erase(line.find_last_not_of(' ') + 1);
    StrAppend(table, Utf8Prefix(line, static_cast<std::size_t>(width)), "\n");
  }
  return table;
}

std::string ReviewJson(const std::string& run, const agent::Review& review) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("run", run);
  out.Field("source", review.source());
  out.PlainKey("rows");
  out.BeginArray();
  for (const agent::ReviewItem& item : review.items()) {
    out.BeginObject();
    out.Field("node", item.node);
    out.Field("row", item.row);
    if (!item.title.empty()) out.Field("title", item.title);
    out.Field("state", StateWord(item.state));
    out.Field("result", item.result);
    out.PlainKey("files");
    out.BeginArray();
    for (const agent::Change& change : item.changes) {
      out.BeginObject();
      out.Field("path", change.path);
      out.Field("kind", agent::ChangeName(change.kind));
      out.PlainKey("added");
      out.Uint(change.lines_added);
      out.PlainKey("removed");
      out.Uint(change.lines_removed);
      out.PlainKey("binary");
      out.Bool(change.binary);
      out.EndObject();
    }
    out.EndArray();
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  text += '\n';
  return text;
}

std::string RowHeader(const agent::Review& review, const agent::ReviewItem& item, bool colour) {
  const Sums sums = SumsOf(item);
  std::string text = StrCat("\n", colour ? kBold : "", "row ", OneLine(RowTitle(review, item)),
                            colour ? kPlain : "", "  ", FilesText(item.changes.size()), ", +",
                            sums.added, " -", sums.removed);
  if (const std::string_view status = item.result.Find("status").StringOr(""); !status.empty()) {
    StrAppend(text, "  ", OneLine(status));
  }
  text += '\n';
  if (const std::string_view says = item.result.Find("summary").StringOr(""); !says.empty()) {
    StrAppend(text, "  ", OneLine(says), "\n");
  }
  for (const agent::Change& change : item.changes) {
    StrAppend(text, "  ", Sign(change.kind), " ", OneLine(change.path));
    if (change.binary) {
      text += "  binary\n";
    } else {
      StrAppend(text, "  +", change.lines_added, " -", change.lines_removed, "\n");
    }
  }
  return text;
}

std::string ShownDiff(std::string_view diff, bool colour) {
  if (!colour) return Harmless(diff);
  std::string shown;
  for (std::string_view rest = diff; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
    std::string_view with;
    const bool of_file = line.starts_with("diff ") || line.starts_with("--- ") ||
                         line.starts_with("+++ ") || line.contains(" mode ");
    if (line.starts_with("@@")) {
      with = kCyan;
    } else if (of_file && !line.starts_with(' ')) {
      with = kBold;
    } else if (line.starts_with('+')) {
      with = kGreen;
    } else if (line.starts_with('-')) {
      with = kRed;
    }
    StrAppend(shown, with, Harmless(line), with.empty() ? std::string_view() : kPlain, "\n");
  }
  return shown;
}

std::string ConflictText(const std::string& run, const std::string& row,
                         const std::vector<agent::Conflict>& conflicts, bool written) {
  std::string text = StrCat("row ", OneLine(row), " conflicts in ", FilesText(conflicts.size()),
                            written ? ":\n" : "; nothing was written:\n");
  for (const agent::Conflict& conflict : conflicts) {
    StrAppend(text, "  ", OneLine(conflict.path), ": ", OneLine(conflict.why), "\n",
              MarkedLines(conflict.text));
  }
  if (written) {
    text += "The row is accepted; mend the files in the tree, between the marks.\n";
    return text;
  }
  const std::string of_run = StrCat("  weir review ", ShellWord(run));
  const std::string name = ShellWord(row);
  StrAppend(text, "To solve it, one of these:\n", of_run, " --accept ", name,
            " --write-conflicts   writes the marks into the tree, to be mended there\n", of_run,
            " --reject ", name, "   leaves the tree as it is\n");
  return text;
}

}  // namespace weir::cli
