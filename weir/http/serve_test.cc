// The server as a whole over real sockets: listening, limits, draining, many loops; and what only
// the operating system can do to a client.

#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/http/client.h"
#include "weir/http/serve_testing.h"
#include "weir/http/server.h"
#include "weir/http/socket_stream.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Answers "/" at once, "/held" when `released`, "/never" not before it is cancelled.
class HoldingHandler final : public Handler {
 public:
  async::Task<void> Handle(Exchange& exchange) override {
    ++requests;
    const std::string& target = exchange.head().target;
    while (target == "/never" || (target == "/held" && !released)) {
      const Result<void> slept = co_await async::Sleep(exchange.context(), 1ms);
      if (slept) continue;
      ++cancelled;
      co_return;
    }
    const Headers none;
    const Result<void> sent = co_await exchange.Respond(200, none, "done");
    if (!sent) ++cancelled;
  }

  std::atomic<int> requests = 0;
  std::atomic<int> cancelled = 0;
  bool released = false;
};

async::Task<Result<std::string>> Get(async::Context ctx, Client& client, const Origin& origin,
                                     std::string target) {
  const Request request{.method = "GET", .target = target};
  WEIR_CO_TRY(const std::unique_ptr<Response> response, co_await client.Send(ctx, origin, request));
  WEIR_CO_TRY(const std::string body, co_await response->ReadAll(ctx, 1000));
  co_return StrCat(response->status(), " ", body);
}

async::Task<void> GetInto(async::Context ctx, Client& client, const Origin& origin,
                          std::string target, std::vector<Result<std::string>>& results) {
  Result<std::string> result = co_await Get(ctx, client, origin, std::move(target));
  results.push_back(std::move(result));
}

class ServeTest : public testing::Test {
 public:
  using Script = async::Task<void> (*)(ServeTest&, async::TaskScope& server);

  // Runs `script` against a server that is cancelled when the script cancels its scope or ends.
  void Serve(Script script, ServerOptions options = {}, ListenOptions listen = {}) {
    const Result<std::unique_ptr<Listener>> listener = Listen(listen);
    ASSERT_TRUE(listener.has_value()) << Describe(listener.error());
    origin_ = MakeOrigin(*ParseUrl((*listener)->url()));
    Server server(options, handler_);
    server_ = &server;
    auto run = [](ServeTest& test, Server& its, const Listener& on,
                  Script what) -> async::Task<void> {
      async::TaskScope scope(test.ctx_);
      scope.Spawn(ServeIn(scope.context(), its, on));
      co_await what(test, scope);
      scope.Cancel();
      co_await scope.Join();
    };
    loop_.Run(run(*this, server, **listener, script));
  }

  async::Task<void> Pause(Duration time) {
    const Result<void> slept = co_await async::Sleep(ctx_, time);
    EXPECT_TRUE(slept.has_value());
  }

  async::Loop loop_;
  async::Context ctx_{loop_};
  HoldingHandler handler_;
  Client client_{{}, NewSystemDialer({})};
  Origin origin_;
  Server* server_ = nullptr;
  std::vector<Result<std::string>> results_;
};

TEST_F(ServeTest, OneConnectionTooManyGetsA503) {
  Serve(
      [](ServeTest& test, async::TaskScope&) -> async::Task<void> {
        async::TaskScope calls(test.ctx_);
        for (int i = 0; i < 2; ++i) {
          calls.Spawn(GetInto(test.ctx_, test.client_, test.origin_, "/held", test.results_));
        }
        while (test.handler_.requests < 2) co_await test.Pause(1ms);
        const Result<std::string> third = co_await Get(test.ctx_, test.client_, test.origin_, "/");
        EXPECT_TRUE(third && *third == "503 ") << (third ? *third : Describe(third.error()));
        test.handler_.released = true;
        co_await calls.Join();
      },
      {.max_connections = 2});
  EXPECT_EQ(results_.size(), 2U);
  EXPECT_EQ(handler_.requests, 2);
}

TEST_F(ServeTest, DrainingClosesWhatRestsFinishesWhatRunsAndCutsWhatIsLate) {
  Serve(
      [](ServeTest& test, async::TaskScope& server) -> async::Task<void> {
        const Result<std::string> first = co_await Get(test.ctx_, test.client_, test.origin_, "/");
        EXPECT_TRUE(first.has_value());
        async::TaskScope calls(test.ctx_);
        calls.Spawn(GetInto(test.ctx_, test.client_, test.origin_, "/held", test.results_));
        calls.Spawn(GetInto(test.ctx_, test.client_, test.origin_, "/never", test.results_));
        while (test.handler_.requests < 3) co_await test.Pause(1ms);
        EXPECT_EQ(test.server_->connections(), 2U);
        server.Cancel();
        test.handler_.released = true;
        co_await server.Join();
        EXPECT_EQ(test.server_->connections(), 0U);
        co_await calls.Join();
      },
      {.drain = 300ms});
  ASSERT_EQ(results_.size(), 2U);
  EXPECT_TRUE(results_[0] && *results_[0] == "200 done");
  ASSERT_FALSE(results_[1].has_value());
  EXPECT_EQ(results_[1].error().code, Code::kConnectionError);
  EXPECT_EQ(handler_.cancelled, 1);
}

TEST_F(ServeTest, ARestingConnectionDoesNotDelayTheEnd) {
  const TimePoint before = loop_.Now();
  Serve(
      [](ServeTest& test, async::TaskScope&) -> async::Task<void> {
        const Result<std::string> first = co_await Get(test.ctx_, test.client_, test.origin_, "/");
        EXPECT_TRUE(first.has_value());
        EXPECT_EQ(test.server_->connections(), 1U);
      },
      {.drain = 1h});
  EXPECT_LT(loop_.Now() - before, 1min);
}

TEST_F(ServeTest, AUnixSocketWhoseServerDiedIsTakenOverAndServes) {
  const std::string path = StrCat("/tmp/weir_serve_test_", ::getpid(), ".sock");
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ::close(dead);

  Serve(
      [](ServeTest& test, async::TaskScope&) -> async::Task<void> {
        for (int i = 0; i < 3; ++i) {
          const Result<std::string> reply =
              co_await Get(test.ctx_, test.client_, test.origin_, "/");
          EXPECT_TRUE(reply && *reply == "200 done");
        }
        EXPECT_EQ(test.client_.open_connections(), 1U);
      },
      {}, {.address = StrCat("unix:", path)});
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(PeekSocket, SeesTheEndBehindBytesThatNobodyHasRead) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  EXPECT_EQ(PeekSocket(ends[0]), ByteStream::Peek::kQuiet);
  EXPECT_EQ(::send(ends[1], "x", 1, 0), 1);
  EXPECT_EQ(PeekSocket(ends[0]), ByteStream::Peek::kBytes);
  ::shutdown(ends[1], SHUT_WR);
  EXPECT_EQ(PeekSocket(ends[0]), ByteStream::Peek::kClosed);
  ::close(ends[1]);
  ::close(ends[0]);
  EXPECT_EQ(PeekSocket(-1), ByteStream::Peek::kClosed);
}

TEST(Listen, AFileThatIsNoSocketIsLeftAlone) {
  const std::string path = StrCat("/tmp/weir_serve_test_", ::getpid(), ".txt");
  std::FILE* const file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fclose(file);

  EXPECT_FALSE(Listen({.address = StrCat("unix:", path)}).has_value());
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
  ::unlink(path.c_str());
}

TEST(Listen, AnAddressThatCannotBeIsRefused) {
  for (const char* address : {"", "8000", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                              "127.0.0.1:99999", "no-such-host.invalid:0", "unix:"}) {
    SCOPED_TRACE(address);
    const auto listener = Listen({.address = address});
    ASSERT_FALSE(listener.has_value());
    EXPECT_EQ(listener.error().code, Code::kConfigError);
  }
  const auto first = Listen({});
  const auto second = Listen({.address = (*first)->url().substr(7)});
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error().message, HasSubstr("the port is taken"));
}

TEST(ManyLoops, ShareOneListenerAndOneClient) {
  constexpr int kThreads = 3;
  constexpr int kCalls = 40;
  const Result<std::unique_ptr<Listener>> listener = Listen({});
  ASSERT_TRUE(listener.has_value());
  const Origin origin = MakeOrigin(*ParseUrl((*listener)->url()));
  HoldingHandler handler;
  std::vector<std::unique_ptr<async::Loop>> loops;
  std::vector<async::Cancellation> stops(kThreads);
  for (int i = 0; i < 2 * kThreads; ++i) loops.push_back(std::make_unique<async::Loop>());
  std::atomic<int> answered = 0;
  {
    Client client({}, NewSystemDialer({}));
    std::vector<std::jthread> servers;
    std::vector<std::jthread> callers;
    for (int i = 0; i < kThreads; ++i) {
      servers.emplace_back([&, i] {
        Server server({}, handler);
        async::Context ctx(*loops[i]);
        ctx.cancellation = &stops[i];
        loops[i]->Run(ServeIn(ctx, server, **listener));
      });
      callers.emplace_back([&, i] {
        async::Loop& loop = *loops[kThreads + i];
        for (int call = 0; call < kCalls; ++call) {
          const Result<std::string> reply =
              loop.Run(Get(async::Context(loop), client, origin, "/"));
          if (reply && *reply == "200 done") ++answered;
        }
      });
    }
    std::size_t most = 0;  // asked for from a thread that is none of the loops'
    for (int i = 0; i < 1000; ++i) most = std::max(most, client.open_connections());
    callers.clear();
    for (int i = 0; i < kThreads; ++i) loops[i]->Post([&, i] { stops[i].Cancel(); });
    servers.clear();
    EXPECT_LE(most, std::size_t{kThreads});
  }
  EXPECT_EQ(answered, kThreads * kCalls);
  EXPECT_EQ(handler.requests, kThreads * kCalls);
}

// A server that reads a part of the second request, then dies: with bytes unread the system sends a
// reset at once and never acknowledges what was read.
TEST_F(ServeTest, ARequestOfWhichAPartWasReadIsNotSentAgain) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  origin_ = MakeOrigin(
      *ParseUrl(StrCat("http://127.0.0.1:", static_cast<unsigned>(ntohs(address.sin_port)))));
  std::atomic<int> connections = 0;
  {
    const std::jthread server([&] {
      for (;;) {
        const int connection = ::accept(listener, nullptr, nullptr);
        if (connection < 0) return;
        char buffer[4096];
        if (++connections == 1) {
          EXPECT_GT(::recv(connection, buffer, sizeof(buffer), 0), 10);
          constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
          EXPECT_GT(::send(connection, kOk.data(), kOk.size(), MSG_NOSIGNAL), 0);
          EXPECT_EQ(::recv(connection, buffer, 10, 0), 10);
        }
        ::close(connection);
      }
    });
    const Result<std::string> first = loop_.Run(Get(ctx_, client_, origin_, "/"));
    const Result<std::string> second = loop_.Run(Get(ctx_, client_, origin_, "/"));
    EXPECT_TRUE(first.has_value());
    EXPECT_EQ(second.error().code, Code::kConnectionError);
    ::shutdown(listener, SHUT_RDWR);
  }
  ::close(listener);
  EXPECT_EQ(connections, 1);
}

}  // namespace
}  // namespace weir::http
