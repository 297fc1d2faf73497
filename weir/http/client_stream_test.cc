// Responses that take their time: the clocks, cancelling, streams and whoever reads them slowly.

#include <gmock/gmock.h>
#include <zlib.h>

#include "weir/http/client_testing.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

struct Step {
  Duration pause;  // before the bytes
  std::string bytes;
};

// Reads a head, then plays `steps`, then waits for the client to hang up.
async::Task<void> PlaySteps(async::Context ctx, std::unique_ptr<ByteStream> stream,
                            std::vector<Step> steps, Duration& hung_up) {
  EXPECT_NE(co_await ReadHead(*stream), "");
  for (const Step& step : steps) {
    const Result<void> slept = co_await async::Sleep(ctx, step.pause);
    EXPECT_TRUE(slept.has_value());
    const IoResult written = co_await stream->Write(step.bytes);
    if (std::get<0>(written)) break;
  }
  co_await ReadToEnd(*stream);
  hung_up = ctx.Now() - TimePoint();
}

class TimedClientTest : public ClientTest {
 public:
  MemoryDialer::Peer Steps(std::vector<Step> steps) {
    return [this, steps = std::move(steps)](std::unique_ptr<ByteStream> stream, int) {
      return PlaySteps(ctx_, std::move(stream), steps, hung_up_);
    };
  }

  Duration hung_up_{};
};
TEST_F(TimedClientTest, WhatCameBeforeAnErrorIsHandedOutBeforeIt) {
  With(Steps({{1s, std::string(kChunked)}, {1s, "4\r\ngood\r\nzzz"}}),
       [](ClientTest& test) -> async::Task<void> {
         const Request request{.target = "/", .timeouts = test.timeouts_};
         const auto response = co_await test.client_->Send(test.ctx_, test.origin_, request);
         const Result<std::string_view> piece = co_await (*response)->Read(test.ctx_);
         EXPECT_TRUE(piece && *piece == "good");
         const Result<std::string_view> broken = co_await (*response)->Read(test.ctx_);
         EXPECT_EQ(broken.error().code, Code::kProtocolError);
         const Result<std::string_view> again = co_await (*response)->Read(test.ctx_);
         EXPECT_EQ(again.error(), broken.error());
       });
}

TEST_F(TimedClientTest, FirstTokenIsOneClockForHeadAndFirstByte) {
  timeouts_.first_token = 3s;
  With(Steps({{2s, std::string(kChunked)}, {2s, "2\r\nok\r\n"}}), AskOnce);

  EXPECT_EQ(answer_.error().code, Code::kTimeout);
  EXPECT_THAT(answer_.error().message, HasSubstr("`first_token` of 3 s"));
  EXPECT_LT(ended_at_, 3100ms);
}

TEST_F(TimedClientTest, IdleIsTheServersSilenceAndNotItsReadersSlowness) {
  timeouts_.idle = 3s;
  With(Steps({{1s, std::string(kChunked)},
              {0s, "2\r\nok\r\n"},
              {2s, "2\r\nok\r\n"},
              {4s, "0\r\n\r\n"}}),
       [](ClientTest& test) -> async::Task<void> {
         const Request request{.target = "/", .timeouts = test.timeouts_};
         const auto response = co_await test.client_->Send(test.ctx_, test.origin_, request);
         for (int i = 0; i < 2; ++i) {
           const Result<std::string_view> piece = co_await (*response)->Read(test.ctx_);
           EXPECT_TRUE(piece && *piece == "ok");
         }
         const Result<void> slept = co_await async::Sleep(test.ctx_, 10s);
         EXPECT_TRUE(slept.has_value());
         const Result<std::string_view> end = co_await (*response)->Read(test.ctx_);
         EXPECT_TRUE(end && end->empty()) << (end ? "" : Describe(end.error()));
       });
}

TEST_F(TimedClientTest, SilenceInTheMiddleOfABodyNamesIdle) {
  timeouts_.idle = 3s;
  With(Steps({{1s, std::string(kChunked)}, {0s, "2\r\nok\r\n"}}), AskOnce);

  EXPECT_EQ(answer_.error().code, Code::kStreamIdleTimeout);
  EXPECT_THAT(answer_.error().message, HasSubstr("`idle` of 3 s"));
  EXPECT_LT(hung_up_, 4100ms);
  EXPECT_EQ(open_, 0U);
}

TEST_F(TimedClientTest, TheWholeCallHasALimitThoughBytesKeepComing) {
  std::vector<Step> drip = {{0s, std::string(kChunked)}};
  for (int i = 0; i < 20; ++i) drip.push_back({1s, "1\r\nx\r\n"});
  With(Steps(drip), [](ClientTest& test) -> async::Task<void> {
    const async::Context hurried = test.ctx_.WithTimeout(5s);
    const Request request{.target = "/", .timeouts = test.timeouts_};
    test.answer_ = co_await test.AskFor(hurried, request);
  });

  EXPECT_EQ(answer_.error().code, Code::kTimeout);
  EXPECT_THAT(answer_.error().message, HasSubstr("`total` of 5 s"));
  EXPECT_LT(hung_up_, 6s);
}

TEST_F(TimedClientTest, ARequestThatNobodyReadsEndsByTheClock) {
  script_.capacity = 100;
  timeouts_.first_token = 3s;
  const MemoryDialer::Peer deaf = [this](std::unique_ptr<ByteStream> stream, int) {
    auto wait = [](async::Context ctx, std::unique_ptr<ByteStream> s) -> async::Task<void> {
      const Result<void> slept = co_await async::Sleep(ctx, 10s);
      EXPECT_TRUE(slept.has_value());
      EXPECT_EQ(s->PeekPeer(), ByteStream::Peek::kClosed);
    };
    return wait(ctx_, std::move(stream));
  };
  With(deaf, [](ClientTest& test) -> async::Task<void> {
    test.answer_ = co_await test.Ask(std::string(1000, 'x'));
  });

  EXPECT_EQ(answer_.error().code, Code::kTimeout);
  EXPECT_THAT(answer_.error().message, HasSubstr("first_token"));
}

TEST_F(TimedClientTest, PiecesOfACompressedStreamComeOutWhenTheyAreSent) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::vector<Step> steps = {
      {0s, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"}};
  for (const std::string word : {"one ", "two ", "three"}) {
    std::string out(100, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(word.data()));
    stream.avail_in = static_cast<uInt>(word.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, word == "three" ? Z_FINISH : Z_SYNC_FLUSH);
    std::string chunk;
    AppendChunk(chunk, std::string_view(out).substr(0, out.size() - stream.avail_out));
    steps.push_back({1s, chunk});
  }
  deflateEnd(&stream);
  steps.push_back({1s, "0\r\n\r\n"});

  With(Steps(steps), [](ClientTest& test) -> async::Task<void> {
    const Request request{.target = "/", .timeouts = test.timeouts_};
    const auto response = co_await test.client_->Send(test.ctx_, test.origin_, request);
    EXPECT_EQ((*response)->headers().Find("Content-Encoding"), "gzip");
    Duration due = 0s;
    for (const std::string_view word : {"one ", "two ", "three", ""}) {
      due += 1s;
      const Result<std::string_view> piece = co_await (*response)->Read(test.ctx_);
      EXPECT_TRUE(piece && *piece == word);
      EXPECT_EQ(test.Passed(), due);
    }
  });
  EXPECT_EQ(open_, 1U);
}

TEST_F(TimedClientTest, ChunksOfOneReadAreOnePiece) {
  With(Steps({{0s, StrCat(kChunked, "2\r\nab\r\n3\r\ncde\r\n1\r\nf\r\n0\r\n\r\n")}}),
       [](ClientTest& test) -> async::Task<void> {
         const Request request{.target = "/", .timeouts = test.timeouts_};
         const auto response = co_await test.client_->Send(test.ctx_, test.origin_, request);
         const Result<std::string_view> piece = co_await (*response)->Read(test.ctx_);
         EXPECT_TRUE(piece && *piece == "abcdef");
       });
}

TEST_F(TimedClientTest, ALetGoStreamHangsUpAtOnce) {
  With(Steps({{0s, StrCat(kChunked, "2\r\nok\r\n")}, {1s, "2\r\nok\r\n"}}),
       [](ClientTest& test) -> async::Task<void> {
         const Request request{.target = "/", .timeouts = test.timeouts_};
         auto response = co_await test.client_->Send(test.ctx_, test.origin_, request);
         const Result<std::string_view> piece = co_await (*response)->Read(test.ctx_);
         EXPECT_TRUE(piece && *piece == "ok");
         response->reset();
         EXPECT_EQ(test.client_->open_connections(), 0U);
       });
  EXPECT_EQ(hung_up_, 1s);  // when the peer next tried to write
}
// A server writes no further than the network holds: nothing reads ahead of the caller.
TEST_F(ClientTest, WhoeverReadsSlowlyHoldsTheServerBack) {
  const MemoryDialer::Peer flood = [this](std::unique_ptr<ByteStream> stream, int) {
    auto play = [](ClientTest& test, std::unique_ptr<ByteStream> s) -> async::Task<void> {
      (void)co_await ReadRequest(*s);
      IoResult written = co_await s->Write(kChunked);
      std::string chunk;
      AppendChunk(chunk, std::string(1000, 'x'));
      while (!std::get<0>(written)) {
        written = co_await s->Write(chunk);
        if (!std::get<0>(written)) test.written_ += 1000;
      }
    };
    return play(*this, std::move(stream));
  };
  With(flood, [](ClientTest& test) -> async::Task<void> {
    const Request request{.target = "/", .timeouts = test.timeouts_};
    const auto response = co_await test.client_->Send(test.ctx_, test.origin_, request);
    for (std::size_t read = 0; read < 1'000'000;) {
      const Result<std::string_view> piece = co_await (*response)->Read(test.ctx_);
      if (!piece || piece->empty()) break;
      read += piece->size();
      const Result<void> slept = co_await async::Sleep(test.ctx_, 1s);
      EXPECT_TRUE(slept.has_value());
      EXPECT_LE(test.written_ - read, std::size_t{128} << 10);  // one buffer here, one there
    }
  });
  EXPECT_GE(written_, 1'000'000U);
}

// Each stream has a buffer of its own: under one that is shared, counts stay right and bytes go
// astray.
TEST_F(ClientTest, ManyStreamsAtOnceKeepTheirBytesApart) {
  constexpr int kStreams = 60;
  const MemoryDialer::Peer paced = [this](std::unique_ptr<ByteStream> stream, int) {
    auto play = [](async::Context ctx, std::unique_ptr<ByteStream> s) -> async::Task<void> {
      const std::string request = co_await ReadRequest(*s);
      const std::string name = request.substr(request.find("\r\n\r\n") + 4);
      IoResult written = co_await s->Write(kChunked);
      for (int i = 0; i < 50 && !std::get<0>(written); ++i) {
        std::string chunk;
        AppendChunk(chunk, StrCat(name, ".", i, ";"));
        written = co_await s->Write(chunk);
        const Result<void> slept = co_await async::Sleep(ctx, 20ms);
        EXPECT_TRUE(slept.has_value());
      }
      written = co_await s->Write("0\r\n\r\n");
    };
    return play(ctx_, std::move(stream));
  };
  script_ = {.read_piece = 7};
  With(paced, [](ClientTest& test) -> async::Task<void> {
    async::TaskScope calls(test.ctx_);
    auto call = [](ClientTest& its, int number) -> async::Task<void> {
      const Result<std::string> body = co_await its.Ask(std::to_string(number));
      std::string expected;
      for (int i = 0; i < 50; ++i) StrAppend(expected, number, ".", i, ";");
      EXPECT_TRUE(body && *body == expected) << number;
      ++its.whole_;
    };
    for (int i = 0; i < kStreams; ++i) calls.Spawn(call(test, i));
    co_await calls.Join();
  });
  EXPECT_EQ(whole_, kStreams);
  EXPECT_EQ(open_, std::size_t{kStreams});
}
struct Phase {
  const char* name;
  std::vector<Step> steps;
  std::size_t capacity;  // a small one leaves the request half written
  Duration delay{};      // of the dial
};

TEST_F(TimedClientTest, CancellingHangsUpAtOnceInEveryPhase) {
  const Phase phases[] = {
      {"dial", {}, 64 << 10, 5s},
      {"write", {}, 100},
      {"head", {{1s, "HTTP/1.1 200"}}, 64 << 10},
      {"body", {{1s, std::string(kChunked)}, {0s, "2\r\nok\r\n"}}, 64 << 10},
  };
  for (const Phase& phase : phases) {
    SCOPED_TRACE(phase.name);
    script_ = {.capacity = phase.capacity};
    delay_ = phase.delay;
    const Duration before = Passed();
    hung_up_ = before + 2s;  // where it never came to a connection
    With(Steps(phase.steps), [](ClientTest& test) -> async::Task<void> {
      async::TaskScope call(test.ctx_);
      auto ask = [](ClientTest& its, async::Context ctx) -> async::Task<void> {
        const Request request{
            .target = "/", .body = std::string(1000, 'x'), .timeouts = its.timeouts_};
        its.answer_ = co_await its.AskFor(ctx, request);
      };
      call.Spawn(ask(test, call.context()));
      const Result<void> slept = co_await async::Sleep(test.ctx_, 2s);
      EXPECT_TRUE(slept.has_value());
      call.Cancel();
      co_await call.Join();
    });
    EXPECT_EQ(answer_.error().code, Code::kCancelled);
    EXPECT_EQ(hung_up_ - before, Duration(2s));
    EXPECT_EQ(open_, 0U);
  }
}

}  // namespace
}  // namespace weir::http
