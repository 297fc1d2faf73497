#pragma once

// What the tests of cards share: one call, one answer, and how it is read.

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "weir/engine/card_engine.h"
#include "weir/model/engine_testing.h"

namespace weir::engine {

// The answer as a stream of one byte a piece.
inline model::ScriptedAnswer Dribbles(std::string_view text) {
  model::ScriptedAnswer answer = model::Says("");
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

class CardTest : public testing::Test {
 protected:
  CardTest() { call_.messages.push_back(model::Message::Text(model::Role::kUser, "hi")); }

  Result<model::Reply> Ask(std::string model, model::ScriptedAnswer answer,
                           std::optional<text::ToolMode> mode = std::nullopt,
                           bool streamed = false) {
    auto scripted = std::make_unique<model::ScriptedEngine>(std::deque{std::move(answer)});
    model::ScriptedEngine* const spy = scripted.get();
    engine_ = NewCardEngine(
        std::move(scripted),
        {.model = std::move(model), .cards = {}, .tool_mode = mode, .switching = switching_},
        Random(1));
    Result<model::Reply> reply =
        loop_.Run(streamed ? Gather(ctx_, *engine_, call_) : engine_->Call(ctx_, call_));
    sent_ = spy->asked.empty() ? model::Call() : spy->asked.front();
    return reply;
  }

  static async::Task<Result<model::Reply>> Gather(async::Context ctx, model::Engine& engine,
                                                  const model::Call& call) {
    WEIR_CO_TRY(const auto stream, co_await engine.Stream(ctx, call));
    co_return co_await model::Collect(ctx, *stream);
  }

  async::Loop loop_{async::Loop::Time::kVirtual};
  async::Context ctx_{loop_};
  model::Call call_;
  ThinkingField switching_ = ThinkingField::kTemplate;
  model::Call sent_;  // what came out of the engine below
  std::unique_ptr<model::Engine> engine_;
};

}  // namespace weir::engine
