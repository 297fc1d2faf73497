#include "weir/flow/csv.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace weir::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Record {
  std::vector<std::string> fields;
  std::string problem;
  std::uint64_t line = 0;

  friend bool operator==(const Record&, const Record&) = default;
};

void PrintTo(const Record& record, std::ostream* out) {
  *out << "line " << record.line << ": " << testing::PrintToString(record.fields) << " "
       << record.problem;
}

// Feeds pieces of `step` bytes; blank lines are left out.
std::vector<Record> ReadAll(std::string_view text, std::size_t step, std::size_t max = 1000) {
  CsvReader reader(max);
  std::vector<Record> records;
  const auto take = [&] {
    if (!reader.ready()) return;
    if (!reader.blank()) {
      records.push_back({reader.too_long() ? std::vector<std::string>{"long"} : reader.fields(),
                         std::string(reader.problem()), reader.line()});
    }
    reader.Next();
  };
  while (!text.empty()) {
    std::string_view piece = text.substr(0, step);
    text.remove_prefix(piece.size());
    while (!piece.empty()) {
      piece.remove_prefix(reader.Feed(piece));
      take();
    }
  }
  reader.End();
  take();
  return records;
}

struct CsvCase {
  const char* name;
  std::string text;
  std::vector<Record> records;
};

const CsvCase kCsvCases[] = {
    {"plain", "a,b\nc,d\n", {{{"a", "b"}, "", 1}, {{"c", "d"}, "", 2}}},
    {"no line break at the end", "a,b\nc,d", {{{"a", "b"}, "", 1}, {{"c", "d"}, "", 2}}},
    {"CRLF", "a,b\r\nc,d\r\n", {{{"a", "b"}, "", 1}, {{"c", "d"}, "", 2}}},
    {"empty fields", ",,\n", {{{"", "", ""}, "", 1}}},
    {"quotes", "\"a,b\",\"c\"\"d\"\n", {{{"a,b", "c\"d"}, "", 1}}},
    {"empty quotes", "\"\"\n", {{{""}, "", 1}}},
    {"line breaks in quotes",
     "\"a\r\nb\nc\",d\ne\n",
     {{{"a\r\nb\nc", "d"}, "", 1}, {{"e"}, "", 4}}},
    {"quotes before CRLF", "\"a\"\r\n\"b\"\r\n", {{{"a"}, "", 1}, {{"b"}, "", 2}}},
    {"blank lines", "\n\r\na\n\n", {{{"a"}, "", 3}}},
    {"a carriage return alone", "a\rb,c\r\n", {{{"a\rb", "c"}, "", 1}}},
    {"spaces stay",
     " a , \"b\n",
     {{{" a ", " \"b"}, "a quotation mark stands inside a field without quotes", 1}}},
    {"text behind quotes",
     "\"a\"b,c\nd\n",
     {{{"ab", "c"}, "text stands behind the closing quotation mark of a field", 1},
      {{"d"}, "", 2}}},
    {"never closed",
     "a\n\"b,c\nd",
     {{{"a"}, "", 1}, {{"b,c\nd"}, "a quotation mark is opened and never closed", 2}}},
};

TEST(CsvTest, RecordsAreReadHoweverTheBytesCome) {
  for (const CsvCase& one : kCsvCases) {
    SCOPED_TRACE(one.name);
    for (std::size_t step = 1; step <= one.text.size(); ++step) {
      EXPECT_EQ(ReadAll(one.text, step), one.records) << "in pieces of " << step;
    }
  }
}

TEST(CsvTest, ALongRecordIsDroppedAndTheNextIsRead) {
  const auto records = ReadAll("ab\n\"abc\ndef\",x\ncd\n", 4, 4);

  ASSERT_EQ(records.size(), 3U);
  EXPECT_THAT(records[0].fields, ElementsAre("ab"));
  EXPECT_THAT(records[1].fields, ElementsAre("long"));
  EXPECT_EQ(records[2], (Record{{"cd"}, "", 4}));
}

TEST(CsvTest, MoreFieldsThanAnybodyHasAreRefused) {
  const auto records = ReadAll(std::string(200'000, ',') + "\na\n", 1 << 16, 1 << 20);

  ASSERT_EQ(records.size(), 2U);
  EXPECT_THAT(records[0].problem, HasSubstr("100000"));
  EXPECT_EQ(records[0].fields.size(), 100'000U);
  EXPECT_EQ(records[1].problem, "");
}

RC_GTEST_PROP(CsvTest, WhatIsWrittenIsRead,
              (const std::vector<std::vector<std::string>>& records)) {
  std::string text;
  std::vector<std::vector<std::string>> written;
  for (const std::vector<std::string>& fields : records) {
    if (fields.empty()) continue;
    AppendCsvRecord(text, fields);
    written.push_back(fields);
  }
  std::vector<std::vector<std::string>> read;
  for (const Record& record : ReadAll(text, 7, 1 << 20)) {
    RC_ASSERT(record.problem.empty());
    read.push_back(record.fields);
  }
  RC_ASSERT(read == written);
}

}  // namespace
}  // namespace weir::flow
