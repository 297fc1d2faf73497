#pragma once

// What the tests of the client share: a client on virtual time whose connections end at a
// coroutine.

#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/http/client.h"
#include "weir/http/memory_testing.h"

namespace weir::http {

inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
inline constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

class ClientTest : public testing::Test {
 public:
  using Script = async::Task<void> (*)(ClientTest&);

  // Runs `script` with a client whose connections end at `peer`.
  void With(MemoryDialer::Peer peer, Script script, ClientOptions options = {}) {
    auto run = [](ClientTest& test, MemoryDialer::Peer its, Script what,
                  ClientOptions with) -> async::Task<void> {
      async::TaskScope peers(test.ctx_);
      {
        auto dialer = std::make_unique<MemoryDialer>(peers, std::move(its));
        *dialer->client_script = test.script_;
        dialer->delay = test.delay_;
        test.dialer_ = dialer.get();
        Client client(with, std::move(dialer));
        test.client_ = &client;
        co_await what(test);
        test.dials_ = test.dialer_->dials();
        test.script_ = *test.dialer_->client_script;
        test.open_ = client.open_connections();
      }
      co_await peers.Join();
    };
    loop_.Run(run(*this, std::move(peer), script, options));
  }

  // Each connection answers with `replies`, one after the other, and then closes.
  MemoryDialer::Peer Replies(std::vector<std::string> replies) {
    return [this, replies = std::move(replies)](std::unique_ptr<ByteStream> stream, int) {
      return Answer(std::move(stream), replies, requests_);
    };
  }

  async::Task<Result<std::string>> Ask(std::string body = "hi") {
    const Request request{
        .method = method_, .target = "/x", .body = std::move(body), .timeouts = timeouts_};
    return AskFor(ctx_, request);
  }
  async::Task<Result<std::string>> AskFor(async::Context ctx, Request request) {
    WEIR_CO_TRY(const std::unique_ptr<Response> response,
                co_await client_->Send(ctx, origin_, request));
    Result<std::string> body = co_await response->ReadAll(ctx, 16 << 20);
    ended_by_close_ = response->ended_by_close();
    ended_at_ = Passed();
    co_return body;
  }

  // A call that may fail, but only as a broken connection may.
  async::Task<void> AskUnderFire(std::string_view target) {
    const Request request{.target = target, .body = std::string(300, 'x'), .timeouts = timeouts_};
    Result<std::unique_ptr<Response>> response = co_await client_->Send(ctx_, origin_, request);
    Result<std::string> body;
    if (response) body = co_await (*response)->ReadAll(ctx_, 100);
    const bool right = response && body && *body == "ok";
    if (!right) ++failed_calls_;
    if (!response) {
      EXPECT_EQ(response.error().code, Code::kConnectionError) << Describe(response.error());
    } else if (!body) {
      EXPECT_EQ(body.error().code, Code::kStreamTruncated) << Describe(body.error());
    } else {
      EXPECT_EQ(*body, "ok");
    }
  }

  Duration Passed() const { return loop_.Now() - TimePoint(); }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  Origin origin_ = MakeOrigin(*ParseUrl("http://server:80/base"));
  ClientTimeouts timeouts_{.connect = std::chrono::seconds(10),
                           .first_token = std::chrono::seconds(300),
                           .idle = std::chrono::seconds(60)};
  std::string_view method_ = "POST";
  std::string_view name_;  // of a field that the script sends
  MemoryDialer* dialer_ = nullptr;
  Client* client_ = nullptr;
  StreamScript script_;
  std::vector<std::string> requests_;
  Result<std::string> answer_;
  bool ended_by_close_ = false;
  Duration ended_at_{};
  int dials_ = 0;
  std::size_t open_ = 0;
  int failed_calls_ = 0;
  int whole_ = 0;
  std::size_t written_ = 0;
  Duration delay_{};  // of every dial
  std::size_t operations_ = 0;
};
inline async::Task<void> AskOnce(ClientTest& test) { test.answer_ = co_await test.Ask(); }

}  // namespace weir::http
