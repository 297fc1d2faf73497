#include "weir/http/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/http/cut_testing.h"
#include "weir/http/sse_testing.h"

namespace weir::http {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

SseCopy Data(std::string data) { return {"message", std::move(data), ""}; }

struct SseCase {
  const char* name;
  std::string_view wire;
  std::vector<SseCopy> events;
};

const SseCase kSseCases[] = {
    {"OneEvent", "data: hi\n\n", {Data("hi")}},
    {"TwoEvents", "data: a\n\ndata: b\n\n", {Data("a"), Data("b")}},
    {"NamedEvent", "event: error\ndata: x\n\n", {{"error", "x", ""}}},
    {"NameEndsWithItsEvent", "event: e\ndata: x\n\ndata: y\n\n", {{"e", "x", ""}, Data("y")}},
    {"NameWithoutDataIsDropped", "event: e\n\ndata: y\n\n", {Data("y")}},
    {"LastNameCounts", "event: a\nevent: b\ndata: x\n\n", {{"b", "x", ""}}},
    {"EmptyNameIsMessage", "event:\ndata: x\n\n", {Data("x")}},
    {"DataLinesJoin", "data: a\ndata: b\ndata\n\n", {Data("a\nb\n")}},
    {"CrLf", "data: a\r\n\r\ndata: b\r\n\r\n", {Data("a"), Data("b")}},
    {"Cr", "data: a\r\rdata: b\rdata: c\r\r", {Data("a"), Data("b\nc")}},
    {"MixedLineEnds", "data: a\rdata: b\ndata: c\r\n\ndata: d\n\r\n", {Data("a\nb\nc"), Data("d")}},
    {"OnlyOneSpaceIsStripped", "data:  a\n\ndata:b\n\n", {Data(" a"), Data("b")}},
    {"CommentIsNothing", ": ping\n\n:\ndata: a\n: x\n\n", {Data("a")}},
    {"EmptyDataIsAnEvent", "data\n\ndata:\n\n", {Data(""), Data("")}},
    {"UnfinishedEventIsDropped", "data: a\n\ndata: b\n", {Data("a")}},
    {"UnfinishedLineIsDropped", "data: a\n\ndata: b", {Data("a")}},
    {"ColonInValue", "data: {\"a\":1}\n\n", {Data("{\"a\":1}")}},
    {"UnknownFieldIsIgnored", "date: x\n data: y\ndatum\ndata: a\n\n", {Data("a")}},
    {"IdPersists", "id: 1\ndata: a\n\ndata: b\n\n", {{"message", "a", "1"}, {"message", "b", "1"}}},
    {"EmptyIdResets", "id: 1\ndata: a\n\nid\ndata: b\n\n", {{"message", "a", "1"}, Data("b")}},
    {"IdWithoutDataCounts", "id: 7\n\ndata: a\n\n", {{"message", "a", "7"}}},
    {"IdWithNulIsIgnored", std::string_view("id: 1\0\ndata: a\n\n", 16), {Data("a")}},
    {"NulInData", std::string_view("data: \0\n\n", 9), {Data(std::string(1, '\0'))}},
    {"ByteOrderMark",
     "\xEF\xBB\xBF"
     "data: a\n\n",
     {Data("a")}},
    {"OnlyOneByteOrderMark",
     "\xEF\xBB\xBF\xEF\xBB\xBF"
     "data: a\n\ndata: b\n\n",
     {Data("b")}},
    {"HalfAByteOrderMark",
     "\xEF\xBB"
     "data: a\n\ndata: b\n\n",
     {Data("b")}},
    {"Nothing", "", {}},
    {"EmptyLines", "\n\n\r\r\n\n", {}},
};

TEST(SseReader, EventsAreTheSameHoweverTheStreamIsCut) {
  for (const SseCase& c : kSseCases) {
    SCOPED_TRACE(c.name);
    ForEveryCut(c.wire, [&](const Pieces& pieces) {
      SseReader reader;
      EXPECT_THAT(PlaySse(reader, pieces).events, ElementsAreArray(c.events));
    });
  }
}

TEST(SseReader, AWholeEventIsNotCopied) {
  const std::string_view wire = "event: delta\ndata: {\"a\":1}\n\nid: 1\ndata: b\n\n";
  SseReader reader;
  SseEvent event;

  ASSERT_TRUE(reader.Feed(wire).has_value());

  ASSERT_TRUE(reader.Next(event));
  EXPECT_EQ(event.data.data(), wire.data() + wire.find('{'));
  EXPECT_EQ(event.type.data(), wire.data() + wire.find("delta"));
  ASSERT_TRUE(reader.Next(event));
  EXPECT_EQ(event.data.data(), wire.data() + wire.find('b', 30));
  EXPECT_FALSE(reader.Next(event));
}

TEST(SseReader, RetryIsANumberOfMilliseconds) {
  struct Retry {
    std::string_view wire;
    std::optional<std::uint64_t> millis;
  };
  const Retry cases[] = {
      {"retry: 03000\n", 3000},
      {"retry:1\nretry: x\n", 1},
      {"retry: 1000x\n", std::nullopt},
      {"retry\n", std::nullopt},
      {"retry: -1\n", std::nullopt},
      {"retry: +1\n", std::nullopt},
      {"retry: 99999999999999999999\n", std::nullopt},
  };
  for (const Retry& c : cases) {
    SseReader reader;
    EXPECT_EQ(PlaySse(reader, {c.wire}).retry, c.millis) << c.wire;
  }
}

TEST(SseReader, AnEventAboveTheLimitFailsAtTheSamePlaceHoweverItIsCut) {
  const std::string_view fits = "data: 1\n\ndata: 2\ndata: 3\n\n";
  const std::string_view lines = "data: 1\n\ndata: 2\ndata: 34\n\ndata: 5\n\n";
  const std::string_view line = "data: 1\n\ndata: 234567890";
  const std::string_view comment = "data: 1\n\n: 23456789012345\n\n";
  ForEveryCut(fits, [&](const Pieces& pieces) {
    SseReader reader(14);
    const SseOutcome out = PlaySse(reader, pieces);
    EXPECT_FALSE(out.failed);
    EXPECT_THAT(out.events, ElementsAreArray({Data("1"), Data("2\n3")}));
  });
  for (const std::string_view wire : {lines, line, comment}) {
    ForEveryCut(wire, [&](const Pieces& pieces) {
      SseReader reader(14);
      const SseOutcome out = PlaySse(reader, pieces);
      EXPECT_TRUE(out.failed);
      EXPECT_THAT(out.events, ElementsAreArray({Data("1")}));
    });
  }
}

TEST(SseReader, TheLimitIsTold) {
  SseReader reader(4);
  SseEvent event;

  ASSERT_TRUE(reader.Feed("data: long\n\n").has_value());
  EXPECT_FALSE(reader.Next(event));

  EXPECT_EQ(reader.Finish().error().code, Code::kProtocolError);
  EXPECT_THAT(reader.Finish().error().message, HasSubstr("more than 4 bytes"));
  EXPECT_EQ(reader.Feed("x").error(), reader.Finish().error());
  EXPECT_FALSE(reader.Next(event));
}

TEST(SseReader, CommentsWithoutEndDoNotHitTheLimit) {
  SseReader reader(16);
  SseEvent event;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(reader.Feed(": ping\n").has_value());
    ASSERT_FALSE(reader.Next(event));
  }
  EXPECT_TRUE(reader.Finish().has_value());
}

TEST(SseWriter, LinesOfDataBecomeLinesOfTheStream) {
  std::string out;

  AppendSseData(out, "one");
  AppendSseData(out, "a\nb\r\nc\rd");
  AppendSseEvent(out, "error", "");

  EXPECT_EQ(out, "data: one\n\ndata: a\ndata: b\ndata: c\ndata: d\n\nevent: error\ndata: \n\n");
}

RC_GTEST_PROP(SseWriter, WhatIsWrittenIsReadBack, ()) {
  const auto texts = *rc::gen::container<std::vector<std::string>>(
      rc::gen::container<std::string>(rc::gen::elementOf(std::string(" :ab\n\0d", 7))));
  const std::size_t step = *rc::gen::inRange<std::size_t>(1, 20);
  std::string wire;
  std::vector<SseCopy> expected;
  for (const std::string& text : texts) {
    AppendSseEvent(wire, "t", text);
    expected.push_back({"t", text, ""});
  }

  SseReader reader;
  RC_ASSERT(PlaySse(reader, CutEvery(wire, step)).events == expected);
}

}  // namespace
}  // namespace weir::http
