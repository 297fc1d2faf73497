#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/engine/decorators.h"
#include "weir/events/event.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/model/engine_testing.h"

namespace weir::engine {
namespace {

using namespace std::chrono_literals;
using model::Delta;
using model::Engine;
using model::ReplyStream;
using model::ScriptedAnswer;
using model::ScriptedEngine;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

ScriptedAnswer Answer() {
  ScriptedAnswer answer = model::Says("four");
  answer.pieces.back().usage = model::Usage{
      .prompt_tokens = 12, .completion_tokens = 3, .cached_tokens = 8, .reasoning_tokens = 1};
  answer.before_each = 250ms;
  return answer;
}

class RecordEngineTest : public testing::Test {
 protected:
  RecordEngineTest() {
    ctx_.trace = &sink_;
    ctx_.request_id = "r1";
    call_.messages.push_back(model::Message::Text(model::Role::kUser, "two and two?"));
    call_.sampling.temperature = 0.5;
  }

  std::unique_ptr<Engine> Recorded(ScriptedAnswer answer, RecordOptions options = {}) {
    options.engine = "fast";
    options.provider = "vllm";
    options.model = "m";
    return NewRecordEngine(std::make_unique<ScriptedEngine>(std::deque{std::move(answer)}),
                           options);
  }

  Result<model::Reply> Call(Engine& engine) { return loop_.Run(engine.Call(ctx_, call_)); }

  // Takes that many pieces, or all, and drops the stream.
  void Stream(Engine& engine, int pieces = 1'000) {
    auto run = [](async::Context ctx, Engine& its, const model::Call& call,
                  int left) -> async::Task<void> {
      const auto stream = co_await its.Stream(ctx, call);
      Delta piece;
      for (Result<bool> there = stream.has_value(); there && *there && left > 0; --left) {
        there = co_await (*stream)->Next(ctx, piece);
      }
    };
    loop_.Run(run(ctx_, engine, call_, pieces));
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const json::Value& line : lines_) names.emplace_back(line.Find("event").StringOr(""));
    return names;
  }
  json::Value Of(std::string_view event) const {
    for (const json::Value& line : lines_) {
      if (line.Find("event").StringOr("") == event) return line;
    }
    ADD_FAILURE() << "no " << event;
    return {};
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  model::Call call_;
  std::vector<json::Value> lines_;
  events::JsonlSink sink_{loop_, [this](std::string_view line) {
                            lines_.push_back(*json::Read(line));
                            return true;
                          }};
};

std::string Without(json::Value line, std::initializer_list<std::string_view> keys) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  for (const auto& [key, value] : line.members()) {
    if (std::ranges::find(keys, key) == keys.end()) out.Field(key, value);
  }
  out.EndObject();
  return text;
}

TEST_F(RecordEngineTest, AWholeCallIsARequestAndAResponse) {
  const auto engine = Recorded(Answer());
  ASSERT_TRUE(Call(*engine).has_value());

  ASSERT_THAT(Names(), ElementsAre("llm:request", "llm:response"));
  EXPECT_EQ(Without(lines_[0], {"ts", "seq"}),
            R"({"event":"llm:request","engine":"fast","provider":"vllm","model":"m",)"
            R"("request_id":"r1","api":"chat","stream":false,"message_count":1})");
  EXPECT_EQ(Without(lines_[1], {"ts", "seq"}),
            R"({"event":"llm:response","engine":"fast","provider":"vllm","model":"m",)"
            R"("request_id":"r1","api":"chat","status":"ok",)"
            R"("usage":{"input_tokens":12,"output_tokens":3,"cache_read_tokens":8,)"
            R"("reasoning_tokens":1},"prompt_tokens":12,"completion_tokens":3,)"
            R"("duration_ms":250,"response_id":"scripted","finish_reason":"stop"})");
}

TEST_F(RecordEngineTest, AFailedCallHasItsErrorByName) {
  for (const bool streamed : {false, true}) {
    lines_.clear();
    const auto engine = Recorded(model::Refuses(model::HttpError(503)));
    if (streamed) {
      Stream(*engine);
    } else {
      EXPECT_FALSE(Call(*engine).has_value());
    }

    ASSERT_THAT(Names(), ElementsAre("llm:request", "llm:response"));
    EXPECT_EQ(lines_[1].Find("status").StringOr(""), "error");
    EXPECT_EQ(lines_[1].Find("error").StringOr(""), "http_503");
    EXPECT_EQ(lines_[1].Find("message").StringOr(""), "no");
    EXPECT_FALSE(lines_[1].Find("usage").exists());
  }
}

TEST_F(RecordEngineTest, AStreamHasOneResponseWithItsFirstTokenTime) {
  const auto engine = Recorded(Answer());
  Stream(*engine);

  ASSERT_THAT(Names(), ElementsAre("llm:request", "llm:response"));
  EXPECT_EQ(lines_[0].Find("stream").AsBool(), true);
  EXPECT_EQ(lines_[1].Find("status").StringOr(""), "ok");
  EXPECT_EQ(lines_[1].Find("ttft_ms").AsInt64(), 250);
  EXPECT_EQ(lines_[1].Find("duration_ms").AsInt64(), 500);
  EXPECT_EQ(lines_[1].Find("completion_tokens").AsInt64(), 3);
  EXPECT_EQ(lines_[1].Find("finish_reason").StringOr(""), "stop");
}

TEST_F(RecordEngineTest, ABrokenStreamTellsThatItWasAborted) {
  ScriptedAnswer answer = Answer();
  answer.broken = Error{.code = Code::kStreamTruncated, .message = "cut"};
  const auto engine = Recorded(std::move(answer));
  Stream(*engine);

  ASSERT_THAT(Names(), ElementsAre("llm:request", "llm:stream_aborted", "llm:response"));
  EXPECT_EQ(lines_[1].Find("error").StringOr(""), "stream_truncated");
  EXPECT_EQ(lines_[1].Find("pieces").AsInt64(), 2);
  EXPECT_EQ(lines_[2].Find("error").StringOr(""), "stream_truncated");
  EXPECT_EQ(lines_[2].Find("prompt_tokens").AsInt64(), 12);
}

TEST_F(RecordEngineTest, ADroppedStreamWasCancelled) {
  const auto engine = Recorded(Answer());
  Stream(*engine, 1);

  ASSERT_THAT(Names(), ElementsAre("llm:request", "llm:stream_aborted", "llm:response"));
  EXPECT_EQ(lines_[2].Find("error").StringOr(""), "cancelled");
}

TEST_F(RecordEngineTest, ACancelledCallSaysSo) {
  const auto engine = Recorded(Answer());
  async::Cancellation cancellation;
  ctx_.cancellation = &cancellation;
  loop_.Post([&] { cancellation.Cancel(); });
  EXPECT_FALSE(Call(*engine).has_value());

  ASSERT_THAT(Names(), ElementsAre("llm:request", "llm:response"));
  EXPECT_EQ(lines_[1].Find("error").StringOr(""), "cancelled");
}

TEST_F(RecordEngineTest, TheAdapterIsTheModelAndCompletionsHaveALength) {
  call_ = {};
  call_.api = model::Api::kCompletions;
  call_.prompt = "gr\xC3\xBC\xC3\x9F";
  call_.model = "base";
  call_.adapter = "sql";
  const auto engine = Recorded(Answer());
  ASSERT_TRUE(Call(*engine).has_value());

  EXPECT_EQ(lines_[0].Find("model").StringOr(""), "sql");
  EXPECT_EQ(lines_[0].Find("prompt_length").AsInt64(), 4);
  EXPECT_FALSE(lines_[0].Find("message_count").exists());
}

TEST_F(RecordEngineTest, BlocksOfAStreamAreToldWhenAskedFor) {
  ScriptedAnswer answer;
  answer.pieces.resize(5);
  answer.pieces[0].reasoning = "hm";
  answer.pieces[1].text = "a";
  answer.pieces[2].text = "b";
  answer.pieces[3].tool_calls = {{.index = 0, .id = "c", .name = "add", .arguments = "{"}};
  answer.pieces[4].tool_calls = {{.index = 0, .id = {}, .name = {}, .arguments = "}"}};
  const auto engine = Recorded(std::move(answer), {.deltas = true});
  Stream(*engine);

  std::string story;
  for (const json::Value& line : lines_) {
    const std::string_view event = line.Find("event").StringOr("");
    if (!event.starts_with("llm:stream_block_")) continue;
    story += event.substr(sizeof "llm:stream_block_" - 1);
    story += line.Find("block_index").NumberText();
    for (const char* key : {"block_type", "name", "text"}) {
      if (line.Find(key).exists()) (story += ' ') += line.Find(key).StringOr("");
    }
    if (line.Find("sequence").exists()) (story += " #") += line.Find("sequence").NumberText();
    story += '\n';
  }
  EXPECT_EQ(story,
            "start0 thinking\ndelta0 hm #0\nend0 thinking\n"
            "start1 text\ndelta1 a #0\ndelta1 b #1\nend1 text\n"
            "start2 tool_use add\ndelta2 { #0\ndelta2 } #1\nend2 tool_use\n");
}

TEST_F(RecordEngineTest, DebugEventsHoldTheCallAndTheReplyCut) {
  for (const bool streamed : {false, true}) {
    lines_.clear();
    const auto engine = Recorded(Answer(), {.debug = DebugLevel::kSummary, .truncate = 3});
    if (streamed) {
      Stream(*engine);
    } else {
      ASSERT_TRUE(Call(*engine).has_value());
    }

    ASSERT_THAT(Names(), ElementsAre("llm:request", "llm:request:debug", "llm:response",
                                     "llm:response:debug"));
    const json::View request = lines_[1].Find("request");
    EXPECT_EQ(request.Find("messages")[0].Find("text").StringOr(""), "two...(truncated 9 chars)");
    EXPECT_EQ(request.Find("sampling").Find("temperature").AsDouble(), 0.5);
    EXPECT_EQ(lines_[3].Find("response").Find("choices")[0].Find("text").StringOr(""),
              "fou...(truncated 1 chars)");
    EXPECT_EQ(lines_[3].Find("response").Find("usage").Find("input_tokens").AsInt64(), 12);
  }
}

TEST_F(RecordEngineTest, DebugEventsAreWithoutSecrets) {
  call_.messages[0] = model::Message::Text(model::Role::kUser, "my api_key=swordfish");
  call_.constraint = model::Constraint{.kind = model::Constraint::Kind::kJsonObject};
  const auto engine = Recorded(Answer(), {.debug = DebugLevel::kRaw});
  ASSERT_TRUE(Call(*engine).has_value());

  const json::Value request = Of("llm:request:debug");
  EXPECT_THAT(json::Write(request), Not(HasSubstr("swordfish")));
  EXPECT_EQ(request.Find("request").Find("constraint").StringOr(""),
            model::ConstraintName(model::Constraint::Kind::kJsonObject));
}

TEST_F(RecordEngineTest, WithoutAListenerNothingIsDone) {
  ctx_.trace = nullptr;
  const auto engine = Recorded(Answer(), {.debug = DebugLevel::kRaw});
  EXPECT_EQ(Call(*engine)->text(), "four");
  Stream(*engine);

  EXPECT_TRUE(lines_.empty());
}

}  // namespace
}  // namespace weir::engine
