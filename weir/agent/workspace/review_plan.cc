#include "weir/agent/workspace/review_plan.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "weir/agent/workspace/diff.h"
#include "weir/agent/workspace/workspace_files.h"
#include "weir/base/random.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

constexpr std::size_t kLongestFile = 1 << 30;

// Files that the row takes away where they stand unchanged.
std::set<std::string, std::less<>> Deleted(const ReviewItem& item) {
  std::set<std::string, std::less<>> deleted;
  for (const Change& change : item.changes) {
    if (change.kind == ChangeKind::kDeleted) deleted.insert(change.path);
  }
  return deleted;
}

// Whether what stands in the way of a file goes with the files that the row deletes: a file that
// becomes a folder, or a folder that becomes a file.
Result<bool> MakesWay(const Tree& tree, const std::string& obstacle,
                      const std::set<std::string, std::less<>>& deleted) {
  if (deleted.contains(obstacle)) return true;
  const std::string folder = StrCat(tree.folder(), "/", obstacle);
  WEIR_TRY(const ListedFile at, LookAt(tree.folder(), obstacle));
  if (at.form != FileForm::kNone) return false;
  const Result<std::vector<ListedFile>> inside = ListFolder(folder, {.max_files = deleted.size()});
  if (!inside) return false;
  return std::ranges::all_of(*inside, [&](const ListedFile& file) {
    return deleted.contains(StrCat(obstacle, "/", file.path));
  });
}

Result<FileMerge> PlanFile(const RowTrees& trees, const ReviewItem& item, const Change& change,
                           const std::set<std::string, std::less<>>& deleted) {
  WEIR_TRY(const Found base, trees.base.Read(change.path, kLongestFile));
  WEIR_TRY(const Found tree, trees.tree.Read(change.path, kLongestFile));
  Found row;
  if (change.kind != ChangeKind::kDeleted) {
    WEIR_TRY(row, trees.row.Read(change.path, kLongestFile));
    row.file.form = change.form;
  }
  if (!tree.obstacle.empty() && change.kind != ChangeKind::kDeleted) {
    WEIR_TRY(const bool makes_way, MakesWay(trees.tree, tree.obstacle_path, deleted));
    if (!makes_way) {
      return FileMerge{
          .result = {},
          .write = false,
          .conflict = Conflict{
              .path = change.path, .text = {}, .why = StrCat("in the tree, ", tree.obstacle)}};
    }
  }
  const std::string name = StrCat("row ", item.row);
  return MergeFile(change.path, {.base = base.file, .tree = tree.file, .row = row.file}, name);
}

void AppendHeader(std::string& out, const Change& change, const FileState& before,
                  const FileState& after) {
  StrAppend(out, "diff --git a/", change.path, " b/", change.path, "\n");
  if (before.form == FileForm::kNone) {
    StrAppend(out, "new file mode ", ModeText(after.form), "\n");
  } else if (after.form == FileForm::kNone) {
    StrAppend(out, "deleted file mode ", ModeText(before.form), "\n");
  } else if (before.form != after.form) {
    StrAppend(out, "old mode ", ModeText(before.form), "\nnew mode ", ModeText(after.form), "\n");
  }
}

// git ends a name with a blank in it by a tab.
std::string NameLine(std::string_view side, const std::string& path, const FileState& file) {
  if (file.form == FileForm::kNone) return "/dev/null";
  return StrCat(side, path, path.contains(' ') ? "\t" : "");
}

}  // namespace

Result<RowTrees> RowTrees::Open(const WorkspacePaths& paths, const std::string& source,
                                const ReviewItem& item) {
  WEIR_TRY(Tree base, Tree::Open(paths.snapshot(item.base)));
  WEIR_TRY(Tree tree, Tree::Open(source));
  WEIR_TRY(Tree row, Tree::Open(paths.row(item.node, item.row) + ".kept"));
  return RowTrees{.base = std::move(base), .tree = std::move(tree), .row = std::move(row)};
}

Result<std::vector<PlannedFile>> PlanAccept(const RowTrees& trees, const ReviewItem& item) {
  const std::set<std::string, std::less<>> deleted = Deleted(item);
  std::vector<PlannedFile> plan;
  std::vector<PlannedFile> written;
  for (const Change& change : item.changes) {
    WEIR_TRY(FileMerge merge, PlanFile(trees, item, change, deleted));
    if (!merge.write && !merge.conflict) continue;
    const bool goes = merge.result.form == FileForm::kNone;
    (goes ? plan : written).push_back({.path = change.path, .merge = std::move(merge)});
  }
  std::ranges::move(written, std::back_inserter(plan));
  return plan;
}

std::string ChecksumOf(const FileState& file) {
  return StrCat(ModeText(file.form), ":", StableHash(file.text.data(), file.text.size()));
}

Result<std::string> DiffOf(const RowTrees& trees, const ReviewItem& item) {
  std::string out;
  for (const Change& change : item.changes) {
    WEIR_TRY(const Found base, trees.base.Read(change.path, kLongestFile));
    Found row;
    if (change.kind != ChangeKind::kDeleted) {
      WEIR_TRY(row, trees.row.Read(change.path, kLongestFile));
      row.file.form = change.form;
    }
    AppendHeader(out, change, base.file, row.file);
    const std::string from = NameLine("a/", change.path, base.file);
    const std::string to = NameLine("b/", change.path, row.file);
    if (change.binary) {
      StrAppend(out, "Binary files ", from, " and ", to, " differ\n");
    } else {
      out += UnifiedDiff(base.file.text, row.file.text, from, to);
    }
  }
  return out;
}

}  // namespace weir::agent
