#include <mutex>

#include "weir/engine/decorators.h"
#include "weir/engine/recording.h"

namespace weir::engine {
namespace {

class RecordedStream final : public model::ReplyStream {
 public:
  RecordedStream(std::unique_ptr<Recording> recording, std::unique_ptr<model::ReplyStream> next)
      : recording_(std::move(recording)), next_(std::move(next)) {}

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override {
    const Result<bool> there = co_await next_->Next(ctx, piece);
    if (!there) {
      recording_->Fail(there.error());
    } else if (*there) {
      recording_->Piece(piece);
    } else {
      recording_->End(next_->info());
    }
    co_return there;
  }

  model::ReplyInfo info() const override { return next_->info(); }

 private:
  const std::unique_ptr<Recording> recording_;
  const std::unique_ptr<model::ReplyStream> next_;
};

class RecordEngine final : public model::Engine {
 public:
  RecordEngine(std::unique_ptr<model::Engine> next, RecordOptions options)
      : next_(std::move(next)),
        options_(std::make_shared<const RecordOptions>(std::move(options))),
        ids_(Random::FromSystem()) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    return ctx.trace == nullptr ? next_->Call(ctx, call) : RecordCall(ctx, call);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    return ctx.trace == nullptr ? next_->Stream(ctx, call) : RecordStream(ctx, call);
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

 private:
  // The id of the request, made here so that both events can name it.
  std::string IdOf(const async::Context& ctx, const model::Call& call) {
    constexpr int kDigits = 32;
    if (!call.request_id.empty()) return call.request_id;
    if (!ctx.request_id.empty()) return std::string(ctx.request_id);
    const std::scoped_lock lock(ids_mutex_);
    return HexId(ids_, kDigits);
  }

  async::Task<Result<model::Reply>> RecordCall(async::Context ctx, const model::Call& call) {
    const std::string id = IdOf(ctx, call);
    ctx.request_id = id;
    Recording recording(options_, ctx, call, false);
    async::Task<Result<model::Reply>> asking = next_->Call(ctx, call);
    Result<model::Reply>& reply = co_await asking;  // stays there: a Reply is large
    reply ? recording.End(*reply) : recording.Fail(reply.error());
    co_return std::move(asking);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> RecordStream(async::Context ctx,
                                                                        const model::Call& call) {
    const std::string id = IdOf(ctx, call);
    ctx.request_id = id;
    auto recording = std::make_unique<Recording>(options_, ctx, call, true);
    Result<std::unique_ptr<model::ReplyStream>> stream = co_await next_->Stream(ctx, call);
    if (!stream) {
      recording->Refuse(stream.error());
      co_return stream;
    }
    co_return std::make_unique<RecordedStream>(std::move(recording), *std::move(stream));
  }

  const std::unique_ptr<model::Engine> next_;
  const std::shared_ptr<const RecordOptions> options_;  // streams may outlive the engine
  std::mutex ids_mutex_;
  Random ids_;  // guarded by ids_mutex_
};

}  // namespace

std::unique_ptr<model::Engine> NewRecordEngine(std::unique_ptr<model::Engine> next,
                                               RecordOptions options) {
  return std::make_unique<RecordEngine>(std::move(next), std::move(options));
}

}  // namespace weir::engine
