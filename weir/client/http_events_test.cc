// What the HTTP engine tells beside its answers, against the simulator behind a socket: the bytes
// of an exchange (`debug: raw`), and warnings.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/client/wiring.h"
#include "weir/engine/wire_log.h"
#include "weir/events/event.h"
#include "weir/json/reader.h"
#include "weir/sim/sim_testing.h"

namespace weir::client {
namespace {

using sim::SimServer;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kMaskedBody =
    "*** (a secret came in pieces, which cannot be masked one by one)";

class HttpEventsTest : public testing::Test {
 protected:
  // Asks a server with this script, and keeps the events; the answer does not matter.
  void Ask(std::string_view script, engine::DebugLevel debug, bool stream,
           std::string_view question = "hi") {
    lines_.clear();
    SimServer server(sim::InstantSim(script));
    config::EngineConfig config{.name = "fast", .retry = {.max_retries = 0}, .debug = debug};
    config.http.upstream.base_url = server.url();
    async::Loop loop;  // outlives the connections
    const std::unique_ptr<http::Client> transport = BuildTransport(config, env_);
    const std::unique_ptr<model::Engine> engine = *BuildEngine(config, *transport);
    async::Context ctx(loop);
    ctx.trace = &sink_;
    const model::Call call = sim::Ask(question);
    const auto run = [](async::Context in, model::Engine& its, const model::Call& asked,
                        bool streams) -> async::Task<void> {
      if (!streams) {
        co_await its.Call(in, asked);
        co_return;
      }
      const auto begun = co_await its.Stream(in, asked);
      if (begun) co_await model::Collect(in, **begun);
    };
    loop.Run(run(ctx, *engine, call, stream));
    log_ = server.core().log().Json();
  }

  // The texts that the events of a stream bring, one behind the other.
  static std::string SaidIn(std::string_view body) {
    std::string said;
    for (std::string_view line : Split(body, '\n')) {
      if (!line.starts_with("data: {")) continue;
      const Result<json::Value> event = json::Read(line.substr(sizeof "data: " - 1));
      if (!event) continue;
      said += event->Find("choices")[0].Find("delta").Find("content").StringOr("");
    }
    return said;
  }

  // The events of that name.
  std::vector<json::Value> All(std::string_view event) const {
    std::vector<json::Value> found;
    for (const json::Value& line : lines_) {
      if (line.Find("event").StringOr("") == event) found.push_back(line);
    }
    return found;
  }
  std::string BodyOf(std::string_view event) const {
    const std::vector<json::Value> found = All(event);
    EXPECT_EQ(found.size(), 1U) << event;
    return found.empty() ? "" : std::string(found[0].Find("body").StringOr(""));
  }

  Env env_;
  SystemClock clock_;
  std::string log_;
  std::vector<json::Value> lines_;
  events::JsonlSink sink_{clock_,
                          [this](std::string_view line) {
                            lines_.push_back(*json::Read(line));
                            return true;
                          },
                          false};
};

TEST_F(HttpEventsTest, AWholeCallIsToldByteByByte) {
  const std::string question(500, 'x');
  Ask("[{reply: {text: four}}]", engine::DebugLevel::kRaw, false, question);

  const json::Value served = *json::Read(log_);
  EXPECT_EQ(BodyOf("llm:request:raw"), served.items()[0].Find("body").StringOr(""));
  EXPECT_THAT(BodyOf("llm:request:raw"), HasSubstr(question));
  const json::Value request = All("llm:request:raw").at(0);
  EXPECT_EQ(request.Find("path").StringOr(""), sim::kChatPath);
  EXPECT_EQ(request.Find("engine").StringOr(""), "fast");
  EXPECT_FALSE(request.Find("model").exists());  // the server's own
  EXPECT_EQ(request.Find("request_id").StringOr(""),
            All("llm:request").at(0).Find("request_id").StringOr("?"));
  EXPECT_THAT(BodyOf("llm:response:raw"), StartsWith(R"({"id":"chatcmpl-)"));
  EXPECT_EQ(All("llm:response:raw").at(0).Find("status").AsInt64(), 200);
}

TEST_F(HttpEventsTest, AStreamIsToldAsItCame) {
  Ask("[{reply: {text: one two}}]", engine::DebugLevel::kRaw, true);

  EXPECT_THAT(BodyOf("llm:request:raw"), HasSubstr(R"("stream":true)"));
  EXPECT_THAT(BodyOf("llm:response:raw"), StartsWith("data: {"));
  EXPECT_THAT(BodyOf("llm:response:raw"), EndsWith("data: [DONE]\n\n"));
}

TEST_F(HttpEventsTest, ABrokenStreamIsToldAsFarAsItCame) {
  Ask("[{reply: {text: one two three, drop_after: 2}}]", engine::DebugLevel::kRaw, true);

  EXPECT_THAT(BodyOf("llm:response:raw"), HasSubstr("one"));
  EXPECT_THAT(BodyOf("llm:response:raw"), Not(HasSubstr("three")));
}

TEST_F(HttpEventsTest, AnErrorIsToldWithItsStatus) {
  for (const bool stream : {false, true}) {
    Ask("[{reply: {error: {status: 400, message: not so}}}]", engine::DebugLevel::kRaw, stream);

    EXPECT_THAT(BodyOf("llm:response:raw"), HasSubstr("not so"));
    EXPECT_EQ(All("llm:response:raw").at(0).Find("status").AsInt64(), 400);
  }
}

TEST_F(HttpEventsTest, SecretsAreNotTold) {
  for (const bool stream : {false, true}) {
    SCOPED_TRACE(stream);
    Ask("[{reply: {text: 'your api_key=swordfish'}}]", engine::DebugLevel::kRaw, stream,
        "my api_key=hush");

    EXPECT_THAT(BodyOf("llm:request:raw"), Not(HasSubstr("hush")));
    const std::string body = BodyOf("llm:response:raw");
    EXPECT_THAT(body, Not(HasSubstr("swordfish")));
    EXPECT_THAT(SaidIn(body), Not(HasSubstr("swordfish")));
    EXPECT_THAT(body, HasSubstr("***"));
  }
}

TEST_F(HttpEventsTest, ASecretInPiecesOfACallOfAToolIsNotTold) {
  Ask("[{reply: {tool_calls: [{name: f, arguments: {api_key: swordfish}}]}}]",
      engine::DebugLevel::kRaw, true);

  EXPECT_EQ(BodyOf("llm:response:raw"), kMaskedBody);
}

// As a reader sees them that gives up a stream of which more has come.
TEST_F(HttpEventsTest, PiecesOfASecretAreFoundInEveryFormOfStream) {
  struct Case {
    std::vector<std::string_view> came;
    bool secret;
  };
  const Case cases[] = {
      {{"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"api_\"}}]}\r\n\r\n",
        "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"between\"}}]}\r\n\r\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"key=sword\"}}]}\r\n\r\ndata: {"},
       true},
      {{"{\"message\":{\"content\":\"api_\"}}\n{\"message\":{\"cont", "ent\":\"key=sword\"}}\n"},
       true},
      {{"data: {\"type\":\"d\",\"delta\":\"api_\"}\n\ndata: "
        "{\"type\":\"d\",\"delta\":\"key\"}\n\n"},
       false},
      {{"data: {\"delta\":{\"content\":\"four\"}}\n\n", "data: no JSON\n\ndata: [DONE]\n\n"},
       false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.came[0]);
    lines_.clear();
    async::Loop loop;
    async::Context ctx(loop);
    ctx.trace = &sink_;
    std::string all;
    {
      engine::WireLog log(ctx, {});
      log.Answered(200);
      for (const std::string_view bytes : c.came) {
        log.Came(bytes);
        all += bytes;
      }
    }
    EXPECT_EQ(BodyOf("llm:response:raw"), c.secret ? kMaskedBody : all);
  }
}

TEST_F(HttpEventsTest, AWholeAnswerThatBreaksOffIsToldAsFarAsItCame) {
  Ask("[{reply: {text: one two three, faults: [truncated_chunk]}}]", engine::DebugLevel::kRaw,
      false);

  EXPECT_EQ(All("llm:response").at(0).Find("status").StringOr(""), "error");
  EXPECT_THAT(BodyOf("llm:response:raw"), StartsWith(R"({"id":"chatcmpl-)"));
  EXPECT_THAT(BodyOf("llm:response:raw"), Not(EndsWith("}}")));
}

TEST_F(HttpEventsTest, AnErrorThatIsTooLongIsToldAndReadAsFarAsThat) {
  const std::string page(limits::kErrorBodyBytes * 2, 'x');
  Ask(StrCat("[{reply: {error: {status: 400, message: 'not so, ", page, "'}}}]"),
      engine::DebugLevel::kRaw, false);

  EXPECT_THAT(BodyOf("llm:response:raw"), HasSubstr("not so"));
  EXPECT_THAT(std::string(All("llm:response").at(0).Find("message").StringOr("")),
              HasSubstr("not so"));
}

TEST_F(HttpEventsTest, NothingIsToldUnlessItIsAskedFor) {
  Ask("[{reply: {text: four}}]", engine::DebugLevel::kSummary, false);

  EXPECT_TRUE(All("llm:request:raw").empty());
  EXPECT_TRUE(All("llm:response:raw").empty());
}

TEST_F(HttpEventsTest, OfALongBodyOnlyTheBeginningIsKept) {
  async::Loop loop;
  async::Context ctx(loop);
  ctx.trace = &sink_;
  {
    engine::WireLog log(ctx, {}, 5);
    log.Answered(200);
    for (const std::string_view bytes : {"abc", "def", "ghi"}) log.Came(bytes);
  }
  EXPECT_EQ(BodyOf("llm:response:raw"), "abcde...(truncated 4 bytes)");
}

TEST_F(HttpEventsTest, ThatARawFieldIsIgnoredIsSaidOnce) {
  SimServer server(sim::InstantSim("[{reply: {text: four}}]"));
  config::EngineConfig config{.name = "fast"};
  config.http.upstream.base_url = server.url();
  config.http.extra = *json::Read(R"({"guided_json":{},"keep_alive":1})");
  async::Loop loop;
  const std::unique_ptr<http::Client> transport = BuildTransport(config, env_);
  const std::unique_ptr<model::Engine> engine = *BuildEngine(config, *transport);
  async::Context ctx(loop);
  const model::Call call = sim::Ask("hi");
  for (const bool heard : {false, true, true}) {
    ctx.trace = heard ? &sink_ : nullptr;
    const Result<model::Reply> reply = loop.Run(engine->Call(ctx, call));
    ASSERT_TRUE(reply);
    ASSERT_EQ(reply->info.degradations.size(), 1U);
    EXPECT_EQ(reply->info.degradations[0].what, "guided_json");
    EXPECT_EQ(reply->info.degradations[0].routine, heard);
    EXPECT_EQ(All("engine.warning").size(), heard ? 1U : 0U);
  }
}

TEST_F(HttpEventsTest, ThatLogprobsOfPromptsCostThePrefixCacheIsSaidOnce) {
  SimServer server(sim::InstantSim("[{reply: {text: four}}]"));
  config::EngineConfig config{.name = "fast"};
  config.http.upstream.base_url = server.url();
  async::Loop loop;
  const std::unique_ptr<http::Client> transport = BuildTransport(config, env_);
  const std::unique_ptr<model::Engine> engine = *BuildEngine(config, *transport);
  async::Context ctx(loop);
  ctx.trace = &sink_;
  model::Call call = sim::Ask("hi");
  for (const int logprobs : {0, 1, 1}) {
    call.sampling.prompt_logprobs = logprobs;
    EXPECT_TRUE(loop.Run(engine->Call(ctx, call)));
    EXPECT_EQ(All("engine.warning").size(), logprobs == 0 ? 0U : 1U);
  }
}

}  // namespace
}  // namespace weir::client
