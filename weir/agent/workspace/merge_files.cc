#include "weir/agent/workspace/merge_files.h"

#include <utility>

#include "weir/agent/workspace/diff.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

bool IsText(const FileState& file) {
  return file.form == FileForm::kFile || file.form == FileForm::kProgram;
}

FileMerge Keep(const FileState& file) { return {.result = file, .write = false, .conflict = {}}; }
FileMerge Take(const FileState& file) { return {.result = file, .write = true, .conflict = {}}; }

FileMerge Conflicting(FileMerge merge, std::string_view path, std::string why,
                      std::string text = {}) {
  merge.conflict =
      Conflict{.path = std::string(path), .text = std::move(text), .why = std::move(why)};
  return merge;
}

// Whoever changed it decides; both can only have changed it to the same.
FileForm MergeForm(const ThreeFiles& files) {
  if (files.base.form == FileForm::kNone) {
    return files.tree.form == FileForm::kProgram ? files.tree.form : files.row.form;
  }
  return files.tree.form == files.base.form ? files.row.form : files.tree.form;
}

FileMerge MergeTexts(std::string_view path, const ThreeFiles& files, std::string_view row_name) {
  FileState made{.form = MergeForm(files), .text = files.tree.text};
  if (files.tree.text == files.base.text && IsText(files.base)) {
    made.text = files.row.text;
  } else if (files.row.text != files.tree.text &&
             !(files.row.text == files.base.text && IsText(files.base))) {
    if (IsBinary(files.base.text) || IsBinary(files.tree.text) || IsBinary(files.row.text)) {
      return Conflicting(Keep(files.tree), path,
                         "it is binary, and both the tree and the row have changed it");
    }
    const std::string_view base = IsText(files.base) ? files.base.text : std::string_view();
    Merged merged = MergeLines(base, files.tree.text, files.row.text, "the tree", row_name);
    made.text = std::move(merged.text);
    if (merged.conflicts > 0) {
      std::string text = made.text;
      return Conflicting(Take(made), path,
                         StrCat("the tree and the row have changed the same lines, in ",
                                CountOf(merged.conflicts, "place")),
                         std::move(text));
    }
  }
  const bool write = made != files.tree;
  return {.result = std::move(made), .write = write, .conflict = {}};
}

}  // namespace

FileMerge MergeFile(std::string_view path, const ThreeFiles& files, std::string_view row_name) {
  if (files.tree == files.row || files.row == files.base) return Keep(files.tree);
  if (files.tree == files.base) return Take(files.row);
  if (files.row.form == FileForm::kNone) {
    return Conflicting(Keep(files.tree), path, "the row deletes it, and the tree has changed it");
  }
  if (files.tree.form == FileForm::kNone) {
    return Conflicting(Take(files.row), path, "the row changes it, and the tree has deleted it");
  }
  if (!IsText(files.tree) || !IsText(files.row)) {
    return Conflicting(Keep(files.tree), path,
                       "the tree and the row have changed it, and one of them is a link");
  }
  return MergeTexts(path, files, row_name);
}

}  // namespace weir::agent
