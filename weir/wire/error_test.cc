#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/wire/codec.h"
#include "weir/wire/retry_after.h"

namespace weir::wire {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

struct ErrorCase {
  int status;
  std::string_view body;
  Code code;
  std::string_view words;
};

constexpr ErrorCase kEnvelopes[] = {
    {400, R"({"error":{"message":"m1","type":"BadRequestError","param":null,"code":400}})",
     Code::kHttpStatus, "it said: m1"},
    {400, R"({"object":"error","message":"m2","type":"BadRequestError","param":null,"code":400})",
     Code::kHttpStatus, "it said: m2"},
    {404, R"({"error":{"message":"m3","type":"invalid_request_error","code":"model_not_found"}})",
     Code::kHttpStatus, "it said: m3"},
    {404, R"({"error":{"message":"The model `foo` does not exist.","code":404}})",
     Code::kHttpStatus, R"(does not have the model "foo" (404): its /v1/models lists)"},
    {404, R"({"error":"model 'foo' not found"})", Code::kHttpStatus,
     R"(does not have the model "foo" (404): pull it into Ollama first)"},
    {404, R"({"error":"model \"foo:1b\" not found, try pulling it first"})", Code::kHttpStatus,
     R"(does not have the model "foo:1b" (404): pull it into Ollama first)"},
    {400, R"({"error":"\"foo\" does not support thinking"})", Code::kHttpStatus,
     R"(refused the request (400); it said: "foo" does not support thinking)"},
    {400, R"({"error":"the input length exceeds the context length"})", Code::kContextLength,
     "shorten the prompt"},
    {401, R"({"error":"Unauthorized"})", Code::kHttpStatus, "api_key"},
    {401, R"({"error":"Unauthorized"})", Code::kHttpStatus, "or none was (401)"},
    {503, R"({"error":"The model is currently scaling. Please try again later."})",
     Code::kHttpStatus, "scaling"},
    {404, R"({"detail":"Not Found"})", Code::kHttpStatus, "base URL is probably wrong"},
    {405, R"({"detail":"Method Not Allowed"})", Code::kHttpStatus, "base URL"},
    {422, R"({"detail":[{"loc":["body"],"msg":"field required"}]})", Code::kHttpStatus,
     "field required"},
    {502, "<html><head><title>502 Bad Gateway</title></head><body>secret page</body></html>",
     Code::kHttpStatus, "an HTML page came instead of JSON (502)"},
    {502, "<html><title>502 Bad Gateway</title>", Code::kHttpStatus, "502 Bad Gateway"},
    {502, "<html><title>502 Bad Gateway</title>", Code::kHttpStatus, "is that one up?"},
    {404, "<html>", Code::kHttpStatus, "the base URL names a web site and no model server"},
    {504, "", Code::kHttpStatus, "a proxy got no answer from the server behind it (504)"},
    {503, "", Code::kHttpStatus, "(503): try again later, or look at its log"},
    {500, "", Code::kHttpStatus, "the server failed (500): its log says why"},
    {500, "plain words", Code::kHttpStatus, "plain words"},
    {429, "{}", Code::kHttpStatus, "limits.max_in_flight"},
    {400, R"({"error":{"message":"you must provide a model parameter"}})", Code::kHttpStatus,
     "wants a model to be named (400): -m, or `model:`"},
    {400,
     R"({"error":{"message":"This model's maximum context length is 4096 tokens. However, you requested 512 output tokens and your prompt contains at least 3585 input tokens","code":400}})",
     Code::kContextLength, "shorten the prompt"},
    {400,
     R"({"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 4200 tokens","code":400})",
     Code::kContextLength, "shorten the prompt"},
    {400,
     R"({"error":{"message":"max_tokens=5000 cannot be greater than max_model_len=max_total_tokens=4096.","code":400}})",
     Code::kContextLength, "max_tokens"},
    {400,
     R"({"error":{"message":"max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)."}})",
     Code::kContextLength, "context window"},
    {400,
     R"({"error":{"code":400,"message":"request (5034 tokens) exceeds the available context size (2048 tokens), try increasing it","type":"exceed_context_size_error"}})",
     Code::kContextLength, "context window"},
    {400, R"({"error":{"message":"too long","code":"context_length_exceeded"}})",
     Code::kContextLength, "context window"},
    {400, R"({"error":{"message":"no","code":"content_filter"}})", Code::kContentFilter, "filter"},
};

TEST(ErrorTest, EveryEnvelopeGivesItsErrorWithAdvice) {
  for (const ErrorCase& c : kEnvelopes) {
    const Error error = DecodeError(c.status, c.body);
    EXPECT_EQ(error.code, c.code) << c.body;
    EXPECT_EQ(error.http_status, c.status) << c.body;
    EXPECT_THAT(error.message, HasSubstr(c.words)) << c.body;
  }
}

TEST(ErrorTest, AStatusThatNobodyNamedIsNotShown) {
  const Error error = DecodeError(0, R"({"error":{"message":"broken"}})");

  EXPECT_EQ(error.message, "the server failed: its log says why; it said: broken");
  EXPECT_TRUE(Retryable(error));
}

TEST(ErrorTest, CutAnywhereABodyStillGivesAnError) {
  for (const ErrorCase& c : kEnvelopes) {
    for (std::size_t length = 0; length <= c.body.size(); ++length) {
      const Error error = DecodeError(c.status, c.body.substr(0, length));
      EXPECT_EQ(error.http_status, c.status);
      EXPECT_FALSE(error.message.empty());
    }
  }
}

TEST(ErrorTest, LongBodiesAreNotQuotedWhole) {
  const Error plain = DecodeError(500, std::string(100'000, 'x'));
  const Error html = DecodeError(500, "<p>" + std::string(100'000, 'x'));

  EXPECT_LT(plain.message.size(), 500U);
  EXPECT_LT(html.message.size(), 500U);
}

TEST(ErrorTest, RetryAfterIsSecondsOrADate) {
  // 1994-11-06 08:49:37 UTC
  constexpr std::int64_t kThen = 784'111'777'000'000'000;
  const std::pair<std::string_view, std::optional<milliseconds>> cases[] = {
      {"3", milliseconds(3000)},
      {" 0.5 ", milliseconds(500)},
      {"Sun, 06 Nov 1994 08:50:07 GMT", milliseconds(30'000)},
      {"Sun, 06 Nov 1994 08:49:07 GMT", milliseconds(0)},
      {"99999999999", milliseconds(std::chrono::days(7))},
      {"", std::nullopt},
      {"-1", std::nullopt},
      {"soon", std::nullopt},
      {"Sun, 31 Feb 1994 08:49:37 GMT", std::nullopt}};
  for (const auto& [value, wait] : cases) {
    EXPECT_EQ(DecodeError(503, "", value, kThen).retry_after, wait) << value;
  }
}

TEST(Error, APageThatSaysTheServerIsStartingIsWorthAnotherTry) {
  for (const int status : {403, 404, 425}) {
    const Error error = DecodeError(
        status, "<html><title>Not Found</title><body>Your app is starting up.</body></html>");
    EXPECT_EQ(error.http_status, 503) << status;
    EXPECT_TRUE(Retryable(error)) << status;
    EXPECT_NE(error.message.find("still starting"), std::string::npos) << error.message;
  }
  EXPECT_EQ(DecodeError(404, R"({"detail":"Not Found"})").http_status, 404);
  EXPECT_EQ(DecodeError(400, "starting up").http_status, 400);
}

TEST(DecodeErrorTest, ARedirectIsNotAFailureOfTheServer) {
  const Error error = DecodeError(307, "<html>moved</html>");
  EXPECT_EQ(Name(error), "http_307");
  EXPECT_FALSE(Retryable(error));
  EXPECT_EQ(DecodeError(301, "").message.find("500"), std::string::npos);
  EXPECT_NE(DecodeError(301, "").message.find("base_url"), std::string::npos);
}

}  // namespace
}  // namespace weir::wire
