#include "weir/model/engine_testing.h"

namespace weir::model {
namespace {

// Counts a call or stream as running while it lives.
class Running {
 public:
  explicit Running(ScriptedEngine& engine) : engine_(engine) {
    engine_.most_running = std::max(engine_.most_running, ++engine_.running);
  }
  ~Running() { --engine_.running; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  ScriptedEngine& engine_;
};

class ScriptedStream final : public ReplyStream {
 public:
  ScriptedStream(ScriptedEngine& engine, ScriptedAnswer answer)
      : running_(engine), answer_(std::move(answer)) {}

  async::Task<Result<bool>> Next(async::Context ctx, Delta& piece) override {
    if (at_ < answer_.pieces.size()) {
      WEIR_CO_CHECK(co_await async::Sleep(ctx, answer_.before_each));
      piece = answer_.pieces[at_++];
      co_return true;
    }
    if (answer_.broken) co_return Fail(*answer_.broken);
    co_return false;
  }

  ReplyInfo info() const override { return ReplyInfo{.id = "scripted"}; }

 private:
  const Running running_;
  const ScriptedAnswer answer_;
  std::size_t at_ = 0;
};

}  // namespace

ScriptedAnswer ScriptedEngine::Take() {
  ++calls;
  ScriptedAnswer answer = answers_.front();
  if (answers_.size() > 1) answers_.pop_front();
  return answer;
}

async::Task<Result<Reply>> ScriptedEngine::Call(async::Context ctx, const model::Call& call) {
  asked.push_back(call);
  const ScriptedAnswer answer = Take();
  const Running running(*this);
  WEIR_CO_CHECK(co_await async::Sleep(ctx, answer.before_each));
  if (answer.refused) co_return Fail(*answer.refused);
  if (answer.broken) co_return Fail(*answer.broken);
  Assembler assembler;
  for (const Delta& piece : answer.pieces) assembler.Add(piece);
  co_return std::move(assembler).Finish(ReplyInfo{.id = "scripted"});
}

async::Task<Result<std::unique_ptr<ReplyStream>>> ScriptedEngine::Stream(async::Context ctx,
                                                                         const model::Call& call) {
  asked.push_back(call);
  ScriptedAnswer answer = Take();
  if (answer.refused) {
    WEIR_CO_CHECK(co_await async::Sleep(ctx, answer.before_each));
    co_return Fail(*answer.refused);
  }
  co_return std::make_unique<ScriptedStream>(*this, std::move(answer));
}

async::Task<Result<EngineInfo>> ScriptedEngine::Describe(async::Context) {
  co_return EngineInfo{.name = "scripted"};
}

ScriptedAnswer Says(std::string text) {
  ScriptedAnswer answer;
  Delta& piece = answer.pieces.emplace_back();
  piece.has_choice = true;
  piece.text = std::move(text);
  Delta& last = answer.pieces.emplace_back();
  last.has_choice = true;
  last.finish = Finish::kStop;
  last.finish_text = "stop";
  return answer;
}

ScriptedAnswer Refuses(Error error) {
  ScriptedAnswer answer;
  answer.refused = std::move(error);
  return answer;
}

Error HttpError(int status) {
  return Error{.code = Code::kHttpStatus, .message = "no", .http_status = status};
}

}  // namespace weir::model
