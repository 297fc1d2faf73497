// The HTTP engine on virtual time, against servers that end their answers badly or answer with
// something else.

#include "weir/engine/http_engine.h"

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/http/memory_testing.h"

namespace weir::engine {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kWhole =
    R"({"id":"a","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]})";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

std::string Event(std::string_view text, std::string_view finish = "null") {
  return StrCat(R"(data: {"id":"a","object":"chat.completion.chunk","created":1,"model":"m",)",
                R"("choices":[{"index":0,"delta":{"content":")", text, R"("},"finish_reason":)",
                finish, "}]}\n\n");
}

std::string Chunk(std::string_view bytes) {
  std::string chunk;
  http::AppendChunk(chunk, bytes);
  return chunk;
}

std::string Page(std::string_view status, std::string_view type, std::string_view body) {
  return StrCat("HTTP/1.1 ", status, "\r\nContent-Type: ", type,
                "\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
}

struct Step {
  Duration pause;  // before the bytes
  std::string bytes;
  int times = 1;
};

class HttpEngineTest : public testing::Test {
 public:
  // Asks a server that plays `steps` and then waits for us to hang up.
  Result<model::Reply> Ask(std::vector<Step> steps, bool stream, std::string key = "EMPTY") {
    auto run = [](HttpEngineTest& test, std::vector<Step> script, bool streams,
                  std::string api_key) -> async::Task<Result<model::Reply>> {
      async::TaskScope peers(test.ctx_);
      Result<model::Reply> reply;
      {
        auto peer = [&test, script = std::move(script)](std::unique_ptr<http::ByteStream> its,
                                                        int) {
          return Play(test.ctx_, std::move(its), script);
        };
        http::Client client({}, std::make_unique<http::MemoryDialer>(peers, std::move(peer)));
        const std::unique_ptr<model::Engine> engine =
            *NewHttpEngine({.upstream = {.base_url = "http://server", .api_key = api_key}}, client);
        reply = co_await test.AskEngine(*engine, streams);
        test.took_ = test.ctx_.Now() - TimePoint();
        test.open_ = client.open_connections();
      }
      co_await peers.Join();
      co_return reply;
    };
    return loop_.Run(run(*this, std::move(steps), stream, std::move(key)));
  }

  std::size_t open() const { return open_; }
  Duration took() const { return took_; }
  std::size_t got() const { return got_; }

 private:
  static async::Task<void> Play(async::Context ctx, std::unique_ptr<http::ByteStream> stream,
                                std::vector<Step> steps) {
    EXPECT_NE(co_await http::ReadRequest(*stream), "");
    for (const Step& step : steps) {
      const Result<void> slept = co_await async::Sleep(ctx, step.pause);
      EXPECT_TRUE(slept.has_value());
      for (int i = 0; i < step.times; ++i) {
        const http::IoResult written = co_await stream->Write(step.bytes);
        if (std::get<0>(written)) co_return;
      }
    }
    co_await http::ReadToEnd(*stream);
  }

  async::Task<Result<model::Reply>> AskEngine(model::Engine& engine, bool stream) {
    model::Call call;
    call.messages.push_back(model::Message::Text(model::Role::kUser, "hi"));
    if (!stream) co_return co_await engine.Call(ctx_, call);
    WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> pieces,
                co_await engine.Stream(ctx_, call));
    model::Reply reply;
    reply.choices.emplace_back();
    for (model::Delta piece;;) {
      WEIR_CO_TRY(const bool more, co_await pieces->Next(ctx_, piece));
      if (!more) break;
      got_ += piece.text.size();
      if (reply.choices[0].text.size() < 100) reply.choices[0].text += piece.text;
    }
    co_return reply;
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  std::size_t open_ = 0;
  std::size_t got_ = 0;
  Duration took_{};
};

TEST_F(HttpEngineTest, AnAnswerDoesNotWaitForABodyThatStaysOpen) {
  const std::string all = Event("Hello") + Event("", "\"stop\"") + "data: [DONE]\n\n";
  const Result<model::Reply> reply = Ask({{1s, StrCat(kStreamHead, Chunk(all))}}, true);

  ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
  EXPECT_EQ(reply->choices[0].text, "Hello");
  EXPECT_LT(took(), 1200ms);
  EXPECT_EQ(open(), 0U);
}

TEST_F(HttpEngineTest, ABodyThatEndsSoonAfterTheMarkLeavesTheConnectionForOthers) {
  const std::string all = Event("Hello") + Event("", "\"stop\"") + "data: [DONE]\n\n";
  const Result<model::Reply> reply =
      Ask({{1s, StrCat(kStreamHead, Chunk(all))}, {50ms, std::string(kLastChunk)}}, true);

  ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
  EXPECT_EQ(took(), Duration(1050ms));
  EXPECT_EQ(open(), 1U);
}

TEST_F(HttpEngineTest, WhatFollowsTheMarkCostsTheConnectionAndNotTheAnswer) {
  const std::string all = Event("Hello") + Event("", "\"stop\"") + "data: [DONE]\n\n";
  const Result<model::Reply> reply = Ask({{0s, StrCat(kStreamHead, Chunk(all), Chunk(all))}}, true);

  ASSERT_TRUE(reply.has_value()) << Describe(reply.error());
  EXPECT_EQ(reply->choices[0].text, "Hello");
  EXPECT_EQ(open(), 0U);
}

struct Instead {
  const char* name;
  std::string reply;
  std::string_view words;
  bool stream = true;
};

TEST_F(HttpEngineTest, WhatComesInsteadOfAnAnswerIsToldWithItsTrueStatus) {
  const std::string long_text = std::string(100'000, 'x');
  std::string large(kWhole);
  large.replace(large.find("Hi"), 2, long_text);
  const std::string json = "application/json";
  const Instead cases[] = {
      {"whole_reply", Page("200 OK", json, kWhole), "--no-stream"},
      {"large_reply", Page("200 OK", json, large), "--no-stream"},
      {"no_content", "HTTP/1.1 204 No Content\r\n\r\n", "with 204 and no content type"},
      {"error", Page("200 OK", json, R"({"error":{"message":"broken"}})"), "it said: broken"},
      {"other_json", Page("202 Accepted", json, R"({"queued":true})"), "with 202 and application"},
      {"page", Page("200 OK", "text/html", "<title>Hi</title>"), "HTML page"},
      {"long_page", Page("200 OK", "text/html", "<title>Hi</title>" + long_text), "HTML page"},
      {"broken_gzip",
       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
       "Content-Length: 4\r\n\r\nabcd",
       "a compressed body"},
      {"no_content", "HTTP/1.1 204 No Content\r\n\r\n", "its status was 204", false},
      {"page", Page("203 OK", "text/html", "<title>Hi</title>"), "its status was 203", false},
  };
  for (const Instead& c : cases) {
    SCOPED_TRACE(StrCat(c.name, c.stream ? " streamed" : ""));
    const Result<model::Reply> reply = Ask({{0s, c.reply}}, c.stream);
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().code, Code::kProtocolError);
    EXPECT_EQ(reply.error().http_status, 0);
    EXPECT_THAT(Describe(reply.error()), AllOf(HasSubstr(c.words), Not(HasSubstr("500"))));
    EXPECT_LT(Describe(reply.error()).size(), 600U);
  }
}

TEST_F(HttpEngineTest, AnEndlessAnswerEndsAtTheLimit) {
  constexpr std::size_t kPiece = 8 << 20;
  constexpr int kPieces = limits::kReplyBodyBytes / kPiece;
  const std::string piece = Chunk(Event(std::string(kPiece, 'x')));
  const Result<model::Reply> reply =
      Ask({{0s, std::string(kStreamHead)}, {0s, piece, kPieces + 1}}, true);

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, Code::kProtocolError);
  EXPECT_THAT(reply.error().message, HasSubstr(StrCat("limit of ", limits::kReplyBodyBytes)));
  EXPECT_EQ(got(), limits::kReplyBodyBytes - kPiece) << "what frames it counts, too";
  EXPECT_EQ(open(), 0U);
}

struct Broken {
  const char* name;
  std::string bytes;  // behind the head
  std::string_view advice;
};

TEST_F(HttpEngineTest, AStreamThatBreaksOffOrMakesNoSenseSaysWhatToDo) {
  const Broken cases[] = {
      {"no_json", Chunk("data: {\"choices\": [oops\n\n"), "address of a model server"},
      {"huge_event", Chunk("data: " + std::string(limits::kSseEventBytes + 100'000, 'x')),
       "address of a model server"},
      {"no_finish", Chunk(Event("Hello")) + std::string(kLastChunk), "look at its log"},
      {"bad_chunk", "zz\r\n", "a proxy in between"},
  };
  for (const Broken& c : cases) {
    SCOPED_TRACE(c.name);
    const Result<model::Reply> reply = Ask({{0s, StrCat(kStreamHead, c.bytes)}}, true);
    ASSERT_FALSE(reply.has_value());
    EXPECT_THAT(reply.error().message, HasSubstr(c.advice));
    EXPECT_FALSE(model::TrailOf(reply.error()).info.request_id.empty());
  }
}

// As a vLLM that is stopped ends its requests.
TEST_F(HttpEngineTest, AnAnswerThatTheServerGaveUpMayBeAskedForAgain) {
  std::string whole(kWhole);
  whole.replace(whole.find("stop"), 4, "abort");
  std::string empty = whole;
  empty.replace(empty.find("Hi"), 2, "");
  const std::string end = StrCat(Chunk("data: [DONE]\n\n"), kLastChunk);
  const std::string stream = StrCat(kStreamHead, Chunk(Event("", "\"abort\"")), end);
  for (const auto& [bytes, streams] : {std::pair(Page("200 OK", "application/json", whole), false),
                                       {Page("200 OK", "application/json", empty), false},
                                       {stream, true}}) {
    const Result<model::Reply> reply = Ask({{0s, bytes}}, streams);
    ASSERT_FALSE(reply.has_value()) << bytes;
    EXPECT_EQ(reply.error().code, Code::kStreamTruncated) << bytes;
    EXPECT_TRUE(Retryable(reply.error()));
    EXPECT_THAT(reply.error().message, HasSubstr("finish reason `abort`"));
  }
  const std::string begun =
      StrCat(kStreamHead, Chunk(Event("Hi")), Chunk(Event("", "\"abort\"")), end);
  EXPECT_EQ(Ask({{0s, begun}}, true)->text(), "Hi") << "what has come is not taken back";
}

TEST_F(HttpEngineTest, CommentsKeepTheConnectionOpenAndNotTheCallWaiting) {
  const std::string comment = Chunk(": ping\n\n");
  const Step pings = {1s, comment, 1};
  std::vector<Step> silent = {{0s, std::string(kStreamHead)}};
  silent.resize(400, pings);
  const Result<model::Reply> nothing = Ask(silent, true);
  EXPECT_EQ(nothing.error().code, Code::kTimeout);
  EXPECT_THAT(nothing.error().message, HasSubstr("`first_token` of 300 s"));

  std::vector<Step> begun = {{0s, StrCat(kStreamHead, Chunk(Event("Hi")))}};
  begun.resize(100, pings);
  const Result<model::Reply> stalled = Ask(begun, true);
  EXPECT_EQ(stalled.error().code, Code::kStreamIdleTimeout);
  EXPECT_THAT(stalled.error().message, HasSubstr("`idle` of 60 s"));
}

TEST_F(HttpEngineTest, AKeyThatTheServerRepeatsIsShownToNobody) {
  const std::string body = R"({"error":{"message":"key k3y-of-mine may not, see k3y-of-mine"}})";
  const std::string event = Chunk(StrCat("data: ", body, "\n\n"));
  for (const auto& [bytes, streams] :
       {std::pair(Page("401 Unauthorized", "application/json", body), false),
        {Page("401 Unauthorized", "application/json", body), true},
        {Page("200 OK", "application/json", body), false},
        {StrCat(kStreamHead, event, kLastChunk), true}}) {
    const Result<model::Reply> reply = Ask({{0s, bytes}}, streams, "k3y-of-mine");
    ASSERT_FALSE(reply.has_value());
    EXPECT_THAT(Describe(reply.error()), AllOf(HasSubstr("key ***"), Not(HasSubstr("k3y"))));
    EXPECT_THAT(reply.error().cause, Not(HasSubstr("k3y")));
  }
}

}  // namespace
}  // namespace weir::engine
