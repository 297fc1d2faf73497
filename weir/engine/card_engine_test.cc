#include "weir/engine/card_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/engine/card_call.h"
#include "weir/engine/card_testing.h"
#include "weir/engine/spies_testing.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/model/engine_testing.h"
#include "weir/schema/schema.h"

namespace weir::engine {
namespace {

using model::Message;
using model::Reply;
using model::Role;
using model::Says;
using model::ScriptedAnswer;
using model::ScriptedEngine;
using testing::HasSubstr;
using text::ToolMode;

model::ToolSpec Weather() {
  return {.name = "get_weather",
          .description = "The weather of a city.",
          .parameters = *json::Read(
              R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})"),
          .strict = {}};
}

class CardEngineTest : public CardTest {};

struct TextCase {
  const char* model;
  const char* said;
  const char* text;
  const char* reasoning;
};

TEST_F(CardEngineTest, ThoughtsAreTakenOutOfTheTextWhereverItIsCut) {
  const TextCase cases[] = {
      {"Qwen/Qwen3-8B", "<think>\nhm\n</think>\n\nfour", "\n\nfour", "hm"},
      {"Qwen/Qwen3-8B", "four", "four", ""},
      {"deepseek-ai/DeepSeek-R1", "hm</think>four", "four", "hm"},
      {"deepseek-ai/DeepSeek-R1", "four", "four", ""},
      {"some/thing", "<think>hm</think>four", "four", "hm"},
      {"some/thing", "a < b and <think> is a word", "a < b and <think> is a word", ""},
      {"meta-llama/Llama-3.1-8B-Instruct", "  spaces stay \n", "  spaces stay \n", ""},
  };
  for (const TextCase& c : cases) {
    for (const bool streamed : {false, true}) {
      const Result<Reply> reply = Ask(c.model, Dribbles(c.said), std::nullopt, streamed);
      ASSERT_TRUE(reply) << c.said;
      EXPECT_EQ(reply->text(), c.text) << c.model << ": " << c.said;
      EXPECT_EQ(Trim(reply->choices[0].reasoning), c.reasoning) << c.model << ": " << c.said;
    }
  }
}

TEST_F(CardEngineTest, ThoughtsThatTheServerTellsApartAreLeftAlone) {
  ScriptedAnswer answer = Dribbles("The tag </think> ends thoughts.");
  answer.pieces.insert(answer.pieces.begin(), model::Delta());
  answer.pieces.front().has_choice = true;
  answer.pieces.front().reasoning = "hm";
  for (const bool streamed : {false, true}) {
    const Result<Reply> reply = Ask("deepseek-ai/DeepSeek-R1", answer, std::nullopt, streamed);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->text(), "The tag </think> ends thoughts.");
    EXPECT_EQ(reply->choices[0].reasoning, "hm");
  }
}

TEST_F(CardEngineTest, AnAnswerThatTheServerTookForThoughtsIsTheAnswer) {
  ScriptedAnswer answer = Says("");
  answer.pieces.front().reasoning = "four";
  const auto expect_answer = [&](bool streamed) {
    const Result<Reply> reply = Ask("Qwen/Qwen3-8B", answer, std::nullopt, streamed);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->text(), "four");
    ASSERT_EQ(reply->info.repairs.size(), 1U);
    EXPECT_THAT(reply->info.repairs[0], HasSubstr("--reasoning-parser"));
    if (!streamed) {
      EXPECT_EQ(reply->choices[0].reasoning, "");
    }
  };
  call_.reasoning.enable = false;
  expect_answer(false);
  call_.reasoning.enable.reset();
  call_.extra = *json::Read(R"({"chat_template_kwargs":{"enable_thinking":false}})");
  expect_answer(false);
  expect_answer(true);
}

TEST_F(CardEngineTest, ThinkingIsSwitchedAsTheFamilyWantsIt) {
  struct Case {
    const char* model;
    bool enable;
    const char* kwargs;
    const char* degradation;
  };
  const Case cases[] = {
      {"Qwen/Qwen3-8B", false, R"({"enable_thinking":false})", ""},
      {"deepseek-ai/DeepSeek-V3.1", true, R"({"thinking":true})", ""},
      {"some/thing", true, R"({"enable_thinking":true,"thinking":true})", ""},
      {"meta-llama/Llama-3.1-8B-Instruct", true, "null", "does not think"},
      {"openai/gpt-oss-20b", false, "null", "as little as it can"},
      {"deepseek-ai/DeepSeek-R1", false, "null", "always thinks"},
  };
  for (const Case& c : cases) {
    call_.reasoning.enable = c.enable;
    const Result<Reply> reply = Ask(c.model, Says("x"));
    ASSERT_TRUE(reply) << c.model;
    EXPECT_EQ(json::Write(sent_.chat_template_kwargs), c.kwargs) << c.model;
    const auto& degradations = reply->info.degradations;
    ASSERT_EQ(degradations.empty(), std::string_view(c.degradation).empty()) << c.model;
    if (!degradations.empty()) {
      EXPECT_THAT(degradations[0].why, HasSubstr(c.degradation));
    }
  }
}

TEST_F(CardEngineTest, CallsThatTheServerLeftInTheTextAreRead) {
  call_.tools.push_back(Weather());
  const char* const said =
      "One moment.<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bern\"}}\n"
      "</tool_call>";
  for (const bool streamed : {false, true}) {
    const Result<Reply> reply = Ask("Qwen/Qwen2.5-7B-Instruct", Dribbles(said), {}, streamed);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->text(), "One moment.");
    ASSERT_EQ(reply->choices[0].tool_calls.size(), 1U);
    EXPECT_EQ(reply->choices[0].tool_calls[0].name, "get_weather");
    EXPECT_EQ(reply->choices[0].tool_calls[0].arguments, R"({"city":"Bern"})");
    EXPECT_THAT(reply->choices[0].tool_calls[0].id, testing::StartsWith("call_"));
    EXPECT_EQ(reply->choices[0].finish, model::Finish::kToolCalls);
    ASSERT_FALSE(reply->info.repairs.empty());
    EXPECT_THAT(reply->info.repairs.back(), HasSubstr("--tool-call-parser"));
    EXPECT_EQ(sent_.tools.size(), 1U);
  }
}

TEST_F(CardEngineTest, AModelWithoutToolsIsToldOfThemInItsPrompt) {
  call_.tools.push_back(Weather());
  Message called{.role = Role::kAssistant};
  called.tool_calls.push_back(
      {.id = "1", .name = "get_weather", .arguments = R"({"city":"Rome"})"});
  call_.messages.push_back(called);
  Message result = Message::Text(Role::kTool, "sunny");
  result.tool_call_id = "1";
  call_.messages.push_back(result);
  const char* const said =
      "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bern\"}}\n</tool_call>";
  const Result<Reply> reply = Ask("some/thing", Dribbles(said), ToolMode::kPrompted, true);
  ASSERT_TRUE(reply);
  EXPECT_TRUE(sent_.tools.empty());
  ASSERT_EQ(sent_.messages.size(), 4U);
  EXPECT_EQ(sent_.messages[0].role, Role::kSystem);
  EXPECT_THAT(sent_.messages[0].AllText(), HasSubstr("\"name\": \"get_weather\""));
  EXPECT_THAT(sent_.messages[0].AllText(), HasSubstr("<tool_call>"));
  EXPECT_THAT(sent_.messages[2].AllText(), HasSubstr("\"city\":\"Rome\""));
  EXPECT_TRUE(sent_.messages[2].tool_calls.empty());
  EXPECT_EQ(sent_.messages[3].role, Role::kUser);
  EXPECT_EQ(sent_.messages[3].AllText(), "<tool_response>\nsunny\n</tool_response>");
  EXPECT_EQ(sent_.sampling.skip_special_tokens, false);
  ASSERT_EQ(reply->choices[0].tool_calls.size(), 1U);
  EXPECT_TRUE(reply->info.degradations[0].routine);
}

TEST_F(CardEngineTest, AGuidedModelAnswersWithACallOrWithWords) {
  call_.tools.push_back(Weather());
  struct Case {
    const char* said;
    const char* text;
    int calls;
  };
  const Case cases[] = {
      {R"({"name": "get_weather", "arguments": {"city": "Bern"}})", "", 1},
      {R"({"name": "answer", "arguments": {"answer": "Hello."}})", "Hello.", 0},
      {"no JSON at all", "no JSON at all", 0},
  };
  for (const Case& c : cases) {
    for (const bool streamed : {false, true}) {
      const Result<Reply> reply = Ask("some/thing", Dribbles(c.said), ToolMode::kGuided, streamed);
      ASSERT_TRUE(reply);
      EXPECT_EQ(reply->text(), c.text);
      EXPECT_EQ(reply->choices[0].tool_calls.size(), static_cast<std::size_t>(c.calls));
    }
  }
  ASSERT_TRUE(sent_.constraint);
  EXPECT_TRUE(sent_.tools.empty());
  const auto schema = schema::Schema::Compile(sent_.constraint->schema);
  ASSERT_TRUE(schema);
  EXPECT_TRUE(schema->Validate(*json::Read(cases[0].said)).has_value());
  EXPECT_TRUE(schema->Validate(*json::Read(cases[1].said)).has_value());
  EXPECT_FALSE(
      schema->Validate(*json::Read(R"({"name":"get_weather","arguments":{}})")).has_value());
  EXPECT_FALSE(schema->Validate(*json::Read(R"({"name":"get_weather"})")).has_value());
  EXPECT_FALSE(schema->Validate(*json::Read(R"({"name":"x","arguments":{}})")).has_value());
}

TEST_F(CardEngineTest, AForcedToolLeavesNoWayAroundIt) {
  call_.tools.push_back(Weather());
  call_.tool_choice = {.kind = model::ToolChoice::Kind::kNamed, .name = "get_weather"};
  ASSERT_TRUE(Ask("some/thing", Says("{}"), ToolMode::kGuided));
  const auto schema = schema::Schema::Compile(sent_.constraint->schema);
  ASSERT_TRUE(schema);
  EXPECT_FALSE(
      schema->Validate(*json::Read(R"({"name":"answer","arguments":{"answer":"x"}})")).has_value());
  EXPECT_FALSE(json::View(sent_.constraint->schema).Find("anyOf").exists());
}

TEST_F(CardEngineTest, ReferencesInsideArgumentsAreStillFollowed) {
  model::ToolSpec tree{.name = "plant", .description = {}, .parameters = {}, .strict = {}};
  tree.parameters = *json::Read(
      R"({"type":"object","required":["kids"],"properties":{"kids":{"type":"array","items":)"
      R"({"$ref":"#"}}},"additionalProperties":false})");
  const model::ToolSpec tools[] = {tree, Weather()};
  const auto schema = schema::Schema::Compile(SchemaOfCalls(tools, true, {}));
  ASSERT_TRUE(schema) << schema.error().message;
  EXPECT_TRUE(
      schema->Validate(*json::Read(R"({"name":"plant","arguments":{"kids":[{"kids":[]}]}})"))
          .has_value());
  EXPECT_FALSE(
      schema->Validate(*json::Read(R"({"name":"plant","arguments":{"kids":[{"kid":[]}]}})"))
          .has_value());
}

TEST_F(CardEngineTest, ToolsBesideAnotherConstraintAreRefusedWhereASchemaCarriesThem) {
  call_.tools.push_back(Weather());
  call_.constraint.emplace();
  call_.constraint->kind = model::Constraint::Kind::kRegex;
  call_.constraint->text = "a";
  const Result<Reply> reply = Ask("some/thing", Says("a"), ToolMode::kGuided);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kUnsupportedParam);
}

TEST_F(CardEngineTest, AModelThatCannotCallIsNotAsked) {
  call_.tools.push_back(Weather());
  const Result<Reply> reply = Ask("some/thing", Says("x"), ToolMode::kNone);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kUnsupportedParam);
}

// Pieces that each hold one thing.
model::Delta Thought(std::string said) {
  model::Delta piece;
  piece.has_choice = true;
  piece.reasoning = std::move(said);
  return piece;
}
model::Delta Words(std::string said) {
  model::Delta piece;
  piece.has_choice = true;
  piece.text = std::move(said);
  return piece;
}

TEST_F(CardEngineTest, AnAnswerIsNotHeldBackWhereThoughtsCannotHaveBegun) {
  const ScriptedAnswer plain = Dribbles("The sky is blue.");
  const auto first_text = [&](const char* model) {
    auto engine = NewCardEngine(std::make_unique<ScriptedEngine>(std::deque{plain}),
                                {.model = model, .cards = {}, .tool_mode = {}}, Random(1));
    auto read = [](async::Context ctx, model::Engine& its,
                   const model::Call& call) -> async::Task<std::string> {
      const auto stream = co_await its.Stream(ctx, call);
      model::Delta piece;
      if (stream) co_await (*stream)->Next(ctx, piece);
      co_return piece.text;
    };
    return loop_.Run(read(ctx_, *engine, call_));
  };
  EXPECT_EQ(first_text("Qwen/Qwen3-8B"), "T");
  EXPECT_EQ(first_text("deepseek-ai/DeepSeek-R1"), "");
  call_.chat_template_kwargs = *json::Read(R"({"enable_thinking":false})");
  EXPECT_EQ(first_text("Qwen/Qwen3.5-9B"), "T");
  call_.chat_template_kwargs = {};
  call_.constraint.emplace();
  EXPECT_EQ(first_text("deepseek-ai/DeepSeek-R1"), "T");
}

TEST_F(CardEngineTest, AnAnswerThatWasCutIsStillTheAnswer) {
  ScriptedAnswer cut = Dribbles("The sky is");
  cut.pieces.back().finish = model::Finish::kLength;
  for (const bool streamed : {false, true}) {
    const Result<Reply> reply = Ask("Qwen/Qwen3-8B", cut, std::nullopt, streamed);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->text(), "The sky is");
    EXPECT_EQ(reply->choices[0].reasoning, "");
  }
}

TEST_F(CardEngineTest, CallsOfTheServerAndOfTheTextStandBesideEachOther) {
  call_.tools.push_back(Weather());
  ScriptedAnswer both = Dribbles(
      "<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bern\"}}</tool_call>");
  model::Delta told;
  told.has_choice = true;
  told.tool_calls.push_back(
      {.index = 0, .id = "a", .name = "get_weather", .arguments = R"({"city":"Rome"})"});
  for (const bool first : {true, false}) {
    ScriptedAnswer answer = both;
    answer.pieces.insert(first ? answer.pieces.begin() : answer.pieces.end() - 1, told);
    const Result<Reply> reply = Ask("Qwen/Qwen2.5-7B-Instruct", answer, std::nullopt, true);
    ASSERT_TRUE(reply);
    ASSERT_EQ(reply->choices[0].tool_calls.size(), 2U);
    const std::size_t at = first ? 0 : 1;
    EXPECT_EQ(reply->choices[0].tool_calls[at].arguments, R"({"city":"Rome"})");
    EXPECT_EQ(reply->choices[0].tool_calls[1 - at].arguments, R"({"city":"Bern"})");
    EXPECT_EQ(reply->choices[0].finish_text, "tool_calls");
  }
}

TEST_F(CardEngineTest, WhatWasHeldBackComesBeforeThoughtsThatFollowIt) {
  ScriptedAnswer answer = Says("");
  answer.pieces.insert(answer.pieces.begin(), {Words("if a <"), Thought("hm"), Words(" b then c")});
  const Result<Reply> reply = Ask("openai/gpt-oss-20b", answer, std::nullopt, true);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text(), "if a < b then c");
  EXPECT_EQ(reply->choices[0].reasoning, "hm");
}

TEST_F(CardEngineTest, ACallAmongThoughtsThatWereSwitchedOffIsACall) {
  call_.tools.push_back(Weather());
  call_.reasoning.enable = false;
  ScriptedAnswer answer = Says("");
  answer.pieces.front() =
      Thought(R"(<tool_call>{"name": "get_weather", "arguments": {"city": "Bern"}}</tool_call>)");
  const Result<Reply> reply = Ask("Qwen/Qwen3-8B", answer);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text(), "");
  ASSERT_EQ(reply->choices[0].tool_calls.size(), 1U);
}

TEST_F(CardEngineTest, AModelThatNobodyNamedIsKnownFromItsFirstReplyOn) {
  class Named final : public model::Engine {
   public:
    async::Task<Result<Reply>> Call(async::Context, const model::Call& call) override {
      asked.push_back(call);
      Reply reply;
      reply.info.model = "Qwen/Qwen3-8B";
      model::Choice& choice = reply.choices.emplace_back();
      choice.text = "x";
      choice.finish = model::Finish::kStop;
      co_return reply;
    }
    async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(async::Context,
                                                                    const model::Call&) override {
      co_return Fail(Code::kInternal, "not asked");
    }
    async::Task<Result<model::EngineInfo>> Describe(async::Context) override {
      co_return model::EngineInfo();
    }
    std::vector<model::Call> asked;
  };
  auto named = std::make_unique<Named>();
  Named* const spy = named.get();
  engine_ = NewCardEngine(std::move(named), {}, Random(1));
  call_.reasoning.enable = true;
  ASSERT_TRUE(loop_.Run(engine_->Call(ctx_, call_)));
  ASSERT_TRUE(loop_.Run(engine_->Call(ctx_, call_)));
  EXPECT_EQ(json::Write(spy->asked[0].chat_template_kwargs),
            R"({"enable_thinking":true,"thinking":true})");
  EXPECT_EQ(json::Write(spy->asked[1].chat_template_kwargs), R"({"enable_thinking":true})");
}

TEST_F(CardEngineTest, TheServerIsAskedOnceForItsModelWhenTheCardMatters) {
  struct Case {
    const char* name;
    std::vector<model::ModelEntry> models;
    const char* sent;
  };
  const Case cases[] = {
      {"by_its_name", {{.id = "Qwen/Qwen3-8B"}}, R"({"enable_thinking":true})"},
      {"by_what_it_stands_for",
       {{.id = "main", .root = "Qwen/Qwen3-8B"}},
       R"({"enable_thinking":true})"},
      {"an_adapter_is_none",
       {{.id = "sql", .parent = "main"}, {.id = "Qwen/Qwen3-8B"}},
       R"({"enable_thinking":true})"},
      {"not_known", {}, R"({"enable_thinking":true,"thinking":true})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    auto asked = std::make_unique<SpyEngine>([](const model::Call&) { return ReplyOf("x"); });
    SpyEngine* const spy = asked.get();
    spy->info.models = c.models;
    engine_ = NewCardEngine(std::move(asked), {}, Random(1));
    call_.reasoning.enable.reset();
    ASSERT_TRUE(loop_.Run(engine_->Call(ctx_, call_)));
    EXPECT_EQ(spy->described, 0) << "nothing depended on it";
    call_.reasoning.enable = true;
    ASSERT_TRUE(loop_.Run(engine_->Call(ctx_, call_)));
    ASSERT_TRUE(loop_.Run(Gather(ctx_, *engine_, call_)));
    EXPECT_EQ(spy->described, 1);
    EXPECT_EQ(json::Write(spy->calls[1].chat_template_kwargs), c.sent);
    EXPECT_EQ(json::Write(spy->calls[2].chat_template_kwargs), c.sent);
  }
}

TEST_F(CardEngineTest, PicturesForAModelThatIsKnownToBeBlindAreRefused) {
  const auto ask = [this](std::optional<bool> vision) {
    text::ModelCard card;
    card.pattern = "blind";
    card.vision = vision;
    auto asked = std::make_unique<SpyEngine>([](const model::Call&) { return ReplyOf("x"); });
    engine_ = NewCardEngine(std::move(asked), {.model = "blind-7b", .cards = {card}}, Random(1));
    return loop_.Run(engine_->Call(ctx_, call_));
  };
  EXPECT_TRUE(ask(false));
  call_.messages[0].parts.push_back({.kind = model::Part::Kind::kAudio, .url = "data:,"});
  EXPECT_TRUE(ask(false));
  call_.messages[0].parts.push_back({.kind = model::Part::Kind::kImage, .url = "data:,"});
  EXPECT_TRUE(ask(std::nullopt));
  EXPECT_TRUE(ask(true));
  const Result<Reply> refused = ask(false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnsupportedParam);
  EXPECT_THAT(refused.error().message, HasSubstr("models like blind see no pictures"));
}

TEST_F(CardEngineTest, TheWindowOfACardStandsInForWhatTheServerDoesNotTell) {
  auto asked = std::make_unique<SpyEngine>([](const model::Call&) { return ReplyOf("x"); });
  asked->info.models = {{.id = "mine-7b"}, {.id = "mine-8b", .max_model_len = 5}, {.id = "other"}};
  text::ModelCard card;
  card.pattern = "mine";
  card.context = 4096;
  engine_ = NewCardEngine(std::move(asked), {.cards = {card}}, Random(1));
  const Result<model::EngineInfo> info = loop_.Run(engine_->Describe(ctx_));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->models[0].max_model_len, 4096);
  EXPECT_EQ(info->models[1].max_model_len, 5);
  EXPECT_EQ(info->models[2].max_model_len, std::nullopt);
}

TEST_F(CardEngineTest, AChoiceThatNobodyAskedForIsAFault) {
  ScriptedAnswer answer = Says("x");
  answer.pieces.front().choice = 7;
  const Result<Reply> reply = Ask("some/thing", answer, std::nullopt, true);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kProtocolError);
}

TEST_F(CardEngineTest, ThoughtsWithoutAnAnswerAreSaid) {
  ScriptedAnswer answer = Says("");
  answer.pieces.front() = Thought("hm");
  for (const bool streamed : {false, true}) {
    const Result<Reply> reply = Ask("Qwen/Qwen3-8B", answer, std::nullopt, streamed);
    ASSERT_TRUE(reply);
    ASSERT_EQ(reply->info.degradations.size(), 1U);
    EXPECT_THAT(reply->info.degradations[0].why, HasSubstr("only thoughts"));
  }
}

TEST_F(CardEngineTest, PicturesInResultsGoToTheModel) {
  call_.tools.push_back(Weather());
  Message result = Message::Text(Role::kTool, "see");
  result.parts.push_back(
      {.kind = model::Part::Kind::kImage, .text = {}, .url = "data:image/png;base64,AA=="});
  call_.messages.push_back(result);
  ASSERT_TRUE(Ask("some/thing", Says("x"), ToolMode::kPrompted));
  EXPECT_EQ(sent_.messages.back().parts.size(), 2U);
}

TEST_F(CardEngineTest, ACallWithoutAWordAboutArgumentsHasEmptyOnes) {
  call_.tools.push_back(Weather());
  ScriptedAnswer answer = Says("");
  answer.pieces.front().tool_calls.push_back(
      {.index = 0, .id = "a", .name = "now", .arguments = {}});
  for (const bool streamed : {false, true}) {
    const Result<Reply> reply = Ask("Qwen/Qwen3-8B", answer, std::nullopt, streamed);
    ASSERT_TRUE(reply);
    ASSERT_EQ(reply->choices[0].tool_calls.size(), 1U);
    EXPECT_EQ(reply->choices[0].tool_calls[0].arguments, "{}");
  }
}

TEST_F(CardEngineTest, AForcedToolMustBeOneOfThem) {
  call_.tools.push_back(Weather());
  call_.tool_choice = {.kind = model::ToolChoice::Kind::kNamed, .name = "get_wether"};
  for (const ToolMode mode : {ToolMode::kGuided, ToolMode::kPrompted}) {
    const Result<Reply> reply = Ask("some/thing", Says("{}"), mode);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Code::kInvalidRequest);
  }
}

}  // namespace
}  // namespace weir::engine
