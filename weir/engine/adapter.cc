#include "weir/engine/adapter.h"

#include <utility>

#include "weir/base/text.h"

namespace weir::engine {
namespace {

Error Lacks(std::string_view kind, std::string_view what) {
  return Error{.code = Code::kUnsupportedParam,
               .message = StrCat("a server of kind ", kind, " has no ", what)};
}

}  // namespace

std::string Adapter::VersionOf(std::string_view /*version_body*/) const { return {}; }

Result<wire::EncodedRequest> Adapter::EncodeEmbed(const model::EmbedCall& /*call*/) const {
  return Fail(Lacks(kind(), "embeddings"));
}

Result<model::Embeddings> Adapter::DecodeEmbed(std::string_view /*body*/) const {
  return Fail(Lacks(kind(), "embeddings"));
}

Result<wire::EncodedRequest> Adapter::EncodeCount(const model::Call& /*call*/,
                                                  const wire::EncodeOptions& /*how*/) const {
  return Fail(Lacks(kind(), "/tokenize"));
}

Result<model::Tokens> Adapter::DecodeTokens(std::string_view /*body*/) const {
  return Fail(Lacks(kind(), "/tokenize"));
}

Result<wire::EncodedRequest> Adapter::EncodeLoadAdapter(std::string_view /*name*/,
                                                        std::string_view /*path*/) const {
  return Fail(Lacks(kind(), "LoRA adapters that are loaded while it runs"));
}

Result<wire::EncodedRequest> Adapter::EncodeUnloadAdapter(std::string_view /*name*/) const {
  return Fail(Lacks(kind(), "LoRA adapters that are unloaded while it runs"));
}

std::unique_ptr<Adapter> NewAdapter(wire::ServerKind kind) {
  switch (kind) {
    case wire::ServerKind::kVllm:
      return NewVllmAdapter();
    case wire::ServerKind::kOpenAi:
      return NewOpenAiAdapter();
    case wire::ServerKind::kOllama:
      return NewOllamaAdapter();
  }
  std::unreachable();
}

}  // namespace weir::engine
