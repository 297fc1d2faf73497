// The client on virtual time, against peers in memory: every cut, every death, every broken step.

#include "weir/http/client.h"

#include <gmock/gmock.h>

#include "weir/http/client_testing.h"
#include "weir/http/gzip_testing.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string WithLength(std::string_view fields, std::string_view body) {
  return StrCat("HTTP/1.1 200 OK\r\n", fields, "Content-Length: ", body.size(), "\r\n\r\n", body);
}
async::Task<void> AskTwice(ClientTest& test) {
  const Result<std::string> first = co_await test.Ask();
  EXPECT_EQ(first, "ok");
  test.answer_ = co_await test.Ask();
}

struct Reply {
  const char* name;
  std::string bytes;
  std::string body;
  bool by_close;   // the end of file ends the body
  bool kept_open;  // the connection may be used again
};

TEST_F(ClientTest, TheSameBodyComesOutHoweverTheNetworkCutsTheAnswer) {
  const std::string large(1 << 20, 'x');
  const Reply replies[] = {
      {"length", std::string(kOk), "ok", false, true},
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok",
       false, true},
      {"interim", StrCat("HTTP/1.1 100 Continue\r\n\r\n", kOk), "ok", false, true},
      {"http10", "HTTP/1.0 200 OK\r\n\r\nok", "ok", true, false},
      {"close_delimited", "HTTP/1.1 200 OK\r\n\r\nok", "ok", true, false},
      {"empty", "HTTP/1.1 204 No Content\r\n\r\n", "", false, true},
      {"connection_close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
       "ok", false, false},
      {"surplus", StrCat(kOk, "HTTP/1.1 200 OK\r\n"), "ok", false, false},
      {"gzip", WithLength("Content-Encoding: gzip\r\n", Gzip("squeezed")), "squeezed", false, true},
      {"gzip_of_nothing", WithLength("Content-Encoding: gzip\r\n", ""), "", false, true},
      {"large", WithLength("", large), large, false, true},
      {"large_head", WithLength(StrCat("X: ", large.substr(0, 60'000), "\r\n"), "ok"), "ok", false,
       true},
      {"error_status", "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", "busy", false, true},
  };
  for (const Reply& c : replies) {
    for (const std::size_t cut : {0, 1, 7, 100}) {
      if (cut == 1 && c.bytes.size() > 100'000) continue;
      SCOPED_TRACE(StrCat(c.name, " cut ", static_cast<unsigned long>(cut)));
      script_ = {.read_piece = cut};
      With(Replies({c.bytes}), AskOnce);
      EXPECT_TRUE(answer_ && *answer_ == c.body)
          << (answer_ ? "other bytes" : Describe(answer_.error()));
      EXPECT_EQ(ended_by_close_, c.by_close);
      // Cut finely, surplus bytes are still on their way when the connection is handed back.
      if (cut == 0 || c.name != std::string_view("surplus"))
        EXPECT_EQ(open_, c.kept_open ? 1U : 0U);
    }
  }
}

TEST_F(ClientTest, TheAnswerToHeadHasNoBodyWhateverItsFieldsSay) {
  method_ = "HEAD";
  With(Replies({"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n"}),
       AskOnce);

  EXPECT_EQ(answer_, "");
  EXPECT_EQ(open_, 1U);
}
TEST_F(ClientTest, ALargeBodyIsSentWithoutAskingFirst) {
  With(Replies({std::string(kOk)}), [](ClientTest& test) -> async::Task<void> {
    test.answer_ = co_await test.Ask(std::string(2 << 20, 'x'));
  });

  EXPECT_EQ(answer_, "ok");
  EXPECT_EQ(Passed(), 0s);
  ASSERT_EQ(requests_.size(), 1U);
  EXPECT_THAT(requests_[0].substr(0, 1000), Not(HasSubstr("Expect")));
  EXPECT_GT(requests_[0].size(), std::size_t{2} << 20);
}
struct Death {
  const char* name;
  bool closes;  // the server closes; otherwise the connection is reset without a word
  std::optional<ByteStream::Delivery> delivery;
  int dials;
};

// The peer answers once, takes the second request off the wire and closes.
TEST_F(ClientTest, ARequestIsSentAgainOnlyWhenNobodyCanHaveReadIt) {
  constexpr std::uint64_t kAll = 1 << 20;  // more than was ever written
  const Death deaths[] = {
      {"closed_while_resting", true, ByteStream::Delivery{0, true}, 2},
      {"acknowledged", true, ByteStream::Delivery{kAll, true}, 1},
      {"half_closed", true, ByteStream::Delivery{0, false}, 1},
      {"nobody_can_tell", true, std::nullopt, 1},
      {"reset_without_a_close", false, ByteStream::Delivery{0, true}, 1},
  };
  for (const Death& death : deaths) {
    SCOPED_TRACE(death.name);
    // Dial, write, read; write and the read that is reset.
    script_ = {.fail_at = death.closes ? 0U : 5U, .delivery = death.delivery};
    With(Replies({std::string(kOk), ""}), AskTwice);
    if (death.dials == 2) {
      EXPECT_TRUE(answer_ && *answer_ == "ok");
    } else {
      EXPECT_EQ(answer_.error().code, Code::kConnectionError);
    }
    EXPECT_EQ(dials_, death.dials);
  }
}

TEST_F(ClientTest, AKeptConnectionThatTakesNoByteIsReplaced) {
  script_.fail_at = 4;  // the second request's write
  With(Replies({std::string(kOk), std::string(kOk)}), AskTwice);

  EXPECT_TRUE(answer_ && *answer_ == "ok") << (answer_ ? "" : Describe(answer_.error()));
  EXPECT_EQ(dials_, 2);
}

TEST_F(ClientTest, AHalfWrittenRequestSpoilsItsConnection) {
  script_.capacity = 40;  // the head does not fit: the rest is the write that fails
  script_.fail_at = 3;
  const MemoryDialer::Peer hasty = [](std::unique_ptr<ByteStream> stream, int) {
    auto play = [](std::unique_ptr<ByteStream> s) -> async::Task<void> {
      const IoResult written = co_await s->Write(kOk);
      EXPECT_FALSE(std::get<0>(written));
      const std::string rest = co_await ReadToEnd(*s);
      EXPECT_THAT(rest, Not(HasSubstr("\r\n\r\n")));
    };
    return play(std::move(stream));
  };
  With(hasty, AskOnce);

  EXPECT_EQ(answer_, "ok");
  EXPECT_EQ(open_, 0U);
}

TEST_F(ClientTest, AFieldThatTheClientWritesItselfIsRefusedBeforeDialling) {
  for (const std::string_view name : {"Host", "content-length", "Transfer-Encoding"}) {
    SCOPED_TRACE(name);
    name_ = name;
    With(Replies({std::string(kOk)}), [](ClientTest& test) -> async::Task<void> {
      const Header field{test.name_, "7"};
      const Request request{.target = "/", .headers = {&field, 1}, .timeouts = test.timeouts_};
      test.answer_ = co_await test.AskFor(test.ctx_, request);
    });
    EXPECT_EQ(answer_.error().code, Code::kInvalidRequest);
    EXPECT_EQ(dials_, 0);
  }
}

TEST_F(ClientTest, ABodyAlwaysHasItsLength) {
  method_ = "GET";
  With(Replies({std::string(kOk)}), AskOnce);

  ASSERT_EQ(requests_.size(), 1U);
  EXPECT_THAT(requests_[0], StartsWith("GET /base/x HTTP/1.1\r\nHost: server\r\n"));
  EXPECT_THAT(requests_[0], HasSubstr("Content-Length: 2\r\n"));
}

// Answers each request as its target says: "gzip", "chunked" or plainly.
async::Task<void> AnswerByTarget(std::unique_ptr<ByteStream> stream,
                                 std::vector<std::string>& requests) {
  for (;;) {
    std::string request = co_await ReadRequest(*stream);
    if (request.empty()) co_return;
    const bool gzip = request.find("/gzip") != request.npos;
    const bool chunked = request.find("/chunked") != request.npos;
    requests.push_back(std::move(request));
    const std::string reply =
        gzip      ? WithLength("Content-Encoding: gzip\r\n", Gzip("ok"))
        : chunked ? StrCat("HTTP/1.1 103 Hints\r\n\r\n", kChunked, "1\r\no\r\n1\r\nk\r\n0\r\n\r\n")
                  : std::string(kOk);
    const IoResult written = co_await stream->Write(reply);
    if (std::get<0>(written)) co_return;
  }
}

// Breaks each operation of three exchanges in turn, once and from then on: dials, writes and reads.
TEST_F(ClientTest, AnyBrokenStepIsTheRightErrorAndTheNextCallIsServed) {
  const MemoryDialer::Peer peer = [this](std::unique_ptr<ByteStream> stream, int) {
    return AnswerByTarget(std::move(stream), requests_);
  };
  for (const bool from_then_on : {false, true}) {
    std::size_t step = 0;
    do {
      SCOPED_TRACE(StrCat(from_then_on ? "from " : "", "step ", ++step));
      script_ = {
          .read_piece = 20, .capacity = 100, .fail_at = step, .fail_from_then_on = from_then_on};
      requests_.clear();
      failed_calls_ = 0;
      const Duration before = Passed();
      With(peer, [](ClientTest& test) -> async::Task<void> {
        for (const std::string_view target : {"/gzip", "/chunked", "/plain"}) {
          co_await test.AskUnderFire(target);
        }
        test.operations_ = test.dialer_->client_script->operations;
        test.dialer_->client_script->fail_at = 0;
        co_await test.AskUnderFire("/after");
        test.answer_ = co_await test.Ask();
      });
      EXPECT_TRUE(answer_ && *answer_ == "ok") << Describe(answer_.error());
      EXPECT_EQ(open_, 1U);
      EXPECT_LE(requests_.size(), 5U);  // none arrives twice
      EXPECT_EQ(Passed(), before);      // none waits for a clock
      if (!from_then_on) EXPECT_LE(failed_calls_, 1);
    } while (operations_ >= step);
    EXPECT_EQ(failed_calls_, 0);  // the last step was behind the end
    EXPECT_GT(step, 12U);
  }
}

}  // namespace
}  // namespace weir::http
