#include "weir/engine/lora_engine.h"

#include "weir/base/text.h"
#include "weir/engine/upstream.h"

namespace weir::engine {
namespace {

using State = AdapterShelf::State;

// A stream that another model writes than the one that was asked for.
class DegradedStream final : public model::ReplyStream {
 public:
  DegradedStream(std::unique_ptr<model::ReplyStream> next, model::Degradation degradation)
      : next_(std::move(next)), degradation_(std::move(degradation)) {}

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override {
    return next_->Next(ctx, piece);
  }
  model::ReplyInfo info() const override {
    model::ReplyInfo info = next_->info();
    info.degradations.push_back(degradation_);
    return info;
  }

 private:
  const std::unique_ptr<model::ReplyStream> next_;
  const model::Degradation degradation_;
};

class LoraEngine final : public model::Engine {
 public:
  LoraEngine(std::unique_ptr<model::Engine> next, std::shared_ptr<AdapterShelf> shelf,
             LoraOptions options)
      : next_(std::move(next)), shelf_(std::move(shelf)), options_(std::move(options)) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    const std::string& name = AdapterOf(call);
    return name.empty() ? next_->Call(ctx, call) : CallWith(ctx, name, call);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    const std::string& name = AdapterOf(call);
    return name.empty() ? next_->Stream(ctx, call) : StreamWith(ctx, name, call);
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

 private:
  // The adapter that is meant; empty: none.
  const std::string& AdapterOf(const model::Call& call) const {
    static const std::string kNone;
    if (!call.adapter.empty()) return call.adapter;
    return shelf_->Has(call.model) ? call.model : kNone;
  }

  async::Task<Result<model::Reply>> CallWith(async::Context ctx, std::string name,
                                             const model::Call& call) {
    for (bool again = false;; again = true) {
      WEIR_CO_TRY(AdapterShelf::Answer found, co_await shelf_->Seek(ctx, name));
      if (found.state == State::kMissing) {
        WEIR_CO_TRY(model::Degradation lost, Lose(ctx, name, found));
        const model::Call base = BaseOf(call, name);
        async::Task<Result<model::Reply>> asked = next_->Call(ctx, base);
        Result<model::Reply>& reply = co_await asked;  // stays there: a Reply is large
        if (reply) reply->info.degradations.push_back(std::move(lost));
        co_return std::move(asked);
      }
      async::Task<Result<model::Reply>> asked = next_->Call(ctx, call);
      Result<model::Reply>& reply = co_await asked;
      if (reply || again || reply.error().http_status != kNotFound) co_return std::move(asked);
      shelf_->Forget(found.listing);
    }
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> StreamWith(async::Context ctx,
                                                                      std::string name,
                                                                      const model::Call& call) {
    for (bool again = false;; again = true) {
      WEIR_CO_TRY(AdapterShelf::Answer found, co_await shelf_->Seek(ctx, name));
      if (found.state == State::kMissing) {
        WEIR_CO_TRY(model::Degradation lost, Lose(ctx, name, found));
        const model::Call base = BaseOf(call, name);
        WEIR_CO_TRY(std::unique_ptr<model::ReplyStream> stream, co_await next_->Stream(ctx, base));
        co_return std::make_unique<DegradedStream>(std::move(stream), std::move(lost));
      }
      Result<std::unique_ptr<model::ReplyStream>> stream = co_await next_->Stream(ctx, call);
      if (stream || again || stream.error().http_status != kNotFound) co_return stream;
      shelf_->Forget(found.listing);
    }
  }

  static model::Call BaseOf(const model::Call& call, std::string_view name) {
    model::Call base = call;
    base.adapter.clear();
    if (base.model == name) base.model.clear();
    return base;
  }

  // What the reply of the base model will say, or the error that stands in its place.
  Result<model::Degradation> Lose(const async::Context& ctx, const std::string& name,
                                  const AdapterShelf::Answer& found) const {
    const std::string& engine = shelf_->options().engine;
    if (options_.fallback == AdapterFallback::kError) {
      const std::string remedy =
          options_.remedy.empty()
              ? StrCat("load it with `weir adapters load ", engine, " ", name, " PATH`")
              : options_.remedy;
      return Fail(
          Code::kConfigError,
          StrCat("the engine ", engine, " does not have the adapter '", name, "': ", found.why,
                 "; ", remedy, ", or let the base model answer with `adapter_fallback: base`"));
    }
    ctx.Emit(
        "adapter.fallback",
        {{"engine", engine}, {"adapter", name}, {"message", found.why}, {"first", found.first}});
    return model::Degradation{
        .what = "adapter",
        .why = StrCat("the base model of ", engine, " answered instead of the adapter '", name,
                      "': ", found.why)};
  }

  const std::unique_ptr<model::Engine> next_;
  const std::shared_ptr<AdapterShelf> shelf_;  // shared with who checks the adapters beforehand
  const LoraOptions options_;
};

}  // namespace

std::unique_ptr<model::Engine> NewLoraEngine(std::unique_ptr<model::Engine> next,
                                             std::shared_ptr<AdapterShelf> shelf,
                                             LoraOptions options) {
  return std::make_unique<LoraEngine>(std::move(next), std::move(shelf), std::move(options));
}

}  // namespace weir::engine
