#pragma once

// Control: what can be had from one server beside answers: its models, its state, its version,
// embeddings, tokens, adapters, figures. Nothing is repeated here.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/engine/http_engine.h"
#include "weir/engine/ports.h"
#include "weir/model/embedding.h"

namespace weir::engine {

// What a server says of its version.
struct VersionReport {
  wire::Dialect dialect;
  std::string version;  // as it said; empty: it does not tell
};

class Control final : public AdapterHost, public TokenCounter {
 public:
  // `client` must outlive this.
  static Result<std::unique_ptr<Control>> Make(HttpEngineOptions options, http::Client& client);

  async::Task<Result<std::vector<model::ModelEntry>>> Models(async::Context ctx) override;
  async::Task<Result<VersionReport>> Version(async::Context ctx);
  // Whether calls can be sent: /health answers 200 where there is one, and the list of models holds
  // `model` (empty: any). Fails with what is wrong.
  async::Task<Result<void>> Ready(async::Context ctx, std::string model);
  // `call` must outlive the task.
  async::Task<Result<model::Embeddings>> Embed(async::Context ctx, const model::EmbedCall& call);
  async::Task<Result<std::int64_t>> CountTokens(async::Context ctx,
                                                const model::Call& call) override;

  // Of kind vllm only; kUnsupportedParam from the others.
  async::Task<Result<AdapterLoad>> LoadAdapter(async::Context ctx, std::string name,
                                               std::string path) override;
  async::Task<Result<void>> UnloadAdapter(async::Context ctx, std::string name) override;
  async::Task<Result<MayLoad>> MayLoadAdapters(async::Context ctx) override;

  // What the server has counted so far. Fails with kUnsupportedParam when it does not tell.
  async::Task<Result<wire::PrefixStats>> PrefixStats(async::Context ctx);

  const std::string& address() const override { return upstream_->name(); }
  const HttpEngineOptions& options() const { return options_; }
  std::string_view kind() const;  // "vllm", "openai", "ollama"

 private:
  Control(HttpEngineOptions options, std::unique_ptr<Adapter> adapter,
          std::unique_ptr<Upstream> upstream);
  // The whole body of one exchange.
  async::Task<Result<std::string>> Ask(async::Context ctx, std::string_view method,
                                       std::string_view path, std::string body);
  // Says what a server needs that answers an adapter's request with this error.
  async::Task<Error> ExplainAdapters(async::Context ctx, Error error);

  const HttpEngineOptions options_;
  const std::unique_ptr<Adapter> adapter_;
  const std::unique_ptr<Upstream> upstream_;
};

}  // namespace weir::engine
