#include "weir/engine/control.h"

#include "weir/base/text.h"
#include "weir/model/model_names.h"
#include "weir/wire/adapters_client.h"

namespace weir::engine {
namespace {

constexpr int kBadRequest = 400;
constexpr int kServerFailed = 500;

}  // namespace

Control::Control(HttpEngineOptions options, std::unique_ptr<Adapter> adapter,
                 std::unique_ptr<Upstream> upstream)
    : options_(std::move(options)), adapter_(std::move(adapter)), upstream_(std::move(upstream)) {}

Result<std::unique_ptr<Control>> Control::Make(HttpEngineOptions options, http::Client& client) {
  WEIR_TRY(std::unique_ptr<Upstream> upstream, Upstream::Make(options.upstream, client));
  std::unique_ptr<Adapter> adapter = NewAdapter(options.kind);
  return std::unique_ptr<Control>(
      new Control(std::move(options), std::move(adapter), std::move(upstream)));
}

std::string_view Control::kind() const { return adapter_->kind(); }

async::Task<Result<std::string>> Control::Ask(async::Context ctx, std::string_view method,
                                              std::string_view path, std::string body) {
  WEIR_CO_TRY(const std::unique_ptr<http::Response> response,
              co_await upstream_->Exchange(ctx, method, path, std::move(body),
                                           upstream_->options().timeouts));
  co_return co_await response->ReadAll(ctx, limits::kReplyBodyBytes);
}

async::Task<Result<std::vector<model::ModelEntry>>> Control::Models(async::Context ctx) {
  return ListModels(ctx, *upstream_, *adapter_);
}

async::Task<Result<VersionReport>> Control::Version(async::Context ctx) {
  if (adapter_->VersionPath().empty()) {
    co_return VersionReport{.dialect = adapter_->DialectOf(""), .version = {}};
  }
  const Result<std::string> body = co_await Ask(ctx, "GET", adapter_->VersionPath(), "");
  if (!body && body.error().http_status == 0) co_return Fail(body.error());
  const std::string text = body ? *body : "";
  co_return VersionReport{.dialect = adapter_->DialectOf(text),
                          .version = adapter_->VersionOf(text)};
}

async::Task<Result<void>> Control::Ready(async::Context ctx, std::string model) {
  if (!adapter_->HealthPath().empty()) {
    const Result<std::string> healthy = co_await Ask(ctx, "GET", adapter_->HealthPath(), "");
    if (!healthy && healthy.error().http_status != kNotFound) co_return Fail(healthy.error());
  }
  WEIR_CO_TRY(const std::vector<model::ModelEntry> models, co_await Models(ctx));
  const bool serves = model.empty() || model::FindModel(models, adapter_->kind(), model) != nullptr;
  if (serves) co_return Result<void>();
  co_return Fail(Code::kConfigError, StrCat(upstream_->name(), " does not serve the model '", model,
                                            "'; it serves ", Join(model::IdsOf(models), ", ")));
}

async::Task<Result<model::Embeddings>> Control::Embed(async::Context ctx,
                                                      const model::EmbedCall& call) {
  model::EmbedCall filled = call;
  if (filled.model.empty()) filled.model = options_.model;
  WEIR_CO_TRY(wire::EncodedRequest request, adapter_->EncodeEmbed(filled));
  WEIR_CO_TRY(const std::string body,
              co_await Ask(ctx, "POST", request.path, std::move(request.body)));
  WEIR_CO_TRY(model::Embeddings embeddings, adapter_->DecodeEmbed(body));
  if (embeddings.vectors.size() == call.texts.size()) co_return embeddings;
  co_return Fail(Code::kProtocolError,
                 StrCat(upstream_->name(), " answered ", call.texts.size(), " texts with ",
                        embeddings.vectors.size(), " embeddings"));
}

async::Task<Result<std::int64_t>> Control::CountTokens(async::Context ctx,
                                                       const model::Call& call) {
  model::Call filled = call;
  if (filled.model.empty()) filled.model = options_.model;
  const wire::EncodeOptions how{.dialect =
                                    options_.upstream.dialect.value_or(adapter_->DialectOf(""))};
  WEIR_CO_TRY(wire::EncodedRequest request, adapter_->EncodeCount(filled, how));
  WEIR_CO_TRY(const std::string body,
              co_await Ask(ctx, "POST", request.path, std::move(request.body)));
  WEIR_CO_TRY(const model::Tokens tokens, adapter_->DecodeTokens(body));
  co_return static_cast<std::int64_t>(tokens.ids.size());
}

async::Task<Result<MayLoad>> Control::MayLoadAdapters(async::Context ctx) {
  WEIR_CO_TRY(const wire::EncodedRequest request, adapter_->EncodeUnloadAdapter("any"));
  // What can only be posted answers a GET with 405, where it is there at all.
  WEIR_CO_TRY(const Upstream::Answer answer,
              co_await upstream_->Inquire(ctx, "GET", request.path, ""));
  if (answer.status == kMethodNotAllowed) co_return MayLoad::kYes;
  if (answer.status == kNotFound) co_return MayLoad::kNo;
  co_return MayLoad::kUnknown;
}

async::Task<Error> Control::ExplainAdapters(async::Context ctx, Error error) {
  if (error.http_status == kNotFound) {
    const Result<MayLoad> may = co_await MayLoadAdapters(ctx);
    if (may && *may == MayLoad::kNo) {
      error.message =
          StrCat(address(),
                 " does not load or unload adapters while it runs (404); start vllm serve with "
                 "--enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 in its environment, or name "
                 "the adapter to it with --lora-modules");
    }
  } else if (error.http_status == kServerFailed || error.http_status == kBadRequest) {
    error.message +=
        " (vllm serve needs --enable-lora, and a --max-lora-rank of at least the adapter's)";
  }
  co_return error;
}

async::Task<Result<AdapterLoad>> Control::LoadAdapter(async::Context ctx, std::string name,
                                                      std::string path) {
  WEIR_CO_TRY(wire::EncodedRequest request, adapter_->EncodeLoadAdapter(name, path));
  const Result<std::string> answer =
      co_await Ask(ctx, "POST", request.path, std::move(request.body));
  if (answer) co_return AdapterLoad{};
  bool was_there = wire::SaysAlreadyLoaded(answer.error());
  AdapterLoad load{.was_there = true, .note = "it was loaded already"};
  if (answer.error().http_status == kBadRequest) {
    const Result<std::vector<model::ModelEntry>> models = co_await Models(ctx);
    for (const model::ModelEntry& entry : models ? *models : std::vector<model::ModelEntry>()) {
      if (entry.id != name) continue;
      was_there = true;
      if (entry.root == path || entry.root.empty()) continue;
      load.note = StrCat("it was loaded already, from ", entry.root, " and not from ", path,
                         "; unload it first to replace it");
    }
  }
  if (!was_there) {
    Error why = co_await ExplainAdapters(ctx, answer.error());
    co_return Fail(std::move(why));
  }
  co_return load;
}

async::Task<Result<void>> Control::UnloadAdapter(async::Context ctx, std::string name) {
  WEIR_CO_TRY(wire::EncodedRequest request, adapter_->EncodeUnloadAdapter(name));
  const Result<std::string> answer =
      co_await Ask(ctx, "POST", request.path, std::move(request.body));
  if (answer) co_return Result<void>();
  Error why = co_await ExplainAdapters(ctx, answer.error());
  co_return Fail(std::move(why));
}

async::Task<Result<wire::PrefixStats>> Control::PrefixStats(async::Context ctx) {
  if (adapter_->MetricsPath().empty()) {
    co_return Fail(Code::kUnsupportedParam,
                   StrCat("a server of kind ", adapter_->kind(), " tells no prefix cache figures"));
  }
  WEIR_CO_TRY(const std::string metrics, co_await Ask(ctx, "GET", adapter_->MetricsPath(), ""));
  const std::optional<wire::PrefixStats> stats = adapter_->ReadPrefixStats(metrics);
  if (stats) co_return *stats;
  co_return Fail(Code::kUnsupportedParam,
                 StrCat(address(), adapter_->MetricsPath(),
                        " holds no prefix cache counters; is vllm serve started with "
                        "--disable-log-stats, or another server in front of it?"));
}

}  // namespace weir::engine
