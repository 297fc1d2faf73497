#include "weir/engine/control.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::engine {

Control::Control(HttpEngineOptions options, std::unique_ptr<Adapter> adapter,
                 std::unique_ptr<Upstream> upstream)
    : options_(std::move(options)), adapter_(std::move(adapter)), upstream_(std::move(upstream)) {}

Result<std::unique_ptr<Control>> Control::Make(HttpEngineOptions options, http::Client& client) {
  WEIR_TRY(std::unique_ptr<Upstream> upstream, Upstream::Make(options.upstream, client));
  std::unique_ptr<Adapter> adapter = NewAdapter(options.kind);
  return std::unique_ptr<Control>(
      new Control(std::move(options), std::move(adapter), std::move(upstream)));
}

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
  constexpr int kNotFound = 404;
  if (!adapter_->HealthPath().empty()) {
    const Result<std::string> healthy = co_await Ask(ctx, "GET", adapter_->HealthPath(), "");
    if (!healthy && healthy.error().http_status != kNotFound) co_return Fail(healthy.error());
  }
  WEIR_CO_TRY(const std::vector<model::ModelEntry> models, co_await Models(ctx));
  if (model.empty() || std::ranges::find(models, model, &model::ModelEntry::id) != models.end()) {
    co_return Result<void>();
  }
  std::vector<std::string> ids;
  for (const model::ModelEntry& entry : models) ids.push_back(entry.id);
  co_return Fail(Code::kConfigError, StrCat(upstream_->name(), " does not serve the model '", model,
                                            "'; it serves ", Join(ids, ", ")));
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

async::Task<Result<model::Tokens>> Control::Tokenize(async::Context ctx,
                                                     const model::TokenizeCall& call) {
  model::TokenizeCall filled = call;
  if (filled.model.empty()) filled.model = options_.model;
  WEIR_CO_TRY(wire::EncodedRequest request, adapter_->EncodeTokenize(filled));
  WEIR_CO_TRY(const std::string body,
              co_await Ask(ctx, "POST", request.path, std::move(request.body)));
  co_return adapter_->DecodeTokens(body);
}

async::Task<bool> CheckVllmHealth(async::Context ctx, http::Client& client, std::string base_url,
                                  Duration timeout) {
  HttpEngineOptions options;
  options.upstream.base_url = std::move(base_url);
  const Result<std::unique_ptr<Control>> control = Control::Make(std::move(options), client);
  if (!control) co_return false;
  const Result<std::vector<model::ModelEntry>> models =
      co_await (*control)->Models(ctx.WithTimeout(timeout));
  if (models) {
    ctx.Emit("health.ok", {{"base_url", (*control)->options().upstream.base_url}});
  } else {
    ctx.Emit("health.fail", {{"base_url", (*control)->options().upstream.base_url},
                             {"error", Name(models.error())},
                             {"message", models.error().message}});
  }
  co_return models.has_value();
}

}  // namespace weir::engine
