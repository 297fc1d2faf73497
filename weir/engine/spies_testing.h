#pragma once

// Fakes for tests of decorators: an engine that notes what it is asked, a server with adapters.

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "weir/engine/ports.h"
#include "weir/model/engine.h"

namespace weir::engine {

// Notes every call, takes `delay`, and answers with what `answer` makes of it.
class SpyEngine final : public model::Engine {
 public:
  using Answer = std::function<Result<model::Reply>(const model::Call&)>;

  explicit SpyEngine(Answer answer) : answer_(std::move(answer)) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override;
  // The reply in one piece, with its usage.
  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(async::Context ctx,
                                                                  const model::Call& call) override;
  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override;

  std::vector<model::Call> calls;
  model::EngineInfo info;
  int described = 0;
  Duration delay{};

 private:
  Answer answer_;
};

model::Reply ReplyOf(std::string text, model::Usage usage = {});

// A server whose adapters are a list. A path that holds "missing" cannot be loaded.
class FakeHost final : public AdapterHost {
 public:
  explicit FakeHost(std::vector<std::string> models, std::string address = "http://fake:8000")
      : models(std::move(models)), address_(std::move(address)) {}

  const std::string& address() const override { return address_; }
  async::Task<Result<std::vector<model::ModelEntry>>> Models(async::Context ctx) override;
  async::Task<Result<AdapterLoad>> LoadAdapter(async::Context ctx, std::string name,
                                               std::string path) override;
  async::Task<Result<void>> UnloadAdapter(async::Context ctx, std::string name) override;
  async::Task<Result<MayLoad>> MayLoadAdapters(async::Context ctx) override;

  std::vector<std::string> models;
  std::vector<std::string> loads;  // names, also those that failed
  int listed = 0;
  bool reachable = true;
  MayLoad may_load = MayLoad::kYes;
  Duration load_time{};

 private:
  const std::string address_;
};

}  // namespace weir::engine
