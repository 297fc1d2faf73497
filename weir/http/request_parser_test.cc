#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/http/cut_testing.h"
#include "weir/http/parser.h"
#include "weir/http/parser_testing.h"

namespace weir::http {
namespace {

using testing::HasSubstr;

struct GoodRequest {
  const char* name;
  std::string_view wire;
  std::string_view method;
  std::string_view target;
  std::string_view body = "";
  bool keep_alive = true;
  std::string_view tail = "";
};

const GoodRequest kGoodRequests[] = {
    {"Get", "GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/v1/models"},
    {"Post", "POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", "POST", "/a?b=c",
     "hi"},
    {"Chunked",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
     "chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
     "POST", "/", "ab"},
    {"NoLengthNoBody", "POST / HTTP/1.1\r\nHost: h\r\n\r\nGET", "POST", "/", "", true, "GET"},
    {"Pipelined", "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/",
     "", true, "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"OneEmptyLineFirst", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/"},
    {"EmptyHost", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", "/"},
    {"Http10WithoutHost", "GET / HTTP/1.0\r\n\r\n", "GET", "/", "", false},
    {"Http10KeepAlive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/"},
    {"Close", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET", "/", "", false},
    {"Connect", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", "CONNECT", "h:443"},
    {"Absolute", "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "http://h/"},
};

TEST(RequestParser, RightRequestsAreReadHoweverTheyAreCut) {
  for (const GoodRequest& c : kGoodRequests) {
    SCOPED_TRACE(c.name);
    ForEveryCut(c.wire, [&](const Pieces& pieces) {
      RequestParser parser;
      const Outcome out = Play(parser, pieces);
      ASSERT_TRUE(out.done) << out.message;
      EXPECT_EQ(parser.head().method, c.method);
      EXPECT_EQ(parser.head().target, c.target);
      EXPECT_EQ(out.body, c.body);
      EXPECT_EQ(out.keep_alive, c.keep_alive);
      EXPECT_EQ(out.tail, c.tail);
      EXPECT_EQ(parser.suggested_status(), 0);
    });
  }
}

struct BadRequest {
  const char* name;
  std::string_view wire;
  int status;
  std::string_view message;
};

#define HOST "Host: h\r\n"

const BadRequest kBadRequests[] = {
    {"UnknownEncoding", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 501,
     "Transfer-Encoding \"xchunked\""},
    {"EncodingList", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501,
     "only \"chunked\" is known"},
    {"EncodingWithQuirk", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \"chunked\"\r\n\r\n", 501,
     "only \"chunked\" is known"},
    {"EncodingTwice",
     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
     "Transfer-Encoding twice"},
    {"EncodingAndLength",
     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400,
     "both Content-Length"},
    {"UnknownEncodingAndLength",
     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n\r\n", 400,
     "both Content-Length"},
    {"LengthAndEncoding",
     "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
     "both Content-Length"},
    {"EncodingInHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0"},
    {"DifferentLengths",
     "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400,
     "two different Content-Lengths"},
    {"PlusLength", "POST / HTTP/1.1\r\n" HOST "Content-Length: +2\r\n\r\n", 400,
     "malformed Content-Length"},
    {"NoHost", "GET / HTTP/1.1\r\n\r\n", 400, "without Host"},
    {"TwoHosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400, "more than one Host"},
    {"SpaceBeforeColon", "GET / HTTP/1.1\r\n" HOST "X : y\r\n\r\n", 400, "malformed header name"},
    {"Folded", "GET / HTTP/1.1\r\n" HOST "X: y\r\n z\r\n\r\n", 400, "folded over two lines"},
    {"FoldedFirst", "GET / HTTP/1.1\r\n X: y\r\n" HOST "\r\n", 400, "folded over two lines"},
    {"LineFeedOnly", "GET / HTTP/1.1\nHost: h\n\n", 400, "lone line feed"},
    {"LineFeedInFields", "GET / HTTP/1.1\r\nHost: h\n\r\n", 400, "lone line feed"},
    {"LoneCarriageReturn", "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", 400, "lone carriage return"},
    {"TwoEmptyLinesFirst", "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400, "does not speak HTTP"},
    {"SpaceInTarget", "GET /a b HTTP/1.1\r\n" HOST "\r\n", 400, "malformed first line"},
    {"NoVersion", "GET /\r\n", 400, "does not speak HTTP"},
    {"Http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "neither 1.0 nor 1.1"},
    {"Http12", "GET / HTTP/1.2\r\n" HOST "\r\n", 505, "neither 1.0 nor 1.1"},
    {"BadMethod", "G(T / HTTP/1.1\r\n" HOST "\r\n", 400, "malformed method"},
    {"NoTarget", "GET  HTTP/1.1\r\n" HOST "\r\n", 400, "malformed request target"},
    {"Tls", "\x16\x03\x01\x02\x01", 400, "does not speak HTTP"},
    {"BadChunk", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400,
     "the client sent a malformed chunk size"},
};

TEST(RequestParser, WrongRequestsAreRefusedWithTheStatusToAnswer) {
  for (const BadRequest& c : kBadRequests) {
    SCOPED_TRACE(c.name);
    ForEveryCut(c.wire, [&](const Pieces& pieces) {
      RequestParser parser;
      const Outcome out = Play(parser, pieces);
      EXPECT_EQ(out.code, Code::kProtocolError);
      EXPECT_THAT(out.message, HasSubstr(c.message));
      EXPECT_EQ(parser.suggested_status(), c.status);
      EXPECT_FALSE(out.keep_alive);
    });
  }
}

TEST(RequestParser, LimitsHaveTheirStatus) {
  const std::string get = "GET / HTTP/1.1\r\n" HOST "A: b\r\n\r\n";
  const std::string post = "POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n";
  const std::string chunked =
      "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n";
  struct Case {
    std::string wire;
    ParserLimits limits;
    int status;
  };
  const Case cases[] = {
      {get, {.header_bytes = get.size() - 1}, 431},
      {get, {.header_fields = 1}, 431},
      {post, {.body_bytes = 3}, 413},
      {chunked, {.body_bytes = 3}, 413},
  };
  for (const Case& c : cases) {
    ForEveryCut(c.wire, [&](const Pieces& pieces) {
      RequestParser parser(c.limits);
      EXPECT_EQ(Play(parser, pieces).code, Code::kProtocolError);
      EXPECT_EQ(parser.suggested_status(), c.status);
    });
  }
}

TEST(RequestParser, ExpectationsAreTold) {
  struct Case {
    std::string wire;
    bool expects_continue;
    int status;
  };
  const Case cases[] = {
      {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\n", true, 0},
      {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nExpect: cake\r\n\r\n", false, 417},
      {"POST / HTTP/1.1\r\n" HOST
       "Content-Length: 1\r\nExpect: 100-continue\r\nExpect: cake\r\n\r\n",
       false, 417},
      {"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", false, 0},
      {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", false, 0},
  };
  for (Case c : cases) {
    RequestParser parser;

    ASSERT_TRUE(parser.Feed(c.wire).has_value());

    EXPECT_TRUE(parser.head_done());
    EXPECT_FALSE(parser.done());
    EXPECT_EQ(parser.expects_continue(), c.expects_continue);
    EXPECT_EQ(parser.suggested_status(), c.status);
  }
}

TEST(RequestParser, TlsOnAPlainPortIsHinted) {
  RequestParser parser;
  std::string wire = "\x16\x03\x01";

  EXPECT_THAT(parser.Feed(wire).error().message, HasSubstr("try http://"));
}

TEST(RequestParser, RequestsFollowOneAnotherAfterReset) {
  RequestParser parser;
  std::string wire = "POST /1 HTTP/1.1\r\n" HOST
                     "Content-Length: 1\r\n\r\na"
                     "GET /2 HTTP/1.1\r\n" HOST "\r\n";

  const std::size_t used = parser.Feed(wire).value_or(0);
  EXPECT_EQ(parser.head().target, "/1");
  parser.Reset();
  ASSERT_TRUE(parser.Feed(std::span(wire).subspan(used)).has_value());

  EXPECT_TRUE(parser.done());
  EXPECT_EQ(parser.head().method, "GET");
  EXPECT_EQ(parser.head().target, "/2");
}

}  // namespace
}  // namespace weir::http
