#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/trace_testing.h"
#include "weir/engine/decorators.h"
#include "weir/engine/feedback.h"
#include "weir/json/reader.h"
#include "weir/model/engine_testing.h"
#include "weir/wire/codec.h"

namespace weir::engine {
namespace {

using model::Constraint;
using model::Delta;
using model::Finish;
using model::Message;
using model::Reply;
using model::Role;
using model::Says;
using model::ScriptedAnswer;
using model::ScriptedEngine;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Keeps what it was asked.
class Listening final : public model::Engine {
 public:
  explicit Listening(std::unique_ptr<ScriptedEngine> next) : next_(std::move(next)) {}

  async::Task<Result<Reply>> Call(async::Context ctx, const model::Call& call) override {
    asked.push_back(call);
    Result<Reply> reply = co_await next_->Call(ctx, call);
    if (reply) reply->info.degradations = lost;
    co_return reply;
  }
  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    asked.push_back(call);
    return next_->Stream(ctx, call);
  }
  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

  std::vector<model::Call> asked;
  std::vector<model::Degradation> lost;  // of every whole reply

 private:
  const std::unique_ptr<ScriptedEngine> next_;
};

ScriptedAnswer Ends(std::string text, Finish finish) {
  ScriptedAnswer answer = Says(std::move(text));
  answer.pieces.back().finish = finish;
  return answer;
}

Constraint SchemaOf(std::string_view text) {
  Constraint constraint;
  constraint.schema = *json::Read(text);
  return constraint;
}

class VerifyTest : public testing::Test {
 protected:
  VerifyTest() {
    call_.messages = {Message::Text(Role::kSystem, "Be brief."),
                      Message::Text(Role::kUser, "How many?")};
    call_.constraint =
        SchemaOf(R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]})");
    ctx_.trace = &ear_;
  }

  std::unique_ptr<model::Engine> Verifying(std::deque<ScriptedAnswer> answers,
                                           VerifyOptions options = {}) {
    listening_ = std::make_shared<Listening>(std::make_unique<ScriptedEngine>(std::move(answers)));
    return NewVerifyEngine(listening_, options);
  }

  Result<Reply> Call(model::Engine& engine) { return loop_.Run(engine.Call(ctx_, call_)); }

  // The text that was delivered, and how the stream ended.
  std::pair<std::string, std::optional<Error>> Stream(model::Engine& engine) {
    std::string text;
    const auto run = [](async::Context ctx, model::Engine& its, const model::Call& call,
                        std::string& seen) -> async::Task<Result<void>> {
      WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await its.Stream(ctx, call));
      Delta piece;
      for (;;) {
        WEIR_CO_TRY(const bool more, co_await stream->Next(ctx, piece));
        if (!more) co_return Result<void>();
        seen += piece.text;
      }
    };
    const Result<void> end = loop_.Run(run(ctx_, engine, call_, text));
    return {text, end ? std::nullopt : std::optional(end.error())};
  }

  std::string SecondBody() const {
    const auto request = wire::EncodeRequest(listening_->asked.at(1), {});
    return request ? request->body : request.error().message;
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  HeardEvents ear_;
  model::Call call_;
  std::shared_ptr<Listening> listening_;
};

TEST_F(VerifyTest, AGoodAnswerIsAskedForOnceAndGivesItsValue) {
  const auto engine = Verifying({Says(R"({"n":3})")});
  const Result<Reply> reply = Call(*engine);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text(), R"({"n":3})");
  EXPECT_EQ(reply->choices[0].value.Find("n").AsInt64(), 3);
  EXPECT_EQ(listening_->asked.size(), 1U);
  EXPECT_THAT(reply->info.repairs, IsEmpty());
  EXPECT_THAT(ear_.names, IsEmpty());
}

TEST_F(VerifyTest, WhatCanBeMendedIsMendedAndSaid) {
  const auto engine = Verifying({Says("```json\n{'n': \"3\",}\n```")});
  const Result<Reply> reply = Call(*engine);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text(), R"({"n":3})");
  EXPECT_EQ(listening_->asked.size(), 1U);
  EXPECT_FALSE(reply->info.repairs.empty());
  EXPECT_THAT(ear_.names, testing::Each("verify:repair"));
}

TEST_F(VerifyTest, StrictMendsNothing) {
  const auto engine = Verifying({Says("```json\n{\"n\":3}\n```"), Says(R"({"n":3})")},
                                {.strictness = json::Strictness::kStrict});
  ASSERT_TRUE(Call(*engine));
  EXPECT_EQ(listening_->asked.size(), 2U);
}

// R-GDC-16: prose once, then JSON: two requests, the second with the sentence.
TEST_F(VerifyTest, ProseIsAskedAgainWithTheInstructionInTheSystemMessage) {
  const auto engine = Verifying({Says("There are three."), Says(R"({"n":3})")});
  const Result<Reply> reply = Call(*engine);
  ASSERT_TRUE(reply);
  EXPECT_EQ(SecondBody(),
            R"({"messages":[{"role":"system","content":"Be brief.\n\nRespond ONLY in JSON."},)"
            R"({"role":"user","content":"How many?"}],"response_format":{"type":"json_schema",)"
            R"("json_schema":{"name":"answer","schema":{"type":"object","properties":)"
            R"({"n":{"type":"integer"}},"required":["n"]}}}})");
  ASSERT_EQ(reply->info.attempts.size(), 1U);
  EXPECT_EQ(reply->info.attempts[0].error->code, Code::kInvalidJson);
  EXPECT_THAT(ear_.names, ElementsAre("verify:ignored", "verify:retry"));
}

TEST_F(VerifyTest, TheTokensOfAllAnswersAreCounted) {
  ScriptedAnswer wrong = Says("prose");
  wrong.pieces.back().usage = model::Usage{.prompt_tokens = 10, .completion_tokens = 5};
  ScriptedAnswer right = Says(R"({"n":3})");
  right.pieces.back().usage = model::Usage{.prompt_tokens = 12, .completion_tokens = 4};
  const auto engine = Verifying({wrong, right});
  const Result<Reply> reply = Call(*engine);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->usage.prompt_tokens, 22);
  EXPECT_EQ(reply->usage.completion_tokens, 9);
}

TEST_F(VerifyTest, AnErrorHasTheTokensOfAllAnswersBehindIt) {
  ScriptedAnswer wrong = Says("prose");
  wrong.pieces.back().usage = model::Usage{.prompt_tokens = 10, .completion_tokens = 5};
  for (const bool refused_at_last : {false, true}) {
    std::deque<ScriptedAnswer> answers{wrong, wrong};
    if (refused_at_last) answers[1] = model::Refuses({.code = Code::kTimeout, .message = "late"});
    const auto engine = Verifying(answers);
    const Result<Reply> reply = Call(*engine);
    ASSERT_FALSE(reply);
    ASSERT_NE(reply.error().trail, nullptr);
    EXPECT_EQ(reply.error().trail->usage.prompt_tokens, refused_at_last ? 10 : 20);
    ASSERT_EQ(reply.error().trail->info.attempts.size(), 1U);
    EXPECT_EQ(reply.error().trail->info.attempts[0].error->code, Code::kInvalidJson);
  }
}

TEST_F(VerifyTest, APartOfALaterAnswerCountsTheOnesBeforeIt) {
  ScriptedAnswer wrong = Says("prose");
  wrong.pieces.back().usage = model::Usage{.prompt_tokens = 10, .completion_tokens = 5};
  ScriptedAnswer cut = Says(R"({"n":3)");
  cut.broken = Error{.code = Code::kTimeout, .message = "late"};
  call_.buffer = true;
  const auto engine = Verifying({wrong, cut});
  const auto run = [](async::Context ctx, model::Engine& its,
                      const model::Call& call) -> async::Task<Result<model::ReplyInfo>> {
    WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await its.Stream(ctx, call));
    Delta piece;
    for (;;) {
      const Result<bool> more = co_await stream->Next(ctx, piece);
      if (!more || !*more) co_return stream->info();
    }
  };
  const Result<model::ReplyInfo> info = loop_.Run(run(ctx_, *engine, call_));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->attempts.size(), 1U);
}

TEST_F(VerifyTest, ProseTwiceIsAnErrorThatShowsTheAnswer) {
  const auto engine = Verifying({Says("There are three.")});
  const Result<Reply> reply = Call(*engine);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kInvalidJson);
  EXPECT_EQ(listening_->asked.size(), 2U);
  EXPECT_THAT(reply.error().message, HasSubstr("(after 2 attempts)"));
}

TEST_F(VerifyTest, ABrokenSchemaIsShownToTheModelWithTheReason) {
  const auto engine = Verifying({Says(R"({"m":3})"), Says(R"({"n":3})")});
  const Result<Reply> reply = Call(*engine);
  ASSERT_TRUE(reply);
  const std::vector<Message>& messages = listening_->asked.at(1).messages;
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[2].role, Role::kAssistant);
  EXPECT_EQ(messages[2].AllText(), R"({"m":3})");
  EXPECT_EQ(messages[3].role, Role::kUser);
  EXPECT_THAT(messages[3].AllText(),
              testing::AllOf(HasSubstr("This was not accepted"), HasSubstr("\"n\"")));
}

TEST_F(VerifyTest, ACutAnswerGetsMoreTokensAndNoOtherWords) {
  call_.sampling.max_tokens = 400;
  const auto engine = Verifying({Ends(R"({"n":)", Finish::kLength), Says(R"({"n":3})")});
  ASSERT_TRUE(Call(*engine));
  const model::Call& again = listening_->asked.at(1);
  EXPECT_EQ(again.sampling.max_tokens, 900);  // 500 more, since twice is less
  EXPECT_EQ(again.messages.size(), 2U);
}

TEST_F(VerifyTest, ACutAnswerWithoutALimitOfOursIsTheEnd) {
  const auto engine = Verifying({Ends(R"({"n":)", Finish::kLength)});
  const Result<Reply> reply = Call(*engine);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kTruncated);
  EXPECT_EQ(listening_->asked.size(), 1U);
}

TEST_F(VerifyTest, AServerThatIgnoresConstraintsIsNamedOnce) {
  const auto engine = Verifying({Says("no JSON")}, {.max_attempts = 1});
  EXPECT_FALSE(Call(*engine));
  EXPECT_FALSE(Call(*engine));
  EXPECT_THAT(ear_.names, ElementsAre("verify:ignored"));
}

TEST_F(VerifyTest, AServerIsNotBlamedForAKeywordThatItWasNotSent) {
  const auto engine = Verifying({Says(R"({"m":3})"), Says("no JSON")}, {.max_attempts = 1});
  listening_->lost = {{"constraint.required", "it is only described"}};
  EXPECT_FALSE(Call(*engine));
  EXPECT_THAT(ear_.names, IsEmpty());
  EXPECT_FALSE(Call(*engine));
  EXPECT_THAT(ear_.names, ElementsAre("verify:ignored"));
}

TEST_F(VerifyTest, AServerIsNotBlamedForWhiteSpaceThatItsDecoderAllows) {
  call_.buffer = true;
  ScriptedAnswer blank = Says("{");
  blank.pieces[0].text += std::string(400, ' ');
  const auto engine = Verifying({blank}, {.max_attempts = 1});
  const auto [text, error] = Stream(*engine);
  ASSERT_TRUE(error);
  EXPECT_THAT(error->message, HasSubstr("white space"));
  EXPECT_THAT(ear_.names, testing::Not(testing::Contains("verify:ignored")));
}

TEST_F(VerifyTest, ErrorsOfTheTransportAreNotItsBusiness) {
  const auto engine = Verifying({model::Refuses(model::HttpError(500))});
  const Result<Reply> reply = Call(*engine);
  ASSERT_FALSE(reply);
  EXPECT_EQ(Name(reply.error()), "http_500");
  EXPECT_EQ(listening_->asked.size(), 1U);
}

TEST_F(VerifyTest, ReasoningWithoutAnAnswerIsAskedAgainWithAnotherSeed) {
  ScriptedAnswer thinks = Says("");
  thinks.pieces.back().reasoning = "hm";
  call_.sampling.seed = 7;
  const auto engine = Verifying({thinks, Says(R"({"n":3})")});
  ASSERT_TRUE(Call(*engine));
  EXPECT_EQ(listening_->asked.at(1).sampling.seed, 8);
}

TEST_F(VerifyTest, AStreamIsDeliveredAsItComesAndEndsInTheVerdict) {
  const auto engine = Verifying({Says(R"({"m":3})")});
  const auto [text, error] = Stream(*engine);
  EXPECT_EQ(text, R"({"m":3})");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::kSchemaMismatch);
  EXPECT_EQ(listening_->asked.size(), 1U);
}

TEST_F(VerifyTest, ABufferedStreamIsAskedAgain) {
  call_.buffer = true;
  const auto engine = Verifying({Says(R"({"m":3})"), Says(R"({"n":3})")});
  const auto [text, error] = Stream(*engine);
  EXPECT_EQ(text, R"({"n":3})");
  EXPECT_FALSE(error);
  EXPECT_EQ(listening_->asked.size(), 2U);
}

TEST_F(VerifyTest, ABufferedStreamThatFailsStillShowsItsLastAnswer) {
  call_.buffer = true;
  const auto engine = Verifying({Says(R"({"m":3})")});
  const auto [text, error] = Stream(*engine);
  EXPECT_EQ(text, R"({"m":3})");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::kSchemaMismatch);
}

TEST_F(VerifyTest, ABufferedStreamThatBreaksLeavesThePartThatCame) {
  call_.buffer = true;
  ScriptedAnswer breaks = Says(R"({"n":)");
  breaks.pieces.back().finish = Finish::kNone;
  breaks.broken = Error{.code = Code::kStreamTruncated, .message = "cut"};
  const auto engine = Verifying({breaks});
  const auto [text, error] = Stream(*engine);
  EXPECT_EQ(text, R"({"n":)");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::kStreamTruncated);
}

TEST_F(VerifyTest, AStreamEndsWhereItLeavesItsRegexAndNotAtItsEnd) {
  call_.constraint = Constraint{.kind = Constraint::Kind::kRegex, .text = "[A-Z]{3}-[0-9]{4}"};
  ScriptedAnswer answer = Says("ABC");
  for (const char* text : {"-12", "x4", "and so on"}) {
    answer.pieces.insert(answer.pieces.end() - 1, Delta{.text = text});
  }
  const auto live = Verifying({answer});
  const auto [text, error] = Stream(*live);
  EXPECT_EQ(text, answer.pieces.front().text + "-12");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message,
            "the answer breaks the regex at byte 6; the server ignored the constraint");

  call_.buffer = true;
  const auto held = Verifying({answer, Says("ABC-1234")});
  EXPECT_EQ(Stream(*held).first, "ABC-1234") << "asked again";

  call_.buffer = false;
  call_.tools = {{.name = "f", .description = {}, .parameters = {}}};
  const auto tools = Verifying({answer});
  EXPECT_THAT(Stream(*tools).first, testing::HasSubstr("and so on")) << "judged at its end";
}

TEST_F(VerifyTest, RunawayWhiteSpaceEndsTheStream) {
  ScriptedAnswer blank = Says("{");
  for (int i = 0; i < 100; ++i)
    blank.pieces.insert(blank.pieces.begin() + 1, Delta{.text = "    "});
  const auto engine = Verifying({blank});
  const auto [text, error] = Stream(*engine);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::kConstraintViolated);
  EXPECT_THAT(error->message, HasSubstr("white space"));
  EXPECT_LT(text.size(), 300U);
}

TEST_F(VerifyTest, ToolArgumentsAreMendedAndHeldAgainstTheirSchema) {
  call_.constraint.reset();
  call_.tools = {
      {.name = "add",
       .description = {},
       .parameters = *json::Read(
           R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]})"),
       .strict = {}}};
  const auto calls = [](std::string arguments) {
    ScriptedAnswer answer = Says("");
    answer.pieces.back().tool_calls = {
        {.index = 0, .id = "c1", .name = "add", .arguments = std::move(arguments)}};
    return answer;
  };
  for (const bool streamed : {false, true}) {
    call_.buffer = streamed;
    const auto closed = Verifying({calls(R"({"n":3)")});
    if (streamed) {
      EXPECT_EQ(Stream(*closed).second, std::nullopt);
    } else {
      const Result<Reply> whole = Call(*closed);
      ASSERT_TRUE(whole) << whole.error().message;
      EXPECT_EQ(whole->choices[0].tool_calls[0].arguments, R"({"n":3})");
      EXPECT_THAT(whole->info.repairs, ElementsAre("tool add: cut_off at byte 6"));
    }
    EXPECT_EQ(listening_->asked.size(), 1U);
  }
  for (const char* cut : {R"({"n":)", R"({"n":{"a":1)", R"({"n)"}) {
    const auto asked_again = Verifying({calls(cut), calls(R"({"n":1})")});
    EXPECT_TRUE(Call(*asked_again));
    EXPECT_EQ(listening_->asked.size(), 2U) << cut;
  }
  const auto never = Verifying({calls(R"({"n":"many"})")});
  const Result<Reply> rejected = Call(*never);
  ASSERT_FALSE(rejected);
  EXPECT_EQ(rejected.error().cause, R"(the calls were: add({"n":"many"}))");

  const auto mended = Verifying({calls("{'n': '3'}")});
  const Result<Reply> reply = Call(*mended);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->choices[0].tool_calls[0].arguments, R"({"n":3})");
  EXPECT_EQ(listening_->asked.size(), 1U);

  const auto asked = Verifying({calls(""), calls(R"({"n":1})")});
  ASSERT_TRUE(Call(*asked));
  const std::vector<Message>& messages = listening_->asked.at(1).messages;
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[3].role, Role::kTool);
  EXPECT_EQ(messages[3].tool_call_id, "c1");
  EXPECT_THAT(messages[3].AllText(), HasSubstr("\"n\""));
}

ScriptedAnswer Refuses(std::string text) {
  ScriptedAnswer answer = Says(std::move(text));
  answer.pieces.back().refusal = "I cannot.";
  return answer;
}

TEST_F(VerifyTest, ARefusalIsDeliveredThroughTheBufferAndIsNoAnswer) {
  call_.buffer = true;
  const auto engine = Verifying({Refuses("")});
  const auto collect = [](async::Context ctx, model::Engine& its, const model::Call& call,
                          std::string& refusal) -> async::Task<Result<void>> {
    WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await its.Stream(ctx, call));
    Delta piece;
    for (;;) {
      WEIR_CO_TRY(const bool more, co_await stream->Next(ctx, piece));
      if (!more) co_return Result<void>();
      refusal += piece.refusal;
    }
  };
  std::string refusal;
  const Result<void> end = loop_.Run(collect(ctx_, *engine, call_, refusal));
  EXPECT_EQ(refusal, "I cannot.");
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Code::kContentFilter);
  EXPECT_EQ(listening_->asked.size(), 1U);
}

// The form was not what was wrong: the engine is not blamed, and asking again would not help.
TEST_F(VerifyTest, WhatARefusalOrAFilterEndedIsNotAskedForAgain) {
  const struct {
    ScriptedAnswer answer;
    std::string_view words;
  } cases[] = {
      {Refuses(""), "I cannot."},
      {Refuses(R"({"n":3})"), "I cannot."},
      {Ends(R"({"n":)", Finish::kContentFilter), "cut the answer off"},
      {Ends(R"({"n":3})", Finish::kContentFilter), "cut the answer off"},
      {Ends("", Finish::kContentFilter), "held the answer back"},
  };
  for (const auto& c : cases) {
    const auto engine = Verifying({c.answer, c.answer});
    const Result<Reply> reply = Call(*engine);
    ASSERT_FALSE(reply);
    EXPECT_EQ(Name(reply.error()), "content_filter");
    EXPECT_THAT(reply.error().message, HasSubstr(c.words));
    EXPECT_EQ(listening_->asked.size(), 1U);
    const std::optional<Error> live = Stream(*engine).second;
    ASSERT_TRUE(live);
    EXPECT_EQ(live->code, Code::kContentFilter);
  }
  EXPECT_THAT(ear_.names, IsEmpty());
}

TEST_F(VerifyTest, ACallThatAFilterEndedIsNoMatterOfForcing) {
  call_.constraint.reset();
  call_.tools = {{.name = "add", .description = {}, .parameters = {}, .strict = {}}};
  call_.tool_choice = {.kind = model::ToolChoice::Kind::kRequired, .name = {}};
  const ScriptedAnswer filtered = Ends("", Finish::kContentFilter);
  const auto engine = Verifying({filtered, filtered});
  const Result<Reply> reply = Call(*engine);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kContentFilter);
  EXPECT_EQ(listening_->asked.size(), 1U);
}

TEST_F(VerifyTest, WordsOfALiveStreamAreJudgedAsTheyWereDelivered) {
  const auto engine = Verifying({Says("{'n': 3}")});
  const auto [text, error] = Stream(*engine);
  EXPECT_EQ(text, "{'n': 3}");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::kInvalidJson);
}

// A stream of words and of one call, whose arguments come in two pieces.
ScriptedAnswer TalksAndCalls(std::string_view arguments) {
  ScriptedAnswer answer = Says("Let me see.");
  for (const bool first : {true, false}) {
    Delta& piece = *answer.pieces.insert(answer.pieces.end() - 1, Delta());
    piece.has_choice = true;
    piece.tool_calls = {
        {.index = 0,
         .id = first ? "c1" : "",
         .name = first ? "add" : "",
         .arguments = std::string(first ? arguments.substr(0, 4) : arguments.substr(4))}};
  }
  return answer;
}

TEST_F(VerifyTest, CallsOfALiveStreamComeWholeAndMended) {
  call_.constraint.reset();
  call_.tools = {
      {.name = "add",
       .description = {},
       .parameters = *json::Read(R"({"type":"object","properties":{"n":{"type":"integer"}}})"),
       .strict = {}}};
  const auto gather = [](async::Context ctx, model::Engine& its,
                         const model::Call& call) -> async::Task<Result<Reply>> {
    WEIR_CO_TRY(const auto stream, co_await its.Stream(ctx, call));
    co_return co_await model::Collect(ctx, *stream);
  };
  for (const char* arguments : {R"({"n": "3"})", "{n: 3}", R"({"n": 3)"}) {
    ear_.names.clear();
    const auto engine = Verifying({TalksAndCalls(arguments)});
    const Result<Reply> reply = loop_.Run(gather(ctx_, *engine, call_));
    ASSERT_TRUE(reply) << arguments << reply.error().message;
    EXPECT_EQ(reply->text(), "Let me see.");
    ASSERT_EQ(reply->choices[0].tool_calls.size(), 1U);
    EXPECT_EQ(reply->choices[0].tool_calls[0].id, "c1");
    EXPECT_EQ(reply->choices[0].tool_calls[0].arguments, R"({"n":3})");
    EXPECT_FALSE(reply->info.repairs.empty() && std::string_view(arguments) != R"({"n": 3)");
  }
  const auto engine = Verifying({TalksAndCalls(R"({"n": "three"})")});
  const auto [text, error] = Stream(*engine);
  EXPECT_EQ(text, "Let me see.");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, Code::kSchemaMismatch);
}

TEST_F(VerifyTest, AToolThatNobodyOfferedAndAForcedCallThatDidNotComeAreWrong) {
  call_.constraint.reset();
  call_.tools = {{.name = "add", .description = {}, .parameters = {}, .strict = {}}};
  call_.tool_choice = {.kind = model::ToolChoice::Kind::kRequired, .name = {}};
  ScriptedAnswer invented = Says("");
  invented.pieces.back().tool_calls = {
      {.index = 0, .id = "c1", .name = "multiply", .arguments = "{}"}};
  const auto engine = Verifying({Says("I'd rather talk."), invented});
  const Result<Reply> reply = Call(*engine);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kConstraintViolated);
  EXPECT_THAT(reply.error().message, HasSubstr("'multiply'"));
}

// What a server would fail to read is not replayed as a call.
TEST(Feedback, BrokenArgumentsAreReplayedAsText) {
  model::Call call;
  call.messages = {Message::Text(Role::kUser, "hi")};
  model::Choice answer;
  answer.tool_calls = {{"c1", "add", "{\"n\":"}};
  const auto again = AskAgain(call, answer, {.code = Code::kInvalidJson, .message = "cut"}, {});
  ASSERT_TRUE(again);
  ASSERT_EQ(again->messages.size(), 3U);
  EXPECT_TRUE(again->messages[1].tool_calls.empty());
  EXPECT_EQ(again->messages[1].AllText(), "add({\"n\":)");
  EXPECT_EQ(again->messages[2].role, Role::kUser);
}

TEST(Feedback, ACutAnswerGetsMoreThanTheEnginesOwnLimit) {
  const Error cut{.code = Code::kTruncated, .message = "cut"};
  const auto again = AskAgain({}, {}, cut, {.max_tokens = 2000});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->sampling.max_tokens, 4000);
  EXPECT_FALSE(AskAgain({}, {}, cut, {}));
}

TEST(Feedback, TheSecondRequestIsNeverTheFirst) {
  model::Call call;
  call.api = model::Api::kCompletions;
  call.prompt = "Q:";
  call.sampling.seed = 1;
  call.sampling.temperature = 0;
  const model::Choice answer;
  const Error wrong{.code = Code::kConstraintViolated, .message = "wrong"};
  const auto again = AskAgain(call, answer, wrong, {});
  ASSERT_TRUE(again);
  EXPECT_NE(wire::EncodeRequest(*again, {})->body, wire::EncodeRequest(call, {})->body);
}

}  // namespace
}  // namespace weir::engine
