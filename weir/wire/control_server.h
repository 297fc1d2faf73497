#pragma once

// The server's half of everything beside generation: tokens, vectors, adapters.

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/wire/server_codec.h"

namespace weir::wire {

// POST /tokenize, of a prompt or of messages.
struct IncomingTokenize {
  model::Call call;  // kCompletions with a prompt, or kChat
  bool token_texts = false;
};
std::expected<IncomingTokenize, ServerError> DecodeTokenize(std::string_view body,
                                                            const Dialect& dialect);
// `texts` is null unless they were asked for.
std::string EncodeTokenize(std::span<const std::int32_t> tokens, std::int64_t max_model_len,
                           const std::vector<std::string>* texts);

struct IncomingDetokenize {
  std::string model;
  std::vector<std::int64_t> tokens;
};
std::expected<IncomingDetokenize, ServerError> DecodeDetokenize(std::string_view body,
                                                                const Dialect& dialect);
std::string EncodeDetokenize(std::string_view text);

// POST /v1/load_lora_adapter and /v1/unload_lora_adapter.
struct IncomingAdapter {
  std::string name;
  std::string path;
  bool in_place = false;
};
enum class AdapterChange : std::uint8_t { kLoad, kUnload };
std::expected<IncomingAdapter, ServerError> DecodeAdapter(AdapterChange change,
                                                          std::string_view body,
                                                          const Dialect& dialect);

// POST /v1/embeddings.
struct IncomingEmbedding {
  std::string model;
  std::vector<std::string> texts;                 // either these
  std::vector<std::vector<std::int64_t>> tokens;  // or these
  std::vector<model::Message> messages;           // or a chat
  std::optional<std::int64_t> dimensions;
  bool base64 = false;
  std::string request_id;
};
std::expected<IncomingEmbedding, ServerError> DecodeEmbedding(std::string_view body,
                                                              const Dialect& dialect);
// Vectors as numbers, or as base64 of little-endian floats.
std::string EncodeEmbedding(const model::ReplyInfo& info,
                            std::span<const std::vector<float>> vectors, bool base64,
                            std::int64_t prompt_tokens, const Dialect& dialect);

// Token ids as a JSON array, and under the name that a choice of a completion has for those of its
// prompt.
json::Value TokenIds(std::span<const std::int32_t> tokens);
json::Value WithPromptTokenIds(json::View choice_extra, json::View ids);
// The `extra` of a stream's first delta that tells the tokens of its prompt.
json::Value PromptIdsExtra(model::Api api, std::span<const std::int32_t> tokens);

}  // namespace weir::wire
