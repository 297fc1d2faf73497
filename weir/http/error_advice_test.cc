// What people are told to do about an exchange that broke off or made no sense, through the client.

#include "weir/http/error_advice.h"

#include <gmock/gmock.h>

#include "weir/http/client_testing.h"

namespace weir::http {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct BadReply {
  const char* name;
  std::string bytes;
  std::string_view what;
  std::string_view advice;
};

std::string Repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

using ErrorAdviceTest = ClientTest;

TEST_F(ErrorAdviceTest, EveryBrokenReplySaysWhatToDoNext) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const std::string gzip = head + "Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n";
  const BadReply cases[] = {
      {"nothing", "", "closed the connection without an answer", "https://"},
      {"half_a_head", head + "Content-", "in the middle of a head", "look at its log"},
      {"short_body", head + "Content-Length: 10\r\n\r\nshort", "in the middle of a body",
       "look at its log"},
      {"cut_chunk", std::string(kChunked) + "5\r\nab", "in the middle of a body", "a proxy"},
      {"cut_gzip", gzip + "\x1f\x8b\x08" + std::string(7, '\0'), "ended in the middle", "its log"},
      {"bad_gzip", gzip + "not gzip!!", "compressed body", "a model server"},
      {"not_http", "220 mail.example ESMTP\r\n", "does not speak HTTP", "a model server"},
      {"tls", "\x15\x03\x01\x02\x02P", "does not speak HTTP", "try https://"},
      {"bad_chunk", std::string(kChunked) + "zz\r\n", "a malformed chunk size", "a proxy"},
      {"odd_coding", head + "Transfer-Encoding: x\r\n\r\n", "Transfer-Encoding", "a proxy"},
      {"bad_length", head + "Content-Length: +1\r\n\r\n", "Content-Length", "a proxy"},
      {"long_head", head + "X: " + std::string(100'000, 'x'), "a head of more than 65536 bytes",
       "a model server"},
      {"many_fields", head + Repeated("X: y\r\n", 300) + "\r\n", "a head of more than 256 fields",
       "a model server"},
      {"interim", Repeated("HTTP/1.1 103 Hints\r\n\r\n", 20), "interim replies", "a model server"},
      {"unasked_encoding", head + "Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
       "content encoding 'br'", "a proxy"},
  };
  for (const BadReply& c : cases) {
    SCOPED_TRACE(c.name);
    With(Replies({c.bytes}), AskOnce);
    ASSERT_FALSE(answer_.has_value());
    const std::string& message = answer_.error().message;
    EXPECT_THAT(message, AllOf(HasSubstr(c.what), HasSubstr(c.advice)));
    EXPECT_THAT(message, Not(HasSubstr("limit ")));
  }
}

TEST(ErrorAdvice, WhatHasAdviceOfItsOwnIsLeftAlone) {
  for (const Code code :
       {Code::kTimeout, Code::kStreamIdleTimeout, Code::kCancelled, Code::kHttpStatus}) {
    const Error error{.code = code, .message = "words"};
    EXPECT_EQ(WithAdvice(error, true), error);
  }
  const Error untrusted{.code = Code::kConnectionError, .message = "words", .permanent = true};
  EXPECT_EQ(WithAdvice(untrusted, true), untrusted);
}

}  // namespace
}  // namespace weir::http
