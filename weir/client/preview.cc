#include "weir/client/preview.h"

#include "weir/client/wiring.h"
#include "weir/engine/http_engine.h"
#include "weir/engine/verifier.h"

namespace weir::client {
namespace {

// Stands where the server would be asked, and notes the request instead.
class Scout final : public model::Engine {
 public:
  using Found = std::optional<Result<engine::RequestPreview>>;

  Scout(const engine::HttpEngineOptions& options, http::Client& transport, Found& found)
      : options_(options), transport_(transport), found_(found) {}

  async::Task<Result<model::Reply>> Call(async::Context /*ctx*/, const model::Call& call) override {
    co_return Fail(Note(call, false));
  }
  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context /*ctx*/, const model::Call& call) override {
    co_return Fail(Note(call, true));
  }
  async::Task<Result<model::EngineInfo>> Describe(async::Context /*ctx*/) override {
    co_return model::EngineInfo();
  }

 private:
  Error Note(const model::Call& call, bool stream) {
    found_ = engine::PreviewRequest(options_, transport_, call, stream);
    return Error{.code = Code::kCancelled, .message = "nothing is sent"};
  }

  const engine::HttpEngineOptions options_;
  http::Client& transport_;
  Found& found_;
};

async::Task<Result<void>> Send(async::Context ctx, model::Engine& engine, const model::Call& call,
                               bool stream) {
  if (stream) {
    const auto begun = co_await engine.Stream(ctx, call);
    if (!begun) co_return Fail(begun.error());
  } else {
    const auto reply = co_await engine.Call(ctx, call);
    if (!reply) co_return Fail(reply.error());
  }
  co_return Result<void>();
}

}  // namespace

Result<engine::RequestPreview> Preview(const config::EngineConfig& config, http::Client& transport,
                                       const model::Call& call, bool stream) {
  if (call.constraint) {
    schema::Cache schemas;
    WEIR_CHECK(engine::Verifier::Make(*call.constraint, schemas));
  }
  Scout::Found found;
  auto scout = std::make_unique<Scout>(HttpOptionsOf(config), transport, found);
  const std::unique_ptr<model::Engine> engine = WithChanges(std::move(scout), config, {});
  async::Loop loop;
  const async::Context ctx(loop);
  const Result<void> sent = loop.Run(Send(ctx, *engine, call, stream));
  if (found) return *std::move(found);
  return Fail(sent ? Error{.message = "the call ended before it was sent"} : sent.error());
}

}  // namespace weir::client
