#include "weir/engine/adapter.h"
#include "weir/json/reader.h"
#include "weir/wire/embeddings_client.h"
#include "weir/wire/responses_client.h"

namespace weir::engine {
namespace {

class VllmAdapter final : public Adapter {
 public:
  std::string_view kind() const override { return "vllm"; }

  Result<wire::EncodedRequest> Encode(const model::Call& call,
                                      const wire::EncodeOptions& how) const override {
    return call.api == model::Api::kResponses ? wire::EncodeResponsesRequest(call, how)
                                              : wire::EncodeRequest(call, how);
  }
  Result<model::Reply> Decode(model::Api api, std::string_view body) const override {
    return api == model::Api::kResponses ? wire::DecodeResponse(body)
                                         : wire::DecodeReply(api, body);
  }
  std::unique_ptr<wire::EventDecoder> NewDecoder(model::Api api) const override {
    if (api == model::Api::kResponses) return std::make_unique<wire::ResponsesDecoder>();
    return std::make_unique<wire::ChunkDecoder>(api);
  }
  Framing framing(model::Api) const override { return Framing::kServerSentEvents; }

  std::vector<std::string_view> ModelPaths() const override { return {"/v1/models", "/models"}; }
  Result<std::vector<model::ModelEntry>> DecodeModels(std::string_view body) const override {
    return wire::DecodeModels(body);
  }

  bool VersionsDiffer() const override { return true; }
  std::string_view VersionPath() const override { return "/version"; }
  std::string VersionOf(std::string_view version_body) const override {
    const auto read = json::Read(version_body);
    return read ? std::string(read->Find("version").StringOr("")) : std::string();
  }
  // A server that does not say it counts as the latest.
  wire::Dialect DialectOf(std::string_view version_body) const override {
    return wire::DialectOfVersion(VersionOf(version_body));
  }
  std::string_view HealthPath() const override { return "/health"; }

  Result<wire::EncodedRequest> EncodeEmbed(const model::EmbedCall& call) const override {
    return wire::EncodeEmbeddings(call);
  }
  Result<model::Embeddings> DecodeEmbed(std::string_view body) const override {
    return wire::DecodeEmbeddings(body);
  }
  Result<wire::EncodedRequest> EncodeTokenize(const model::TokenizeCall& call) const override {
    return wire::EncodeTokenize(call);
  }
  Result<model::Tokens> DecodeTokens(std::string_view body) const override {
    return wire::DecodeTokens(body);
  }
};

}  // namespace

std::unique_ptr<Adapter> NewVllmAdapter() { return std::make_unique<VllmAdapter>(); }

}  // namespace weir::engine
