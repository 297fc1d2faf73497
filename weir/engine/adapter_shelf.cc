#include "weir/engine/adapter_shelf.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::engine {
namespace {

// So that those who waited do not find out one after the other.
constexpr Duration kSilence = std::chrono::seconds(1);
// Names come from calls: more than these are forgotten together.
constexpr std::size_t kMostNames = 4096;

void EmitLoad(const async::Context& ctx, const std::string& engine, const AdapterSource& source,
              const std::string& server, const Result<AdapterLoad>& load) {
  if (load) {
    ctx.Emit("adapter.load", {{"engine", engine},
                              {"adapter", source.name},
                              {"path", source.path},
                              {"base_url", server},
                              {"was_there", load->was_there}});
  } else {
    ctx.Emit("adapter.load", {{"engine", engine},
                              {"adapter", source.name},
                              {"path", source.path},
                              {"base_url", server},
                              {"error", Name(load.error())},
                              {"message", load.error().message}});
  }
}

}  // namespace

AdapterShelf::AdapterShelf(AdapterShelfOptions options, std::unique_ptr<HostFinder> hosts)
    : options_(std::move(options)), hosts_(std::move(hosts)), gate_({.permits = 1}) {}

const AdapterSource* AdapterShelf::SourceOf(std::string_view name) const {
  const auto found = std::ranges::find(options_.adapters, name, &AdapterSource::name);
  return found == options_.adapters.end() ? nullptr : &*found;
}

bool AdapterShelf::HasAll(std::string_view name) const {
  return !servers_.empty() && std::ranges::all_of(servers_, [&](const Server& server) {
    return server.models.contains(name);
  });
}

AdapterShelf::Answer AdapterShelf::Missing(const std::string& name, std::string why) {
  if (told_.size() >= kMostNames) told_.clear();
  return {.state = State::kMissing, .why = std::move(why), .first = told_.insert(name).second};
}

std::optional<AdapterShelf::Answer> AdapterShelf::Known(TimePoint now, const std::string& name) {
  const std::scoped_lock lock(mutex_);
  if (now >= listed_until_) {
    if (now < silent_until_) return Answer{.why = {}, .listing = listing_};
    return std::nullopt;
  }
  if (HasAll(name)) {
    told_.erase(name);
    return Answer{.state = State::kLoaded, .why = {}, .listing = listing_};
  }
  const AdapterSource* source = SourceOf(name);
  if (source == nullptr || source->path.empty()) {
    return Missing(name, "it is not loaded, and the configuration has no path to load it from");
  }
  if (!options_.may_load) return Missing(name, "it is not loaded, and may not be loaded from here");
  const auto failure = failures_.find(name);
  if (failure == failures_.end() || now >= failure->second.until) return std::nullopt;
  return Missing(name, failure->second.why);
}

void AdapterShelf::Forget(std::uint64_t listing) {
  const std::scoped_lock lock(mutex_);
  if (listing != listing_) return;
  listed_until_ = silent_until_ = TimePoint{};
}

async::Task<Result<AdapterShelf::Answer>> AdapterShelf::Seek(async::Context ctx, std::string name) {
  if (std::optional<Answer> known = Known(ctx.Now(), name)) co_return *std::move(known);
  WEIR_CO_TRY(const async::Semaphore::Permit permit, co_await gate_.Acquire(ctx));
  std::optional<Answer> known = Known(ctx.Now(), name);
  if (known) co_return *std::move(known);
  async::Span span(ctx, "engine.adapter");
  bool listed = false;
  {
    const std::scoped_lock lock(mutex_);
    listed = ctx.Now() < listed_until_;
  }
  if (!listed) {
    const Result<void> asked = co_await AskAll(span.context());
    if (!asked && ctx.ended()) co_return Fail(span.End(asked).error());
    known = Known(ctx.Now(), name);
    if (known) co_return *std::move(known);
  }
  const AdapterSource* const source = SourceOf(name);
  if (source == nullptr || source->path.empty()) co_return Answer{.state = State::kUnknown};
  const Result<void> loaded = co_await LoadOnAll(span.context(), *source);
  if (!loaded) {
    span.Fail(loaded.error());
    if (ctx.ended()) co_return Fail(loaded.error());
    const std::scoped_lock lock(mutex_);
    failures_[name] = {.why = StrCat("it could not be loaded: ", loaded.error().message),
                       .until = After(ctx.Now(), options_.failure_lifetime)};
    co_return Missing(name, failures_[name].why);
  }
  const std::scoped_lock lock(mutex_);
  failures_.erase(name);
  told_.erase(name);
  co_return Answer{.state = State::kLoaded, .why = {}, .listing = listing_};
}

// A server that cannot be reached gets no calls either; it is asked again when it does.
async::Task<Result<void>> AdapterShelf::AskAll(async::Context ctx) {
  std::vector<Server> servers;
  std::optional<Error> failure;
  const Result<AdapterHosts> hosts = co_await hosts_->Find(ctx);
  if (!hosts) failure = hosts.error();
  for (const std::shared_ptr<AdapterHost>& host : hosts ? *hosts : AdapterHosts()) {
    const Result<std::vector<model::ModelEntry>> models = co_await host->Models(ctx);
    if (!models) {
      failure = models.error();
      continue;
    }
    Server& server = servers.emplace_back();
    server.host = host;
    for (const model::ModelEntry& entry : *models) server.models.insert(entry.id);
  }
  const std::scoped_lock lock(mutex_);
  if (servers.empty()) {
    if (!ctx.ended()) silent_until_ = After(ctx.Now(), kSilence);
    co_return Fail(*failure);
  }
  servers_ = std::move(servers);
  ++listing_;
  listed_until_ = After(ctx.Now(), options_.list_lifetime);
  co_return Result<void>();
}

async::Task<Result<void>> AdapterShelf::LoadOnAll(async::Context ctx, AdapterSource source) {
  for (Server& server : servers_) {
    if (server.models.contains(source.name)) continue;
    const Result<AdapterLoad> load =
        co_await server.host->LoadAdapter(ctx, source.name, source.path);
    EmitLoad(ctx, options_.engine, source, server.host->address(), load);
    if (!load) co_return Fail(load.error());
    const std::scoped_lock lock(mutex_);
    server.models.insert(source.name);
  }
  co_return Result<void>();
}

}  // namespace weir::engine
