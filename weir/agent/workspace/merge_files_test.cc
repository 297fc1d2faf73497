#include "weir/agent/workspace/merge_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/agent/workspace/diff.h"

namespace weir::agent {
namespace {

using testing::HasSubstr;

const FileState kGone{};
FileState Text(std::string text) { return {.form = FileForm::kFile, .text = std::move(text)}; }
FileState Program(std::string text) {
  return {.form = FileForm::kProgram, .text = std::move(text)};
}
FileState Link(std::string text) { return {.form = FileForm::kLink, .text = std::move(text)}; }
FileState Binary(char last) { return Text(std::string("a\0", 2) + last); }

struct FileCase {
  const char* name;
  FileState base;
  FileState tree;
  FileState row;
  FileState result;
  bool write = false;
  const char* why = nullptr;  // of a conflict
};

TEST(MergeFilesTest, EveryPairOfChanges) {
  const FileCase cases[] = {
      {"the row adds", kGone, kGone, Text("x"), Text("x"), true},
      {"the row changes", Text("a"), Text("a"), Text("x"), Text("x"), true},
      {"the row deletes", Text("a"), Text("a"), kGone, kGone, true},
      {"only the tree changes", Text("a"), Text("x"), Text("a"), Text("x")},
      {"only the tree deletes", Text("a"), kGone, Text("a"), kGone},
      {"both add the same", kGone, Text("x"), Text("x"), Text("x")},
      {"both change to the same", Text("a"), Text("x"), Text("x"), Text("x")},
      {"both delete", Text("a"), kGone, kGone, kGone},
      {"different lines", Text("1\n2\n3\n"), Text("A\n2\n3\n"), Text("1\n2\nB\n"),
       Text("A\n2\nB\n"), true},
      {"the same lines", Text("1\n"), Text("A\n"), Text("B\n"),
       Text("<<<<<<< the tree\nA\n=======\nB\n>>>>>>> row 7\n"), true,
       "the same lines, in 1 place"},
      {"both add, differently", kGone, Text("A\n"), Text("B\n"),
       Text("<<<<<<< the tree\nA\n=======\nB\n>>>>>>> row 7\n"), true, "the same lines"},
      {"deleted and changed", Text("a"), Text("x"), kGone, Text("x"), false, "the row deletes it"},
      {"changed and deleted", Text("a"), kGone, Text("x"), Text("x"), true, "tree has deleted it"},
      {"both binary", Binary('1'), Binary('2'), Binary('3'), Binary('2'), false, "binary"},
      {"text became binary", Text("a"), Text("x"), Binary('1'), Text("x"), false, "binary"},
      {"binary changed by the row only", Binary('1'), Binary('1'), Binary('2'), Binary('2'), true},
      {"may be run, by the row", Text("a"), Text("x"), Program("a"), Program("x"), true},
      {"may be run, by the tree", Text("a"), Program("a"), Text("x"), Program("x"), true},
      {"may no longer be run, and text", Program("a"), Program("x"), Text("a"), Text("x"), true},
      {"added by both, one may be run", kGone, Program("x"), Text("x"), Program("x")},
      {"the row turns a link", Link("a"), Link("a"), Link("b"), Link("b"), true},
      {"both turn a link", Link("a"), Link("b"), Link("c"), Link("b"), false, "a link"},
      {"a file becomes a link", Text("a"), Text("a"), Link("b"), Link("b"), true},
      {"changed, and becomes a link", Text("a"), Text("x"), Link("b"), Text("x"), false, "a link"},
      {"a link becomes two texts", Link("a"), Text("x\n"), Text("y\n"),
       Text("<<<<<<< the tree\nx\n=======\ny\n>>>>>>> row 7\n"), true, "the same lines"},
  };
  for (const FileCase& at : cases) {
    const FileMerge merge =
        MergeFile("f", {.base = at.base, .tree = at.tree, .row = at.row}, "row 7");
    EXPECT_EQ(merge.result, at.result) << at.name << ": " << merge.result.text;
    EXPECT_EQ(merge.write, at.write) << at.name;
    ASSERT_EQ(merge.conflict.has_value(), at.why != nullptr) << at.name;
    if (merge.conflict) {
      EXPECT_THAT(merge.conflict->why, HasSubstr(at.why)) << at.name;
    }
  }
}

}  // namespace
}  // namespace weir::agent
