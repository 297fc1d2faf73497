#include "weir/agent/workspace/workspace_record.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/files.h"

namespace weir::agent {
namespace {

constexpr std::size_t kLongestName = 100;  // a file system takes 255 bytes, suffixes included
constexpr std::size_t kLongestSafe = 60;   // of what is kept of a name that is none
constexpr std::size_t kLongestFile = 64 << 20;
constexpr std::array kOurNames = {"base", "review", "source.json"};
constexpr std::array kOurSuffixes = {".json", ".kept", ".tmp", ".part"};
constexpr std::array kModes = {"none", "copy", "worktree", "in_place"};

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && name.front() != '.' &&
         name.front() != '-' && std::ranges::all_of(name, IsPlain) &&
         std::ranges::none_of(kOurSuffixes,
                              [&](std::string_view suffix) { return name.ends_with(suffix); });
}

// With '~', which no plain name has.
std::string SafeName(std::string_view name) {
  std::string safe;
  for (const char c : name.substr(0, kLongestSafe)) {
    if (IsPlain(c) && (c != '.' || !safe.empty())) {
      safe += c;
    } else if (!safe.ends_with('_')) {
      safe += '_';
    }
  }
  StrAppend(safe, "~", HexText(StableHash(name.data(), name.size())));
  return safe;
}

void WriteChange(json::Writer& out, const Change& change) {
  out.BeginObject();
  out.Field("path", change.path);
  out.Field("kind", ChangeName(change.kind));
  out.Field("mode", ModeText(change.form));
  out.PlainKey("binary");
  out.Bool(change.binary);
  out.PlainKey("added");
  out.Uint(change.lines_added);
  out.PlainKey("removed");
  out.Uint(change.lines_removed);
  out.EndObject();
}

std::optional<Change> ReadChange(json::View view) {
  Change change;
  change.path = view.Find("path").StringOr("");
  change.binary = view.Find("binary").BoolOr(false);
  change.lines_added = view.Find("added").AsUint64().value_or(0);
  change.lines_removed = view.Find("removed").AsUint64().value_or(0);
  const std::string_view kind = view.Find("kind").StringOr("");
  const std::string_view mode = view.Find("mode").StringOr("");
  bool known = !change.path.empty();
  for (const auto each : {ChangeKind::kAdded, ChangeKind::kChanged, ChangeKind::kDeleted}) {
    if (kind == ChangeName(each)) change.kind = each;
  }
  known = known && kind == ChangeName(change.kind);
  for (const auto each : {FileForm::kNone, FileForm::kFile, FileForm::kProgram, FileForm::kLink}) {
    if (mode == ModeText(each)) change.form = each;
  }
  known = known && mode == ModeText(change.form);
  return known ? std::optional(std::move(change)) : std::nullopt;
}

// A JSON object of ours; null when there is no such file.
Result<json::Value> ReadObject(const std::string& path) {
  WEIR_TRY(const std::optional<std::string> text, store::ReadFile(path, kLongestFile));
  if (!text) return json::Value();
  Result<json::Value> value = json::Read(*text);
  if (value && value->IsObject() && value->Find("format").AsInt64() == 1) return value;
  return Fail(Code::kConfigError, StrCat(path, " is none of weir's files, or of a later version"),
              value ? "" : value.error().message);
}

}  // namespace

std::string FolderNameOf(std::string_view row) {
  return IsPlainName(row) ? std::string(row) : SafeName(row);
}

WorkspacePaths::WorkspacePaths(std::string_view run_folder)
    : root_(StrCat(run_folder, "/workspaces")) {}

std::string WorkspacePaths::snapshot(std::string_view id) const {
  return id.empty() ? base() : StrCat(snapshots(), "/", id);
}

std::string WorkspacePaths::use(std::string_view id) const {
  return StrCat(snapshots(), "/", id, ".lock");
}

bool WorkspacePaths::IsOfNode(std::string_view name) {
  return !name.starts_with('.') && !name.ends_with(".tmp") &&
         std::ranges::find(kOurNames, name) == kOurNames.end();
}

std::string WorkspacePaths::node(std::string_view node) const {
  const bool ours = std::ranges::find(kOurNames, node) != kOurNames.end();
  return StrCat(root_, "/", ours ? SafeName(node) : FolderNameOf(node));
}

std::string WorkspacePaths::row(std::string_view node, std::string_view row) const {
  return StrCat(this->node(node), "/", FolderNameOf(row));
}

std::string SourceText(const SourceRecord& source) {
  std::string text;
  json::Writer out(text, {.indent = 2});
  out.BeginObject();
  out.PlainKey("format");
  out.Int(1);
  out.Field("source", source.folder);
  out.Field("mode", std::string_view(kModes.at(static_cast<std::size_t>(source.mode))));
  out.EndObject();
  text += '\n';
  return text;
}

Result<std::optional<SourceRecord>> ReadSource(const WorkspacePaths& paths) {
  WEIR_TRY(const json::Value read, ReadObject(paths.source_file()));
  if (read.IsNull()) return std::optional<SourceRecord>();
  SourceRecord source{.folder = std::string(read.Find("source").StringOr(""))};
  const std::string_view mode = read.Find("mode").StringOr("");
  for (std::size_t i = 0; i < kModes.size(); ++i) {
    if (mode == kModes.at(i)) source.mode = static_cast<WorkspaceMode>(i);
  }
  if (source.folder.empty()) {
    return Fail(Code::kConfigError, StrCat(paths.source_file(), " names no source"));
  }
  return std::optional(std::move(source));
}

std::string RecordText(const RowRecord& record) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.PlainKey("format");
  out.Int(1);
  out.Field("id", record.id);
  if (!record.base.empty()) out.Field("base", record.base);
  out.Field("node", record.node);
  out.Field("row", record.row);
  if (!record.title.empty()) out.Field("title", record.title);
  out.Field("result", record.result);
  out.PlainKey("changes");
  out.BeginArray();
  for (const Change& change : record.changes) WriteChange(out, change);
  out.EndArray();
  out.EndObject();
  text += '\n';
  return text;
}

Result<std::optional<RowRecord>> ReadRecord(const std::string& path) {
  WEIR_TRY(const json::Value read, ReadObject(path));
  if (read.IsNull()) return std::optional<RowRecord>();
  RowRecord record{.id = std::string(read.Find("id").StringOr("")),
                   .base = std::string(read.Find("base").StringOr("")),
                   .node = std::string(read.Find("node").StringOr("")),
                   .row = std::string(read.Find("row").StringOr("")),
                   .title = std::string(read.Find("title").StringOr("")),
                   .changes = {},
                   .result = json::Value::CopyOf(read.Find("result"))};
  bool well =
      read.Find("id").IsString() && read.Find("result").exists() && read.Find("changes").IsArray();
  well = well && (record.base.empty() || IsSnapshotId(record.base));
  record.changes.reserve(read.Find("changes").size());
  for (const json::View view : read.Find("changes").items()) {
    std::optional<Change> change = ReadChange(view);
    well = well && change.has_value();
    if (change) record.changes.push_back(*std::move(change));
  }
  if (!well) return Fail(Code::kConfigError, StrCat(path, " does not say what a row changed"));
  return std::optional(std::move(record));
}

bool IsSnapshotId(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of(kHexDigits) == text.npos;
}

std::string_view ChangeName(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kAdded:
      return "added";
    case ChangeKind::kDeleted:
      return "deleted";
    case ChangeKind::kChanged:
      break;
  }
  return "changed";
}

std::string_view ModeText(FileForm form) {
  switch (form) {
    case FileForm::kFile:
      return "100644";
    case FileForm::kProgram:
      return "100755";
    case FileForm::kLink:
      return "120000";
    case FileForm::kNone:
      break;
  }
  return "000000";
}

}  // namespace weir::agent
