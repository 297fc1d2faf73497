// The ways to break an answer off, as a client of this module sees them: over streams in memory,
// where the bytes are seen too, and over the operating system's sockets.

#include <gmock/gmock.h>
#include <unistd.h>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/http/client.h"
#include "weir/http/conversation.h"
#include "weir/http/memory_testing.h"
#include "weir/http/serve_testing.h"
#include "weir/http/server.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;

// Breaks off as the last word of the target says; the first says where.
class BreakingHandler final : public Handler {
 public:
  async::Task<void> Handle(Exchange& exchange) override {
    const std::string target = exchange.head().target;
    const Headers none;
    Result<void> sent;
    if (target.starts_with("/sized")) {
      sent = co_await exchange.BeginSized(200, none, 10);
    } else if (!target.starts_with("/early")) {
      sent = co_await exchange.Begin(200, none);
    }
    if (sent && !target.starts_with("/early")) sent = co_await exchange.Write("piece");
    EXPECT_TRUE(sent.has_value());
    if (target.ends_with("/reset")) co_await exchange.Break(BreakOff::kReset);
    if (target.ends_with("/close")) co_await exchange.Break(BreakOff::kClose);
    if (target.ends_with("/chunk")) co_await exchange.Break(BreakOff::kTruncatedChunk);
    if (target.ends_with("/short")) sent = co_await exchange.End();
    if (target.ends_with("/long")) sent = co_await exchange.Write("123456");
    if (target.ends_with("/whole")) sent = co_await exchange.Write("-five");
    if (target.ends_with("/whole")) sent = co_await exchange.End();
    last = sent;
    gone = exchange.context().cancelled();
  }

  Result<void> last;
  bool gone = false;
};

struct Seen {
  std::string body;
  Error error;
  Duration took{};
};

async::Task<void> Ask(async::Context ctx, Client& client, std::string url, std::string target,
                      Seen& seen) {
  const Origin origin = MakeOrigin(*ParseUrl(url));
  const Request request{.method = "GET", .target = target};
  const TimePoint start = ctx.Now();
  Result<std::unique_ptr<Response>> response = co_await client.Send(ctx, origin, request);
  while (response) {
    Result<std::string_view> piece = co_await (*response)->Read(ctx);
    if (!piece) response = Fail(std::move(piece).error());
    if (!response || piece->empty()) break;
    seen.body += *piece;
  }
  if (!response) seen.error = response.error();
  seen.took = ctx.Now() - start;
}

// What a client sees of one request over real sockets.
Seen AskOverSockets(std::string target, Handler& handler, std::string address = "127.0.0.1:0") {
  Seen seen;
  async::Loop loop;
  const Result<std::unique_ptr<Listener>> listener = Listen({.address = std::move(address)});
  EXPECT_TRUE(listener.has_value());
  Server server({}, handler);
  Client client({}, NewSystemDialer({}));
  auto run = [](async::Context ctx, Server& its, const Listener& on, Client& from, std::string what,
                Seen& out) -> async::Task<void> {
    async::TaskScope scope(ctx);
    scope.Spawn(ServeIn(scope.context(), its, on));
    co_await Ask(ctx, from, on.url(), std::move(what), out);
    scope.Cancel();
    co_await scope.Join();
  };
  loop.Run(run(async::Context(loop), server, **listener, client, std::move(target), seen));
  return seen;
}

async::Task<void> Converse(async::Context ctx, ServerState& state,
                           std::unique_ptr<ByteStream> stream) {
  Conversation conversation(ctx, state, std::move(stream));
  co_await conversation.Run();
}

// The same over streams in memory, on virtual time.
Seen AskInMemory(std::string target, Handler& handler) {
  Seen seen;
  async::Loop loop(async::Loop::Time::kVirtual);
  ServerState state({}, handler);
  auto run = [](async::Context ctx, ServerState& its, std::string what,
                Seen& out) -> async::Task<void> {
    async::TaskScope peers(ctx);
    {
      MemoryDialer::Peer peer = [&its, ctx](std::unique_ptr<ByteStream> stream, int) {
        return Converse(ctx, its, std::move(stream));
      };
      Client client({}, std::make_unique<MemoryDialer>(peers, std::move(peer)));
      co_await Ask(ctx, client, "http://server", std::move(what), out);
    }
    co_await peers.Join();
  };
  loop.Run(run(async::Context(loop), state, std::move(target), seen));
  return seen;
}

struct BreakOffCase {
  const char* target;
  Code code;
  std::string_view body;
  std::string_view words;  // in the message or the cause
};

constexpr BreakOffCase kBreakOffCases[] = {
    {"/stream/reset", Code::kStreamTruncated, "piece", "reset by peer"},
    {"/stream/close", Code::kStreamTruncated, "piece", "in the middle of a body"},
    {"/stream/chunk", Code::kStreamTruncated, "piece", "in the middle of a body"},
    {"/sized/reset", Code::kStreamTruncated, "piece", "reset by peer"},
    {"/sized/close", Code::kStreamTruncated, "piece", "in the middle of a body"},
    {"/sized/chunk", Code::kStreamTruncated, "piece", "in the middle of a body"},
    {"/sized/short", Code::kStreamTruncated, "piece", "in the middle of a body"},
    {"/early/reset", Code::kConnectionError, "", "reset by peer"},
    {"/early/close", Code::kConnectionError, "", "closed the connection"},
    {"/early/chunk", Code::kConnectionError, "", "closed the connection"},
};

TEST(BreakOff, IsSeenByAClientAsWhatItIs) {
  for (const bool memory : {true, false}) {
    for (const BreakOffCase& one : kBreakOffCases) {
      SCOPED_TRACE(StrCat(one.target, memory ? " in memory" : " over TCP"));
      BreakingHandler handler;
      const Seen seen =
          memory ? AskInMemory(one.target, handler) : AskOverSockets(one.target, handler);
      EXPECT_EQ(seen.error.code, one.code) << Describe(seen.error);
      EXPECT_EQ(seen.body, one.body);
      EXPECT_THAT(StrCat(seen.error.message, "; ", seen.error.cause), HasSubstr(one.words));
      EXPECT_TRUE(handler.gone);
    }
  }
}

TEST(BreakOff, AUnixSocketCannotBeResetAndIsClosed) {
  BreakingHandler handler;
  const Seen seen = AskOverSockets("/stream/reset", handler,
                                   StrCat("unix:/tmp/weir_break_off_test_", ::getpid(), ".sock"));

  EXPECT_EQ(seen.error.code, Code::kStreamTruncated);
  EXPECT_EQ(seen.body, "piece");
}

TEST(BreakOff, TheEndIsThereAtOnce) {
  for (const char* target : {"/stream/close", "/stream/chunk"}) {
    BreakingHandler handler;
    EXPECT_EQ(AskInMemory(target, handler).took, 0s) << target;
  }
}

TEST(BreakOff, ASizedBodyIsWhatItsHeadSays) {
  BreakingHandler handler;
  EXPECT_EQ(AskOverSockets("/sized/whole", handler).body, "piece-five");
  EXPECT_TRUE(handler.last.has_value());
  EXPECT_FALSE(handler.gone);

  const Seen longer = AskInMemory("/sized/long", handler);
  EXPECT_EQ(longer.error.code, Code::kStreamTruncated);
  EXPECT_EQ(longer.body, "piece");
  EXPECT_EQ(handler.last.error().code, Code::kInternal);
  EXPECT_THAT(handler.last.error().message, HasSubstr("longer"));

  (void)AskInMemory("/sized/short", handler);
  EXPECT_THAT(handler.last.error().message, HasSubstr("shorter"));
}

TEST(BreakOff, ATruncatedChunkPromisesMoreThanComes) {
  std::string reply;
  BreakingHandler handler;
  async::Loop loop(async::Loop::Time::kVirtual);
  ServerState state({}, handler);
  auto run = [](async::Context ctx, ServerState& its, std::string& out) -> async::Task<void> {
    async::TaskScope scope(ctx);
    const auto plain = std::make_shared<StreamScript>();
    StreamPair pair = NewMemoryStreams(*ctx.loop, plain, plain);
    scope.Spawn(Converse(ctx, its, std::move(pair.server)));
    const IoResult written =
        co_await pair.client->Write("GET /stream/chunk HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_FALSE(std::get<0>(written));
    out = co_await ReadToEnd(*pair.client);
    // This client keeps its side open; the server does not wait for it for ever.
    co_await scope.Join();
  };
  loop.Run(run(async::Context(loop), state, reply));

  EXPECT_THAT(reply, EndsWith("\r\n\r\n5\r\npiece\r\n400\r\n"));
  EXPECT_EQ(loop.Now() - TimePoint(), 1s);
}

}  // namespace
}  // namespace weir::http
