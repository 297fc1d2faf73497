// One connection of the server at a time, over streams in memory and on virtual time.

#include "weir/http/server.h"

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/http/conversation.h"
#include "weir/http/memory_testing.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// What it does with a request stands in its target.
class ScriptedHandler final : public Handler {
 public:
  async::Task<void> Handle(Exchange& exchange) override {
    targets.push_back(exchange.head().target);
    ++running;
    const std::string& target = targets.back();
    if (target == "/wait" || target == "/nap") {
      const Duration time = target == "/wait" ? Duration(100s) : Duration(2s);
      const Result<void> slept = co_await async::Sleep(exchange.context(), time);
      if (!slept) cancelled_at = exchange.context().Now() - TimePoint();
    }
    if (target == "/cut" || target == "/stream" || target == "/flood" || target == "/none") {
      last = co_await Stream(exchange);
      streamed_until = exchange.context().Now() - TimePoint();
    } else if (target != "/silent") {
      last = co_await Whole(exchange);
    }
    --running;
  }

  std::vector<std::string> targets;
  int running = 0;
  std::size_t flooded = 0;
  Duration pause{};  // between two pieces of a stream
  Result<void> last;
  Duration cancelled_at{};
  Duration streamed_until{};

 private:
  static async::Task<Result<void>> Whole(Exchange& exchange) {
    const std::string& target = exchange.head().target;
    Headers headers;
    if (target == "/inject") headers.Add("X", "a\r\nSet-Cookie: b");
    const std::string body = StrCat(target, ":", exchange.body());
    WEIR_CO_CHECK(co_await exchange.Respond(200, headers, body));
    if (target == "/twice") co_return co_await exchange.Respond(200, headers, "second");
    co_return Result<void>();
  }

  async::Task<Result<void>> Stream(Exchange& exchange) {
    const std::string& target = exchange.head().target;
    const Headers none;
    WEIR_CO_CHECK(co_await exchange.Begin(target == "/none" ? 204 : 200, none));
    if (target == "/none") co_return co_await exchange.End();
    const std::string piece(100'000, 'x');
    while (target == "/flood" && flooded < 1'000'000) {
      WEIR_CO_CHECK(co_await exchange.Write(piece));
      flooded += piece.size();
    }
    WEIR_CO_CHECK(co_await exchange.Write("piece"));
    WEIR_CO_CHECK(co_await async::Sleep(exchange.context(), pause));
    if (target == "/cut") co_return Result<void>();
    co_return co_await exchange.End();
  }
};

struct Step {
  Duration pause;
  std::string bytes;
};

class ServerTest : public testing::Test {
 public:
  // A client that plays `steps`, then reads until the server closes or `patience` is over.
  void Talk(std::vector<Step> steps, Duration patience = 1000s) {
    auto run = [](ServerTest& test, std::vector<Step> its, Duration wait) -> async::Task<void> {
      async::TaskScope scope(test.ctx_);
      ServerState state(test.options_, test.handler_);
      StreamPair pair =
          NewMemoryStreams(test.loop_, std::make_shared<StreamScript>(), test.server_script_);
      scope.Spawn(Serve(scope.context(), state, std::move(pair.server)));
      async::Alarm drain(test.loop_, [&] {
        state.draining = true;
        for (Conversation* conversation : state.open) conversation->Drain();
      });
      drain.Arm(test.drain_at_);
      async::TaskScope reader(test.ctx_);
      if (!test.deaf_) reader.Spawn(test.Listen(*pair.client));
      for (const Step& step : its) {
        const Result<void> slept = co_await async::Sleep(test.ctx_, step.pause);
        EXPECT_TRUE(slept.has_value());
        const IoResult written = co_await pair.client->Write(step.bytes);
        test.heard_out_ = !std::get<0>(written);
        if (!test.heard_out_) break;
      }
      if (test.half_close_) pair.client->ShutdownSend();
      const async::Context patient = test.ctx_.WithTimeout(wait);
      while (test.deaf_ || reader.running() > 0) {
        const Result<void> slept = co_await async::Sleep(patient, 10ms);
        if (!slept) break;
      }
      pair.client->Close();
      co_await reader.Join();
      co_await scope.Join();
      EXPECT_TRUE(state.open.empty());
      EXPECT_EQ(test.handler_.running, 0);
    };
    loop_.Run(run(*this, std::move(steps), patience));
  }
  void Talk(std::string bytes) { Talk(std::vector<Step>{{0s, std::move(bytes)}}); }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  ServerOptions options_;
  ScriptedHandler handler_;
  std::shared_ptr<StreamScript> server_script_ = std::make_shared<StreamScript>();
  TimePoint drain_at_ = kNever;
  bool half_close_ = false;
  bool heard_out_ = false;  // everything that was said was read
  bool deaf_ = false;       // reads nothing
  Duration chews_{};        // pauses after each 10,000 bytes
  std::string reply_;
  Duration closed_at_{};

 private:
  static async::Task<void> Serve(async::Context ctx, ServerState& state,
                                 std::unique_ptr<ByteStream> stream) {
    Conversation conversation(ctx, state, std::move(stream));
    co_await conversation.Run();
  }

  async::Task<void> Listen(ByteStream& stream) {
    reply_.clear();
    std::vector<char> buffer(10'000);
    for (;;) {
      const IoResult read = co_await stream.ReadSome(buffer);
      if (std::get<0>(read)) break;
      reply_.append(buffer.data(), std::get<1>(read));
      if (chews_ == Duration::zero()) continue;
      EXPECT_LE(handler_.flooded, reply_.size() + server_script_->capacity);
      const Result<void> slept = co_await async::Sleep(ctx_, chews_);
      EXPECT_TRUE(slept.has_value());
    }
    closed_at_ = loop_.Now() - TimePoint();
  }
};

std::string Get(std::string_view target, std::string_view fields = "") {
  return StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n", fields, "\r\n");
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInTheirOrderHoweverTheyAreCut) {
  for (const std::size_t cut : {0, 1, 7, 100}) {
    *server_script_ = {.read_piece = cut};
    handler_.targets.clear();
    Talk(StrCat(Get("/a"), "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz",
                "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
                "2\r\nde\r\n1\r\nf\r\n0\r\n\r\n", Get("/d", "Connection: close\r\n"), Get("/no")));

    EXPECT_THAT(handler_.targets, testing::ElementsAre("/a", "/b", "/c", "/d"));
    EXPECT_LT(reply_.find("/a:"), reply_.find("/b:xyz"));
    EXPECT_LT(reply_.find("/b:xyz"), reply_.find("/c:def"));
    EXPECT_THAT(reply_, EndsWith("Connection: close\r\n\r\n/d:"));
  }
}

TEST_F(ServerTest, ALargeBodyArrivesWhole) {
  const std::string body(3 << 20, 'b');
  Talk(StrCat("POST /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ", body.size(),
              "\r\n\r\n", body));

  EXPECT_THAT(reply_, EndsWith(StrCat("/big:", body)));
}

struct RefusedRequest {
  const char* name;
  std::string request;
  std::string_view status;
};

TEST_F(ServerTest, WhatIsWrongWithARequestIsSaidByItsStatus) {
  options_.header_bytes = 4000;
  options_.body_bytes = 1000;
  std::string many;
  for (int i = 0; i < 300; ++i) many += "a: b\r\n";
  const RefusedRequest cases[] = {
      {"not_http", "\x16\x03\x01\x02 client hello\r\n\r\n", "400 "},
      {"header_bomb", Get("/", StrCat("X: ", std::string(5000, 'x'), "\r\n")), "431 "},
      {"many_headers", Get("/", many), "431 "},
      {"body_too_large", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", "413 "},
      {"chunks_too_large",
       StrCat("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n",
              std::string(2000, 'x')),
       "413 "},
      {"smuggled",
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400 "},
      {"odd_coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", "501 "},
      {"version", "GET / HTTP/3.0\r\nHost: h\r\n\r\n", "505 "},
      {"expectation",
       "POST / HTTP/1.1\r\nHost: h\r\nExpect: a-miracle\r\nContent-Length: 2\r\n\r\n", "417 "},
  };
  for (const RefusedRequest& c : cases) {
    SCOPED_TRACE(c.name);
    Talk(c.request);
    EXPECT_THAT(reply_, StartsWith(StrCat("HTTP/1.1 ", c.status)));
    EXPECT_THAT(reply_, HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(handler_.targets.empty());
  }
}

TEST_F(ServerTest, WhoIsRefusedWhileItSendsIsHeardOutForAMoment) {
  options_.body_bytes = 1000;
  for (const std::size_t size : {500'000, 3'000'000}) {
    Talk(StrCat("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ", size, "\r\n\r\n",
                std::string(size, 'x')));
    EXPECT_THAT(reply_, StartsWith("HTTP/1.1 413 "));
    EXPECT_EQ(heard_out_, size < 1'000'000);
  }
}

TEST_F(ServerTest, WhoAsksBeforeSendingItsBodyIsInvited) {
  Talk({{0s,
         "POST /e HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\n"
         "Content-Length: 2\r\n\r\n"},
        {5s, "ok"}});

  EXPECT_THAT(reply_, StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply_, EndsWith("/e:ok"));
}

TEST_F(ServerTest, WhoSendsItsBodyUnaskedIsNotInvited) {
  Talk(
      "POST /e HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\n"
      "Content-Length: 2\r\n\r\nok");

  EXPECT_THAT(reply_, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply_, EndsWith("/e:ok"));
}

// As over TLS, where nothing can be written without waiting.
TEST_F(ServerTest, AnInvitationThatHadToWaitLeavesTheBodyItsTime) {
  server_script_->capacity = 10;
  Talk({{0s,
         "POST /e HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\n"
         "Content-Length: 2\r\n\r\n"},
        {5s, "ok"}});

  EXPECT_THAT(reply_, EndsWith("/e:ok"));
}

TEST_F(ServerTest, HeadGetsAHeadAndTheConnectionGoesOn) {
  Talk(StrCat("HEAD /h HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n",
              Get("/none"), Get("/last", "Connection: close\r\n")));

  EXPECT_THAT(reply_, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(reply_, Not(HasSubstr("/h:")));
  EXPECT_THAT(reply_, Not(HasSubstr("piece")));
  EXPECT_THAT(reply_, HasSubstr("204 No Content\r\n"));
  EXPECT_THAT(reply_, Not(HasSubstr("0\r\n\r\nHTTP")));
  EXPECT_THAT(reply_, EndsWith("/last:"));
}

TEST_F(ServerTest, AnOldClientGetsAStreamThatEndsWithTheConnection) {
  Talk("GET /stream HTTP/1.0\r\n\r\n");

  EXPECT_THAT(reply_, Not(HasSubstr("chunked")));
  EXPECT_THAT(reply_, EndsWith("Connection: close\r\n\r\npiece"));
}

TEST_F(ServerTest, AnOldClientMayKeepItsConnectionWhenLengthsAreKnown) {
  Talk(StrCat("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /b HTTP/1.0\r\n\r\n",
              "GET /no HTTP/1.0\r\n\r\n"));

  EXPECT_THAT(reply_, HasSubstr("Connection: keep-alive\r\n\r\n/a:"));
  EXPECT_THAT(reply_, EndsWith("Connection: close\r\n\r\n/b:"));
  EXPECT_THAT(handler_.targets, testing::ElementsAre("/a", "/b"));
}

TEST_F(ServerTest, AStreamIsFramedPieceByPiece) {
  Talk(Get("/stream", "Connection: close\r\n"));

  EXPECT_THAT(reply_, EndsWith("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                               "5\r\npiece\r\n0\r\n\r\n"));
}

TEST_F(ServerTest, BytesBehindARequestAreTheNextOneOrItsEnd) {
  Talk(StrCat("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nokNOT HTTP\r\n\r\n"));

  EXPECT_THAT(reply_, HasSubstr("\r\n\r\n/a:okHTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(handler_.targets, testing::ElementsAre("/a"));
}

TEST_F(ServerTest, ALargeHeadArrivesWholeHoweverItIsCut) {
  for (const std::size_t cut : {0, 1, 1000, 4096}) {
    *server_script_ = {.read_piece = cut};
    Talk(Get("/l", StrCat("X: ", std::string(60'000, 'x'), "\r\nConnection: close\r\n")));
    EXPECT_THAT(reply_, EndsWith("/l:"));
  }
}

TEST_F(ServerTest, AHandlerThatSaysNothingGivesA500AndOneThatStopsMidwayIsCut) {
  Talk(Get("/silent", "Connection: close\r\n"));
  EXPECT_THAT(reply_, StartsWith("HTTP/1.1 500 "));

  Talk(Get("/cut"));
  EXPECT_THAT(reply_, EndsWith("5\r\npiece\r\n"));
}

TEST_F(ServerTest, ASecondAnswerIsRefused) {
  Talk(Get("/twice", "Connection: close\r\n"));

  EXPECT_THAT(reply_, EndsWith("/twice:"));
  ASSERT_FALSE(handler_.last.has_value());
  EXPECT_EQ(handler_.last.error().code, Code::kInternal);
}

TEST_F(ServerTest, AFieldThatWouldBreakOutOfItsLineIsNotSent) {
  Talk(Get("/inject", "Connection: close\r\n"));

  EXPECT_THAT(reply_, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(reply_, Not(HasSubstr("Set-Cookie")));
  EXPECT_EQ(handler_.last.error().code, Code::kInvalidRequest);
}

struct Slow {
  const char* name;
  std::vector<Step> steps;
  Duration closed;
};

TEST_F(ServerTest, WhoeverIsTooSlowIsDropped) {
  std::vector<Step> slowloris = {{0s, "GET / HTTP/1.1\r\n"}};
  for (int i = 0; i < 30; ++i) slowloris.push_back({1s, "X: y\r\n"});
  const Slow cases[] = {
      {"nothing_comes", {}, 5s},
      {"slowloris", slowloris, 10s},
      {"half_a_body", {{0s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf"}}, 30s},
      {"rests_too_long", {{0s, Get("/a")}}, 5s},
  };
  for (const Slow& c : cases) {
    SCOPED_TRACE(c.name);
    const Duration before = loop_.Now() - TimePoint();
    Talk(c.steps);
    EXPECT_GE(closed_at_ - before, c.closed);
    EXPECT_LT(closed_at_ - before, c.closed + 100ms);
  }
}

TEST_F(ServerTest, WhoeverIsSlowButSteadyIsServed) {
  std::vector<Step> steps = {{0s, "POST /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"},
                             {9s, "Content-Length: 5\r\n\r\n"}};
  for (const char* byte : {"a", "b", "c", "d", "e"}) steps.push_back({25s, byte});
  Talk(steps);

  EXPECT_THAT(reply_, EndsWith("/slow:abcde"));
}

TEST_F(ServerTest, AClientThatReadsSlowlyHoldsItsHandlerBackAndGetsEverything) {
  chews_ = 1s;
  Talk({{0s, Get("/flood", "Connection: close\r\n")}});

  EXPECT_TRUE(handler_.last.has_value());
  EXPECT_EQ(handler_.flooded, 1'000'000U);
  EXPECT_THAT(reply_, EndsWith("5\r\npiece\r\n0\r\n\r\n"));
}

TEST_F(ServerTest, AClientThatReadsNothingIsDroppedAndItsHandlerTold) {
  deaf_ = true;
  Talk({{0s, Get("/flood")}}, 100s);

  EXPECT_EQ(handler_.flooded, 0U);
  EXPECT_GE(handler_.streamed_until, 60s);
  EXPECT_LT(handler_.streamed_until, 61s);
  ASSERT_FALSE(handler_.last.has_value());
  EXPECT_EQ(handler_.last.error().code, Code::kCancelled);
}

TEST_F(ServerTest, AClientThatLeavesCancelsTheWorkForIt) {
  for (const std::string& next : {std::string(), Get("/pipelined")}) {
    const Duration before = loop_.Now() - TimePoint();
    Talk({{0s, Get("/wait") + next}}, 3s);
    EXPECT_LT(handler_.cancelled_at - before, 3300ms);
    EXPECT_GE(handler_.cancelled_at - before, 3s);
  }
}

TEST_F(ServerTest, AClientThatShutsItsSendingSideHasHungUp) {
  half_close_ = true;
  Talk({{1s, Get("/wait")}});

  EXPECT_GT(handler_.cancelled_at, 1s);
  EXPECT_LT(handler_.cancelled_at, 1300ms);
}

TEST_F(ServerTest, AClientThatShutsItsSendingSideGetsAnAnswerThatIsThereAtOnce) {
  half_close_ = true;
  Talk(StrCat(Get("/a"), Get("/stream")));

  EXPECT_THAT(reply_, HasSubstr("\r\n\r\n/a:HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply_, EndsWith("5\r\npiece\r\n0\r\n\r\n"));
  EXPECT_EQ(closed_at_, 0s);
}

struct Drained {
  const char* name;
  std::vector<Step> steps;
  std::string_view end;  // of what the client got
  bool told;             // by "Connection: close"
  Duration closed;
};

TEST_F(ServerTest, DrainingLetsWhatHasBegunEnd) {
  const Drained cases[] = {
      {"nothing_came", {}, "", false, 1s},
      {"rests", {{0s, Get("/a")}}, "/a:", false, 1s},
      {"half_a_head", {{0s, "GET /b HTTP/1.1\r\n"}, {2s, "Host: h\r\n\r\n"}}, "/b:", true, 2s},
      {"half_a_body",
       {{0s, "POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\no"}, {2s, "k"}},
       "/c:ok",
       true,
       2s},
      {"handling", {{0s, Get("/nap")}}, "/nap:", true, 2s},
      {"streaming", {{0s, Get("/stream")}}, "0\r\n\r\n", false, 3s},
      {"pipelined", {{0s, Get("/nap") + Get("/no")}}, "/nap:", true, 2s},
  };
  for (const Drained& c : cases) {
    SCOPED_TRACE(c.name);
    const TimePoint before = loop_.Now();
    drain_at_ = before + 1s;
    handler_.pause = 3s;
    Talk(c.steps);
    EXPECT_THAT(reply_, EndsWith(c.end));
    EXPECT_EQ(reply_.find("Connection: close\r\n") != reply_.npos, c.told);
    EXPECT_EQ(closed_at_ - (before - TimePoint()), c.closed);
  }
}

// A cut one is left out, too.
std::string WithoutDates(std::string text) {
  for (std::size_t at = 0; (at = text.find("\r\nDate:", at)) != text.npos;) {
    text.erase(at, text.find("\r\n", at + 2) - at);
  }
  return text;
}

// Breaks each operation of the server's side in turn, once and from then on.
TEST_F(ServerTest, AnyBrokenStepEndsTheConnectionAndNothingElse) {
  const std::string requests =
      StrCat(Get("/a"), Get("/stream"), "POST /b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n",
             "Content-Length: 3\r\nConnection: close\r\n\r\n");
  const std::vector<Step> steps = {{0s, requests}, {1s, "xyz"}};
  Talk(steps);
  const std::string whole = reply_;
  ASSERT_THAT(whole, EndsWith("/b:xyz"));
  for (const bool from_then_on : {false, true}) {
    std::size_t step = 0;
    do {
      SCOPED_TRACE(StrCat("step ", ++step));
      *server_script_ = {
          .read_piece = 10, .capacity = 50, .fail_at = step, .fail_from_then_on = from_then_on};
      const Duration before = loop_.Now() - TimePoint();
      Talk(steps);
      EXPECT_TRUE(WithoutDates(whole).starts_with(WithoutDates(reply_))) << reply_;
      EXPECT_LE(closed_at_ - before, Duration(1s));  // it does not wait for a clock
    } while (server_script_->operations >= step);
    EXPECT_EQ(WithoutDates(reply_), WithoutDates(whole));  // the run in which nothing broke
    EXPECT_GT(step, 20U);
  }
}

}  // namespace
}  // namespace weir::http
