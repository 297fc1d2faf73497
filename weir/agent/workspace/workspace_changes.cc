#include "weir/agent/workspace/workspace_changes.h"

#include <optional>

#include "weir/agent/workspace/diff.h"
#include "weir/agent/workspace/tree.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

constexpr std::size_t kLongestText = 16 << 20;  // what is longer has no diff

// The text of a file that has one.
Result<std::optional<std::string>> TextOf(const std::string& folder, const std::string& path) {
  WEIR_TRY(const ListedFile file, LookAt(folder, path));
  if (file.form == FileForm::kNone) return std::optional<std::string>("");
  if (file.bytes > kLongestText) return std::optional<std::string>();
  WEIR_TRY(const Tree tree, Tree::Open(folder));
  WEIR_TRY(Found found, tree.Read(path, kLongestText));
  if (IsBinary(found.file.text)) return std::optional<std::string>();
  return std::optional(std::move(found.file.text));
}

}  // namespace

Result<std::vector<Change>> CompareFolders(const Listed& base, const Listed& made) {
  std::vector<Change> changes;
  auto old_file = base.files.begin();
  auto new_file = made.files.begin();
  while (old_file != base.files.end() || new_file != made.files.end()) {
    const bool only_old = new_file == made.files.end() ||
                          (old_file != base.files.end() && old_file->path < new_file->path);
    const bool only_new = old_file == base.files.end() ||
                          (new_file != made.files.end() && new_file->path < old_file->path);
    if (only_old) {
      changes.push_back(
          {.kind = ChangeKind::kDeleted, .path = old_file->path, .form = FileForm::kNone});
      ++old_file;
      continue;
    }
    if (only_new) {
      changes.push_back(
          {.kind = ChangeKind::kAdded, .path = new_file->path, .form = new_file->form});
      ++new_file;
      continue;
    }
    bool same = old_file->form == new_file->form && old_file->bytes == new_file->bytes;
    if (same) {
      WEIR_TRY(same, SameContent(StrCat(base.folder, "/", old_file->path),
                                 StrCat(made.folder, "/", new_file->path), new_file->form));
    }
    if (!same) {
      changes.push_back(
          {.kind = ChangeKind::kChanged, .path = new_file->path, .form = new_file->form});
    }
    ++old_file;
    ++new_file;
  }
  return changes;
}

Result<void> CountLinesOf(Change& change, const std::string& base, const std::string& made) {
  WEIR_TRY(const std::optional<std::string> before, TextOf(base, change.path));
  WEIR_TRY(const std::optional<std::string> after, TextOf(made, change.path));
  change.binary = !before || !after;
  if (!before || !after) return {};
  for (const Hunk& hunk : DiffLines(*before, *after)) {
    change.lines_removed += hunk.from_end - hunk.from_begin;
    change.lines_added += hunk.to_end - hunk.to_begin;
  }
  return {};
}

}  // namespace weir::agent
