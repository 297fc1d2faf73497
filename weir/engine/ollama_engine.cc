#include "weir/engine/adapter.h"
#include "weir/wire/ollama_client.h"

namespace weir::engine {
namespace {

constexpr std::string_view kVersionPath = "/api/version";

class OllamaAdapter final : public Adapter {
 public:
  std::string_view kind() const override { return "ollama"; }

  Result<wire::EncodedRequest> Encode(const model::Call& call,
                                      const wire::EncodeOptions& how) const override {
    return wire::EncodeOllamaRequest(call, how);
  }
  Result<model::Reply> Decode(model::Api api, std::string_view body) const override {
    return wire::DecodeOllamaReply(api, body);
  }
  std::unique_ptr<wire::EventDecoder> NewDecoder(model::Api api) const override {
    return std::make_unique<wire::OllamaDecoder>(api);
  }
  Framing framing(model::Api) const override { return Framing::kLines; }

  std::vector<std::string_view> ModelPaths() const override { return {"/api/tags"}; }
  Result<std::vector<model::ModelEntry>> DecodeModels(std::string_view body) const override {
    return wire::DecodeOllamaTags(body);
  }

  std::string_view VersionPath() const override { return kVersionPath; }
  std::string VersionOf(std::string_view version_body) const override {
    return wire::DecodeOllamaVersion(version_body).value_or("");
  }
  // There is none for health alone.
  std::string_view HealthPath() const override { return kVersionPath; }

  // All versions are spoken to alike: what an older one does not know, it ignores.
  wire::Dialect DialectOf(std::string_view) const override {
    return *wire::DialectByName("ollama");
  }

  Result<wire::EncodedRequest> EncodeEmbed(const model::EmbedCall& call) const override {
    return wire::EncodeOllamaEmbed(call);
  }
  Result<model::Embeddings> DecodeEmbed(std::string_view body) const override {
    return wire::DecodeOllamaEmbed(body);
  }
};

}  // namespace

std::unique_ptr<Adapter> NewOllamaAdapter() { return std::make_unique<OllamaAdapter>(); }

}  // namespace weir::engine
