#pragma once

// Ollama's own API, the half of its client: /api/chat, /api/generate, /api/embed, and what a server
// tells of itself. The half of its server is ollama_server.h.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/model/embedding.h"
#include "weir/wire/codec.h"

namespace weir::wire {

// Encodes a chat for /api/chat and a completion for /api/generate, where the prompt is `raw`: no
// template is put around it, unless there is a suffix, which only the template can place.
//
// The members stand in one order: model, messages or prompt, tools, format, options, think,
// logprobs, stream, extra. Unset fields are left out, null is never sent; `stream` is always there,
// because Ollama streams when it is not told. Extra fields (keep_alive, truncate) stand at the top
// level; an object `options` among them is joined with the options of the call, which win.
//
// What Ollama has no word for is kUnsupportedParam, or a degradation when it is a mere hint or
// `options.degrade` is set. Of constraints it enforces JSON schemas and JSON objects; a choice, and
// a regular expression of few means, are sent as the schema of a string, which the answer then is
// (EncodedRequest::quoted_answer); all others are kUnsupportedConstraint. Media of messages must be
// images inside data: URLs.
Result<EncodedRequest> EncodeOllamaRequest(const model::Call& call, const EncodeOptions& options);

// Decodes a whole 200 reply. Fails as DecodeReply() does. Durations, in nanoseconds, and unknown
// members are in `extra`. A reply that stopped with tool calls has the finish kToolCalls; its
// finish_text is what Ollama said.
Result<model::Reply> DecodeOllamaReply(model::Api api, std::string_view body);

// The lines of one stream. The last one, which says done, is a piece like others: it brings the
// finish and the usage. Lines after it are kDone and are not looked at.
class OllamaDecoder final : public EventDecoder {
 public:
  explicit OllamaDecoder(model::Api api) : api_(api) {}

  Result<Kind> Decode(std::string_view line, model::Delta& out) override;

  const model::ReplyInfo& info() const override { return info_; }
  bool finished() const override { return done_; }

 private:
  model::Api api_;
  model::ReplyInfo info_;
  std::int64_t calls_ = 0;  // tool calls so far: each comes whole, and older servers number none
  bool done_ = false;
};

// GET /api/tags: the models that were pulled. An id is a name with its tag.
Result<std::vector<model::ModelEntry>> DecodeOllamaTags(std::string_view body);
// GET /api/version: "0.12.11".
Result<std::string> DecodeOllamaVersion(std::string_view body);

// POST /api/embed. Fails with kInvalidRequest when there is no text. Vectors come as numbers only.
Result<EncodedRequest> EncodeOllamaEmbed(const model::EmbedCall& call);
Result<model::Embeddings> DecodeOllamaEmbed(std::string_view body);

}  // namespace weir::wire
