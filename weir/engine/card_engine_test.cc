#include "weir/engine/card_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/engine/card_call.h"
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
using testing::Not;
using text::ToolMode;

model::ToolSpec Weather() {
  return {.name = "get_weather",
          .description = "The weather of a city.",
          .parameters = *json::Read(
              R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})"),
          .strict = {}};
}

// The answer as a stream of one byte a piece.
ScriptedAnswer Dribbles(std::string_view text) {
  ScriptedAnswer answer = Says("");
  const model::Delta last = answer.pieces.back();
  answer.pieces.clear();
  for (const char c : text) {
    model::Delta& piece = answer.pieces.emplace_back();
    piece.has_choice = true;
    piece.text = c;
  }
  answer.pieces.push_back(last);
  return answer;
}

class CardEngineTest : public testing::Test {
 protected:
  CardEngineTest() { call_.messages.push_back(Message::Text(Role::kUser, "hi")); }

  Result<Reply> Ask(std::string model, ScriptedAnswer answer,
                    std::optional<ToolMode> mode = std::nullopt, bool streamed = false) {
    auto scripted = std::make_unique<ScriptedEngine>(std::deque{std::move(answer)});
    ScriptedEngine* const spy = scripted.get();
    engine_ = NewCardEngine(std::move(scripted),
                            {.model = std::move(model), .cards = {}, .tool_mode = mode}, Random(1));
    Result<Reply> reply =
        loop_.Run(streamed ? Gather(ctx_, *engine_, call_) : engine_->Call(ctx_, call_));
    sent_ = spy->asked.empty() ? model::Call() : spy->asked.front();
    return reply;
  }

  static async::Task<Result<Reply>> Gather(async::Context ctx, model::Engine& engine,
                                           const model::Call& call) {
    WEIR_CO_TRY(const auto stream, co_await engine.Stream(ctx, call));
    co_return co_await model::Collect(ctx, *stream);
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  model::Call call_;
  model::Call sent_;
  std::unique_ptr<model::Engine> engine_;
};

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
  call_.reasoning.enable = false;
  ScriptedAnswer answer = Says("");
  answer.pieces.front().reasoning = "four";
  const Result<Reply> reply = Ask("Qwen/Qwen3-8B", answer);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text(), "four");
  EXPECT_EQ(reply->choices[0].reasoning, "");
  ASSERT_EQ(reply->info.repairs.size(), 1U);
  EXPECT_THAT(reply->info.repairs[0], HasSubstr("--reasoning-parser"));
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

}  // namespace
}  // namespace weir::engine
