// TLS on both sides, with a certificate authority that lives as long as the test.

#include "weir/http/tls.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/http/client.h"
#include "weir/http/proxy_testing.h"
#include "weir/http/serve_testing.h"
#include "weir/http/server.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

class HelloHandler final : public Handler {
 public:
  async::Task<void> Handle(Exchange& exchange) override {
    ++requests;
    if (exchange.head().target == "/wait") {
      const Result<void> slept = co_await async::Sleep(exchange.context(), 1h);
      if (!slept) ++cancelled;
      co_return;
    }
    const Headers none;
    if (breaks) {
      const Result<void> begun = co_await exchange.Begin(200, none);
      EXPECT_TRUE(begun.has_value());
      co_return co_await exchange.Break(*breaks);
    }
    const Result<void> sent = co_await exchange.Respond(200, none, exchange.body());
    EXPECT_TRUE(sent.has_value() || client_may_go);
  }

  bool client_may_go = false;
  std::atomic<int> requests = 0;
  int cancelled = 0;
  std::optional<BreakOff> breaks;
};

// How many connected TCP sockets of this process hold small pieces back for a fuller packet.
int SocketsThatHoldBack() {
  int count = 0;
  for (int descriptor = 0; descriptor < 1024; ++descriptor) {
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.ss_family != AF_INET && peer.ss_family != AF_INET6) continue;
    int at_once = 0;
    socklen_t width = sizeof(at_once);
    EXPECT_EQ(::getsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &at_once, &width), 0);
    if (at_once == 0) ++count;
  }
  return count;
}

// Makes the keys once for all tests of this file, with the system's openssl.
class TlsTest : public testing::Test {
 public:
  static void SetUpTestSuite() {
    char name[] = "/tmp/weir_tls_test_XXXXXX";
    if (::mkdtemp(name) == nullptr) return;
    made_in = name;
    const std::string new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    made = Openssl(StrCat("req -x509 ", new_key, " -keyout ca.key -out ca.pem -subj /CN=test-ca ",
                          "-days 2")) &&
           Openssl(StrCat("req ", new_key, " -keyout key.pem -out request.pem -subj /CN=test"));
    std::ofstream(File("names")) << "subjectAltName=DNS:localhost,IP:127.0.0.1";
    std::ofstream(File("elsewhere")) << "subjectAltName=DNS:elsewhere.example";
    made = made && Sign("names", "2", "good.pem") && Sign("elsewhere", "2", "elsewhere.pem") &&
           Sign("names", "-1", "expired.pem");
  }
  static void TearDownTestSuite() {
    std::error_code ignored;  // a folder under /tmp
    std::filesystem::remove_all(made_in, ignored);
  }

  void SetUp() override {
    if (made) return;
    std::fputs("openssl is missing or failed: TLS is NOT tested\n", stderr);
    GTEST_SKIP() << "openssl is missing or failed";
  }

  static std::string File(std::string_view name) { return StrCat(made_in, "/", name); }

  // One POST of "hello" to a server with this certificate (none: plain http).
  Result<std::string> Ask(std::string_view certificate, const std::string& scheme,
                          const std::string& host, TlsOptions options, int times = 1) {
    ListenOptions listen;
    if (!certificate.empty()) {
      listen.tls = {.cert_file = File(certificate), .key_file = File("key.pem")};
    }
    const Result<std::unique_ptr<Listener>> listener = Listen(listen);
    if (!listener) return Fail(listener.error());
    Server server({}, handler_);
    Client client({}, NewSystemDialer({.tls = std::move(options), .proxy = {.all = proxy_url_}}));
    const std::string& url = (*listener)->url();
    const Origin origin =
        MakeOrigin(*ParseUrl(StrCat(scheme, "://", host, url.substr(url.rfind(':')))));
    asked_ = StrCat(host, ":", origin.url.port);
    if (proxy_ != nullptr) proxy_->LeadTo(origin.url.port);
    auto run = [](TlsTest& test, Server& its, const Listener& on, Client& from, const Origin& to,
                  int count) -> async::Task<Result<std::string>> {
      async::TaskScope scope(test.ctx_);
      scope.Spawn(ServeIn(scope.context(), its, on));
      Result<std::string> body;
      for (int i = 0; i < count; ++i) {
        const Request request{.target = "/", .body = test.sent_};
        const auto response = co_await from.Send(test.ctx_, to, request);
        if (response) {
          body = co_await (*response)->ReadAll(test.ctx_, 32 << 20);
        } else {
          body = Result<std::string>(std::unexpect, response.error());
        }
      }
      test.open_ = from.open_connections();
      test.connections_ = its.connections();
      test.holding_back_ = SocketsThatHoldBack();
      scope.Cancel();
      co_await scope.Join();
      co_return body;
    };
    return loop_.Run(run(*this, server, **listener, client, origin, times));
  }

  async::Loop loop_;
  async::Context ctx_{loop_};
  HelloHandler handler_;
  std::string sent_ = "hello";
  FakeProxy* proxy_ = nullptr;  // what proxy_url_ leads to
  std::string proxy_url_;
  std::string asked_;  // "host:port" of the last request
  int holding_back_ = 0;
  std::size_t open_ = 0;
  std::size_t connections_ = 0;

 private:
  static bool Openssl(const std::string& arguments) {
    const std::string command =
        StrCat("cd ", made_in, " && openssl ", arguments, " >openssl.log 2>&1");
    return std::system(command.c_str()) == 0;
  }
  static bool Sign(std::string_view names, std::string_view days, std::string_view out) {
    return Openssl(StrCat("x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial ",
                          "-extfile ", names, " -days ", days, " -out ", out));
  }

  static inline std::string made_in;
  static inline bool made = false;
};

TEST_F(TlsTest, AKnownAuthorityAndTheRightNameLetTheRequestThrough) {
  const TlsOptions trust{.ca_file = File("ca.pem")};
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    SCOPED_TRACE(host);
    const Result<std::string> body = Ask("good.pem", "https", host, trust);
    EXPECT_TRUE(body && *body == "hello") << (body ? "" : Describe(body.error()));
  }
}

TEST_F(TlsTest, AConnectionIsUsedAgainAndCarriesLargeBodies) {
  sent_ = std::string(3 << 20, 'x');
  const Result<std::string> body =
      Ask("good.pem", "https", "localhost", {.ca_file = File("ca.pem")}, 3);

  EXPECT_TRUE(body && *body == sent_) << (body ? "" : Describe(body.error()));
  EXPECT_EQ(handler_.requests, 3);
  EXPECT_EQ(open_, 1U);
  EXPECT_EQ(connections_, 1U);
}

TEST_F(TlsTest, AnAnswerCanBeBrokenOffInEveryWay) {
  for (const BreakOff how : {BreakOff::kReset, BreakOff::kClose, BreakOff::kTruncatedChunk}) {
    handler_.breaks = how;
    const Result<std::string> body =
        Ask("good.pem", "https", "localhost", {.ca_file = File("ca.pem")});
    ASSERT_FALSE(body.has_value());
    EXPECT_EQ(body.error().code, Code::kStreamTruncated);
    EXPECT_EQ(body.error().cause.contains("reset by peer"), how == BreakOff::kReset);
  }
}

// At every so many bytes of the handshake, the request and the answer.
TEST_F(TlsTest, ACutAnywhereIsAnErrorOrComesAfterTheWholeAnswer) {
  constexpr std::size_t kStep = 23;
  const TlsOptions trust{.ca_file = File("ca.pem"), .server_name = "localhost"};
  FakeProxy proxy;
  proxy_ = &proxy;
  proxy_url_ = StrCat("http://", proxy.address());
  ASSERT_TRUE(Ask("good.pem", "https", "far.example", trust).has_value());
  const std::size_t whole = proxy.relayed();
  handler_.client_may_go = true;

  for (const FakeProxy::Break how : {FakeProxy::Break::kClose, FakeProxy::Break::kReset}) {
    std::size_t failed = 0;
    for (std::size_t at = 0; at < whole; at += kStep) {
      SCOPED_TRACE(StrCat("cut behind ", at, " of ", whole));
      proxy.BreakAfter(at, how);
      const Result<std::string> body = Ask("good.pem", "https", "far.example", trust);
      if (body) {
        EXPECT_EQ(*body, "hello");
        continue;
      }
      ++failed;
      EXPECT_THAT(body.error().code, AnyOf(Code::kConnectionError, Code::kStreamTruncated));
      EXPECT_NE(body.error().message, "");
      EXPECT_EQ(open_, 0U);
    }
    EXPECT_GT(failed * kStep, whole / 2);
  }
}

TEST_F(TlsTest, TheNameToCheckCanBeSet) {
  const TlsOptions named{.ca_file = File("ca.pem"), .server_name = "elsewhere.example"};
  EXPECT_TRUE(Ask("elsewhere.pem", "https", "127.0.0.1", named).has_value());
}

TEST_F(TlsTest, WithoutVerificationAnyCertificateWillDo) {
  EXPECT_TRUE(Ask("expired.pem", "https", "localhost", {.verify = false}).has_value());
  EXPECT_TRUE(Ask("elsewhere.pem", "https", "127.0.0.1", {.verify = false}).has_value());
}

TEST_F(TlsTest, NoConnectionHoldsSmallPiecesBack) {
  for (const std::string scheme : {"http", "https"}) {
    SCOPED_TRACE(scheme);
    const bool tls = scheme == "https";
    EXPECT_TRUE(Ask(tls ? "good.pem" : "", scheme, "localhost", {.ca_file = File("ca.pem")}));
    EXPECT_EQ(connections_, 1U);
    EXPECT_EQ(holding_back_, 0);
  }
}

struct Tunnel {
  std::string_view proxy;  // scheme and user of its URL
  std::string_view scheme;
  std::string host;  // exists nowhere: only the proxy can reach it
};

TEST_F(TlsTest, ATunnelCarriesWholeCallsAndTheProxyLearnsOnlyTheName) {
  const TlsOptions trust{.ca_file = File("ca.pem"), .server_name = "localhost"};
  const Tunnel tunnels[] = {
      {"http://me:se%40cret@", "https", "far.example"},
      {"socks5h://me:se%40cret@", "https", "far.example"},
      {"socks5h://me:se%40cret@", "http", "far.example"},
      {"socks5://me:se%40cret@", "http", "10.1.2.3"},
      {"socks5://me:se%40cret@", "https", "fd12::1"},
  };
  sent_ = std::string(300'000, 'x');
  for (const Tunnel& c : tunnels) {
    SCOPED_TRACE(StrCat(c.proxy, " ", c.scheme));
    FakeProxy proxy("me", "se@cret");
    proxy_ = &proxy;
    proxy_url_ = StrCat(c.proxy, proxy.address());
    const bool v6 = c.host.find(':') != c.host.npos;
    const Result<std::string> body =
        Ask(c.scheme == "https" ? "good.pem" : "", std::string(c.scheme),
            v6 ? StrCat("[", c.host, "]") : c.host, trust, 2);
    ASSERT_TRUE(body.has_value()) << Describe(body.error());
    EXPECT_EQ(*body, sent_);
    ASSERT_EQ(proxy.requested().size(), 1U);  // the tunnel is used again
    EXPECT_EQ(proxy.requested()[0], v6 ? StrCat(c.host, asked_.substr(asked_.rfind(':'))) : asked_);
  }
}

TEST_F(TlsTest, AProxyThatRefusesIsBlamedAndNotTheServer) {
  for (const std::string_view scheme : {"http://", "socks5h://"}) {
    for (const std::string_view user : {"", "me:mistaken@"}) {
      SCOPED_TRACE(StrCat(scheme, user));
      FakeProxy proxy("me", "secret");
      proxy_ = &proxy;
      proxy_url_ = StrCat(scheme, user, proxy.address());
      const Result<std::string> body = Ask("good.pem", "https", "far.example", {.verify = false});
      ASSERT_FALSE(body.has_value());
      EXPECT_EQ(Name(body.error()), scheme == "http://" ? "http_407" : "connection_error");
      EXPECT_FALSE(Retryable(body.error()));
      EXPECT_THAT(body.error().message, HasSubstr(StrCat("proxy ", proxy.address())));
      EXPECT_THAT(body.error().message, HasSubstr("HTTPS_PROXY"));
      EXPECT_THAT(Describe(body.error()), Not(AnyOf(HasSubstr("vLLM"), HasSubstr("mistaken"))));
      EXPECT_EQ(open_, 0U);
    }
  }
  EXPECT_EQ(handler_.requests, 0);
}

struct Distrust {
  const char* name;
  std::string_view certificate;
  std::string scheme;
  std::string host;
  std::string_view ca;
  std::string_view words;
  bool may_pass = false;
};

TEST_F(TlsTest, WhatIsWrongAndWhatToDoIsSaid) {
  const Distrust cases[] = {
      {"unknown_authority", "good.pem", "https", "localhost", "", "tls.ca_file"},
      {"wrong_name", "elsewhere.pem", "https", "localhost", "ca.pem", "tls.server_name"},
      {"wrong_address", "elsewhere.pem", "https", "127.0.0.1", "ca.pem", "tls.server_name"},
      {"expired", "expired.pem", "https", "localhost", "ca.pem", "out of date"},
      {"https_to_http", "", "https", "localhost", "ca.pem", "speaks https"},
      {"http_to_https", "good.pem", "http", "localhost", "", "want https://", true},
  };
  for (const Distrust& c : cases) {
    SCOPED_TRACE(c.name);
    const TlsOptions options{.ca_file = c.ca.empty() ? "" : File(c.ca)};
    const Result<std::string> body = Ask(c.certificate, c.scheme, c.host, options);
    ASSERT_FALSE(body.has_value());
    EXPECT_EQ(Name(body.error()), "connection_error");
    EXPECT_EQ(Retryable(body.error()), c.may_pass);
    EXPECT_THAT(body.error().message, HasSubstr(c.words));
    EXPECT_EQ(open_, 0U);
  }
  EXPECT_EQ(handler_.requests, 0);
}

// Asks, and leaves as most libraries do: with TLS's farewell, which stands unread in front of the
// end.
void AskAndLeave(std::uint16_t port, const std::atomic<int>& requests) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL* const connection = SSL_new(context);
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_GE(descriptor, 0);
  const sockaddr_in address{
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  EXPECT_EQ(::connect(descriptor, generic, sizeof(address)), 0);
  SSL_set_fd(connection, descriptor);
  EXPECT_EQ(SSL_connect(connection), 1);
  constexpr std::string_view kRequest = "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n";
  EXPECT_GT(SSL_write(connection, kRequest.data(), static_cast<int>(kRequest.size())), 0);
  while (requests == 0) std::this_thread::yield();
  SSL_shutdown(connection);
  ::shutdown(descriptor, SHUT_WR);
  char rest[100];
  while (::recv(descriptor, rest, sizeof(rest), 0) > 0) continue;
  SSL_free(connection);
  SSL_CTX_free(context);
  ::close(descriptor);
}

TEST_F(TlsTest, AClientThatLeavesWithAFarewellCancelsTheWorkForIt) {
  const auto listener =
      Listen({.tls = {.cert_file = File("good.pem"), .key_file = File("key.pem")}});
  ASSERT_TRUE(listener.has_value());
  const std::uint16_t port = ParseUrl((*listener)->url())->port;
  const std::jthread client([&] { AskAndLeave(port, handler_.requests); });
  Server server({}, handler_);
  auto run = [](TlsTest& test, Server& its, const Listener& on) -> async::Task<void> {
    async::TaskScope scope(test.ctx_);
    scope.Spawn(ServeIn(scope.context(), its, on));
    for (int i = 0; i < 5000 && test.handler_.cancelled == 0; ++i) {
      const Result<void> slept = co_await async::Sleep(test.ctx_, 1ms);
      EXPECT_TRUE(slept.has_value());
    }
    EXPECT_EQ(test.handler_.cancelled, 1);
    scope.Cancel();
    co_await scope.Join();
  };
  loop_.Run(run(*this, server, **listener));
}

TEST_F(TlsTest, AFileThatCannotBeReadIsAConfigErrorThatNamesIt) {
  const TlsOptions missing[] = {
      {.ca_file = "/no/such/ca.pem"},
      {.ca_file = File("ca.pem"), .cert_file = "/no/such/cert.pem", .key_file = "/no/such/key.pem"},
      {.ca_file = File("ca.pem"), .cert_file = File("good.pem"), .key_file = "/no/such/key.pem"},
      {.ca_file = File("ca.pem"), .cert_file = File("good.pem"), .key_file = File("ca.key")},
  };
  for (const TlsOptions& options : missing) {
    const Result<std::string> body = Ask("good.pem", "https", "localhost", options);
    ASSERT_FALSE(body.has_value());
    EXPECT_EQ(body.error().code, Code::kConfigError);
    EXPECT_THAT(body.error().message, HasSubstr("tls."));
  }
  EXPECT_EQ(Listen({.tls = {.cert_file = "/no/such.pem", .key_file = ""}}).error().code,
            Code::kConfigError);
}

}  // namespace
}  // namespace weir::http
