#include "weir/http/headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::http {
namespace {

using testing::HasSubstr;

TEST(Headers, NamesCompareWithoutCaseAndOrderIsKept) {
  Headers headers = {{"B", "1"}, {"a", "2"}, {"b", "3"}};

  ASSERT_NE(headers.Find("A"), nullptr);
  EXPECT_EQ(*headers.Find("A"), "2");
  EXPECT_EQ(*headers.Find("b"), "1");
  EXPECT_EQ(headers.Count("b"), 2u);
  EXPECT_EQ(headers.Find("c"), nullptr);

  headers.Set("b", "4");
  EXPECT_EQ(headers, (Headers{{"b", "4"}, {"a", "2"}}));
  headers.Set("c", "5");
  headers.Remove("A");
  EXPECT_EQ(headers, (Headers{{"b", "4"}, {"c", "5"}}));
}

TEST(Headers, TokensAreFoundInListsOfAllFields) {
  const Headers headers = {{"Connection", "TE, Close"}, {"connection", "upgrade"}};

  EXPECT_TRUE(headers.HasToken("connection", "close"));
  EXPECT_TRUE(headers.HasToken("connection", "te"));
  EXPECT_TRUE(headers.HasToken("connection", "upgrade"));
  EXPECT_FALSE(headers.HasToken("connection", "clos"));
  EXPECT_FALSE(headers.HasToken("te", "close"));
}

TEST(Headers, NothingThatBreaksOutOfItsLineIsWritten) {
  const Header bad[] = {
      {"", "v"},        {"a b", "v"},      {"a:", "v"},
      {"a\r\nb", "v"},  {"\xC3\xA9", "v"}, {"a", "v\r\nX: y"},
      {"a", "v\nX: y"}, {"a", "v\rX"},     {"a", std::string("v\0", 2)},
      {"a", "v\x7F"},   {"a", " v"},       {"a", "v\t"},
  };
  for (const Header& field : bad) {
    SCOPED_TRACE(testing::Message() << field.name << "|" << field.value);
    std::string out = "before";

    EXPECT_EQ(CheckHeader(field.name, field.value).error().code, Code::kInvalidRequest);
    EXPECT_FALSE(AppendRequestHead(out, "GET", "/", {{"Host", "h"}, field}).has_value());
    EXPECT_FALSE(AppendResponseHead(out, 200, {field}).has_value());
    EXPECT_EQ(out, "before");
  }
}

TEST(Headers, ValuesThatAreUnusualButHarmlessAreAllowed) {
  EXPECT_TRUE(CheckHeader("X-Note", "").has_value());
  EXPECT_TRUE(CheckHeader("X-Note", "a\tb \xC3\xA9").has_value());
  EXPECT_TRUE(CheckHeader("!#$%&'*+-.^_`|~09azAZ", "v").has_value());
}

TEST(Headers, RequestHeadIsOneFlatText) {
  std::string out;

  ASSERT_TRUE(AppendRequestHead(out, "POST", "/v1", {{"Host", "h"}, {"A", ""}}).has_value());

  EXPECT_EQ(out, "POST /v1 HTTP/1.1\r\nHost: h\r\nA: \r\n\r\n");
}

TEST(Headers, MethodAndTargetAreChecked) {
  std::string out;

  for (const std::string_view method : {"", "G T", "GET\r\n", "G:"}) {
    EXPECT_FALSE(AppendRequestHead(out, method, "/", {}).has_value()) << method;
  }
  for (const std::string_view target : {"", "/a b", "/a\r\nX: y", "/\x7F", "/\t"}) {
    EXPECT_FALSE(AppendRequestHead(out, "GET", target, {}).has_value()) << target;
  }
  EXPECT_EQ(out, "");
}

TEST(Headers, ResponseHeadHasTheReasonOfItsStatus) {
  std::string out;

  ASSERT_TRUE(AppendResponseHead(out, 404, {{"A", "b"}}).has_value());
  ASSERT_TRUE(AppendResponseHead(out, 299, {}).has_value());

  EXPECT_EQ(out, "HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nHTTP/1.1 299 Unknown\r\n\r\n");
  for (const int status : {-1, 0, 99, 1000}) {
    const Result<void> appended = AppendResponseHead(out, status, {});
    EXPECT_THAT(appended.error().message, HasSubstr("not an HTTP status"));
  }
}

TEST(Headers, ChunksCarryTheirSizeAndAnEmptyOneIsNotWritten) {
  std::string out;

  AppendChunk(out, "hello, it is me!");
  AppendChunk(out, "");
  AppendLastChunk(out);

  EXPECT_EQ(out, "10\r\nhello, it is me!\r\n0\r\n\r\n");
}

}  // namespace
}  // namespace weir::http
