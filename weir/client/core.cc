#include "weir/client/core.h"

#include <future>

#include "weir/base/text.h"
#include "weir/client/cancel_link.h"
#include "weir/client/engine_host.h"
#include "weir/client/engine_options.h"
#include "weir/client/proxy_advice.h"

namespace weir::client {
namespace {

constexpr std::size_t kMostThreads = 256;

Error ClosedError() {
  return {.code = Code::kCancelled, .message = "the client of this call was destroyed"};
}

// The border for exceptions, which are bugs: one call fails, not the program.
async::Task<Result<model::Reply>> Guarded(async::Context ctx, model::Engine& engine,
                                          const model::Call& call, Job& job) {
  try {
    co_return co_await job(ctx, engine, call);
  } catch (const std::exception& bug) {
    co_return Fail(Code::kInternal, "a bug in weir ended the call; please report it", bug.what());
  }
}

}  // namespace

Result<std::shared_ptr<Core>> Core::Open(ClientOptions options) {
  if (options.threads < 1 || options.threads > kMostThreads) {
    return Fail(Code::kConfigError, StrCat("ClientOptions::threads is ", options.threads,
                                           "; it may be 1 to ", kMostThreads));
  }
  if (options.stream_ahead < 1) {
    return Fail(Code::kConfigError, "ClientOptions::stream_ahead must be at least 1");
  }
  std::shared_ptr<Core> core(new Core(std::move(options)));
  WEIR_CHECK(core->Build());
  return core;
}

Result<void> Core::Build() {
  WEIR_TRY(config_, ConfigOf(options_));
  // Nothing is started here: a library has no business to. What runs is used, and looked for later
  // where it does not run yet.
  for (config::EngineConfig& engine : config_.engines) {
    if (!engine.managed) continue;
    if (!engine::FixedPort(*engine.serve)) engine.http.upstream.base_url.clear();
    FindRunning(engine, options_.env);
  }
  const auto role =
      config_.routes.roles.find(options_.engine.empty() ? "default" : options_.engine);
  const bool routed = config_.Find(options_.engine) == nullptr &&
                      role != config_.routes.roles.end() && !role->second.empty();
  WEIR_TRY(chosen_, config::ResolveEngine(config_, routed ? role->second.front() : options_.engine,
                                          options_.env));
  default_target_ = {routed ? role->first : chosen_.name, &chosen_};
  WEIR_TRY(fleet_, Fleet::Build(config_, chosen_, options_.env));
  WEIR_CHECK(fleet_->Get(default_target_.route));
  for (std::size_t i = 0; i < options_.threads; ++i) {
    loops_.push_back(std::make_unique<LoopThread>());
  }
  return {};
}

Result<Core::Target> Core::TargetOf(std::string_view name) {
  if (name.empty() || name == default_target_.route) return default_target_;
  Target target{std::string(name), config_.Find(name)};
  const auto role = config_.routes.roles.find(name);
  if (target.config == nullptr && role != config_.routes.roles.end() && !role->second.empty()) {
    target.config = config_.Find(role->second.front());
  }
  if (target.config == nullptr) target.config = &chosen_;  // the fleet says that it is not there
  return target;
}

Result<Core::Order> Core::Prepare(Prompt prompt, const CallOptions& options) {
  if (options.cancel && options.cancel->requested()) return Fail(async::CancelledError());
  WEIR_TRY(const Target target, TargetOf(options.engine));
  Order order{.config = target.config, .call = std::move(prompt.call), .cancel = options.cancel};
  WEIR_TRY(order.engine, fleet_->Get(target.route));
  model::Call& call = order.call;
  if (!options.model.empty()) call.model = options.model;
  if (!options.adapter.empty()) call.adapter = options.adapter;
  if (options.sampling) call.sampling = *options.sampling;
  if (options.constraint) call.constraint = options.constraint;
  if (options.confidence) call.confidence = *options.confidence;
  if (options.reasoning) call.reasoning = *options.reasoning;
  if (!options.system.empty()) {
    call.messages.insert(call.messages.begin(),
                         model::Message::Text(model::Role::kSystem, options.system));
  }
  order.total = order.config->http.upstream.timeouts.total;
  if (call.timeouts) order.total = call.timeouts->total;
  if (options.timeout) order.total = *options.timeout;
  return order;
}

async::Task<void> Core::Carry(async::Context ctx, const Core& core, Order order, Job job,
                              Done done) {
  const CancelLink link(ctx, order.cancel);
  ctx = link.context();
  if (order.total > Duration::zero()) ctx = ctx.WithTimeout(order.total);
  Result<model::Reply> reply = co_await Guarded(ctx, *order.engine, order.call, job);
  if (!reply) {
    reply = Fail(WithProxyAdvice(std::move(reply).error(), *order.config, core.options_.env));
  }
  done(std::move(reply));
}

LoopThread& Core::Start(Prompt prompt, const CallOptions& options, Job job, Done done) {
  LoopThread& loop = *loops_[next_loop_.fetch_add(1, std::memory_order_relaxed) % loops_.size()];
  Result<Order> order = Prepare(std::move(prompt), options);
  if (!order) {
    done(Fail(std::move(order).error()));
    return loop;
  }
  // Kept here too, for the answer to a loop that is closed.
  const auto kept = std::make_shared<Done>(std::move(done));
  const bool begun = loop.Spawn([this, kept, order = *std::move(order),
                                 job = std::move(job)](const async::Context& ctx) mutable {
    return Carry(ctx, *this, std::move(order), std::move(job), std::move(*kept));
  });
  if (!begun) (*kept)(Fail(ClosedError()));
  return loop;
}

Result<model::Reply> Core::Wait(Prompt prompt, const CallOptions& options, Job job) {
  std::promise<Result<model::Reply>> promise;
  std::future<Result<model::Reply>> future = promise.get_future();
  Start(std::move(prompt), options, std::move(job),
        [promise = std::move(promise)](Result<model::Reply> reply) mutable {
          promise.set_value(std::move(reply));
        });
  return future.get();
}

void Core::Close() {
  for (const std::unique_ptr<LoopThread>& loop : loops_) loop->Close();
}

async::Task<Result<model::Reply>> CallWhole(async::Context ctx, model::Engine& engine,
                                            const model::Call& call) {
  return engine.Call(ctx, call);
}

}  // namespace weir::client
