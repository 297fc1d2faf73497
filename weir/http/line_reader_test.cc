#include "weir/http/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/http/line_reader_testing.h"

namespace weir::http {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

struct LineCase {
  const char* name;
  std::string_view wire;
  std::vector<std::string> lines;
};

const LineCase kLineCases[] = {
    {"OneLine", "{\"a\":1}\n", {"{\"a\":1}"}},
    {"TwoLines", "a\nb\n", {"a", "b"}},
    {"CrLf", "a\r\nb\n", {"a", "b"}},
    {"OnlyOneCrIsStripped", "a\r\r\n", {"a\r"}},
    {"CrAloneEndsNothing", "a\rb\n", {"a\rb"}},
    {"EmptyLinesAreSkipped", "\n\r\n\na\n\n\nb\n\r\n", {"a", "b"}},
    {"ALineOfBlanksIsALine", " \n", {" "}},
    {"TheLastLineNeedsNoEnd", "a\nb", {"a", "b"}},
    {"NorHalfOfIt", "a\nb\r", {"a", "b"}},
    {"NulIsAByte", std::string_view("\0\n", 2), {std::string(1, '\0')}},
    {"Nothing", "", {}},
};

TEST(LineReader, LinesAreTheSameHoweverTheBodyIsCut) {
  for (const LineCase& c : kLineCases) {
    SCOPED_TRACE(c.name);
    ForEveryCut(c.wire, [&](const Pieces& pieces) {
      const LinesRead out = PlayLines(1024, pieces);
      EXPECT_FALSE(out.failed);
      EXPECT_THAT(out.lines, ElementsAreArray(c.lines));
    });
  }
}

TEST(LineReader, AWholeLineIsNotCopied) {
  const std::string_view wire = "first\r\nsecond\nth";
  LineReader reader;
  std::string_view line;

  ASSERT_TRUE(reader.Feed(wire).has_value());

  ASSERT_TRUE(reader.Next(line));
  EXPECT_EQ(line.data(), wire.data());
  ASSERT_TRUE(reader.Next(line));
  EXPECT_EQ(line.data(), wire.data() + wire.find("second"));
  EXPECT_FALSE(reader.Next(line));
}

TEST(LineReader, TheUnfinishedLineComesOnceAndOnlyAtTheEnd) {
  LineReader reader;
  std::string_view line;
  ASSERT_TRUE(reader.Feed("a").has_value());
  EXPECT_FALSE(reader.Next(line));

  ASSERT_TRUE(reader.Finish().has_value());

  ASSERT_TRUE(reader.Next(line));
  EXPECT_EQ(line, "a");
  EXPECT_FALSE(reader.Next(line));
  EXPECT_FALSE(reader.Next(line));
}

TEST(LineReader, ALineAboveTheLimitFailsAtTheSamePlaceHoweverItIsCut) {
  ForEveryCut("1\n1234\n", [](const Pieces& pieces) {
    EXPECT_THAT(PlayLines(4, pieces).lines, ElementsAreArray({"1", "1234"}));
  });
  for (const std::string_view wire : {"1\n12345\n6\n", "1\n12345", "1\n1234\r\n6\n"}) {
    ForEveryCut(wire, [](const Pieces& pieces) {
      const LinesRead out = PlayLines(4, pieces);
      EXPECT_TRUE(out.failed);
      EXPECT_THAT(out.lines, ElementsAreArray({"1"}));
    });
  }
}

TEST(LineReader, TheLimitIsTold) {
  LineReader reader(4);
  std::string_view line;

  ASSERT_TRUE(reader.Feed("12345\n").has_value());
  EXPECT_FALSE(reader.Next(line));

  EXPECT_EQ(reader.Finish().error().code, Code::kProtocolError);
  EXPECT_THAT(reader.Finish().error().message, HasSubstr("a line of more than 4 bytes"));
  EXPECT_EQ(reader.Feed("x").error(), reader.Finish().error());
  EXPECT_FALSE(reader.Next(line));
}

RC_GTEST_PROP(LineReader, WhatIsWrittenIsReadBack, ()) {
  const auto lines = *rc::gen::container<std::vector<std::string>>(rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::elementOf(std::string(" {}:a\0", 6)))));
  const std::size_t step = *rc::gen::inRange<std::size_t>(1, 20);
  std::string wire;
  for (const std::string& line : lines) wire += line + "\n";

  RC_ASSERT(PlayLines(1024, CutEvery(wire, step)).lines == lines);
}

}  // namespace
}  // namespace weir::http
