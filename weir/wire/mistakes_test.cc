// What clients of vLLM get wrong, as collected from its issues; and the replies of a real server.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/wire/codec.h"
#include "weir/wire/wire_testing.h"

namespace weir::wire {
namespace {

using Kind = ChunkDecoder::Kind;
using model::Api;
using model::Delta;
using testing::ElementsAre;

std::string Choice(std::string_view choice) {
  return StrCat(R"({"id":"x","created":1,"model":"m","choices":[{"index":0,)", choice, "}]}");
}

struct Outcome {
  model::Reply reply;
  bool finished = false;
  std::optional<Error> error;
};

Outcome Play(const std::vector<std::string>& events) {
  Outcome outcome;
  ChunkDecoder decoder(Api::kChat);
  model::Assembler assembler;
  Delta delta;
  for (const std::string& event : events) {
    const auto kind = decoder.Decode(event, delta);
    if (!kind) {
      outcome.error = kind.error();
      break;
    }
    if (*kind == Kind::kDelta) assembler.Add(delta);
  }
  outcome.finished = decoder.finished();
  outcome.reply = std::move(assembler).Finish(decoder.info());
  return outcome;
}

// 1
TEST(MistakesTest, BothNamesOfReasoningAreReadAndNeverDoubled) {
  for (const std::string_view delta :
       {R"("delta":{"reasoning":"r"})", R"("delta":{"reasoning_content":"r"})",
        R"("delta":{"reasoning":"r","reasoning_content":"r"})",
        R"("delta":{"reasoning_content":"r","reasoning":null})"}) {
    EXPECT_EQ(Play({Choice(delta)}).reply.choices[0].reasoning, "r") << delta;
  }
  for (const std::string_view message : {R"("reasoning":"r","reasoning_content":"r")",
                                         R"("reasoning":null,"reasoning_content":"r")"}) {
    const auto reply =
        DecodeReply(Api::kChat, Choice(StrCat(R"("message":{"content":"a",)", message, "}")));
    EXPECT_EQ(reply->choices[0].reasoning, "r");
  }
}

// 5
TEST(MistakesTest, ACallWithoutArgumentsDeltaIsStillACall) {
  const Outcome outcome = Play({
      Choice(
          R"("delta":{"tool_calls":[{"id":"c","type":"function","index":0,"function":{"name":"now"}}]})"),
      Choice(R"("delta":{},"finish_reason":"tool_calls")"),
  });
  EXPECT_THAT(outcome.reply.choices[0].tool_calls, ElementsAre(model::ToolCall{"c", "now", ""}));
}

// 7
TEST(MistakesTest, ArgumentsAreJoinedByIndexAndNullsTolerated) {
  const Outcome outcome = Play({
      Choice(
          R"("delta":{"tool_calls":[{"id":"a","index":0,"function":{"name":"f","arguments":null}},{"id":"b","index":1,"function":{"name":"g","arguments":"{"}}]})"),
      Choice(
          R"("delta":{"tool_calls":[{"index":1,"function":{"arguments":"}"}},{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x"}},{"index":0,"function":{"arguments":"\":1}"}}]})"),
  });
  EXPECT_THAT(outcome.reply.choices[0].tool_calls,
              ElementsAre(model::ToolCall{"a", "f", "{\"x\":1}"}, model::ToolCall{"b", "g", "{}"}));
}

// 10
TEST(MistakesTest, ToolCallsCountWhateverTheFinishReasonSays) {
  for (const std::string_view finish : {"stop", "tool_calls", "length"}) {
    const auto reply = DecodeReply(
        Api::kChat,
        Choice(StrCat(
            R"("message":{"content":"","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},"finish_reason":")",
            finish, "\"")));
    EXPECT_EQ(reply->choices[0].tool_calls.size(), 1U);
    EXPECT_EQ(reply->choices[0].finish_text, finish);
  }
}

// 11
TEST(MistakesTest, DoneWithoutAFinishReasonIsNotFinished) {
  EXPECT_FALSE(Play({"[DONE]"}).finished);
  EXPECT_FALSE(Play({Choice(R"("delta":{"role":"assistant","content":""})"), "[DONE]"}).finished);
  EXPECT_FALSE(Play({Choice(R"("delta":{"content":"a"})"), "[DONE]"}).finished);
}

// 12
TEST(MistakesTest, AnErrorEventInsideA200StreamIsAFailure) {
  const Outcome first = Play(
      {R"({"error": {"message": "bad schema", "type": "BadRequestError", "param": null, "code": 400}})",
       "[DONE]"});
  const Outcome middle =
      Play({Choice(R"("delta":{"content":"a"})"),
            R"({"error": {"message": "", "type": "InternalServerError", "code": 500}})"});
  ASSERT_TRUE(first.error && middle.error);
  EXPECT_EQ(first.error->http_status, 400);
  EXPECT_EQ(middle.error->http_status, 500);
  EXPECT_FALSE(middle.finished);
}

// 13
TEST(MistakesTest, AUsageChunkHasNoChoicesAndEndsNothing) {
  const Outcome outcome = Play({
      Choice(R"("delta":{"content":"a"},"finish_reason":"stop")"),
      R"({"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})",
  });
  EXPECT_TRUE(outcome.finished);
  EXPECT_EQ(outcome.reply.usage.total_tokens, 3);
  EXPECT_EQ(outcome.reply.choices.size(), 1U);
  EXPECT_EQ(Play({Choice(R"("delta":{"content":"a"})")}).reply.usage.total_tokens, std::nullopt);
}

// 21
TEST(MistakesTest, AnswerInReasoningWithNullContentIsEmptyTextNotACrash) {
  const auto reply = DecodeReply(
      Api::kChat,
      Choice(
          R"("message":{"role":"assistant","content":null,"reasoning":"42"},"finish_reason":"stop")"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text(), "");
  EXPECT_EQ(reply->choices[0].reasoning, "42");
}

// 22
TEST(MistakesTest, TheFloorStandsForMinusInfinity) {
  const Outcome outcome = Play({Choice(
      R"("delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-9999.0,"bytes":null,"top_logprobs":[]}]})")});
  ASSERT_EQ(outcome.reply.choices[0].tokens.size(), 1U);
  EXPECT_LE(*outcome.reply.choices[0].tokens[0].logprob, model::kLogprobFloor);
}

// 24
TEST(MistakesTest, NullsAndMissingFieldsAreTolerated) {
  for (const std::string_view choice :
       {R"("delta":{"content":null,"reasoning":null,"tool_calls":null},"finish_reason":null)",
        R"("delta":{},"logprobs":null)", R"("delta":{"content":""},"stop_reason":null)",
        R"("finish_reason":null)"}) {
    ChunkDecoder decoder(Api::kChat);
    Delta delta;
    const auto kind = decoder.Decode(Choice(choice), delta);
    ASSERT_TRUE(kind) << choice;
    EXPECT_EQ(*kind, Kind::kEmpty) << choice;
  }
}

TEST(RecordingsTest, StreamsOfARealServerDecodeAndFinish) {
  const char* const suites = std::getenv("WEIR_SUITES");  // NOLINT(concurrency-mt-unsafe)
  if (suites == nullptr) {
    GTEST_SKIP() << "WEIR_SUITES IS NOT SET: the recordings of a real server were not tried";
  }
  int tried = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(std::filesystem::path(suites) / "recordings")) {
    const std::string name = file.path().filename().string();
    const bool wanted = name.starts_with("chat-stream") || name.starts_with("tools-stream") ||
                        name.starts_with("think-stream") || name.starts_with("schema-stream") ||
                        name == "logprobs-stream.http";
    if (!wanted) continue;
    std::ifstream in(file.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());

    const Outcome outcome = Play(EventsOf(text));

    EXPECT_FALSE(outcome.error) << name << ": " << Describe(*outcome.error);
    EXPECT_TRUE(outcome.finished) << name;
    EXPECT_FALSE(outcome.reply.choices.empty()) << name;
    ++tried;
  }
  EXPECT_GE(tried, 10);
}

}  // namespace
}  // namespace weir::wire
