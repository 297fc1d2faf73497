#pragma once

// An engine that answers from a list of whole replies and keeps what it was asked, and choices
// whose tokens have known probabilities.

#include <cmath>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "weir/model/engine.h"

namespace weir::engine {

class ReplyingEngine final : public model::Engine {
 public:
  // Used up in order; the last one stays.
  explicit ReplyingEngine(std::deque<Result<model::Reply>> replies)
      : replies_(std::move(replies)) {}

  async::Task<Result<model::Reply>> Call(async::Context /*ctx*/, const model::Call& call) override {
    asked.push_back(call);
    Result<model::Reply> reply = replies_.front();
    if (replies_.size() > 1) replies_.pop_front();
    co_return reply;
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context /*ctx*/, const model::Call& call) override {
    streamed.push_back(call);
    co_return Fail(Code::kInternal, "not streamed here");
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context /*ctx*/) override {
    co_return model::EngineInfo{.name = "replying"};
  }

  std::vector<model::Call> asked;
  std::vector<model::Call> streamed;

 private:
  std::deque<Result<model::Reply>> replies_;
};

// A choice of these tokens, in which every one is as likely as is said.
inline model::Choice Likely(const std::vector<std::pair<std::string, double>>& tokens,
                            std::int64_t index = 0) {
  model::Choice choice{.index = index};
  for (const auto& [text, probability] : tokens) {
    choice.text += text;
    choice.tokens.push_back({.text = text, .logprob = std::log(probability)});
  }
  choice.finish = model::Finish::kStop;
  return choice;
}

inline model::Reply ReplyOf(std::vector<model::Choice> choices) {
  model::Reply reply;
  reply.choices = std::move(choices);
  reply.usage = {.prompt_tokens = 10, .completion_tokens = 4, .total_tokens = 14};
  return reply;
}

}  // namespace weir::engine
