#include "weir/client/managed_engine.h"

#include <mutex>
#include <utility>

#include "weir/base/text.h"

namespace weir::client {
namespace {

using async::Context;
using async::Task;

std::string HowToStart(const std::string& name) {
  return StrCat("engine '", name,
                "' is managed, and its server does not run: start it with `weir engines up ", name,
                "`, or set base_url to a server that runs elsewhere");
}

class ManagedEngine final : public model::Engine {
 public:
  using Find = std::function<Result<std::shared_ptr<model::Engine>>()>;

  ManagedEngine(std::string name, Find find) : name_(std::move(name)), find_(std::move(find)) {}

  Task<Result<model::Reply>> Call(Context ctx, const model::Call& call) override {
    WEIR_CO_TRY(const std::shared_ptr<model::Engine> engine, Found());
    co_return Told(co_await engine->Call(ctx, call));
  }
  Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(Context ctx,
                                                           const model::Call& call) override {
    WEIR_CO_TRY(const std::shared_ptr<model::Engine> engine, Found());
    co_return Told(co_await engine->Stream(ctx, call));
  }
  Task<Result<model::EngineInfo>> Describe(Context ctx) override {
    WEIR_CO_TRY(const std::shared_ptr<model::Engine> engine, Found());
    co_return Told(co_await engine->Describe(ctx));
  }

 private:
  Result<std::shared_ptr<model::Engine>> Found() {
    const std::scoped_lock lock(mutex_);
    if (engine_ == nullptr) {
      WEIR_TRY(engine_, find_());
    }
    return engine_;
  }

  template <class T>
  Result<T> Told(Result<T> result) const {
    if (result || result.error().code != Code::kConnectionError) return result;
    StrAppend(result.error().message, "; ", HowToStart(name_));
    return result;
  }

  const std::string name_;
  const Find find_;
  std::mutex mutex_;  // guards engine_
  std::shared_ptr<model::Engine> engine_;
};

}  // namespace

std::shared_ptr<model::Engine> NewManagedEngine(
    std::string name, std::function<Result<std::shared_ptr<model::Engine>>()> find) {
  return std::make_shared<ManagedEngine>(std::move(name), std::move(find));
}

Error ServerIsAway(const std::string& name) {
  return {.code = Code::kConnectionError, .message = HowToStart(name)};
}

}  // namespace weir::client
