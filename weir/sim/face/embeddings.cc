// The room of vectors: /v1/embeddings.

#include <utility>

#include "weir/base/text.h"
#include "weir/sim/face/refuse.h"
#include "weir/sim/face/visit.h"
#include "weir/sim/vectors.h"
#include "weir/wire/control_server.h"

namespace weir::sim {
namespace {

using async::Task;

std::vector<std::vector<TokenId>> TokensOf(const wire::IncomingEmbedding& incoming) {
  std::vector<std::vector<TokenId>> inputs;
  inputs.reserve(incoming.texts.size() + incoming.tokens.size() + 1);
  for (const std::string& text : incoming.texts) inputs.push_back(Tokenizer::Encode(text));
  for (const auto& ids : incoming.tokens) {
    inputs.push_back(Render({.api = model::Api::kCompletions}, {{}, ids}).tokens);
  }
  if (!incoming.messages.empty()) {
    inputs.push_back(Render({.messages = incoming.messages}, {}).tokens);
  }
  return inputs;
}

Task<void> ServeEmbeddings(Visit& visit) {
  if (const std::optional<Refusal> refusal = RefuseMedia(visit)) {
    co_return co_await RespondError(visit, *refusal);
  }
  const auto incoming = wire::DecodeEmbedding(visit.exchange.body(), visit.dialect());
  if (!incoming) {
    const Refusal refusal = RefusalOf(incoming.error());
    co_return co_await RespondError(visit, refusal);
  }
  SimCore& core = visit.core;
  const auto found = core.ModelOf({.model = incoming->model});
  if (!found) co_return co_await RespondError(visit, found.error());
  const std::size_t most = core.options().max_embedding_dimensions;
  const auto dimensions =
      static_cast<std::size_t>(incoming->dimensions.value_or(static_cast<std::int64_t>(most)));
  if (dimensions > most) {
    const Refusal refusal = Refuse(
        400, StrCat("dimensions must be at most ", most, ", got ", dimensions, "."), "dimensions");
    co_return co_await RespondError(visit, refusal);
  }
  std::vector<std::vector<float>> vectors;
  std::int64_t tokens = 0;
  for (const std::vector<TokenId>& input : TokensOf(*incoming)) {
    tokens += static_cast<std::int64_t>(input.size());
    vectors.push_back(Embed(input, dimensions, core.options().seed));
  }
  model::ReplyInfo info =
      core.NewInfo(model::Api::kChat, found->name, incoming->request_id, visit.WallNanos());
  info.id.replace(0, std::string_view("chatcmpl-").size(), "embd-");
  co_await RespondJson(
      visit, 200, wire::EncodeEmbedding(info, vectors, incoming->base64, tokens, visit.dialect()));
}

constexpr Route kEmbeddingRoutes[] = {
    {"POST", "/v1/embeddings", ServeEmbeddings},
};

}  // namespace

std::span<const Route> EmbeddingRoutes() { return kEmbeddingRoutes; }

}  // namespace weir::sim
