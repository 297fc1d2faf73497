#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/model/engine.h"
#include "weir/model/engine_testing.h"
#include "weir/model/sampling_fields.h"

namespace weir::model {
namespace {

struct RangeCase {
  const char* name;
  void (*set)(Sampling&);
  const char* sentence;
};

const RangeCase kRangeCases[] = {
    {"temperature", [](Sampling& s) { s.temperature = 2.5; },
     "temperature must be in [0, 2], got 2.5"},
    {"top_p", [](Sampling& s) { s.top_p = 0; }, "top_p must be in (0, 1], got 0"},
    {"top_k", [](Sampling& s) { s.top_k = -2; }, "top_k must be -1 or 0 (off)"},
    {"min_p", [](Sampling& s) { s.min_p = 1.5; }, "min_p must be in [0, 1]"},
    {"penalty", [](Sampling& s) { s.presence_penalty = 3; }, "presence_penalty must be in [-2, 2]"},
    {"repetition", [](Sampling& s) { s.repetition_penalty = 0; }, "above 0"},
    {"logprobs", [](Sampling& s) { s.logprobs = -2; }, "logprobs must be at least 0, or -1"},
    {"prompt_logprobs", [](Sampling& s) { s.prompt_logprobs = -2; }, "prompt_logprobs must be"},
    {"n", [](Sampling& s) { s.n = 0; }, "n must be at least 1"},
    {"stop", [](Sampling& s) { s.stop = {"a", ""}; }, "stop text must not be empty"},
    {"min_above_max", [](Sampling& s) { s.min_tokens = 5, s.max_tokens = 4; }, "min_tokens (5)"},
    {"not_a_number", [](Sampling& s) { s.temperature = std::nan(""); }, "temperature"},
};

TEST(Sampling, EachRangeIsCheckedAndNamed) {
  for (const RangeCase& c : kRangeCases) {
    SCOPED_TRACE(c.name);
    Sampling sampling;
    c.set(sampling);
    const Result<void> valid = sampling.Validate();
    ASSERT_FALSE(valid.has_value());
    EXPECT_EQ(valid.error().code, Code::kInvalidRequest);
    EXPECT_NE(valid.error().message.find(c.sentence), std::string::npos) << valid.error().message;
  }
}

TEST(Sampling, FurtherFieldsOfARequestAreHeldToTheSameRanges) {
  for (const char* fields :
       {R"({"presence_penalty": 3})", R"({"temperature": -0.5, "other": 1})", R"({"n": 0})",
        R"({"logit_bias": {"5": 100.5}})", R"({"logit_bias": {"5": -101}})"}) {
    const Result<void> valid = ValidateFields(json::Read(fields).value());
    ASSERT_FALSE(valid.has_value()) << fields;
    EXPECT_EQ(valid.error().code, Code::kInvalidRequest);
  }
  EXPECT_NE(ValidateFields(json::Read(R"({"presence_penalty": 3})").value())
                .error()
                .message.find("presence_penalty must be in [-2, 2], got 3"),
            std::string::npos);
  EXPECT_FALSE(ValidateBias({{"5", 1}, {"6", -100.5}}));
  EXPECT_TRUE(ValidateBias({{"5", 100}, {"6", -100}}));
  for (const char* fields : {"null", "{}", R"({"logprobs": true, "temperature": "hot"})",
                             R"({"logit_bias": {"5": -100}, "min_p": 1, "unknown": -7})"}) {
    EXPECT_TRUE(ValidateFields(json::Read(fields).value())) << fields;
  }
}

TEST(Sampling, AnUnsetOneIsValid) { EXPECT_TRUE(Sampling().Validate().has_value()); }

TEST(Sampling, TheEdgesOfRangesAreValid) {
  Sampling sampling;
  sampling.temperature = 2;
  sampling.top_p = 1;
  sampling.top_k = -1;
  sampling.logprobs = 50;  // a server may be started with a higher limit than vLLM's own
  sampling.prompt_logprobs = -1;
  EXPECT_TRUE(sampling.Validate().has_value());
}

TEST(Finish, KnownWordsRoundTripAndUnknownOnesAreOther) {
  for (const char* word :
       {"stop", "length", "tool_calls", "content_filter", "abort", "repetition"}) {
    EXPECT_EQ(FinishName(ParseFinish(word)), word);
  }
  EXPECT_EQ(ParseFinish("weird"), Finish::kOther);
}

Delta Piece(std::int64_t choice, std::string text) {
  Delta delta;
  delta.has_choice = true;
  delta.choice = choice;
  delta.text = std::move(text);
  return delta;
}

TEST(Assembler, JoinsInterleavedChoicesInTheOrderOfTheirIndex) {
  Assembler assembler;
  assembler.Add(Piece(1, "b"));
  assembler.Add(Piece(0, "a"));
  assembler.Add(Piece(1, "B"));
  const Reply reply = std::move(assembler).Finish({});

  ASSERT_EQ(reply.choices.size(), 2U);
  EXPECT_EQ(reply.choices[0].text, "a");
  EXPECT_EQ(reply.choices[1].text, "bB");
}

TEST(Assembler, JoinsToolCallPiecesByIndexEvenTwoInOneDelta) {
  Delta first = Piece(0, "");
  first.tool_calls = {{.index = 3, .id = "x", .name = "f", .arguments = "{"},
                      {.index = 3, .id = "", .name = "", .arguments = "\"a\""}};
  Delta second = Piece(0, "");
  second.tool_calls = {{.index = 4, .id = "y", .name = "g", .arguments = "{}"},
                       {.index = 3, .id = "", .name = "", .arguments = ":1}"}};
  Assembler assembler;
  assembler.Add(first);
  assembler.Add(second);
  const Reply reply = std::move(assembler).Finish({});

  const std::vector<ToolCall> expected = {{"x", "f", "{\"a\":1}"}, {"y", "g", "{}"}};
  EXPECT_EQ(reply.choices[0].tool_calls, expected);
}

TEST(Assembler, AUsageEventOpensNoChoice) {
  Delta usage;
  usage.usage = Usage{.prompt_tokens = 3};
  Assembler assembler;
  assembler.Add(usage);
  const Reply reply = std::move(assembler).Finish({});

  EXPECT_TRUE(reply.choices.empty());
  EXPECT_EQ(reply.usage.prompt_tokens, 3);
  EXPECT_EQ(reply.text(), "");
}

TEST(Engine, CollectedStreamEqualsTheWholeReply) {
  async::Loop loop(async::Loop::Time::kVirtual);
  ScriptedEngine engine({Says("hello")});
  const Call call;
  auto run = [](async::Context ctx, Engine& its,
                const model::Call& asked) -> async::Task<Result<Reply>> {
    WEIR_CO_TRY(const std::unique_ptr<ReplyStream> stream, co_await its.Stream(ctx, asked));
    co_return co_await Collect(ctx, *stream);
  };

  const Result<Reply> whole = loop.Run(engine.Call(async::Context(loop), call));
  const Result<Reply> collected = loop.Run(run(async::Context(loop), engine, call));

  ASSERT_TRUE(whole.has_value() && collected.has_value());
  EXPECT_EQ(whole->text(), "hello");
  EXPECT_EQ(collected->text(), "hello");
  EXPECT_EQ(collected->choices[0].finish, Finish::kStop);
}

}  // namespace
}  // namespace weir::model
