#include "weir/flow/rows.h"

#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/flow/gunzip_testing.h"
#include "weir/flow/row_ids.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Of sixteen bytes, with one StableHash(): the second word makes up for the first.
std::pair<std::string, std::string> IdsWithOneHash() {
  constexpr std::uint64_t kTimes = 0x9E3779B97F4A7C15ULL;
  const auto step = [](std::uint64_t hash, std::uint64_t word) {
    return std::rotl(hash ^ word * kTimes, 29) * 0xBF58476D1CE4E5B9ULL;
  };
  std::uint64_t undo = kTimes;  // its inverse, by Newton's steps
  for (int i = 0; i < 6; ++i) undo *= 2 - kTimes * undo;
  const std::uint64_t start = 0xCBF29CE484222325ULL + 16;
  const std::uint64_t words[] = {1, 2, 3};
  const std::uint64_t makes_up =
      (step(start, words[0]) ^ step(start, words[1]) ^ words[2] * kTimes) * undo;
  const auto id = [](std::uint64_t first, std::uint64_t second) {
    std::string bytes(16, '\0');
    std::memcpy(bytes.data(), &first, 8);
    std::memcpy(bytes.data() + 8, &second, 8);
    return bytes;
  };
  return {id(words[0], words[2]), id(words[1], makes_up)};
}

class RowsTest : public testing::Test {
 protected:
  RowsTest() { fs::create_directories(folder_); }
  ~RowsTest() override { fs::remove_all(folder_); }

  std::string Put(const std::string& name, std::string_view text) const {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

  // "id=value", or "id!message".
  static std::vector<std::string> Drain(RowSource& source) {
    std::vector<std::string> rows;
    for (std::uint64_t number = 0;; ++number) {
      Result<std::optional<Row>> row = source.Next();
      if (!row) {
        rows.push_back(StrCat("fails: ", row.error().message));
        return rows;
      }
      if (!*row) return rows;
      EXPECT_EQ((*row)->number, number);
      rows.push_back((*row)->error ? StrCat((*row)->id, "!", (*row)->error->message)
                                   : StrCat((*row)->id, "=", json::Write((*row)->value)));
    }
  }
  std::vector<std::string> RowsIn(const std::string& name, std::string_view text,
                                  const RowOptions& options = {}) const {
    const auto source = OpenRows(Put(name, text), options);
    if (!source) return {StrCat("cannot open: ", source.error().message)};
    return Drain(**source);
  }

  const fs::path folder_ =
      fs::temp_directory_path() / ("weir-rows-" + std::to_string(::getpid()) + "-" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
};

struct RowsCase {
  const char* file;
  std::string text;
  std::vector<testing::Matcher<std::string>> rows;
};

TEST_F(RowsTest, EveryFormIsRead) {
  const RowsCase cases[] = {
      {"rows.jsonl", "{\"a\":1}\n{\"a\":2.50}\n", {"0={\"a\":1}", "1={\"a\":2.50}"}},
      {"rows.jsonl", "\xEF\xBB\xBF{\"a\":1}\r\n\r\n  \n{\"a\":2}", {"0={\"a\":1}", "1={\"a\":2}"}},
      {"rows.jsonl", "", {}},
      {"rows.jsonl", "\n\n", {}},
      {"rows.jsonl",
       "{\"a\":1}\nno\n[1]\n{\"a\":2}\n",
       {"0={\"a\":1}", testing::AllOf(testing::StartsWith("1!"), HasSubstr("line 2 is no JSON: ")),
        testing::AllOf(HasSubstr("line 3 is no JSON object"), HasSubstr("array")), "3={\"a\":2}"}},
      {"rows.json",
       " [ {\"a\":1}, 7, {\"a\":2} ] ",
       {"0={\"a\":1}", HasSubstr("item 1 of the list is no object"), "2={\"a\":2}"}},
      {"rows.json", "{\"a\":1}\n{\"a\":2}\n", {"0={\"a\":1}", "1={\"a\":2}"}},
      {"rows.json", "[{\"a\":1}", {HasSubstr("cannot open: ")}},
      {"rows.csv",
       "a,b\n1,x\n\"2\n3\",\"y,z\"\n",
       {"0={\"a\":\"1\",\"b\":\"x\"}", "1={\"a\":\"2\\n3\",\"b\":\"y,z\"}"}},
      {"a.txt",
       "a,b\n1,2\n",
       {HasSubstr("(CSV is read from files whose names end in .csv)"),
        testing::Not(HasSubstr("(CSV is read"))}},
      {"rows.CSV", "\xEF\xBB\xBF\"a\"\r\n1\r\n", {"0={\"a\":\"1\"}"}},
      {"rows.csv", "", {}},
      {"rows.csv", "a,b\n", {}},
      {"rows.csv",
       "a,b\n1\n\"2\n2\",2\n1,2,3\n",
       {HasSubstr("line 2 has 1 field, and the first line names 2 columns"),
        "1={\"a\":\"2\\n2\",\"b\":\"2\"}", HasSubstr("line 5 has 3 fields")}},
      {"rows.csv", "a,b,a\n1,2,3\n", {HasSubstr("line 1: two columns have the name \"a\"")}},
      {"rows.csv", "a\n\xFF\n", {HasSubstr("line 2 is not UTF-8")}},
      {"rows.csv", "a\n\"x\n", {HasSubstr("line 2: a quotation mark is opened and never closed")}},
  };
  for (const RowsCase& one : cases) {
    SCOPED_TRACE(one.file + (": " + one.text));
    EXPECT_THAT(RowsIn(one.file, one.text), testing::ElementsAreArray(one.rows));
  }
}

TEST_F(RowsTest, IdsComeFromAField) {
  const RowOptions options{.id = "key"};
  EXPECT_THAT(
      RowsIn("a.jsonl",
             "{\"key\":\"x\"}\n{\"key\":07}\n{\"key\":1.50}\n{\"key\":\"\"}\n{}\n"
             "{\"key\":null}\n",
             options),
      ElementsAre("x={\"key\":\"x\"}", HasSubstr("#1!"), "1.50={\"key\":1.50}", HasSubstr("#3!"),
                  HasSubstr("line 5: the row has no id: `key` is not there"),
                  HasSubstr("`key` is no text and no number")));
  EXPECT_THAT(RowsIn("a.csv", "key\nx\n\"\"\n", options),
              ElementsAre("x={\"key\":\"x\"}", HasSubstr("`key` is empty")));
}

TEST_F(RowsTest, ARowThatCannotBeReadIsNeverCalledByTheIdOfAnother) {
  const RowOptions options{.id = "key"};
  EXPECT_THAT(RowsIn("a.jsonl", "{\"key\":\"0\"}\n{\"key\":\n{}\n", options),
              ElementsAre("0={\"key\":\"0\"}", HasSubstr("#1!"), HasSubstr("#2!")));

  EXPECT_THAT(
      RowsIn("twice.csv", "key,amount\nx,1\nx,abc\n",
             {.id = "key", .input = *json::Read(R"({"properties":{"amount":{"type":"number"}}})")}),
      ElementsAre(HasSubstr("x="), HasSubstr("#1!")));
  const json::Value schema = *json::Read(R"({"properties":{"amount":{"type":"number"}}})");
  const RowOptions typed{.id = "key", .input = schema};
  EXPECT_THAT(
      RowsIn("a.csv", "key,amount\nc50,abc\nx\n", typed),
      ElementsAre(HasSubstr("c50!"), testing::AllOf(HasSubstr("#1!"), HasSubstr("has 1 field,"),
                                                    HasSubstr("write the missing ones"))));
}

TEST_F(RowsTest, AFileInUtf16IsCalledThat) {
  for (const char* name : {"a.csv", "a.jsonl"}) {
    Put(name, std::string("\xFF\xFE{\0a\0", 6));
    const Result<std::unique_ptr<RowSource>> rows = OpenRows((folder_ / name).string(), {});
    ASSERT_FALSE(rows);
    EXPECT_THAT(rows.error().message, HasSubstr("is UTF-16; save it as UTF-8"));
  }
}

TEST_F(RowsTest, ALongRowFailsAloneAndALimitEndsTheRows) {
  const std::string line = "{\"a\":\"" + std::string(20, 'x') + "\"}\n";
  const RowOptions options{.max_row_bytes = 10};

  EXPECT_THAT(RowsIn("a.jsonl", "{\"a\":1}\n" + line + "{\"a\":1234}\r\n", options),
              ElementsAre("0={\"a\":1}", HasSubstr("line 2: the row is longer than 10 bytes"),
                          "2={\"a\":1234}"));
  EXPECT_THAT(
      RowsIn("a.csv", "a\n1\n" + line + "2\n", options),
      ElementsAre("0={\"a\":\"1\"}", HasSubstr("line 3: the row is longer"), "2={\"a\":\"2\"}"));
  EXPECT_THAT(RowsIn("a.jsonl", "{}\n{}\n{}\n", {.limit = 2}), ElementsAre("0={}", "1={}"));
  EXPECT_THAT(RowsIn("a.json", "[{},{},{}]", {.limit = 0}), IsEmpty());
}

TEST_F(RowsTest, WhatIsNoFileCannotBeOpened) {
  const auto none = OpenRows((folder_ / "none.jsonl").string(), {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kConfigError);
  const auto folder = OpenRows(folder_.string(), {});
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().message, HasSubstr("is a folder"));
  const auto flow = OpenRows(Put("flow.yaml", "name: x"), {});
  ASSERT_FALSE(flow);
  EXPECT_THAT(flow.error().message, HasSubstr("is no file of rows"));
}

// The same rows have the same checksum; a changed, missing or added one has another.
TEST_F(RowsTest, ChecksumsTellRowsApart) {
  const auto sum = [&](const std::string& file, const std::string& text, int rows) {
    const auto source = OpenRows(Put(file, text), {});
    for (int i = 0; i < rows; ++i) EXPECT_TRUE((*source)->Next());
    return (*source)->checksum();
  };
  EXPECT_EQ(sum("a.jsonl", "{\"a\":1}\n{\"a\":2}\n", 1), sum("b.jsonl", "{\"a\":1}\r\n\n{}\n", 1));
  EXPECT_EQ(sum("a.jsonl", "{\"a\":1}", 1), sum("a.jsonl", "{\"a\":1}\n{}\n", 1));
  EXPECT_NE(sum("a.jsonl", "{\"a\":1}\n{\"a\":2}\n", 2), sum("a.jsonl", "{\"a\":1}\n{}\n", 2));
  EXPECT_NE(sum("a.jsonl", "{}\n{}\n", 1), sum("a.jsonl", "{}\n{}\n", 2));
  EXPECT_NE(sum("a.csv", "a\n1\n", 1), sum("a.csv", "b\n1\n", 1));
  EXPECT_EQ(sum("a.csv", "a\n1\n2\n", 1), sum("a.csv", "a\n1\n3\n", 1));
  EXPECT_NE(sum("a.json", "[{\"a\":1}]", 1), sum("a.json", "[{\"a\":2}]", 1));
}

TEST_F(RowsTest, HowMuchWasReadIsKnown) {
  const auto lines = OpenRows(Put("a.jsonl", "{}\n{}\n{}\n{}\n"), {});
  EXPECT_EQ((*lines)->part_read(), 0.0);
  ASSERT_TRUE((*lines)->Next());
  EXPECT_EQ((*lines)->part_read(), 0.25);
  EXPECT_EQ((*lines)->total(), std::nullopt);

  const auto limited = OpenRows(Put("b.jsonl", "{}\n{}\n{}\n{}\n"), {.limit = 2});
  ASSERT_TRUE((*limited)->Next());
  EXPECT_EQ((*limited)->part_read(), 0.5);

  EXPECT_EQ((*OpenRows(Put("a.json", "[{},{},{}]"), {}))->total(), 3U);
}

// Cut at any byte, a file gives the rows before the cut and at most one that is none.
TEST_F(RowsTest, AFileThatIsCutGivesItsFirstRows) {
  const std::pair<const char*, std::string> files[] = {
      {"a.jsonl", "{\"a\":1}\n{\"a\":2}\r\n{\"a\":3}\n"},
      {"a.csv", "a,b\n1,2\n\"3\n4\",5\r\n6,7\n"},
  };
  for (const auto& [name, text] : files) {
    const std::vector<std::string> all = RowsIn(name, text);
    for (std::size_t size = 0; size < text.size(); ++size) {
      std::vector<std::string> rows = RowsIn(name, std::string_view(text).substr(0, size));
      ASSERT_LE(rows.size(), all.size());
      if (!rows.empty()) rows.pop_back();
      EXPECT_TRUE(std::equal(rows.begin(), rows.end(), all.begin())) << name << " cut to " << size;
    }
  }
}

TEST_F(RowsTest, APipeIsReadToItsEnd) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "\xEF\xBB\xBF{\"a\":1}\n{", 12), 12);
  ASSERT_EQ(::write(ends[1], "\"a\":2}", 6), 6);
  ::close(ends[1]);
  {
    const auto source = RowsOf(ends[0], RowFormat::kJsonLines, {});
    EXPECT_THAT(Drain(*source), ElementsAre("0={\"a\":1}", "1={\"a\":2}"));
    EXPECT_EQ(source->part_read(), std::nullopt);
  }
  EXPECT_EQ(::close(ends[0]), 0) << "it belongs to the caller";
}

TEST_F(RowsTest, FilesAreRowsInTheOrderOfTheirPaths) {
  Put("docs/b.txt", "B\n");
  Put("docs/a.txt", "\xEF\xBB\xBFline 1\r\n\nline 3");
  Put("docs/deep/c.txt", "C");
  Put("docs/raw.bin", "\xFF\xFE");

  const auto files = OpenFiles({.glob = "docs/**/*.txt"}, folder_.string(), {.id = "path"});
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ((*files)->total(), 3U);
  EXPECT_THAT(Drain(**files),
              ElementsAre("docs/a.txt={\"path\":\"docs/a.txt\",\"name\":\"a.txt\",\"text\":\"line "
                          "1\\r\\n\\nline 3\"}",
                          HasSubstr("docs/b.txt="), HasSubstr("docs/deep/c.txt=")));
  EXPECT_EQ((*files)->part_read(), 1.0);

  const auto lines = OpenFiles({.glob = "docs/a.*", .unit = "line"}, folder_.string(), {});
  ASSERT_TRUE(lines);
  EXPECT_THAT(
      Drain(**lines),
      ElementsAre("0={\"path\":\"docs/a.txt\",\"name\":\"a.txt\",\"line\":1,\"text\":\"line 1\"}",
                  "1={\"path\":\"docs/a.txt\",\"name\":\"a.txt\",\"line\":3,\"text\":\"line 3\"}"));

  const auto bad = OpenFiles({.glob = "docs/*.bin"}, folder_.string(), {});
  EXPECT_THAT(Drain(**bad), ElementsAre(HasSubstr("docs/raw.bin is not UTF-8")));
  const auto large = OpenFiles({.glob = "docs/a.txt", .max_bytes = 5}, folder_.string(), {});
  EXPECT_THAT(Drain(**large), ElementsAre(HasSubstr("`max_bytes` allows 5")));
  const auto none = OpenFiles({.glob = "docs/*.md"}, folder_.string(), {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kConfigError);
}

TEST_F(RowsTest, ASecondRowWithTheSameIdFailsAndBothAreNamed) {
  const std::string text =
      "{\"k\": \"a\"}\n{\"k\": \"b\"}\n{\"k\": \"a\"}\n{\"k\": 1}\n{\"k\": \"1\"}\n";
  const auto rows = RowsIn("rows.jsonl", text, {.id = "k"});
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_THAT(rows[2], HasSubstr("line 3: row 2 has the id \"a\" (`k`) that row 0 has"));
  EXPECT_THAT(rows[4], HasSubstr("row 4 has the id \"1\" (`k`) that row 3 has"));
  EXPECT_THAT(RowsIn("same.jsonl", text, {.id = "k", .same_ids = true})[2], HasSubstr("a="));
}

TEST_F(RowsTest, OfManyIdsOnlyThoseThatAreThereTwiceAreFound) {
  RowIds ids;
  for (std::uint64_t row = 0; row < 100'000; ++row) {
    ASSERT_FALSE(ids.Add(StrCat("row ", row), row)) << row;
  }
  for (std::uint64_t row = 0; row < 100'000; row += 999) {
    ASSERT_EQ(ids.Add(StrCat("row ", row), 200'000), row);
  }
  EXPECT_LE(ids.bytes(), 100'000U * 30);
}

TEST_F(RowsTest, IdsThatCountUpWithTheRowsTakeNoMemory) {
  RowIds ids;
  for (std::uint64_t row = 0; row < 10'000; ++row) ASSERT_FALSE(ids.Add(StrCat(row + 7), row));
  EXPECT_EQ(ids.bytes(), 0U);
  EXPECT_EQ(ids.Add("7", 10'000), 0U);
  EXPECT_EQ(ids.Add("10006", 10'000), 9'999U);
  for (const char* other : {"07", "7.0", "+7", "6", "99999999999999999999"}) {
    EXPECT_FALSE(ids.Add(other, 10'000)) << other;
  }
  EXPECT_EQ(ids.Add("6", 10'001), 10'000U);
  EXPECT_FALSE(ids.Add("10007", 10'001)) << "the run was broken: it is remembered like any other";
  EXPECT_EQ(ids.Add("10007", 10'002), 10'001U);
}

// The first 64 bits of the hash of both are the same: words of eight bytes that undo each other.
TEST_F(RowsTest, TwoIdsWithTheSameHashAreStillTwo) {
  const auto [one, other] = IdsWithOneHash();
  ASSERT_NE(one, other);
  ASSERT_EQ(StableHash(one.data(), one.size()), StableHash(other.data(), other.size()));
  RowIds ids;
  EXPECT_FALSE(ids.Add(one, 0));
  EXPECT_FALSE(ids.Add(other, 1));
  EXPECT_EQ(ids.Add(other, 2), 1U);
}

TEST_F(RowsTest, CellsAreWhatTheSchemaSays) {
  const json::Value schema = *json::Read(R"({"type": "object", "required": ["n"], "properties": {
    "n": {"type": "integer"}, "x": {"type": ["number", "null"]}, "b": {"type": "boolean"},
    "l": {"$ref": "#/$defs/list"}, "t": {"type": "string"}, "e": {"enum": [1, 2]}},
    "$defs": {"list": {"type": "array"}}})");
  const RowOptions options{.input = schema};
  const std::string head = "n,x,b,l,t,e,other\n";
  const struct {
    const char* line;
    const char* row;
  } cells[] = {
      {"7,1.50,TRUE,\"[1]\",7,2,7",
       R"(0={"n":7,"x":1.50,"b":true,"l":[1],"t":"7","e":2,"other":"7"})"},
      {"7.0, 2 ,false,,,,", R"(0={"n":7.0,"x":2,"b":false,"t":"","other":""})"},
      {"1,,,,,,", R"(0={"n":1,"x":null,"t":"","other":""})"},
      {"x,,,,,,", R"(line 2: column "n" has "x", and the flow's `input` wants integer there)"},
      {"1.5,,,,,,", R"(column "n" has "1.5")"},
      {",,,,,,", R"(column "n" is empty)"},
      {"1,\"1,5\",,,,,", R"(column "x" has "1,5", and the flow's `input` wants number or null)"},
      {"1,,yes,,,,", R"(column "b" has "yes")"},
  };
  for (const auto& [line, row] : cells) {
    EXPECT_THAT(RowsIn("rows.csv", StrCat(head, line, "\n"), options), ElementsAre(HasSubstr(row)))
        << line;
  }
}

TEST_F(RowsTest, TabsAndSemicolonsSeparateFieldsToo) {
  std::vector<std::string> told;
  const RowOptions options{.on_notice = [&](std::string_view text) { told.emplace_back(text); }};
  EXPECT_THAT(RowsIn("rows.tsv", "a\tb\n1,5\t\"x\ty\"\n", options),
              ElementsAre(R"(0={"a":"1,5","b":"x\ty"})"));
  EXPECT_THAT(told, IsEmpty());
  EXPECT_THAT(RowsIn("rows.csv", "a;b\n1,5;x\n2;y\n", options),
              ElementsAre(R"(0={"a":"1,5","b":"x"})", R"(1={"a":"2","b":"y"})"));
  EXPECT_THAT(told, ElementsAre(HasSubstr("semicolons and no comma")));
  EXPECT_THAT(RowsIn("both.csv", "a;b,c\n1,2\n", options), ElementsAre(R"(0={"a;b":"1","c":"2"})"));
}

TEST_F(RowsTest, PackedFilesAreUnpacked) {
  EXPECT_THAT(RowsIn("rows.jsonl.gz", Gzipped("{\"a\": 1}\n{\"a\": 2}\n")),
              ElementsAre(R"(0={"a":1})", R"(1={"a":2})"));
  EXPECT_THAT(RowsIn("rows.csv.gz", Gzipped("a\n1\n")), ElementsAre(R"(0={"a":"1"})"));
  EXPECT_THAT(RowsIn("rows.json.gz", Gzipped("[{\"a\": 1}]")), ElementsAre(R"(0={"a":1})"));
  const std::string packed = Gzipped(std::string(3000, '\n') + "{\"a\": 1}\n");
  EXPECT_THAT(RowsIn("cut.jsonl.gz", packed.substr(0, packed.size() - 1)),
              testing::Contains(HasSubstr("ends in the middle")));
  EXPECT_THAT(RowsIn("none.jsonl.gz", "{\"a\": 1}\n"), ElementsAre(HasSubstr("it is no gzip")));
}

TEST_F(RowsTest, FunctionsAndClassesAreRowsWithIdsOfTheirOwn) {
  Put("a.py",
      "import os\n\ndef f():\n    pass\n\nclass C:\n    def g(self): pass\n\ndef f(): pass\n");
  Put("b.txt", "text");
  const FileRows functions{.glob = "*.py", .unit = "function"};
  const auto source = OpenFiles(functions, folder_.string(), {});
  ASSERT_TRUE(source) << source.error().message;
  const auto rows = Drain(**source);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_THAT(rows[0], HasSubstr("\"name\":\"f\",\"kind\":\"function\",\"line\":3,\"end_line\":4,"
                                 "\"text\":\"def f():\\n    pass\""));
  EXPECT_THAT(rows[1], HasSubstr("\"name\":\"C.g\",\"kind\":\"method\""));
  const std::string id = rows[0].substr(0, rows[0].find('='));
  EXPECT_THAT(rows[2], testing::StartsWith(id + "#2=")) << "the second of that name";
  const auto classes = OpenFiles({.glob = "*.py", .unit = "class"}, folder_.string(), {});
  EXPECT_THAT(Drain(**classes), ElementsAre(HasSubstr("\"kind\":\"class\"")));
  const auto other = OpenFiles({.glob = "b.*", .unit = "function"}, folder_.string(), {});
  EXPECT_THAT(Drain(**other), ElementsAre(HasSubstr("they are found in Python (.py), C and C++")));
  EXPECT_FALSE(OpenFiles({.glob = "b.*", .unit = "page"}, folder_.string(), {}));
}

}  // namespace
}  // namespace weir::flow
