#pragma once

// A fake at the waist: an engine that answers from a list, for tests of what stands above it.

#include <deque>
#include <vector>

#include "weir/model/engine.h"

namespace weir::model {

// One call's fate: an error, or pieces of an answer and possibly an error after them.
struct ScriptedAnswer {
  std::optional<Error> refused;  // before anything came
  std::vector<Delta> pieces;     // what a stream delivers; joined for a whole call
  std::optional<Error> broken;   // after the pieces
  Duration before_each{};        // waited before each piece, and before a refusal
};

class ScriptedEngine final : public Engine {
 public:
  // Answers are used up in order; the last one stays.
  explicit ScriptedEngine(std::deque<ScriptedAnswer> answers) : answers_(std::move(answers)) {}

  async::Task<Result<Reply>> Call(async::Context ctx, const model::Call& call) override;
  async::Task<Result<std::unique_ptr<ReplyStream>>> Stream(async::Context ctx,
                                                           const model::Call& call) override;
  async::Task<Result<EngineInfo>> Describe(async::Context ctx) override;

  int calls = 0;         // how often it was asked
  int running = 0;       // calls and streams in flight
  int most_running = 0;  // the highest that was
  std::vector<model::Call> asked;

 private:
  ScriptedAnswer Take();

  std::deque<ScriptedAnswer> answers_;
};

ScriptedAnswer Says(std::string text);
ScriptedAnswer Refuses(Error error);
Error HttpError(int status);

}  // namespace weir::model
