#pragma once

// What servers of OpenAI's form have in common: how their answers are read, and where their models
// are.

#include "weir/engine/adapter.h"
#include "weir/wire/embeddings_client.h"
#include "weir/wire/responses_client.h"

namespace weir::engine {

class OpenAiFormAdapter : public Adapter {
 public:
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

  Result<wire::EncodedRequest> EncodeEmbed(const model::EmbedCall& call) const override {
    return wire::EncodeEmbeddings(call);
  }
  Result<model::Embeddings> DecodeEmbed(std::string_view body) const override {
    return wire::DecodeEmbeddings(body);
  }

 protected:
  static Result<wire::EncodedRequest> EncodeByApi(const model::Call& call,
                                                  const wire::EncodeOptions& how) {
    return call.api == model::Api::kResponses ? wire::EncodeResponsesRequest(call, how)
                                              : wire::EncodeRequest(call, how);
  }
};

}  // namespace weir::engine
