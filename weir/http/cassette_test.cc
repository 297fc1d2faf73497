// What was recorded against a server is the same without it.

#include "weir/http/cassette.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/http/cassette_file.h"
#include "weir/http/client.h"
#include "weir/http/memory_testing.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
namespace fs = std::filesystem;

std::string Slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Call {
  std::string target;
  std::string body;
  std::size_t leave_after = 0;  // pieces, then the client hangs up; 0: it reads to the end
};

// One reply, in the pieces that the server sends, with a wait before each.
struct Script {
  std::vector<std::string> pieces;
  Duration wait{};
};

async::Task<void> PlayTape(async::Context ctx, std::unique_ptr<ByteStream> stream,
                           std::vector<Script> scripts) {
  for (const Script& script : scripts) {
    const std::string head = co_await ReadHead(*stream);
    if (!head.ends_with("\r\n\r\n")) co_return;
    for (const std::string& piece : script.pieces) {
      const Result<void> slept = co_await async::Sleep(ctx, script.wait);
      const IoResult written = co_await stream->Write(piece);
      if (!slept || std::get<0>(written)) co_return;
    }
  }
}

class CassetteTest : public testing::Test {
 public:
  using Wrap = std::unique_ptr<Dialer> (*)(std::unique_ptr<Dialer>, const std::string&);

  CassetteTest() {
    char name[] = "/tmp/weir_cassette_test_XXXXXX";
    folder_ = ::mkdtemp(name);
    tape_ = folder_ + "/tape";
  }
  ~CassetteTest() override { fs::remove_all(folder_); }

  // What `calls` gave, made through what `wrap` makes of a dialer to a server with these replies;
  // each connection gets those that are left, the n-th from the n-th on.
  std::vector<std::string> Run(std::vector<Call> calls, Wrap wrap,
                               std::vector<Script> scripts = {}) {
    auto run = [](CassetteTest& test, std::vector<Call> its, Wrap how,
                  std::vector<Script> answers) -> async::Task<std::vector<std::string>> {
      async::TaskScope peers(test.ctx_);
      std::vector<std::string> results;
      {
        auto dialer = std::make_unique<MemoryDialer>(
            peers, [&](std::unique_ptr<ByteStream> stream, int number) {
              std::vector<Script> left(answers.begin() + (number - 1), answers.end());
              return PlayTape(test.ctx_, std::move(stream), std::move(left));
            });
        Client client({.accept_gzip = false}, how(std::move(dialer), test.tape_));
        const Origin origin = MakeOrigin(*ParseUrl("http://server"));
        for (const Call& call : its) {
          const Header key{"Authorization", test.authorization_};
          const Request request{.target = call.target, .headers = {&key, 1}, .body = call.body};
          results.push_back(co_await test.Ask(client, origin, request, call.leave_after));
        }
      }
      co_await peers.Join();
      co_return results;
    };
    return loop_.Run(run(*this, std::move(calls), wrap, std::move(scripts)));
  }

  static std::unique_ptr<Dialer> Record(std::unique_ptr<Dialer> inner, const std::string& folder) {
    return NewRecordingDialer(std::move(inner), folder);
  }
  static std::unique_ptr<Dialer> Replay(std::unique_ptr<Dialer>, const std::string& folder) {
    return NewReplayDialer(folder);
  }
  static std::unique_ptr<Dialer> ReplayAtOnce(std::unique_ptr<Dialer>, const std::string& folder) {
    return NewReplayDialer(folder, {.time_scale = 0});
  }

  std::string File(std::size_t number) const { return ExchangePath(tape_, number); }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  std::string folder_;
  std::string tape_;
  std::string authorization_ = "Bearer sk-0123456789abcdef0123";

 private:
  // "200 one|two": the status and the pieces; with the time at which each came when it is not 0.
  async::Task<std::string> Ask(Client& client, const Origin& origin, Request request,
                               std::size_t leave_after) {
    const TimePoint begin = ctx_.Now();
    const auto response = co_await client.Send(ctx_, origin, request);
    if (!response) {
      co_return StrCat(Describe(response.error()), " (", response.error().cause, ")");
    }
    std::string result = StrCat((*response)->status(), " ");
    for (std::size_t count = 1;; ++count) {
      const Result<std::string_view> piece = co_await (*response)->Read(ctx_);
      if (!piece) {
        co_return StrCat(result, Describe(piece.error()), " (", piece.error().cause, ")");
      }
      if (piece->empty()) co_return result;
      const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(ctx_.Now() - begin);
      if (millis.count() > 0) StrAppend(result, millis.count(), "ms:");
      StrAppend(result, *piece, "|");
      if (count == leave_after) co_return StrCat(result, "left");
    }
  }
};

const std::vector<Script> kReplies = {
    {.pieces = {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"}},
    {.pieces = {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: token=abc\r\n"
                "Transfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"}},
    {.pieces = {"HTTP/1.1 429 Busy\r\nContent-Length: 4\r\n\r\nbusy"}},
    {.pieces = {"HTTP/1.1 200 OK\r\n\r\nuntil the end"}},
};
const std::vector<Call> kCalls = {{"/a?api_key=hush", "x"}, {"/b", "y"}, {"/b", "y"}, {"/b", "z"}};
const std::vector<Script> kStream = {
    {.pieces = {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "3\r\none\r\n",
                "3\r\ntwo\r\n", "5\r\nth", "ree\r\n0\r\n\r\n"},
     .wait = 20ms}};

TEST_F(CassetteTest, WhatWasRecordedIsTheSameWithoutTheServer) {
  const std::vector<std::string> live = Run(kCalls, Record, kReplies);
  EXPECT_THAT(live, ElementsAre("200 one|", "200 two|", "429 busy|", "200 until the end|"));

  EXPECT_EQ(Run(kCalls, Replay), live);
}

TEST_F(CassetteTest, AStreamKeepsItsPiecesAndTheirTimes) {
  const std::vector<std::string> live = Run({{"/", ""}}, Record, kStream);
  EXPECT_THAT(live, ElementsAre("200 40ms:one|60ms:two|80ms:th|100ms:ree|"));

  EXPECT_EQ(Run({{"/", ""}}, Replay), live);
  EXPECT_THAT(Run({{"/", ""}}, ReplayAtOnce), ElementsAre("200 one|two|th|ree|"));
  const Wrap slowly = [](std::unique_ptr<Dialer>, const std::string& folder) {
    return NewReplayDialer(folder, {.time_scale = 2});
  };
  EXPECT_THAT(Run({{"/", ""}}, slowly), ElementsAre("200 80ms:one|120ms:two|160ms:th|200ms:ree|"));
  EXPECT_THAT(Slurp(File(1)), HasSubstr("\nreply 40000 8\n3\r\none\r\n\nreply 60000 8\n"));
}

TEST_F(CassetteTest, TheClocksOfTheClientRunWhileAReplyWaits) {
  Run({{"/", ""}}, Record, kStream);
  const Wrap slowly = [](std::unique_ptr<Dialer>, const std::string& folder) {
    return NewReplayDialer(folder, {.time_scale = 1e6});
  };
  const Wrap never = [](std::unique_ptr<Dialer>, const std::string& folder) {
    return NewReplayDialer(folder, {.time_scale = 1e300});
  };
  for (const Wrap wrap : {slowly, never}) {
    EXPECT_THAT(Run({{"/", ""}}, wrap)[0], StartsWith("timeout: "));
  }
}

TEST_F(CassetteTest, AFileHoldsTheBytesButNoSecret) {
  Run({{"/a?api_key=hush", "{\"password\":\"hush\"}"}}, Record, {kReplies[1]});

  const std::string text = Slurp(File(1));
  EXPECT_THAT(text, HasSubstr("\nPOST /a?api_key=*** HTTP/1.1\r\nHost: server\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nAuthorization: ***\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\n\r\n{\"password\":\"***\"}\nreply 0 "));
  EXPECT_THAT(text, HasSubstr("\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: ***"));
  EXPECT_THAT(text, EndsWith("\r\n\r\n3\r\ntwo\r\n0\r\n\r\n\nend 0 complete\n"));
  EXPECT_THAT(text, Not(HasSubstr("hush")));
  EXPECT_THAT(text, Not(HasSubstr("sk-")));
  EXPECT_THAT(text, Not(HasSubstr("abc")));
  EXPECT_EQ(std::distance(fs::directory_iterator(tape_), {}), 1);
}

TEST_F(CassetteTest, AnotherKeyFindsTheSameReply) {
  Run({{"/?token=one", "{\"api_key\":\"one\"}"}}, Record, {kReplies[0]});
  authorization_ = "Bearer another";

  EXPECT_THAT(Run({{"/?token=two", "{\"api_key\":\"two\"}"}}, Replay), ElementsAre("200 one|"));
}

TEST_F(CassetteTest, EqualRequestsAreAnsweredInTheirOrder) {
  const std::vector<Call> calls = {{"/", "q"}, {"/", "q"}, {"/", "q"}};
  const std::vector<std::string> live = Run(calls, Record, {kReplies[0], kReplies[1], kReplies[2]});
  EXPECT_THAT(live, ElementsAre("200 one|", "200 two|", "429 busy|"));

  EXPECT_EQ(Run(calls, Replay), live);
  fs::remove(File(2));  // a gap is not an end
  EXPECT_THAT(Run({calls[0], calls[1]}, Replay), ElementsAre("200 one|", "429 busy|"));
}

TEST_F(CassetteTest, ARequestThatIsNotThereIsNamedWithTheNearestOne) {
  Run(kCalls, Record, kReplies);

  const std::vector<std::string> missed =
      Run({{"/bb", ""}, {"/b", "yes"}, {"/b", "z"}, {"/b", "z"}, {"/b", "y"}}, Replay);

  EXPECT_THAT(missed[0], StartsWith("connection_error"));
  EXPECT_THAT(missed[0], HasSubstr("POST /bb with a body of 0 bytes; the nearest is POST /b: "
                                   "ask for what was recorded, or record this request too"));
  EXPECT_THAT(missed[1], HasSubstr("/0002.exchange, whose body differs from byte 1: 'y' was "
                                   "recorded, 'yes' is asked"));
  EXPECT_EQ(missed[2], "200 until the end|");
  EXPECT_THAT(missed[3], HasSubstr("it was recorded 1 time and played as often"));
  EXPECT_EQ(missed[4], "200 two|");
}

TEST_F(CassetteTest, ACutReplyIsCutAgain) {
  const std::vector<std::string> live =
      Run({{"/", ""}}, Record, {{.pieces = {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"}}});
  EXPECT_THAT(live[0], HasSubstr("stream_truncated"));

  EXPECT_EQ(Run({{"/", ""}}, Replay), live);
  EXPECT_THAT(Slurp(File(1)), EndsWith("end 0 closed\n"));
}

TEST_F(CassetteTest, ABrokenReplyIsBrokenAgain) {
  // The client dials, writes, and reads three times; the third read is reset.
  const Wrap breaking = [](std::unique_ptr<Dialer> inner, const std::string& folder) {
    static_cast<MemoryDialer&>(*inner).client_script->fail_at = 5;
    return NewRecordingDialer(std::move(inner), folder);
  };
  const std::vector<std::string> live = Run({{"/", ""}}, breaking, kStream);
  EXPECT_THAT(live[0], HasSubstr("stream_truncated"));

  EXPECT_EQ(Run({{"/", ""}}, Replay), live);
  EXPECT_THAT(Slurp(File(1)), EndsWith("broken\n"));
}

TEST_F(CassetteTest, AfterAClientThatHungUpTheRecordingSaysSo) {
  const std::vector<Call> leave = {{"/", "", 2}};
  const std::vector<std::string> live = Run(leave, Record, kStream);
  EXPECT_THAT(live, ElementsAre("200 40ms:one|60ms:two|left"));

  EXPECT_EQ(Run(leave, Replay), live);
  EXPECT_THAT(Run({{"/", ""}}, Replay)[0], HasSubstr("because its client hung up"));
}

TEST_F(CassetteTest, WithoutAnAnswerThereIsNoExchange) {
  Run({{"/", ""}}, Record, {{.pieces = {}}});

  EXPECT_TRUE(fs::is_empty(tape_));
  EXPECT_THAT(Run({{"/", ""}}, Replay)[0], HasSubstr("there is no recording in the folder"));
}

TEST_F(CassetteTest, AFolderThatIsInUseOrCannotBeMadeIsRefused) {
  Run(kCalls, Record, kReplies);
  EXPECT_THAT(Run(kCalls, Record, kReplies)[0], HasSubstr("holds a recording already"));
  tape_ = "/proc/no/such";
  EXPECT_THAT(Run(kCalls, Record, kReplies)[0], HasSubstr("cannot make the folder"));
}

TEST_F(CassetteTest, ADamagedFileIsNamedBeforeAnythingIsPlayed) {
  Run(kCalls, Record, kReplies);
  fs::resize_file(File(3), fs::file_size(File(3)) - 1);
  EXPECT_THAT(Run(kCalls, Replay)[0], HasSubstr("0003.exchange is damaged at byte "));

  const RecordedExchange strange{
      .head = "what?", .body = "", .reply = "x", .pieces = {{.end = 1}}, .ended_at = {}};
  ASSERT_TRUE(WriteExchangeFile(File(3), strange));
  EXPECT_THAT(Run(kCalls, Replay)[0], HasSubstr("0003.exchange does not hold the head of a req"));
}

TEST_F(CassetteTest, WhatCannotBeRecordedFailsInsteadOfBeingLost) {
  struct Case {
    CassetteLimits limits;
    const char* message;
  };
  static CassetteLimits limits;
  const Wrap narrow = [](std::unique_ptr<Dialer> inner, const std::string& folder) {
    return NewRecordingDialer(std::move(inner), folder, limits);
  };
  const Case cases[] = {{{.request_bytes = 2}, "its request is not whole, or above a limit"},
                        {{.reply_bytes = 60}, "above the limit of a recording: 60 bytes"},
                        {{.pieces = 2}, "in 2 pieces"},
                        {{.exchanges = 0}, "has reached its limit of 0 exchanges"}};
  for (const Case& c : cases) {
    limits = c.limits;
    EXPECT_THAT(Run({{"/", "body"}}, narrow, kStream)[0], HasSubstr(c.message));
    EXPECT_TRUE(fs::is_empty(tape_));
  }
  // A folder that goes away: the reply that ends fails, and the call after one that was left.
  limits = {};
  const Wrap vanishing = [](std::unique_ptr<Dialer> inner, const std::string& folder) {
    fs::create_directories(folder + "/0001.exchange.part");  // where the file would be written
    return NewRecordingDialer(std::move(inner), folder);
  };
  EXPECT_THAT(Run({{"/", ""}}, vanishing, kStream)[0], HasSubstr("cannot write the recording"));
  EXPECT_THAT(Run({{"/", "", 1}, {"/", ""}}, vanishing, {kStream[0], kStream[0]})[1],
              HasSubstr("cannot write the recording"));
}

// Replies of real servers, recorded in pieces of any size.
TEST_F(CassetteTest, RealRepliesAreTheSameWithoutTheServer) {
  const char* const suites = std::getenv("WEIR_SUITES");
  if (suites == nullptr) {
    std::fputs("WEIR_SUITES is unset: the recorded replies are NOT put on a cassette\n", stderr);
    GTEST_SKIP() << "WEIR_SUITES is unset";
  }
  int replies = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(suites) / "recordings")) {
    if (entry.path().extension() != ".http") continue;
    SCOPED_TRACE(entry.path().filename());
    tape_ = StrCat(folder_, "/", ++replies);
    const std::string wire = Slurp(entry.path());
    Script script{.pieces = {}, .wait = 1ms};
    for (std::size_t i = 0; i < wire.size(); i += 100) script.pieces.push_back(wire.substr(i, 100));

    const std::vector<std::string> live = Run({{"/", ""}}, Record, {script});

    EXPECT_THAT(live[0], testing::ContainsRegex("^[245][0-9][0-9] "));
    EXPECT_EQ(Run({{"/", ""}}, Replay), live);
    const Result<RecordedExchange> exchange = ReadExchangeFile(File(1), {});
    ASSERT_TRUE(exchange.has_value());
    EXPECT_EQ(exchange->reply, wire);
    EXPECT_EQ(exchange->pieces.size(), script.pieces.size());
  }
  EXPECT_GT(replies, 0);
}

}  // namespace
}  // namespace weir::http
