#include "weir/engine/spies_testing.h"

namespace weir::engine {
namespace {

class OnePieceStream final : public model::ReplyStream {
 public:
  explicit OnePieceStream(model::Reply reply) : reply_(std::move(reply)) {}

  async::Task<Result<bool>> Next(async::Context /*ctx*/, model::Delta& piece) override {
    if (std::exchange(done_, true)) co_return false;
    piece = {};
    piece.text = reply_.text();
    piece.has_choice = true;
    piece.finish = model::Finish::kStop;
    piece.usage = reply_.usage;
    co_return true;
  }
  model::ReplyInfo info() const override { return reply_.info; }

 private:
  const model::Reply reply_;
  bool done_ = false;
};

}  // namespace

async::Task<Result<model::Reply>> SpyEngine::Call(async::Context ctx, const model::Call& call) {
  calls.push_back(call);
  WEIR_CO_CHECK(co_await async::Sleep(ctx, delay));
  co_return answer_(call);
}

async::Task<Result<std::unique_ptr<model::ReplyStream>>> SpyEngine::Stream(
    async::Context ctx, const model::Call& call) {
  calls.push_back(call);
  WEIR_CO_CHECK(co_await async::Sleep(ctx, delay));
  WEIR_CO_TRY(model::Reply reply, answer_(call));
  co_return std::make_unique<OnePieceStream>(std::move(reply));
}

async::Task<Result<model::EngineInfo>> SpyEngine::Describe(async::Context /*ctx*/) {
  ++described;
  co_return info;
}

model::Reply ReplyOf(std::string text, model::Usage usage) {
  model::Reply reply;
  reply.choices.emplace_back().text = std::move(text);
  reply.choices.front().finish = model::Finish::kStop;
  reply.usage = std::move(usage);
  return reply;
}

async::Task<Result<std::vector<model::ModelEntry>>> FakeHost::Models(async::Context /*ctx*/) {
  ++listed;
  if (!reachable) co_return Fail(Code::kConnectionError, "nobody is there");
  std::vector<model::ModelEntry> entries;
  entries.reserve(models.size());
  for (const std::string& name : models) {
    entries.push_back({.id = name, .root = name, .parent = entries.empty() ? "" : models[0]});
  }
  co_return entries;
}

async::Task<Result<AdapterLoad>> FakeHost::LoadAdapter(async::Context ctx, std::string name,
                                                       std::string path) {
  loads.push_back(name);
  WEIR_CO_CHECK(co_await async::Sleep(ctx, load_time));
  if (path.contains("missing")) co_return Fail(Code::kHttpStatus, "no adapter found");
  models.push_back(std::move(name));
  co_return AdapterLoad{};
}

async::Task<Result<void>> FakeHost::UnloadAdapter(async::Context /*ctx*/, std::string name) {
  std::erase(models, name);
  co_return Result<void>();
}

async::Task<Result<MayLoad>> FakeHost::MayLoadAdapters(async::Context /*ctx*/) {
  co_return may_load;
}

}  // namespace weir::engine
