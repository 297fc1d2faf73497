#include "weir/sim/request_log.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::sim {
namespace {

using testing::HasSubstr;
using testing::Not;

http::RequestHead Head(std::string target, http::Headers headers = {}) {
  return {.method = "POST", .target = std::move(target), .headers = std::move(headers)};
}

json::Value Read(const RequestLog& log, std::size_t last = 1000) {
  Result<json::Value> value = json::Read(log.Json(last));
  EXPECT_TRUE(value.has_value());
  return value.value_or(json::Value());
}

TEST(RequestLog, ShowsWhatCameByteForByte) {
  RequestLog log({});
  const std::string body =
      "{\"a\" :  1.50,\t\"b\":\"\\u00e9 \xc3\xa9\"}\r\n" + std::string(1, '\0');
  log.Add(Head("/v1/completions?x=1", {{"HOST", "a"}, {"x-b", ""}, {"X-B", "c: d, e"}}), body, 1);
  log.Add(Head("/"), "", 1'500'000'000);

  const json::Value list = Read(log);
  EXPECT_EQ(list[0].Find("body").StringOr(""), body);
  EXPECT_THAT(log.Json(), testing::StartsWith(
                              R"([{"number":1,"time":"1970-01-01T00:00:00.000Z","method":"POST",)"
                              R"("target":"/v1/completions?x=1",)"
                              R"("headers":[["HOST","a"],["x-b",""],["X-B","c: d, e"]],"body":)"));
  EXPECT_THAT(log.Json(1), R"([{"number":2,"time":"1970-01-01T00:00:01.500Z","method":"POST",)"
                           R"("target":"/","headers":[],"body":""}])");
}

TEST(RequestLog, BytesThatAreNoUtf8AreKeptInAnotherForm) {
  RequestLog log({});
  log.Add(Head("/", {{"X", "caf\xe9"}}), "\xff\xfe", 0);

  const json::Value list = Read(log);
  EXPECT_FALSE(list[0].Find("body").exists());
  EXPECT_EQ(Base64Decode(list[0].Find("body_base64").StringOr("")), "\xff\xfe");
  EXPECT_EQ(list[0].Find("headers")[0][1].StringOr(""), "caf\xc3\xa9");
}

TEST(RequestLog, NoSecretIsShownAndThatIsSaid) {
  RequestLog log({});
  log.Add(Head("/v1/models?api_key=verysecret&last=1", {{"Authorization", "Bearer verysecret"},
                                                        {"api-key", "verysecret"},
                                                        {"Cookie", "session=verysecret; b=c"},
                                                        {"X-Note", "sk-abcdefghijklmnopqrst"},
                                                        {"X-Plain", "verypublic"}}),
          "verysecret is what I typed", 0);

  const std::string shown = log.Json();
  const json::Value list = Read(log);
  const json::View headers = list[0].Find("headers");
  EXPECT_EQ(headers[0][1].StringOr(""), "Bearer ***");
  EXPECT_EQ(headers[1][1].StringOr(""), "***");
  EXPECT_EQ(headers[4][1].StringOr(""), "verypublic");
  EXPECT_EQ(list[0].Find("target").StringOr(""), "/v1/models?api_key=***&last=1");
  EXPECT_EQ(list[0].Find("body").StringOr(""), "verysecret is what I typed");
  EXPECT_THAT(shown,
              HasSubstr(R"("redacted":["Authorization","api-key","Cookie","X-Note","target"])"));
  EXPECT_THAT(shown, Not(HasSubstr("abcdefghijklmnop")));
}

TEST(RequestLog, HoldsNoMoreThanItsEntries) {
  RequestLog log({.entries = 3});
  for (int i = 1; i <= 5; ++i) log.Add(Head(StrCat("/", i)), "", 0);

  const json::Value list = Read(log);
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].Find("target").StringOr(""), "/3");
  EXPECT_EQ(list[0].Find("number").AsInt64(), 3);
  EXPECT_EQ(list[2].Find("target").StringOr(""), "/5");
  EXPECT_EQ(log.received(), 5U);
  EXPECT_EQ(Read(log, 2)[0].Find("target").StringOr(""), "/4");
  EXPECT_EQ(log.Json(0), "[]");
}

TEST(RequestLog, HoldsNoMoreThanItsBytes) {
  RequestLog log({.bytes = 100});
  const std::string body(35, 'x');  // 40 bytes with method and target
  for (int i = 0; i < 5; ++i) log.Add(Head("/"), body, 0);
  EXPECT_EQ(log.size(), 2U);

  log.Add(Head("/"), std::string(200, 'x'), 0);  // larger than all room
  EXPECT_EQ(log.size(), 2U);
  EXPECT_EQ(log.received(), 6U);

  log.Add(Head("/"), std::string(95, 'x'), 0);  // fits alone
  EXPECT_EQ(log.size(), 1U);
  EXPECT_EQ(Read(log)[0].Find("number").AsInt64(), 7);
}

TEST(RequestLog, ClearingForgetsAndNumbersGoOn) {
  RequestLog log({.bytes = 100});
  log.Add(Head("/"), std::string(80, 'x'), 0);
  log.Clear();
  EXPECT_EQ(log.Json(), "[]");

  log.Add(Head("/"), std::string(80, 'x'), 0);
  EXPECT_EQ(Read(log)[0].Find("number").AsInt64(), 2);
}

TEST(RequestLog, WithoutEntriesItIsOff) {
  RequestLog log({.entries = 0});
  log.Add(Head("/"), "body", 0);
  EXPECT_EQ(log.Json(), "[]");
  EXPECT_EQ(log.received(), 0U);
}

TEST(RequestLog, IsReadWhileManyThreadsWrite) {
  RequestLog log({.entries = 50});
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        const http::RequestHead head = Head("/", {{"Host", "a"}});
        for (int call = 0; call < 2000; ++call) log.Add(head, "body", 0);
      });
    }
    for (int i = 0; i < 20; ++i) (void)log.Json();
    log.Clear();
  }
  EXPECT_EQ(log.received(), 8000U);
  EXPECT_LE(log.size(), 50U);
}

}  // namespace
}  // namespace weir::sim
