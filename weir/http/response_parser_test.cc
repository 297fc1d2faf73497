#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/http/cut_testing.h"
#include "weir/http/parser.h"
#include "weir/http/parser_testing.h"

namespace weir::http {
namespace {

using testing::HasSubstr;

struct GoodResponse {
  const char* name;
  std::string_view wire;
  int status;
  std::string_view body;
  bool keep_alive = true;
  bool closed_by_eof = false;
  std::string_view tail = {};
};

const GoodResponse kGoodResponses[] = {
    {"Length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi"},
    {"LengthZero", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, ""},
    {"EmptyReason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", 200, ""},
    {"EqualLengthsTwice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
     200, "hi"},
    {"EqualLengthsInOneField", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi", 200, "hi"},
    {"Chunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n00A\r\n, it is me\r\n0\r\n"
     "\r\n",
     200, "hello, it is me"},
    {"ChunkedInCapitals",
     "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 200, "a"},
    {"ChunkExtensionsAndTrailers",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n1 ; y=\"z;\"\r\nb\r\n0;e\r\n"
     "Content-Length: 9\r\nConnection: close\r\n\r\n",
     200, "ab"},
    {"UntilEof", "HTTP/1.1 200 OK\r\n\r\nall of it", 200, "all of it", false, true},
    {"UntilEofEmpty", "HTTP/1.0 200 OK\r\n\r\n", 200, "", false, true},
    {"Http10", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 200, "a", false},
    {"Http10KeepAlive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
     200, "a"},
    {"Http10ChunkedIsReadOnceOnly",
     "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     200, "", false},
    {"CloseWinsOverKeepAlive",
     "HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 1\r\n\r\na", 200, "a",
     false},
    {"EmptyConnectionEntries",
     "HTTP/1.1 200 OK\r\nConnection: , TE ,,\tclose ,\r\nContent-Length: 1\r\n\r\na", 200, "a",
     false},
    {"Close", "HTTP/1.1 200 OK\r\nConnection: TE, close\r\nContent-Length: 1\r\n\r\na", 200, "a",
     false},
    {"NoContentHasNoBody", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, ""},
    {"NotModifiedHasNoBody", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304,
     ""},
    {"InterimRepliesAreSkipped",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 "
     "OK\r\n"
     "Content-Length: 1\r\n\r\na",
     200, "a"},
    {"FoldedHeaderIsJoined", "HTTP/1.1 200 OK\r\nX: a\r\n\t b\r\nContent-Length: 0\r\n\r\n", 200,
     ""},
    {"Utf8Value", "HTTP/1.1 200 OK\r\nX: \xC3\xA9\r\nContent-Length: 0\r\n\r\n", 200, ""},
    {"BytesBehindTheEndStay", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 2", 200, "a",
     true, false, "HTTP/1.1 2"},
    {"BytesBehindTheLastChunkStay",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\r\n", 200, "", true, false,
     "\r\n"},
};

TEST(ResponseParser, RightResponsesAreReadHoweverTheyAreCut) {
  for (const GoodResponse& c : kGoodResponses) {
    SCOPED_TRACE(c.name);
    ForEveryCut(c.wire, [&](const Pieces& pieces) {
      ResponseParser parser;
      const Outcome out = Play(parser, pieces);
      ASSERT_TRUE(out.done) << out.message;
      EXPECT_EQ(parser.head().status, c.status);
      EXPECT_EQ(out.body, c.body);
      EXPECT_EQ(out.keep_alive, c.keep_alive);
      EXPECT_EQ(out.closed_by_eof, c.closed_by_eof);
      EXPECT_EQ(out.tail, c.tail);
    });
  }
}

struct BadResponse {
  const char* name;
  std::string_view wire;
  std::string_view message;
  Code code = Code::kProtocolError;
  std::string_view body = {};  // what was delivered before the error
};

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

const BadResponse kBadResponses[] = {
    {"UnknownEncoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n",
     "Transfer-Encoding \"xchunked\""},
    {"GzipChunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
     "Transfer-Encoding \"gzip, chunked\""},
    {"GzipThenChunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
     "Transfer-Encoding twice"},
    {"ChunkedTwice",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
     "\r\n",
     "Transfer-Encoding twice"},
    {"EncodingThenLength",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
     "both Content-Length and Transfer-Encoding"},
    {"LengthThenEncoding",
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
     "both Content-Length and Transfer-Encoding"},
    {"DifferentLengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
     "two different Content-Lengths"},
    {"PlusLength", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n", "malformed Content-Length"},
    {"MinusLength", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", "malformed Content-Length"},
    {"LengthWithSpace", "HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\n",
     "malformed Content-Length"},
    {"EmptyLength", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "malformed Content-Length"},
    {"HugeLength", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
     "malformed Content-Length"},
    {"LengthListWithHole", "HTTP/1.1 200 OK\r\nContent-Length: 2,, 2\r\n\r\n",
     "malformed Content-Length"},
    {"LengthListThatDiffers", "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n",
     "two different Content-Lengths"},
    {"ConnectionIsNoList", "HTTP/1.1 200 OK\r\nConnection: a b\r\n\r\n", "malformed header value"},
    {"ConnectionIsQuoted", "HTTP/1.1 200 OK\r\nConnection: \"close\"\r\n\r\n",
     "malformed header value"},
    {"EmptyName", "HTTP/1.1 200 OK\r\n: y\r\n\r\n", "malformed header name"},
    {"SpaceBeforeColon", "HTTP/1.1 200 OK\r\nX : y\r\n\r\n", "malformed header name"},
    {"NoColon", "HTTP/1.1 200 OK\r\nX\r\n\r\n", "malformed header name"},
    {"NoSpaceAfterStatus", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "malformed status line"},
    {"StatusOfTwoDigits", "HTTP/1.1 20 OK\r\n\r\n", "malformed status line"},
    {"StatusZero", "HTTP/1.1 000 OK\r\n\r\n", "the status 0"},
    {"Http2", "HTTP/2.0 200 OK\r\n\r\n", "neither 1.0 nor 1.1"},
    {"SwitchingProtocols", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "switched"},
    {"LineFeedOnly", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "lone line feed"},
    {"LineFeedInFields", "HTTP/1.1 200 OK\r\nContent-Length: 0\n\n", "lone line feed"},
    {"LoneCarriageReturn", "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", "lone carriage return"},
    {"NulInValue", std::string_view("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", 27), "control character"},
    {"Html", "<html>", "does not speak HTTP"},
    {"Ssh", "SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP"},
    {"TlsAlert", "\x15\x03\x01\x02\x02P", "does not speak HTTP"},
    {"EmptyLineFirst", "\r\nHTTP/1.1 200 OK\r\n\r\n", "does not speak HTTP"},
    {"ChunkSizeOverflow", CHUNKED "10000000000000000\r\n", "does not fit in 64 bits"},
    {"ChunkSizeNotHex", CHUNKED "g\r\n", "malformed chunk size"},
    {"ChunkSizeEmpty", CHUNKED "\r\n", "malformed chunk size"},
    {"ChunkSizeWithPrefix", CHUNKED "0x1\r\na\r\n0\r\n\r\n", "malformed chunk size"},
    {"ChunkSizeWithBlank", CHUNKED "1 \r\na\r\n0\r\n\r\n", "malformed chunk size"},
    {"ChunkSizeLineFeed", CHUNKED "1\na\r\n", "malformed chunk size"},
    {"ChunkExtensionLineFeed", CHUNKED "1;x\na\r\n", "control character"},
    {"ChunkTooLong", CHUNKED "1\r\nab\r\n", "longer than its size", Code::kProtocolError, "a"},
    {"TrailerLineFeed", CHUNKED "0\r\nx: y\n\r\n", "lone line feed"},
    {"NothingAtAll", "", "before it sent a response", Code::kConnectionError},
    {"HalfAHead", "HTTP/1.1 200 OK\r\nX: y\r\n", "in the middle of a head", Code::kConnectionError},
    {"HeadOfInterimOnly", "HTTP/1.1 100 Continue\r\n\r\n", "in the middle of a head",
     Code::kConnectionError},
    {"HalfALength", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "in the middle of a body",
     Code::kStreamTruncated, "he"},
    {"HalfAChunk", CHUNKED "5\r\nhe", "in the middle of a body", Code::kStreamTruncated, "he"},
    {"NoLastChunk", CHUNKED "2\r\nhe\r\n", "in the middle of a body", Code::kStreamTruncated, "he"},
    {"NoEndOfTrailers", CHUNKED "2\r\nhe\r\n0\r\n", "in the middle of a body",
     Code::kStreamTruncated, "he"},
};

TEST(ResponseParser, WrongResponsesAreRefusedAtTheSamePlaceHoweverTheyAreCut) {
  for (const BadResponse& c : kBadResponses) {
    SCOPED_TRACE(c.name);
    ForEveryCut(c.wire, [&](const Pieces& pieces) {
      ResponseParser parser;
      const Outcome out = Play(parser, pieces);
      ASSERT_TRUE(out.code.has_value());
      EXPECT_EQ(*out.code, c.code);
      EXPECT_THAT(out.message, HasSubstr(c.message));
      EXPECT_THAT(out.message, HasSubstr("the server"));
      EXPECT_EQ(out.body, c.body);
      EXPECT_FALSE(out.keep_alive);
    });
  }
}

Error ErrorOf(std::string wire, const ParserLimits& limits = {}) {
  ResponseParser parser(limits);
  const Result<std::size_t> used = parser.Feed(wire);
  return used ? Error{.message = "no error"} : used.error();
}

TEST(ResponseParser, ValuesAreTrimmedAndFoldedLinesJoined) {
  ResponseParser parser;
  std::string wire =
      "HTTP/1.1 200 OK\r\nA:b\r\nB: \t c d \t\r\nC:\r\nD:  \r\n"
      "E: f\r\n \r\n\t g \r\nF:\r\n h\r\nContent-Length: 0\r\n\r\n";

  ASSERT_TRUE(parser.Feed(wire).has_value());

  EXPECT_EQ(parser.head().headers, (Headers{{"A", "b"},
                                            {"B", "c d"},
                                            {"C", ""},
                                            {"D", ""},
                                            {"E", "f g"},
                                            {"F", "h"},
                                            {"Content-Length", "0"}}));
}

TEST(ResponseParser, FoldedHeadersHaveALimit) {
  const std::string line = "\r\n " + std::string(2000, 'x');
  EXPECT_THAT(ErrorOf("HTTP/1.1 200 OK\r\nX: a" + line + line + line + "\r\n\r\n").message,
              HasSubstr("more than 4096 bytes"));
}

TEST(ResponseParser, WhatIsNotHttpIsShown) {
  EXPECT_THAT(ErrorOf("<html>\n\x01\xFF<body>").message,
              HasSubstr("does not speak HTTP: it began with \"<html>\\n\\x01\\xff<body>\""));
  EXPECT_THAT(ErrorOf("SSH-2.0-" + std::string(100, 'x')).message,
              HasSubstr("it began with \"SSH-2.0-" + std::string(24, 'x') + "\""));
  EXPECT_THAT(ErrorOf("\x15\x03\x01").message, HasSubstr("try https://"));
}

TEST(ResponseParser, ALoneLineFeedIsRefusedBeforeMoreBytesCome) {
  EXPECT_THAT(ErrorOf("HTTP/1.1 200 OK\n").message, HasSubstr("lone line feed"));
}

TEST(ResponseParser, HeadRequestsHaveNoBodyInTheirAnswer) {
  for (const std::string_view fields :
       {"Content-Length: 5\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n", "\r\n"}) {
    ResponseParser parser;
    parser.ExpectNoBody();
    std::string wire = "HTTP/1.1 200 OK\r\n" + std::string(fields);

    EXPECT_EQ(parser.Feed(wire).value_or(0), wire.size());

    EXPECT_TRUE(parser.done());
    EXPECT_EQ(parser.body(), "");
  }
}

TEST(ResponseParser, ReadsTheNextMessageAfterReset) {
  ResponseParser parser;
  std::string first = "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n";
  std::string second = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  parser.ExpectNoBody();
  ASSERT_TRUE(parser.Feed(first).has_value());

  parser.Reset();
  EXPECT_FALSE(parser.started());
  EXPECT_FALSE(parser.head_done());
  ASSERT_TRUE(parser.Feed(second).has_value());

  EXPECT_TRUE(parser.done());
  EXPECT_EQ(parser.body(), "hi");
  EXPECT_EQ(parser.head().headers, (Headers{{"Content-Length", "2"}}));
}

TEST(ResponseParser, AfterAnErrorEveryCallRepeatsIt) {
  ResponseParser parser;
  std::string wire = "nonsense";
  std::string good = "HTTP/1.1 204 No Content\r\n\r\n";

  const Error error = parser.Feed(wire).error();

  EXPECT_EQ(parser.Feed(good).error(), error);
  EXPECT_EQ(parser.FeedEof().error(), error);
}

TEST(ResponseParser, ChunksOfOneFeedAreMovedTogetherInTheBufferOfTheCaller) {
  ResponseParser parser;
  std::string wire = std::string(CHUNKED) + "2\r\nab\r\n3\r\ncde\r\n1\r\nf";
  const std::size_t first = wire.find("ab");

  ASSERT_EQ(parser.Feed(wire).value_or(0), wire.size());

  EXPECT_EQ(parser.body(), "abcdef");
  EXPECT_GE(parser.body().data(), wire.data());
  EXPECT_LE(parser.body().data(), wire.data() + first);
}

TEST(ResponseParser, LimitsAreToldAndHoldToTheByte) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
  const std::string length = head + "body";
  const std::string until_eof = "HTTP/1.1 200 OK\r\n\r\nbody";
  const std::string chunks = CHUNKED "2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n";
  const std::string extension = CHUNKED "4;abc\r\nbody\r\n0\r\n\r\n";
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n" + length;
  struct Case {
    std::string wire;
    ParserLimits enough;
    ParserLimits too_few;
    std::string_view words;
  };
  const Case cases[] = {
      {length,
       {.header_bytes = head.size()},
       {.header_bytes = head.size() - 1},
       "a head of more than"},
      {length, {.header_fields = 1}, {.header_fields = 0}, "more than 0 fields"},
      {length, {.body_bytes = 4}, {.body_bytes = 3}, "a body of more than 3 bytes"},
      {until_eof, {.body_bytes = 4}, {.body_bytes = 3}, "a body of more than 3 bytes"},
      {chunks, {.body_bytes = 4}, {.body_bytes = 3}, "a body of more than 3 bytes"},
      {extension, {.chunk_line_bytes = 6}, {.chunk_line_bytes = 5}, "line of more than 5 bytes"},
      {interim, {.interim_heads = 1}, {.interim_heads = 0}, "more than 0 interim replies"},
  };
  for (const Case& c : cases) {
    ForEveryCut(c.wire, [&](const Pieces& pieces) {
      ResponseParser enough(c.enough);
      EXPECT_EQ(Play(enough, pieces).body, "body");
      EXPECT_TRUE(enough.done());
      ResponseParser too_few(c.too_few);
      const Outcome out = Play(too_few, pieces);
      EXPECT_EQ(out.code, Code::kProtocolError);
      EXPECT_THAT(out.message, HasSubstr(c.words));
    });
  }
}

TEST(ResponseParser, TrailersAreLimited) {
  std::string wire = CHUNKED "0\r\n";
  while (wire.size() < 400) wire += "a: b\r\n";

  EXPECT_THAT(ErrorOf(wire, {.header_bytes = 100}).message,
              HasSubstr("trailers of more than 100 bytes"));
}

TEST(ResponseParser, AnEndlessStreamHasNoLimitOfItsOwn) {
  ResponseParser parser;
  std::string head = CHUNKED;
  ASSERT_TRUE(parser.Feed(head).has_value());
  const std::string chunk = "10000\r\n" + std::string(65536, 'x') + "\r\n";
  std::string buffer;
  std::size_t total = 0;

  for (int i = 0; i < 300; ++i) {  // more than twice what Beast allows by itself
    buffer = chunk;
    ASSERT_EQ(parser.Feed(buffer).value_or(0), chunk.size());
    total += parser.body().size();
  }

  EXPECT_EQ(total, 300u * 65536u);
  EXPECT_FALSE(parser.done());
}

}  // namespace
}  // namespace weir::http
