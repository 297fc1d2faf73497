#include "weir/sim/forward.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/http/cassette.h"
#include "weir/http/memory_testing.h"
#include "weir/sim/sim_testing.h"

namespace weir::sim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kKey = "sk-0123456789abcdef0123";
constexpr std::string_view kWholeBody = R"({"messages":[{"role":"user","content":"hi"}]})";
constexpr std::string_view kStream =
    R"({"messages":[{"role":"user","content":"hi"}],"stream":true,"max_tokens":12})";

struct ForwardedAnswer {
  int status = 0;
  http::Headers headers;
  std::string body;
};

class ForwardTest : public testing::Test {
 public:
  ForwardTest() {
    char name[] = "/tmp/weir_forward_test_XXXXXX";
    folder_ = ::mkdtemp(name);
    tape_ = folder_ + "/tape";
  }
  ~ForwardTest() override { fs::remove_all(folder_); }

  struct Ask {
    std::string_view method;
    std::string_view path;
    std::string_view body;
  };

  // What a client of `door` gets.
  std::vector<ForwardedAnswer> Through(std::unique_ptr<http::Handler> door,
                                       const std::vector<Ask>& asks) {
    auto run = [](ForwardTest& test, http::Handler& handler,
                  const std::vector<Ask>& its) -> async::Task<std::vector<ForwardedAnswer>> {
      const auto listener = http::Listen({});
      http::Server server({}, handler);
      async::TaskScope scope(test.ctx_);
      scope.Spawn(Serve(scope.context(), server, **listener));
      std::vector<ForwardedAnswer> answers;
      {
        http::Client client({}, http::NewSystemDialer({}));
        const http::Origin origin = http::MakeOrigin(*http::ParseUrl((*listener)->url()));
        for (const Ask& ask : its) {
          answers.push_back(co_await test.Send(client, origin, ask));
        }
      }
      scope.Cancel();
      co_await scope.Join();
      co_return answers;
    };
    return loop_.Run(run(*this, *door, asks));
  }

  std::string Tape() const {
    std::string all;
    for (const auto& entry : fs::directory_iterator(tape_)) {
      std::ifstream file(entry.path(), std::ios::binary);
      all.append(std::istreambuf_iterator<char>(file), {});
    }
    return all;
  }

  async::Loop loop_;
  async::Context ctx_{loop_};
  std::string folder_;
  std::string tape_;
  std::string authorization_ = StrCat("Bearer ", kKey);

 private:
  static async::Task<void> Serve(async::Context ctx, http::Server& server,
                                 const http::Listener& listener) {
    const Result<void> served = co_await server.Serve(ctx, listener);
    EXPECT_TRUE(served.has_value());
  }

  async::Task<ForwardedAnswer> Send(http::Client& client, const http::Origin& origin, Ask ask) {
    const http::Header fields[] = {{"Authorization", authorization_},
                                   {"Content-Type", "application/json"},
                                   {"Connection", "X-Mine"},
                                   {"X-Mine", "1"},
                                   {"X-Request-Id", "7"}};
    const http::Request request{.method = ask.method,
                                .target = ask.path,
                                .headers = std::span(fields).subspan(0, 2 + more_fields_),
                                .body = std::string(ask.body)};
    ForwardedAnswer answer;
    const auto response = co_await client.Send(ctx_, origin, request);
    if (!response) {
      answer.body = Describe(response.error());
      co_return answer;
    }
    answer.status = (*response)->status();
    answer.headers = (*response)->headers();
    const Result<std::string> body = co_await (*response)->ReadAll(ctx_, 1 << 20);
    answer.body = body ? *body : StrCat("broken: ", Name(body.error()));
    co_return answer;
  }

 public:
  std::size_t more_fields_ = 0;
};

SimOptions InstantUpstream() {
  SimOptions options;
  options.engine.latency.pace = Latency::Pace::kInstant;
  return options;
}

TEST_F(ForwardTest, WhatWasRecordedIsPlayedByteForByteWithoutTheServer) {
  const std::vector<Ask> asks = {{"GET", "/v1/models", ""},       {"POST", kChatPath, kWholeBody},
                                 {"POST", kChatPath, kStream},    {"GET", "/nowhere", ""},
                                 {"POST", kChatPath, kWholeBody}, {"POST", kChatPath, "{"}};
  std::vector<ForwardedAnswer> recorded;
  {
    SimServer upstream(InstantUpstream());
    auto dialer = http::NewRecordingDialer(http::NewSystemDialer({}), tape_);
    recorded = Through(NewForwardHandler(*http::ParseUrl(upstream.url()), std::move(dialer)), asks);
  }
  EXPECT_THAT(Tape(), Not(HasSubstr(kKey)));

  auto dialer = http::NewReplayDialer(tape_, {.time_scale = 0});
  const std::vector<ForwardedAnswer> played = Through(
      NewForwardHandler(*http::ParseUrl("http://replay"), std::move(dialer), {.replays = true}),
      asks);

  ASSERT_EQ(recorded.size(), asks.size());
  for (std::size_t i = 0; i < asks.size(); ++i) {
    EXPECT_EQ(recorded[i].status, i == 3 ? 404 : i == 5 ? 400 : 200) << recorded[i].body;
    EXPECT_EQ(played[i].status, recorded[i].status) << played[i].body;
    EXPECT_EQ(played[i].body, recorded[i].body);
    EXPECT_EQ(played[i].headers.Find("content-type"), recorded[i].headers.Find("content-type"));
  }
  EXPECT_THAT(recorded[2].body, HasSubstr("data: [DONE]"));
}

TEST_F(ForwardTest, RequestThatWasNotRecordedIsToldTheNearest) {
  {
    SimServer upstream(InstantUpstream());
    auto dialer = http::NewRecordingDialer(http::NewSystemDialer({}), tape_);
    Through(NewForwardHandler(*http::ParseUrl(upstream.url()), std::move(dialer)),
            {{"POST", kChatPath, kWholeBody}});
  }
  auto dialer = http::NewReplayDialer(tape_);
  const std::vector<ForwardedAnswer> answers = Through(
      NewForwardHandler(*http::ParseUrl("http://replay"), std::move(dialer), {.replays = true}),
      {{"POST", kChatPath, R"({"messages":[{"role":"user","content":"ho"}]})"},
       {"GET", "/v1/model", ""}});

  EXPECT_EQ(answers[0].status, 404);
  EXPECT_THAT(answers[0].body, HasSubstr(R"({"error":{"message":"no recorded reply is left in)"));
  EXPECT_THAT(answers[0].body, HasSubstr("0001.exchange, whose body differs from byte"));
  EXPECT_EQ(answers[1].status, 404);
  EXPECT_THAT(answers[1].body, HasSubstr(StrCat("the nearest is POST ", kChatPath)));
}

// The request and the reply that pass a door between two connections.
TEST_F(ForwardTest, FieldsOfOneConnectionStayBehind) {
  more_fields_ = 3;
  async::TaskScope peers(ctx_);
  std::vector<std::string> requests;
  auto dialer = std::make_unique<http::MemoryDialer>(
      peers, [&](std::unique_ptr<http::ByteStream> stream, int) {
        return http::Answer(std::move(stream),
                            {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\n"
                             "Connection: X-Theirs\r\nX-Theirs: 1\r\nX-Kept: 1\r\n\r\nok"},
                            requests);
      });
  const std::vector<ForwardedAnswer> answers =
      Through(NewForwardHandler(*http::ParseUrl("http://up/base"), std::move(dialer)),
              {{"POST", "/x?y=1", "{}"}});
  loop_.Run(peers.Join());

  ASSERT_EQ(requests.size(), 1U);
  EXPECT_THAT(requests[0], HasSubstr("POST /base/x?y=1 HTTP/1.1\r\n"));
  EXPECT_THAT(requests[0], HasSubstr(StrCat("Authorization: Bearer ", kKey, "\r\n")));
  EXPECT_THAT(requests[0], HasSubstr("X-Request-Id: 7\r\n"));
  EXPECT_THAT(requests[0], HasSubstr("Accept-Encoding: identity\r\n"));
  EXPECT_THAT(requests[0], Not(HasSubstr("X-Mine")));
  ASSERT_EQ(answers[0].body, "ok");
  EXPECT_EQ(answers[0].headers.Find("X-Kept"), "1");
  EXPECT_EQ(answers[0].headers.Find("Content-Length"), "2");
  for (const std::string_view gone : {"Keep-Alive", "X-Theirs"}) {
    EXPECT_FALSE(answers[0].headers.Find(gone)) << gone;
  }
}

TEST_F(ForwardTest, UpstreamThatIsDownOrBreaksOffIsTold) {
  async::TaskScope peers(ctx_);
  std::vector<std::string> requests;
  auto cut = std::make_unique<http::MemoryDialer>(
      peers, [&](std::unique_ptr<http::ByteStream> stream, int) {
        return http::Answer(std::move(stream),
                            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"},
                            requests);
      });
  const std::vector<ForwardedAnswer> broken = Through(
      NewForwardHandler(*http::ParseUrl("http://up"), std::move(cut)), {{"POST", "/x", "{}"}});
  loop_.Run(peers.Join());
  EXPECT_THAT(broken[0].body, HasSubstr("broken: "));

  auto dead =
      NewForwardHandler(*http::ParseUrl("unix:" + folder_ + "/nobody"), http::NewSystemDialer({}));
  const std::vector<ForwardedAnswer> down = Through(std::move(dead), {{"GET", "/x", ""}});
  EXPECT_EQ(down[0].status, 502);
  EXPECT_THAT(down[0].body, HasSubstr(R"("type":"UpstreamError")"));
}

}  // namespace
}  // namespace weir::sim
