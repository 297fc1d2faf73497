// The system's dialer over loopback: what connects, and what is said when nothing does.

#include "weir/http/dialer.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/http/client.h"
#include "weir/http/race.h"
#include "weir/http/server.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Endpoint = boost::asio::ip::tcp::endpoint;

class DialerTest : public testing::Test {
 public:
  Result<Connection> Dial(std::string_view url, Duration connect_timeout = 5s) {
    return Dial(ctx_, url, connect_timeout);
  }
  Result<Connection> Dial(async::Context ctx, std::string_view url, Duration connect_timeout) {
    const Origin origin = MakeOrigin(*ParseUrl(url));
    return loop_.Run(dialer_->Dial(ctx, origin, connect_timeout));
  }

  async::Loop loop_;
  async::Context ctx_{loop_};
  std::unique_ptr<Dialer> dialer_ = NewSystemDialer({.fallback_delay = 10ms});
};

// A listening socket whose queue is full: whoever connects waits for ever.
class FullSocket {
 public:
  FullSocket() {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    if (listener_ < 0) std::abort();
    sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, generic, size), 0);
    EXPECT_EQ(::listen(listener_, 0), 0);
    ::getsockname(listener_, generic, &size);
    url_ = StrCat("http://127.0.0.1:", static_cast<unsigned>(ntohs(address.sin_port)));
    for (int& filler : fillers_) {
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      const int connected = ::connect(filler, generic, size);
      EXPECT_TRUE(connected == 0 || errno == EINPROGRESS);  // some stay so, which is the point
    }
  }
  ~FullSocket() {
    for (const int filler : fillers_) ::close(filler);
    ::close(listener_);
  }
  FullSocket(const FullSocket&) = delete;
  FullSocket& operator=(const FullSocket&) = delete;

  const std::string& url() const { return url_; }

 private:
  int listener_ = -1;
  int fillers_[4] = {};
  std::string url_;
};

TEST_F(DialerTest, ARefusedConnectionSaysThatNothingListensThere) {
  std::string url;
  {
    const auto listener = Listen({});
    url = (*listener)->url();
  }
  const Result<Connection> connection = Dial(url);

  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().code, Code::kConnectionError);
  EXPECT_THAT(connection.error().message, HasSubstr("nothing listens at 127.0.0.1:"));
  EXPECT_THAT(connection.error().cause, HasSubstr("refused"));
}

TEST_F(DialerTest, ANameThatNobodyKnowsIsNamed) {
  const Result<Connection> connection = Dial("http://no-such-host.invalid:80");

  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().code, Code::kConnectionError);
  EXPECT_THAT(connection.error().message, HasSubstr("'no-such-host.invalid'"));
  EXPECT_THAT(connection.error().message, HasSubstr("DNS"));
}

TEST_F(DialerTest, TheClockOfConnectingNamesItself) {
  const FullSocket full;
  const Result<Connection> connection = Dial(full.url(), 40ms);

  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().code, Code::kTimeout);
  EXPECT_THAT(connection.error().message, HasSubstr("`connect` of 40 ms"));
  EXPECT_THAT(connection.error().message, HasSubstr("timeouts.connect"));
}

TEST_F(DialerTest, TheLimitOfTheWholeCallCountsWhileConnecting) {
  const FullSocket full;
  const Result<Connection> connection = Dial(ctx_.WithTimeout(40ms), full.url(), 5s);

  ASSERT_FALSE(connection.has_value());
  EXPECT_THAT(connection.error().message, HasSubstr("`total` of 40 ms"));
}

TEST_F(DialerTest, CancellingEndsAConnectionInTheMakingAndOneThatHasNotBegun) {
  const FullSocket full;
  async::Cancellation cancellation;
  async::Context doomed = ctx_;
  doomed.cancellation = &cancellation;
  async::Alarm later(loop_, [&] { cancellation.Cancel(); });
  later.Arm(loop_.Now() + 5ms);

  const Result<Connection> under_way = Dial(doomed, full.url(), 5s);
  EXPECT_EQ(under_way.error().code, Code::kCancelled);

  for (const std::string_view url :
       {std::string_view(full.url()), std::string_view("http://no-such-host.invalid"),
        std::string_view("unix:/no/such.sock")}) {
    SCOPED_TRACE(url);
    const Result<Connection> never = Dial(doomed, url, 5s);
    EXPECT_EQ(never.error().code, Code::kCancelled);
  }
}

TEST_F(DialerTest, ANameWithADeadAddressIsReachedByItsOtherOne) {
  const auto listener = Listen({.address = "127.0.0.1:0"});
  const std::string port = (*listener)->url().substr((*listener)->url().rfind(':'));
  const Result<Connection> connection = Dial(StrCat("http://localhost", port));

  EXPECT_TRUE(connection.has_value()) << Describe(connection.error());
}

TEST_F(DialerTest, AMissingSocketFileIsNamed) {
  const Result<Connection> connection = Dial("unix:/no/such.sock");

  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().code, Code::kConnectionError);
  EXPECT_THAT(connection.error().message, HasSubstr("/no/such.sock"));
}

TEST_F(DialerTest, ABadProxyIsAConfigErrorBeforeAnythingIsSent) {
  dialer_ = NewSystemDialer({.proxy = {.all = "gopher://p"}});
  EXPECT_EQ(Dial("http://far.example").error().code, Code::kConfigError);
}

TEST_F(DialerTest, AProxyThatIsDownIsSaidToBeTheProxy) {
  Result<std::unique_ptr<Listener>> listener = Listen({});
  dialer_ = NewSystemDialer({.proxy = {.all = (*listener)->url()}});
  listener->reset();
  const Result<Connection> connection = Dial("https://far.example");

  ASSERT_FALSE(connection.has_value());
  EXPECT_THAT(connection.error().message, HasSubstr("proxy 127.0.0.1:"));
  EXPECT_THAT(connection.error().message, HasSubstr("HTTPS_PROXY"));
  EXPECT_THAT(connection.error().message, Not(HasSubstr("vLLM")));
  EXPECT_THAT(connection.error().cause, HasSubstr("refused"));

  dialer_ = NewSystemDialer({.proxy = {.all = "http://no-such-proxy.invalid"}});
  const Result<Connection> unknown = Dial("https://far.example");
  EXPECT_THAT(unknown.error().message, HasSubstr("proxy no-such-proxy.invalid:80"));
}

TEST_F(DialerTest, AProxyThatDoesNotAnswerIsNamedBesideTheClock) {
  const FullSocket full;
  const auto silent = Listen({});  // takes connections and says nothing
  for (const std::string_view url :
       {std::string_view(full.url()), std::string_view((*silent)->url())}) {
    dialer_ = NewSystemDialer({.proxy = {.all = std::string(url)}});
    const Result<Connection> connection = Dial("https://far.example", 40ms);
    ASSERT_FALSE(connection.has_value());
    EXPECT_EQ(connection.error().code, Code::kTimeout);
    EXPECT_THAT(connection.error().message, HasSubstr("https://far.example:443 through proxy"));
    EXPECT_THAT(connection.error().message, HasSubstr("`connect` of 40 ms"));
  }
}

class RaceTest : public DialerTest {
 public:
  // Who was reached.
  Result<Endpoint> Connect(Endpoints endpoints, Duration fallback_delay, Duration total = 10s) {
    auto run = [](async::Context ctx, Endpoints to,
                  Duration delay) -> async::Task<Result<Endpoint>> {
      WEIR_CO_TRY(const TcpSocket socket,
                  co_await ConnectToAny(ctx, std::move(to), "host:1", delay));
      co_return socket.remote_endpoint();
    };
    return loop_.Run(run(ctx_.WithTimeout(total), std::move(endpoints), fallback_delay));
  }

  static Endpoint At(std::string_view url) {
    const Url parsed = *ParseUrl(url);
    return {boost::asio::ip::make_address(parsed.host), parsed.port};
  }
};

TEST_F(RaceTest, AnAddressThatStaysSilentDoesNotHoldUpTheNextOne) {
  const FullSocket silent;
  const auto listener = Listen({});
  const Endpoint good = At((*listener)->url());
  const Result<Endpoint> reached = Connect({At(silent.url()), At(silent.url()), good}, 5ms);

  ASSERT_TRUE(reached.has_value()) << Describe(reached.error());
  EXPECT_EQ(*reached, good);
}

TEST_F(RaceTest, AnAddressThatRefusesIsFollowedByTheNextOneAtOnce) {
  const auto listener = Listen({});
  const Endpoint good = At((*listener)->url());
  const TimePoint before = loop_.Now();
  const Result<Endpoint> reached = Connect({At("http://127.0.0.1:1"), good}, 1h);

  EXPECT_TRUE(reached.has_value());
  EXPECT_LT(loop_.Now() - before, 9s);  // the context would have ended the wait
}

TEST_F(RaceTest, WhenNoneAnswersTheFirstFailureOrTheClockIsTold) {
  const Endpoint refusing = At("http://127.0.0.1:1");
  const Result<Endpoint> refused = Connect({refusing, refusing}, 1h);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kConnectionError);
  EXPECT_THAT(refused.error().message, HasSubstr("nothing listens at host:1"));

  const FullSocket silent;
  const Result<Endpoint> late = Connect({refusing, At(silent.url())}, 1ms, 30ms);
  EXPECT_EQ(late.error().code, Code::kTimeout);
}

TEST(Interleave, FamiliesTakeTurnsAndTheResolversFirstLeads) {
  const auto list = [](std::initializer_list<const char*> addresses) {
    Endpoints endpoints;
    for (const char* address : addresses) {
      endpoints.emplace_back(boost::asio::ip::make_address(address), 1);
    }
    return endpoints;
  };
  EXPECT_EQ(Interleave(list({"::1", "::2", "::3", "1.1.1.1"})),
            list({"::1", "1.1.1.1", "::2", "::3"}));
  EXPECT_EQ(Interleave(list({"1.1.1.1", "1.1.1.2", "::1", "::2"})),
            list({"1.1.1.1", "::1", "1.1.1.2", "::2"}));
  EXPECT_EQ(Interleave(list({"::1"})), list({"::1"}));
}

// A forwarding proxy, as far as the client can tell.
class ForwardHandler final : public Handler {
 public:
  async::Task<void> Handle(Exchange& exchange) override {
    target = exchange.head().target;
    host = std::string(exchange.head().headers.Find("Host").value_or(""));
    authorization = std::string(exchange.head().headers.Find("Proxy-Authorization").value_or(""));
    const Headers none;
    const Result<void> sent = co_await exchange.Respond(200, none, "forwarded");
    EXPECT_TRUE(sent.has_value());
  }

  std::string target;
  std::string host;
  std::string authorization;
};

TEST_F(DialerTest, AForwardingProxyGetsTheWholeUrlAndItsCredentials) {
  const auto listener = Listen({});
  ForwardHandler handler;
  Server server({}, handler);
  const std::string proxy = StrCat("http://me:secret@", (*listener)->url().substr(7));
  Client client({}, NewSystemDialer({.proxy = {.http = proxy}}));
  auto run = [](DialerTest& test, Server& its, const Listener& on,
                Client& through) -> async::Task<Result<std::string>> {
    async::TaskScope scope(test.ctx_);
    auto serve = [](async::Context ctx, Server& s, const Listener& l) -> async::Task<void> {
      const Result<void> served = co_await s.Serve(ctx, l);
      EXPECT_TRUE(served.has_value());
    };
    scope.Spawn(serve(scope.context(), its, on));
    const Origin origin = MakeOrigin(*ParseUrl("http://far.example:81/base"));
    const Request request{.method = "GET", .target = "/x"};
    const auto response = co_await through.Send(test.ctx_, origin, request);
    Result<std::string> body = Fail(Code::kInternal, "no response");
    if (response) body = co_await (*response)->ReadAll(test.ctx_, 100);
    scope.Cancel();
    co_await scope.Join();
    co_return body;
  };
  const Result<std::string> body = loop_.Run(run(*this, server, **listener, client));

  EXPECT_TRUE(body && *body == "forwarded");
  EXPECT_EQ(handler.target, "http://far.example:81/base/x");
  EXPECT_EQ(handler.host, "far.example:81");
  EXPECT_EQ(handler.authorization, "Basic bWU6c2VjcmV0");
}

}  // namespace
}  // namespace weir::http
