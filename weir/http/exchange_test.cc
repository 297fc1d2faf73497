// The client and the server of this module against each other, and the client against raw sockets
// that misbehave: over loopback, because what is tested is what the operating system does.

#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/http/client.h"
#include "weir/http/client_testing.h"
#include "weir/http/server.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Echoes the body, or streams three pieces, or waits for the client to go.
class EchoHandler final : public Handler {
 public:
  async::Task<void> Handle(Exchange& exchange) override {
    ++requests;
    const Headers headers{{"Content-Type", "text/plain"}};
    if (exchange.head().target == "/stream") {
      Result<void> sent = co_await exchange.Begin(200, headers);
      for (const char* piece : {"one ", "two ", "three"}) {
        if (sent) sent = co_await exchange.Write(piece);
      }
      if (sent) sent = co_await exchange.End();
      co_return;
    }
    if (exchange.head().target == "/silent") co_return;
    if (exchange.head().target == "/wait") {
      const Result<void> slept = co_await async::Sleep(exchange.context(), 1h);
      if (!slept) ++cancelled;
      co_return;
    }
    const Result<void> sent = co_await exchange.Respond(200, headers, exchange.body());
    if (!sent) ++cancelled;
  }

  int requests = 0;
  int cancelled = 0;
};

class ExchangeTest : public testing::Test {
 public:
  // Runs `script` against a server of this module.
  template <class Script>
  void Serve(Script script, ServerOptions options = {}) {
    const Result<std::unique_ptr<Listener>> listener = Listen({});
    ASSERT_TRUE(listener.has_value());
    Server server(options, handler_);
    auto run = [](ExchangeTest& test, async::Context ctx, Server& its, const Listener& on,
                  Script& what, const std::string& url) -> async::Task<void> {
      async::TaskScope scope(ctx);
      auto serve = [](async::Context inner, Server& s, const Listener& l) -> async::Task<void> {
        const Result<void> served = co_await s.Serve(inner, l);
        EXPECT_TRUE(served.has_value());
      };
      scope.Spawn(serve(scope.context(), its, on));
      co_await what(test, ctx, url);
      scope.Cancel();
      co_await scope.Join();
    };
    loop_.Run(run(*this, ctx_, server, **listener, script, (*listener)->url()));
  }

  async::Task<Result<std::string>> Ask(async::Context ctx, const std::string& url,
                                       std::string target, std::string body) {
    const Origin origin = MakeOrigin(*ParseUrl(url));
    const Request request{.target = target, .body = std::move(body), .timeouts = timeouts_};
    WEIR_CO_TRY(const std::unique_ptr<Response> response,
                co_await client_.Send(ctx, origin, request));
    co_return co_await response->ReadAll(ctx, 1 << 20);
  }

  async::Loop loop_;
  async::Context ctx_{loop_};
  Client client_{{}, NewSystemDialer({})};
  ClientTimeouts timeouts_{.connect = 5s, .first_token = 5s, .idle = 5s};
  EchoHandler handler_;
};

TEST_F(ExchangeTest, OneConnectionCarriesManyExchanges) {
  Serve([](ExchangeTest& test, async::Context ctx, const std::string& url) -> async::Task<void> {
    for (int i = 0; i < 5; ++i) {
      const std::string body(static_cast<std::size_t>(i) * 100'000, 'x');
      const Result<std::string> echoed = co_await test.Ask(ctx, url, "/echo", body);
      EXPECT_EQ(echoed, body);
      EXPECT_EQ(test.client_.open_connections(), 1U);
    }
    const Result<std::string> streamed = co_await test.Ask(ctx, url, "/stream", "");
    EXPECT_EQ(streamed, "one two three");
    EXPECT_EQ(test.client_.open_connections(), 1U);
  });
  EXPECT_EQ(handler_.requests, 6);
}

TEST_F(ExchangeTest, AHandlerThatDoesNotAnswerGivesA500) {
  Serve([](ExchangeTest& test, async::Context ctx, const std::string& url) -> async::Task<void> {
    const Origin origin = MakeOrigin(*ParseUrl(url));
    const Request request{.target = "/silent", .timeouts = test.timeouts_};
    const Result<std::unique_ptr<Response>> response =
        co_await test.client_.Send(ctx, origin, request);
    EXPECT_TRUE(response.has_value());
    if (response) EXPECT_EQ((*response)->status(), 500);
  });
}

TEST_F(ExchangeTest, CancellingClosesTheConnectionAndTheServerNotices) {
  Serve([](ExchangeTest& test, async::Context ctx, const std::string& url) -> async::Task<void> {
    async::Cancellation cancellation;
    async::Alarm alarm(*ctx.loop, [&] { cancellation.Cancel(); });
    alarm.Arm(ctx.Now() + 20ms);
    async::Context hurried = ctx;
    hurried.cancellation = &cancellation;
    const Result<std::string> answer = co_await test.Ask(hurried, url, "/wait", "");
    EXPECT_EQ(answer.error().code, Code::kCancelled);
    EXPECT_EQ(test.client_.open_connections(), 0U);
    for (int i = 0; i < 500 && test.handler_.cancelled == 0; ++i) {
      const Result<void> slept = co_await async::Sleep(ctx, 10ms);
      EXPECT_TRUE(slept.has_value());
    }
  });
  EXPECT_EQ(handler_.cancelled, 1);
}

TEST_F(ExchangeTest, WhatCouldBreakOutOfItsLineIsRefusedBeforeAnythingIsSent) {
  Serve([](ExchangeTest& test, async::Context ctx, const std::string& url) -> async::Task<void> {
    const Origin origin = MakeOrigin(*ParseUrl(url));
    const Header evil{"X-A", "b\r\nX-Evil: 1"};
    const Header length{"content-length", "5"};
    const Request header{.target = "/", .headers = {&evil, 1}, .timeouts = test.timeouts_};
    const Request target{.target = "/ HTTP/1.1\r\nX-Evil: 1\r\n", .timeouts = test.timeouts_};
    const Request framing{.target = "/", .headers = {&length, 1}, .timeouts = test.timeouts_};
    for (const Request* request : {&header, &target, &framing}) {
      const Result<std::unique_ptr<Response>> response =
          co_await test.client_.Send(ctx, origin, *request);
      EXPECT_FALSE(response.has_value());
      if (!response) EXPECT_EQ(response.error().code, Code::kInvalidRequest);
    }
  });
  EXPECT_EQ(handler_.requests, 0);
}

// A server made of plain system calls: does what its script says with each connection in turn.
class RawPeer {
 public:
  using Script = std::function<void(int connection, int number)>;

  explicit RawPeer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    socklen_t size = sizeof(address);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    url_ = StrCat("http://127.0.0.1:", ntohs(address.sin_port));
    thread_ = std::jthread([this] { Run(); });
  }
  ~RawPeer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  const std::string& url() const { return url_; }
  int connections() const { return connections_; }

  // Reads one request; its body is what Content-Length says or nothing.
  static std::string ReadRequest(int connection) {
    std::string text;
    char buffer[4096];
    while (text.find("\r\n\r\n") == text.npos) {
      const ssize_t got = ::recv(connection, buffer, sizeof(buffer), 0);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }
  static void Send(int connection, std::string_view text) {
    EXPECT_EQ(::send(connection, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

 private:
  void Run() {
    for (;;) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      script_(connection, ++connections_);
      ::close(connection);
    }
  }

  Script script_;
  int listener_ = -1;
  std::string url_;
  std::atomic<int> connections_ = 0;
  std::jthread thread_;
};

TEST_F(ExchangeTest, ADeadKeptConnectionIsReplacedAndTheRequestArrivesOnce) {
  std::atomic<int> requests = 0;
  std::atomic<bool> closed = false;
  RawPeer peer([&](int connection, int number) {
    if (!RawPeer::ReadRequest(connection).empty()) ++requests;
    RawPeer::Send(connection, kOk);
    if (number == 1) {
      ::shutdown(connection, SHUT_RDWR);
      closed = true;
    }
  });
  auto run = [](ExchangeTest* test, async::Context ctx, RawPeer& its,
                std::atomic<bool>& gone) -> async::Task<void> {
    const Result<std::string> first = co_await test->Ask(ctx, its.url(), "/", "a");
    EXPECT_EQ(first, "ok");
    while (!gone) {
      const Result<void> slept = co_await async::Sleep(ctx, 1ms);
      EXPECT_TRUE(slept.has_value());
    }
    const Result<std::string> second = co_await test->Ask(ctx, its.url(), "/", "b");
    EXPECT_EQ(second, "ok") << (second ? "" : Describe(second.error()));
  };
  loop_.Run(run(this, ctx_, peer, closed));

  EXPECT_EQ(requests, 2);
  EXPECT_EQ(peer.connections(), 2);
}

TEST_F(ExchangeTest, ARequestThatWasReadIsNeverSentAgain) {
  std::atomic<int> requests = 0;
  RawPeer peer([&](int connection, int) {
    if (!RawPeer::ReadRequest(connection).empty()) ++requests;
    RawPeer::Send(connection, kOk);
    if (!RawPeer::ReadRequest(connection).empty())
      ++requests;  // read, and then gone without a word
  });
  auto run = [](ExchangeTest* test, async::Context ctx, RawPeer& its) -> async::Task<Error> {
    const Result<std::string> first = co_await test->Ask(ctx, its.url(), "/", "a");
    EXPECT_EQ(first, "ok");
    const Result<std::string> second = co_await test->Ask(ctx, its.url(), "/", "b");
    EXPECT_FALSE(second.has_value());
    co_return second ? Error() : second.error();
  };
  const Error error = loop_.Run(run(this, ctx_, peer));

  EXPECT_EQ(error.code, Code::kConnectionError);
  EXPECT_EQ(requests, 2);
  EXPECT_EQ(peer.connections(), 1);
}

struct BadAnswer {
  const char* name;
  std::string bytes;
  Code code;
};

TEST_F(ExchangeTest, EveryBrokenAnswerHasItsOwnError) {
  const BadAnswer cases[] = {
      {"nothing", "", Code::kConnectionError},
      {"half_a_head", "HTTP/1.1 200 OK\r\nContent-", Code::kConnectionError},
      {"short_body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", Code::kStreamTruncated},
      {"cut_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
       Code::kStreamTruncated},
      {"no_last_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
       Code::kStreamTruncated},
      {"bad_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       Code::kProtocolError},
      {"odd_coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n",
       Code::kProtocolError},
      {"two_lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       Code::kProtocolError},
      {"not_http", "220 mail.example ESMTP\r\n", Code::kProtocolError},
      {"unasked_encoding", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
       Code::kProtocolError},
  };
  for (const BadAnswer& c : cases) {
    SCOPED_TRACE(c.name);
    RawPeer peer([&](int connection, int) {
      RawPeer::ReadRequest(connection);
      RawPeer::Send(connection, c.bytes);
    });
    const Result<std::string> answer = loop_.Run(Ask(ctx_, peer.url(), "/", ""));
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, c.code) << Describe(answer.error());
    EXPECT_EQ(client_.open_connections(), 0U);
  }
}

TEST_F(ExchangeTest, InterimAnswersAreSkippedAndBytesAfterTheEndCloseTheConnection) {
  RawPeer peer([&](int connection, int) {
    RawPeer::ReadRequest(connection);
    RawPeer::Send(connection,
                  "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    RawPeer::Send(connection, StrCat(kOk, "surplus"));
  });
  const Result<std::string> answer = loop_.Run(Ask(ctx_, peer.url(), "/", ""));

  EXPECT_EQ(answer, "ok");
  EXPECT_EQ(client_.open_connections(), 0U);
}

TEST_F(ExchangeTest, EachClockNamesItselfAndItsSetting) {
  RawPeer peer([&](int connection, int number) {
    RawPeer::ReadRequest(connection);
    if (number == 2) RawPeer::Send(connection, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    RawPeer::ReadRequest(connection);  // until the client hangs up
  });
  timeouts_.first_token = 40ms;
  timeouts_.idle = 40ms;
  const Result<std::string> silent = loop_.Run(Ask(ctx_, peer.url(), "/", ""));
  const Result<std::string> stalled = loop_.Run(Ask(ctx_, peer.url(), "/", ""));
  timeouts_.first_token = 5s;
  const Result<std::string> late = loop_.Run(Ask(ctx_.WithTimeout(40ms), peer.url(), "/", ""));

  EXPECT_EQ(silent.error().code, Code::kTimeout);
  EXPECT_THAT(silent.error().message, HasSubstr("timeouts.first_token"));
  EXPECT_EQ(stalled.error().code, Code::kStreamIdleTimeout);
  EXPECT_THAT(stalled.error().message, HasSubstr("timeouts.idle"));
  EXPECT_EQ(late.error().code, Code::kTimeout);
  EXPECT_THAT(late.error().message, HasSubstr("`total`"));
}

TEST(Listen, ALivingUnixSocketIsRefusedAndALeftoverIsReplaced) {
  const std::string path = StrCat("/tmp/weir_listen_test_", ::getpid(), ".sock");
  {
    const auto first = Listen({.address = StrCat("unix:", path)});
    ASSERT_TRUE(first.has_value());
    const auto second = Listen({.address = StrCat("unix:", path)});
    ASSERT_FALSE(second.has_value());
    EXPECT_THAT(second.error().message, HasSubstr("another server"));
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  EXPECT_TRUE(Listen({.address = StrCat("unix:", path)}).has_value());
}

}  // namespace
}  // namespace weir::http
