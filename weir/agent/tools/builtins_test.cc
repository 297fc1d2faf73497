#include "weir/agent/tools/builtins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/agent/tools/tools_testing.h"
#include "weir/schema/schema.h"

namespace weir::agent {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class BuiltinsTest : public testing::Test {
 protected:
  BuiltinsTest() {
    around_.root = &root_;
    around_.env = TestEnv();
  }
  std::string Call(std::string_view tool, std::string_view arguments) {
    definition_.builtin = tool;
    const auto made = NewBuiltin(definition_);
    return made ? Say(loop_, **made, around_, arguments) : made.error().message;
  }

  TestFolder folder_{"builtins"};
  Root root_ = *Root::Open(folder_.in());
  Surroundings around_;
  ToolDefinition definition_;
  async::Loop loop_;
};

TEST_F(BuiltinsTest, EachHasASchemaAndSaysWhatItDoes) {
  for (const Builtin& builtin : Builtins()) {
    const auto arguments = json::Read(builtin.arguments);
    ASSERT_TRUE(arguments.has_value()) << builtin.name;
    EXPECT_TRUE(schema::Schema::Compile(*arguments).has_value()) << builtin.name;
    EXPECT_LE(builtin.description.size(), 120U) << builtin.name;
  }
  definition_.builtin = "read_flie";
  EXPECT_EQ(NewBuiltin(definition_).error().message,
            "there is no built-in tool 'read_flie'; did you mean 'read_file'?");
  definition_.builtin = "run_command";
  definition_.place = "flow.yaml:3:5";
  EXPECT_THAT(NewBuiltin(definition_).error().message,
              StartsWith("flow.yaml:3:5: run_command needs `allow`"));
}

TEST_F(BuiltinsTest, DefinitionsMayNameAndBindThem) {
  folder_.Put("in/a.txt", "text\n");
  definition_.builtin = "read_file";
  definition_.name = "show";
  definition_.description = "Shows the file.";
  definition_.arguments = *json::Read(R"({"type": "object"})");
  const auto tool = *NewBuiltin(definition_);
  EXPECT_EQ(tool->name(), "show");
  EXPECT_EQ(tool->spec().description, "Shows the file.");
  EXPECT_FALSE(tool->mutates());

  EXPECT_EQ(Say(loop_, *tool, around_, "{}"), "error: `path` is missing; it is a text");
  around_.inputs = *json::Read(R"({"path": "a.txt"})");
  EXPECT_EQ(Say(loop_, *tool, around_, "{}"), "text\n");
  definition_.inputs = *json::Read(R"({"path": "b.txt"})");
  EXPECT_THAT(Call("read_file", "{}"), HasSubstr("'b.txt'"));
  definition_.arguments = *json::Read(R"({"properties": {"path": {"type": "string"}}})");
  EXPECT_THAT(Call("read_file", "{}"), HasSubstr("'b.txt'"));
  EXPECT_EQ(Call("read_file", R"({"path": "a.txt"})"), "text\n");
  around_.root = nullptr;
  EXPECT_THAT(Call("read_file", R"({"path": "a.txt"})"), HasSubstr("there is no workspace"));
}

TEST_F(BuiltinsTest, OneThatIsNarrowedChangesTheFileOfTheRowAndNoOther) {
  folder_.Put("in/row.txt", "hello hello\n");
  folder_.Put("in/other.txt", "hello\n");
  around_.inputs = *json::Read(R"({"path": "row.txt", "text": "of the row", "all": true})");
  definition_.arguments = *json::Read(R"({"type": "object", "required": ["old", "new"],
      "properties": {"old": {"type": "string"}, "new": {"type": "string"}}})");

  EXPECT_THAT(Call("edit_file", R"({"old": "hello", "new": "bye", "all": true})"),
              HasSubstr("2 times"))
      << "what it can do without comes neither from the model nor from the row";
  Call("edit_file", R"({"path": "other.txt", "old": "hello h", "new": "bye h"})");
  EXPECT_EQ(folder_.Get("in/row.txt"), "bye hello\n");
  EXPECT_EQ(folder_.Get("in/other.txt"), "hello\n");

  definition_.arguments = json::Value();
  EXPECT_EQ(Call("read_file", R"({"path": "other.txt"})"), "hello\n");
  EXPECT_THAT(Call("search_text", R"({"regex": "hel+o"})"), HasSubstr("other.txt:1: hello"))
      << "fields of the row are nothing that the model has asked for";
}

TEST_F(BuiltinsTest, TheCommandOfANarrowedToolIsTheDefinitionsAlone) {
  definition_.allow = {"echo", "cat"};
  definition_.inputs = *json::Read(R"({"command": ["cat"]})");
  definition_.arguments = *json::Read(R"({"properties": {"input": {"type": "string"}}})");
  around_.inputs = *json::Read(R"({"command": ["echo", "row"], "input": "row"})");

  EXPECT_EQ(Call("run_command", R"({"input": "in", "command": ["echo", "model"]})"), "in");
  definition_.inputs = json::Value();
  EXPECT_THAT(Call("run_command", "{}"), HasSubstr("`command` is a list of words"));
}

TEST_F(BuiltinsTest, ReadsFilesAndPartsOfThem) {
  folder_.Put("in/a.txt", "one\ntwo\nthree\nfour");
  folder_.Put("in/empty", "");
  folder_.Put("in/binary", std::string_view("PNG\0\1", 5));
  folder_.Put("in/latin", "caf\xE9\n");
  const struct {
    const char* arguments;
    const char* result;
  } cases[] = {
      {R"({"path": "a.txt"})", "one\ntwo\nthree\nfour"},
      {R"({"path": "a.txt", "first_line": 1, "last_line": 99})", "one\ntwo\nthree\nfour"},
      {R"({"path": "a.txt", "first_line": 2, "last_line": 3})", "two\nthree\n[lines 2 to 3 of 4]"},
      {R"({"path": "a.txt", "first_line": 4})", "four\n[lines 4 to 4 of 4]"},
      {R"({"path": "a.txt", "last_line": 1})", "one\n[lines 1 to 1 of 4]"},
      {R"({"path": "a.txt", "first_line": 5})", "error: 'a.txt' has only 4 lines"},
      {R"({"path": "a.txt", "first_line": 3, "last_line": 2})",
       "error: last_line 2 is before first_line 3"},
      {R"({"path": "empty"})", "(empty is empty)"},
      {R"({"path": "binary"})", "error: 'binary' is a binary file of 5 bytes, not text"},
      {R"({"path": "latin"})", "caf\xEF\xBF\xBD\n"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(Call("read_file", one.arguments), one.result) << one.arguments;
  }
}

TEST_F(BuiltinsTest, LongFilesAreReadInParts) {
  std::string text;
  for (int i = 1; i <= 1'000; ++i) StrAppend(text, "this is line ", i, "\n");
  folder_.Put("in/long.txt", text);
  folder_.Put("in/wide.txt", std::string(10'000, 'x') + "\nend\n");
  definition_.max_output = 1'000;

  const std::string first = Call("read_file", R"({"path": "long.txt"})");
  EXPECT_LE(first.size(), 1'000U);
  EXPECT_THAT(first, StartsWith("this is line 1\nthis"));
  EXPECT_THAT(first, EndsWith("line 53\n[lines 1 to 53 of 1000; read on with first_line 54]"));
  EXPECT_THAT(Call("read_file", R"({"path": "long.txt", "first_line": 54})"),
              StartsWith("this is line 54\n"));
  EXPECT_THAT(Call("read_file", R"({"path": "wide.txt"})"),
              EndsWith("xxx\n[lines 1 to 1 of 2; this line is too long to be shown whole]"));
}

TEST_F(BuiltinsTest, WritesFiles) {
  EXPECT_EQ(Call("write_file", R"({"path": "src/a.py", "text": "x = 1\n"})"),
            "made src/a.py: 1 line, 6 bytes");
  EXPECT_EQ(Call("write_file", R"({"path": "src/a.py", "text": ""})"),
            "replaced src/a.py: 0 lines, 0 bytes");
  EXPECT_EQ(folder_.Get("in/src/a.py"), "");
  EXPECT_THAT(Call("write_file", R"({"path": "src", "text": ""})"), HasSubstr("is a folder"));
}

TEST_F(BuiltinsTest, EditsWhatOccursOnce) {
  const std::string text = "def f(x):\n    y = x + 1\n    return y\n\ndef g(x):\n    return x\n";
  const struct {
    const char* arguments;
    const char* result;
    const char* after;  // null: as before
  } cases[] = {
      {R"("old": "y = x + 1", "new": "y = x + 2")", "changed a.py\n2:     y = x + 2",
       "def f(x):\n    y = x + 2\n    return y\n\ndef g(x):\n    return x\n"},
      {R"("old": "    y = x + 1\n    return y\n", "new": "    return x + 1\n")",
       "changed a.py\n2:     return x + 1",
       "def f(x):\n    return x + 1\n\ndef g(x):\n    return x\n"},
      {R"("old": "def g(x):\n    return x\n", "new": "")",
       "changed a.py\n5: ", "def f(x):\n    y = x + 1\n    return y\n\n"},
      {R"-("old": "(x)", "new": "(z)", "all": true)-", "replaced 2 places in a.py, on lines 1, 5",
       "def f(z):\n    y = x + 1\n    return y\n\ndef g(z):\n    return x\n"},
      {R"-("old": "(x)", "new": "(z)")-",
       "error: `old` occurs 2 times in a.py, on lines 1, 5. Put more of the lines around it into "
       "`old`, or set `all` to true",
       nullptr},
      {R"("old": "", "new": "z")",
       "error: `old` is empty; give the text that is to be replaced, or make a new file with "
       "write_file",
       nullptr},
      {R"("old": "x", "new": "x")", "error: `old` and `new` are the same; nothing would change",
       nullptr},
      {R"("old": "y = x  + 1", "new": "z")",
       "error: `old` does not occur in a.py: the nearest is line 2: `    y = x + 1`. Copy it "
       "exactly from read_file",
       nullptr},
      {R"("old": "def f(x):\n  y = x + 1\n", "new": "z")",
       "error: `old` does not occur in a.py: from line 1 on it stands there with other blanks or "
       "indentation; line 1 is `def f(x):`. Copy it exactly from read_file",
       nullptr},
      {R"("old": "    y = x + 1\n    return x\n", "new": "z")",
       "error: `old` does not occur in a.py: it fits from line 2, but where `old` has `    return "
       "x`, line 3 is `    return y`. Copy it exactly from read_file",
       nullptr},
      {R"("old": "    return x\nend", "new": "z")",
       "error: `old` does not occur in a.py: it fits from line 6, but where `old` has `end`, line "
       "7 is the end of the file. Copy it exactly from read_file",
       nullptr},
      {R"("old": "something else", "new": "z")",
       "error: `old` does not occur in a.py: no line looks like it; read the file again. Copy it "
       "exactly from read_file",
       nullptr},
      {R"("old": " \n \n \n", "new": "z")",
       "error: `old` does not occur in a.py: read the file first. Copy it exactly from read_file",
       nullptr},
  };
  for (const auto& one : cases) {
    folder_.Put("in/a.py", text);
    EXPECT_EQ(Call("edit_file", StrCat(R"({"path": "a.py", )", one.arguments, "}")), one.result);
    EXPECT_EQ(folder_.Get("in/a.py"), one.after == nullptr ? text : one.after) << one.arguments;
  }
}

TEST_F(BuiltinsTest, EditsKeepTheLineEndsOfAFile) {
  folder_.Put("in/dos.txt", "one\r\ntwo\r\nthree\r\n");

  EXPECT_EQ(Call("edit_file", R"({"path": "dos.txt", "old": "one\ntwo\n", "new": "1\n2\n2b\n"})"),
            "changed dos.txt\n1: 1\n2: 2\n3: 2b");

  EXPECT_EQ(folder_.Get("in/dos.txt"), "1\r\n2\r\n2b\r\nthree\r\n");
}

TEST_F(BuiltinsTest, ListsFolders) {
  for (const char* const name : {"a.py", "src/b.py", "src/deep/c.py", "src/d.txt", ".hidden"}) {
    folder_.Put(StrCat("in/", name), "");
  }
  const struct {
    const char* arguments;
    const char* result;
  } cases[] = {
      {"{}", ".hidden\na.py\nsrc/\n"},
      {R"({"path": "src"})", "src/b.py\nsrc/d.txt\nsrc/deep/\n"},
      {R"({"glob": "*.py"})", "a.py\nsrc/b.py\nsrc/deep/c.py\n"},
      {R"({"glob": "src/*.py"})", "src/b.py\n"},
      {R"({"path": "src", "glob": "**/*.py"})", "src/b.py\nsrc/deep/c.py\n"},
      {R"({"path": "src", "glob": "src/deep/*"})", "src/deep/c.py\n"},
      {R"({"path": "src", "glob": "deep/*"})", "src/deep/c.py\n"},
      {R"({"glob": "*.rs"})", "no file matches *.rs"},
      {R"({"path": "srcc"})", "error: there is no 'srcc' in the workspace; did you mean 'src'?"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(Call("list_files", one.arguments), one.result) << one.arguments;
  }
  std::filesystem::create_directories(folder_.path() / "in/none");
  EXPECT_EQ(Call("list_files", R"({"path": "none"})"), "the folder is empty");
}

TEST_F(BuiltinsTest, ListsAndFindsAtMostWhatFits) {
  for (int i = 100; i < 300; ++i) folder_.Put(StrCat("in/file-", i), "needle\n");
  definition_.max_output = 500;

  const std::string list = Call("list_files", "{}");
  EXPECT_LE(list.size(), 500U);
  EXPECT_THAT(list, StartsWith("file-100\nfile-101\n"));
  EXPECT_THAT(list, EndsWith("\n[163 more; narrow it with `path` or `glob`]"));
  const std::string found = Call("search_text", R"({"text": "needle"})");
  EXPECT_LE(found.size(), 500U);
  EXPECT_THAT(found, StartsWith("file-100:1: needle\n"));
  EXPECT_THAT(found, EndsWith(" more lines; narrow it with `path` or `glob`]"));
}

TEST_F(BuiltinsTest, FindsTextAndExpressions) {
  folder_.Put("in/a.py", "import os\nx = 1\r\ny = x\n");
  folder_.Put("in/src/b.py", "x = 2");
  folder_.Put("in/src/b.txt", "x = 3\n");
  folder_.Put("in/data", std::string_view("x = \0", 5));
  const struct {
    const char* arguments;
    const char* result;
  } cases[] = {
      {R"({"text": "x = "})",
       "a.py:2: x = 1\nsrc/b.py:1: x = 2\nsrc/b.txt:1: x = 3\n[not searched: 1 file that are "
       "binary or too large]"},
      {R"({"text": "x = ", "glob": "*.py"})", "a.py:2: x = 1\nsrc/b.py:1: x = 2"},
      {R"({"text": "x = ", "path": "src"})", "src/b.py:1: x = 2\nsrc/b.txt:1: x = 3"},
      {R"({"text": "x", "path": "a.py"})", "a.py:2: x = 1\na.py:3: y = x"},
      {R"({"regex": "^[xy] = \\w$", "glob": "**/*.py"})", "a.py:3: y = x\nsrc/b.py:1: x = 2"},
      {R"({"regex": "^x", "path": "src", "glob": "src/*.txt"})", "src/b.txt:1: x = 3"},
      {R"({"text": "nowhere", "glob": "*.py"})", "nothing found in 2 files"},
      {R"({})",
       "error: give either `text`, which is looked for as it is, or `regex`, a regular expression"},
      {R"({"text": "a", "regex": "b"})",
       "error: give either `text`, which is looked for as it is, or `regex`, a regular expression"},
      {R"({"text": "a\nb"})", "error: `text` has more than one line; look for one of them"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(Call("search_text", one.arguments), one.result) << one.arguments;
  }
  EXPECT_THAT(Call("search_text", R"({"regex": "(a"})"),
              StartsWith("error: `regex` cannot be used: "));
  EXPECT_THAT(Call("search_text", R"({"text": "x", "path": "b.py"})"),
              HasSubstr("did you mean 'src/b.py'?"));
}

TEST_F(BuiltinsTest, RunsAllowedCommands) {
  folder_.Put("in/a.txt", "text\n");
  definition_.allow = {"cat", "sh"};
  const struct {
    const char* arguments;
    const char* result;
  } cases[] = {
      {R"({"command": ["cat", "a.txt"]})", "text\n"},
      {R"({"command": ["cat"], "input": "given"})", "given"},
      {R"({"command": ["sh", "-c", "echo $1", "sh", "a; b `c`"]})", "a; b `c`\n"},
      {R"({"command": ["sh", "-c", "true"]})", "(the command printed nothing and succeeded)"},
      {R"({"command": ["sh", "-c", "echo out; echo err >&2; exit 3"]})",
       "the command ended with status 3\nout\nstderr:\nerr\n"},
      {R"({"command": ["sh", "-c", "kill -9 $$"]})",
       "the command was killed by signal 9 (Killed)\n"},
      {R"({"command": ["ls"]})", "error: the program 'ls' may not be run here; these may: cat, sh"},
      {R"({"command": ["cat a.txt"]})",
       R"(error: each word is an item of its own, and no shell reads them: ["cat", ...] and not ["cat a.txt"])"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(Call("run_command", one.arguments), one.result) << one.arguments;
  }
  definition_.builtin = "run_command";
  EXPECT_THAT((*NewBuiltin(definition_))->spec().description, EndsWith(" Programs: cat, sh."));
}

TEST(FunctionToolTest, GivesWhatTheFunctionGives) {
  async::Loop loop;
  const Surroundings around;
  const auto tool =
      NewFunctionTool({.name = "double", .description = {}, .parameters = {}, .strict = {}}, false,
                      [](json::View arguments) -> Result<std::string> {
                        const auto n = arguments.Find("n").AsInt64();
                        if (n == 13) throw std::runtime_error("unlucky");
                        if (!n) return Fail(Code::kInvalidRequest, "no number");
                        return StrCat(*n * 2);
                      });

  EXPECT_EQ(Say(loop, *tool, around, R"({"n": 21})"), "42");
  EXPECT_EQ(Say(loop, *tool, around, "{}"), "error: no number");
  EXPECT_EQ(Say(loop, *tool, around, R"({"n": 13})"), "error: the tool double failed: unlucky");
}

}  // namespace
}  // namespace weir::agent
