// What may stand in a recording, and what becomes of a reply that holds a secret.

#include "weir/http/cassette_redact.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include "weir/base/text.h"
#include "weir/http/gzip_testing.h"
#include "weir/http/parser.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using End = RecordedExchange::End;

constexpr std::string_view kKey = "sk-0123456789abcdef0123";

// A reply in these pieces, a millisecond apart.
RecordedExchange ExchangeOf(const std::vector<std::string>& pieces, End end = End::kComplete) {
  RecordedExchange exchange;
  exchange.head = "POST / HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const std::string& piece : pieces) {
    exchange.reply += piece;
    const auto count = static_cast<int>(exchange.pieces.size());
    exchange.pieces.push_back({.at = count * 1ms, .end = exchange.reply.size()});
  }
  exchange.end = end;
  exchange.ended_at = exchange.pieces.back().at;
  return exchange;
}

std::vector<std::string> Redacted(RecordedExchange exchange) {
  RedactExchange(exchange);
  const RecordedExchange once = exchange;
  RedactExchange(exchange);
  EXPECT_EQ(exchange, once) << "redacting twice changes something";
  std::vector<std::string> pieces;
  pieces.reserve(exchange.pieces.size());
  for (std::size_t i = 0; i < exchange.pieces.size(); ++i) {
    pieces.emplace_back(exchange.PieceAt(i));
  }
  return pieces;
}

TEST(CassetteRedact, SecretsOfTheRequestGo) {
  struct Case {
    std::string_view text;
    std::string_view redacted;
  };
  const Case heads[] = {
      {"Authorization: Bearer xyz", "Authorization: ***"},
      {"authorization:xyz and more", "authorization: ***"},
      {"Authorization: Digest username=\"u\", response=\"r\"", "Authorization: ***"},
      {"Proxy-Authorization: Basic dTpw", "Proxy-Authorization: ***"},
      {"Cookie: a=b; c=\"d", "Cookie: ***"},
      {"X-Api-Key: a, b", "X-Api-Key: ***"},
      {"api-key: xyz", "api-key: ***"},
      {"X-Auth-Token: 'xyz", "X-Auth-Token: ***"},
      {"Api-Key: EMPTY", "Api-Key: EMPTY"},
      {"X-Note: it is sk-0123456789abcdef0123", "X-Note: it is ***"},
      {"Referer: http://u:p@h/?token=xyz&a=b", "Referer: http://***@h/?token=***&a=b"},
      {"Content-Length: 12", "Content-Length: 12"},
      {"X-Max-Tokens: 12", "X-Max-Tokens: 12"},
  };
  for (const Case& c : heads) {
    RecordedExchange exchange = ExchangeOf({"HTTP/1.1 200 OK\r\n\r\n"});
    exchange.head = StrCat("GET /a?api_key=xyz&b=c HTTP/1.1\r\n", c.text, "\r\nHost: h\r\n\r\n");
    RedactExchange(exchange);
    EXPECT_EQ(exchange.head,
              StrCat("GET /a?api_key=***&b=c HTTP/1.1\r\n", c.redacted, "\r\nHost: h\r\n\r\n"));
  }
  const Case bodies[] = {
      {"{\"api_key\":\"xyz\",\"model\":\"m\"}", "{\"api_key\":\"***\",\"model\":\"m\"}"},
      {"{\"env\":{\"HF_TOKEN\":\"xyz\"}}", "{\"env\":{\"HF_TOKEN\":\"***\"}}"},
      {"{\"prompt\":\"use sk-0123456789abcdef0123 now\"}", "{\"prompt\":\"use *** now\"}"},
      {"{\"max_tokens\":5}", "{\"max_tokens\":5}"},
      {"grant=x&client_secret=xyz", "grant=x&client_secret=***"},
  };
  for (const Case& c : bodies) {
    RecordedExchange exchange = ExchangeOf({"HTTP/1.1 200 OK\r\n\r\n"});
    exchange.body = c.text;
    RedactExchange(exchange);
    EXPECT_EQ(exchange.body, c.redacted);
  }
}

TEST(CassetteRedact, AReplyWithoutASecretKeepsEveryByteAndPiece) {
  const std::string gzip = Gzip("one two");
  const std::vector<std::vector<std::string>> replies = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", "one", "two"},
      {"HT", "TP/1.1 200 OK\r\n", "Transfer-Encoding: chunked\r\n\r", "\n3\r\none\r",
       "\n3;x=y\r\ntwo", "\r\n0\r\n", "Sum: 3\r\n\r\n"},
      {"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"},
      {StrCat("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ", gzip.size(),
              "\r\n\r\n"),
       gzip.substr(0, 9), gzip.substr(9)},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "not a size\r\n", "x"},
      {"nothing like HTTP"},
  };
  for (const std::vector<std::string>& reply : replies) {
    EXPECT_EQ(Redacted(ExchangeOf(reply)), reply);
  }
}

TEST(CassetteRedact, SecretsOfAReplyHeadGoAndThePiecesStay) {
  EXPECT_THAT(Redacted(ExchangeOf({"HTTP/1.1 100 Go\r\nSet-Cookie: a=b\r\n\r\n",
                                   "HTTP/1.1 200 OK\r\nSet-Coo",
                                   "kie: token=abc\r\nContent-Length: 2\r\n", "\r\no", "k"})),
              ElementsAre("HTTP/1.1 100 Go\r\nSet-Cookie: ",
                          "***\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: ***\r\nContent-Length: 2\r\n",
                          "\r\no", "k"));
  EXPECT_THAT(Redacted(ExchangeOf({"HTTP/1.1 200 OK\r\nSet-Cookie: a", "=b"}, End::kClosed)),
              ElementsAre("HTTP/1.1 200 OK\r\nSet-Cookie: ", "***"));
}

TEST(CassetteRedact, AReplyThatIsNotHttpLosesItsSecretsToo) {
  EXPECT_THAT(Redacted(ExchangeOf({"HTTP/1.1 2x0 OK\r\nA: b\r\n\r\nkey sk-0123456789abcdef0123"})),
              ElementsAre("HTTP/1.1 2x0 OK\r\nA: b\r\n\r\nkey ***"));
}

TEST(CassetteRedact, AReplyWithASecretIsFramedAnew) {
  const std::string json = StrCat("{\"error\":\"wrong key ", kKey, "\"}");
  EXPECT_THAT(Redacted(ExchangeOf({StrCat("HTTP/1.1 401 No\r\nContent-Length: ", json.size(),
                                          "\r\nX-Token: t\r\nSet-Cookie: x\r\n\r\n"),
                                   json})),
              ElementsAre("HTTP/1.1 401 No\r\nX-Token: ***\r\nSet-Cookie: ***\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n",
                          "19\r\n{\"error\":\"wrong key ***\"}\r\n0\r\n\r\n"));

  const std::string gzip = Gzip(json);
  const std::vector<std::string> inflated =
      Redacted(ExchangeOf({StrCat("HTTP/1.1 401 No\r\nContent-Encoding: gzip\r\nContent-Length: ",
                                  gzip.size(), "\r\n\r\n", gzip)}));
  EXPECT_THAT(inflated, ElementsAre("HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "19\r\n{\"error\":\"wrong key ***\"}\r\n0\r\n\r\n"));

  EXPECT_THAT(Redacted(ExchangeOf({"HTTP/1.1 200 OK\r\n\r\n", json}, End::kClosed)),
              ElementsAre("HTTP/1.1 200 OK\r\n\r\n", "{\"error\":\"wrong key ***\"}"));
}

TEST(CassetteRedact, AStreamWithASecretKeepsItsOtherPieces) {
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_THAT(Redacted(ExchangeOf({head, "8\r\ndata: 1\n\r\n", "17\r\ndata: sk-0123456789abcd\r\n",
                                   "a\r\nef0123 ok\n\r\n", "8\r\ndata: 2\n\r\n", "0\r\n\r\n"})),
              ElementsAre("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n",
                          "8\r\ndata: 1\n\r\n", "6\r\ndata: \r\n", "7\r\n*** ok\n\r\n",
                          "8\r\ndata: 2\n\r\n", "0\r\n\r\n"));
  // What an event leaves open does not take the next one with it.
  EXPECT_THAT(
      Redacted(ExchangeOf({head, "15\r\ndata: {\"api_key\":\"x\n\n\r\n", "8\r\ndata: 2\n\r\n"},
                          End::kClosed)),
      ElementsAre(testing::_, "17\r\ndata: {\"api_key\":\"***\n\n\r\n", "8\r\ndata: 2\n\r\n"));
}

TEST(CassetteRedact, ACutReplyWithASecretStaysCut) {
  const std::vector<std::string> pieces = Redacted(
      ExchangeOf({StrCat("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", kKey)}, End::kClosed));
  ASSERT_THAT(pieces, ElementsAre(HasSubstr("3\r\n***\r\n")));
  EXPECT_THAT(pieces[0], Not(HasSubstr("0\r\n\r\n")));
}

TEST(CassetteRedact, AKeyIsMethodAndTargetAsTheServerSeesThem) {
  EXPECT_EQ(RequestKey("GET", "/v1/models"), "GET /v1/models");
  EXPECT_EQ(RequestKey("GET", "http://h:80/v1/models?token=abc"), "GET /v1/models?token=***");
  EXPECT_EQ(RequestKey("GET", "/see?http://h/"), "GET /see?http://h/");
  EXPECT_EQ(RequestKey("GET", "http://h"), "GET ");
}

}  // namespace
}  // namespace weir::http
