// Thoughts that only their end gives away, and how thinking is switched by the kind of server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/engine/card_testing.h"
#include "weir/json/reader.h"
#include "weir/model/engine_testing.h"

namespace weir::engine {
namespace {

using model::Reply;
using model::Says;
using model::ScriptedAnswer;
using model::ScriptedEngine;
using testing::HasSubstr;

class CardThoughtsTest : public CardTest {};

struct SaidCase {
  const char* model;
  const char* said;
  const char* text;
  const char* reasoning;
};

TEST_F(CardThoughtsTest, AClosingMarkAloneEndsTheThoughtsOfAnAnswerThatIsWhole) {
  const SaidCase cases[] = {
      {"Qwen/Qwen3-8B", "hm</think>four", "four", "hm"},
      {"zai-org/GLM-4.5", "hm</think>four", "four", "hm"},
      {"zai-org/GLM-4.7", "hm</think>four", "four", "hm"},
      {"allenai/Olmo-3-32B-Think", "hm</think>four", "four", "hm"},
      {"Hcompany/Holo2-8B", "hm</think>four", "four", "hm"},
      {"deepseek-ai/DeepSeek-V3.1", "hm</think>four", "four", "hm"},
      {"some/thing", "hm</think>four", "four", "hm"},
      {"some/thing", "<think>hm</think>four", "four", "hm"},
      {"some/thing", "Write <think>a</think> so.", "Write <think>a</think> so.", ""},
      {"mistralai/Magistral-Small-2506", "<think>hm</think>four", "four", "hm"},
      {"Qwen/Qwen3-8B", "four", "four", ""},
  };
  for (const SaidCase& c : cases) {
    for (const bool streamed : {false, true}) {
      call_.buffer = streamed;
      const Result<Reply> reply = Ask(c.model, Dribbles(c.said), std::nullopt, streamed);
      ASSERT_TRUE(reply) << c.model;
      EXPECT_EQ(reply->text(), c.text) << c.model << c.said << streamed;
      EXPECT_EQ(reply->choices[0].reasoning, c.reasoning) << c.model << c.said << streamed;
    }
  }
}

TEST_F(CardThoughtsTest, AClosingMarkOfAModelThatDoesNotThinkIsAWord) {
  call_.reasoning.enable = false;
  const Result<Reply> reply = Ask("Qwen/Qwen3-8B", Says("hm</think>four"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->choices[0].reasoning, "");
  EXPECT_THAT(reply->text(), HasSubstr("hm"));
  EXPECT_THAT(reply->text(), HasSubstr("four"));
}

TEST_F(CardThoughtsTest, AStreamOfWhatThePromptMustHaveOpenedWaitsForTheMark) {
  call_.reasoning.enable = true;
  for (const char* model : {"deepseek-ai/DeepSeek-V3.1", "zai-org/GLM-4.7"}) {
    const Result<Reply> reply = Ask(model, Dribbles("hm</think>four"), std::nullopt, true);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->text(), "four") << model;
    EXPECT_EQ(reply->choices[0].reasoning, "hm") << model;
  }
}

TEST_F(CardThoughtsTest, AStreamOfAModelWhosePromptOpensTheThoughtsWaitsWithoutBeingTold) {
  for (const char* model : {"zai-org/GLM-4.7", "Hcompany/Holo2-8B"}) {
    const Result<Reply> reply = Ask(model, Dribbles("hm</think>four"), std::nullopt, true);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->text(), "four") << model;
    EXPECT_EQ(reply->choices[0].reasoning, "hm") << model;
  }
}

TEST_F(CardThoughtsTest, WhatWasHeldBackComesBeforeTheErrorOfAStreamThatBreaks) {
  ScriptedAnswer broken = Dribbles("half");
  broken.pieces.pop_back();
  broken.broken = Error{.code = Code::kTimeout, .message = "too late"};
  const auto read = [](async::Context ctx, model::Engine& its,
                       const model::Call& call) -> async::Task<std::string> {
    const auto stream = co_await its.Stream(ctx, call);
    std::string said;
    model::Delta piece;
    for (;;) {
      const Result<bool> more = co_await (*stream)->Next(ctx, piece);
      if (!more) co_return said + "!" + more.error().message;
      said += piece.text + (piece.reasoning.empty() ? "" : "(" + piece.reasoning + ")");
    }
  };
  call_.buffer = true;
  for (const auto& [model, said] : {std::pair("Qwen/Qwen3-8B", "half!too late"),
                                    std::pair("deepseek-ai/DeepSeek-R1", "(half)!too late")}) {
    engine_ = NewCardEngine(std::make_unique<ScriptedEngine>(std::deque{broken}), {.model = model},
                            Random(1));
    EXPECT_EQ(loop_.Run(read(ctx_, *engine_, call_)), said);
  }
}

TEST_F(CardThoughtsTest, AServerThatTakesNoTemplateSwitchesIsNotSentAny) {
  const auto ask = [this](const char* model, ThinkingField switching) {
    switching_ = switching;
    return Ask(model, Says("x"));
  };
  for (const char* model : {"qwen3:8b", "deepseek-v3.1", "some/thing"}) {
    for (const bool enable : {true, false}) {
      call_.reasoning.enable = enable;
      const Result<Reply> own = ask(model, ThinkingField::kOwn);
      ASSERT_TRUE(own);
      EXPECT_TRUE(sent_.chat_template_kwargs.IsNull());
      EXPECT_EQ(sent_.reasoning.enable, enable);
      EXPECT_TRUE(own->info.degradations.empty());
      const Result<Reply> none = ask(model, ThinkingField::kNone);
      ASSERT_TRUE(none);
      EXPECT_TRUE(sent_.chat_template_kwargs.IsNull());
      EXPECT_EQ(sent_.reasoning.enable, std::nullopt);
      ASSERT_EQ(none->info.degradations.size(), 1U);
      EXPECT_THAT(none->info.degradations[0].why, HasSubstr("no switch"));
    }
  }
  call_.reasoning.enable = false;
  ASSERT_TRUE(ask("gpt-oss:20b", ThinkingField::kOwn));
  EXPECT_EQ(sent_.reasoning.effort, "low");
}

}  // namespace
}  // namespace weir::engine
