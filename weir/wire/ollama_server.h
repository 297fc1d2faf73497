#pragma once

// Ollama's own API, the half of its server: POST /api/chat, /api/generate, /api/embed,
// /api/embeddings and /api/show, and what it tells of its models. Errors are {"error":"..."} in the
// words of its Go code. Its /v1 goes through server_codec.h.
//
// Replies come with Go's habits: <, > and & are escaped in texts, empty members are left out.

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/model/reply.h"
#include "weir/wire/server_codec.h"

namespace weir::wire {

enum class OllamaApi : std::uint8_t { kChat, kGenerate };

// A request of /api/chat or /api/generate as it was understood. `stream` is true unless the request
// says otherwise.
//
// A prompt to generate is the message of a user, as Ollama makes of it; only when it is `raw` or
// has a suffix the call is one of completions. A template of the request is taken and not applied:
// it is a program in Go's language. Options that only tune Ollama's process are without effect;
// values that Ollama takes and other servers refuse are moved to the nearest that all take.
struct IncomingOllama : IncomingCall {
  OllamaApi form = OllamaApi::kChat;
  std::string asked_model;             // as it was spelled; call.model is the same
  bool raw = false;                    // generate: no template
  bool truncate = true;                // a prompt that is too long loses its beginning
  bool empty = false;                  // nothing to answer: the model is only loaded, or unloaded
  std::vector<std::int64_t> context;   // generate: the tokens of the talk so far
  std::optional<std::int64_t> window;  // num_ctx
  std::optional<double> keep_alive;    // seconds; below 0: for ever
};
std::expected<IncomingOllama, ServerError> DecodeOllama(OllamaApi form, std::string_view body);

std::string EncodeOllamaError(const ServerError& error);
// 404, in the words of the paths that generate.
ServerError OllamaModelNotFound(std::string_view model);

// What the last line of an answer tells, in nanoseconds.
struct OllamaTimes {
  std::int64_t total = 0;
  std::int64_t load = 0;
  std::int64_t prompt = 0;
  std::int64_t answer = 0;
};

// What closes an answer beside its text.
struct OllamaEnd {
  model::Usage usage;
  OllamaTimes times;
  std::vector<std::int64_t> context;  // generate: tokens of prompt and answer; empty: not told
};

// A whole answer, of the first choice.
std::string EncodeOllamaReply(OllamaApi form, std::string_view model, const model::Reply& reply,
                              const OllamaEnd& end, std::int64_t wall_nanos);

// The answer to a request with nothing in it: "load" or "unload".
std::string EncodeOllamaLoad(const IncomingOllama& incoming, std::int64_t wall_nanos);

// Writes the lines of one stream. A tool call is told in one piece, when all of it is there.
class OllamaEncoder {
 public:
  OllamaEncoder(OllamaApi form, std::string model) : form_(form), model_(std::move(model)) {}

  // One delta. Only the choice 0 is written.
  void Append(const model::Delta& delta, std::int64_t wall_nanos, std::string& out);
  // The last line, with done:true.
  void AppendEnd(const OllamaEnd& end, std::int64_t wall_nanos, std::string& out);
  void AppendError(const ServerError& error, std::string& out);

 private:
  void AppendCall(std::int64_t wall_nanos, std::string& out);

  const OllamaApi form_;
  const std::string model_;
  std::optional<model::ToolCallDelta> call_;  // that is being written
  model::Finish finish_ = model::Finish::kNone;
};

// POST /api/embed, and the older /api/embeddings, which has one text in `prompt`.
struct IncomingOllamaEmbed {
  std::string model;
  std::vector<std::string> texts;
  bool truncate = true;
  std::optional<std::int64_t> dimensions;
};
enum class OllamaEmbedApi : std::uint8_t { kEmbed, kLegacy };
std::expected<IncomingOllamaEmbed, ServerError> DecodeOllamaEmbed(OllamaEmbedApi form,
                                                                  std::string_view body);
std::string EncodeOllamaEmbed(std::string_view model, std::span<const std::vector<float>> vectors,
                              const OllamaTimes& times, std::int64_t prompt_tokens);
std::string EncodeOllamaEmbedding(std::span<const float> vector);  // the older one

// The requests that name a model and little else: show, pull, delete, create; copy names two.
struct IncomingOllamaModel {
  std::string model;  // `model`, or the older `name`; of copy, `source`
  std::string destination;
  bool stream = true;
};
std::expected<IncomingOllamaModel, ServerError> DecodeOllamaModel(std::string_view body);

struct OllamaModel {
  std::string name;    // with its tag
  std::string digest;  // 64 hexadecimal digits
  std::int64_t size = 0;
  std::int64_t modified_nanos = 0;
  std::string family;
  std::string parameter_size;
  std::string quantization;
  std::int64_t context_length = 0;
  std::int64_t embedding_length = 0;
  std::vector<std::string> capabilities;
};
std::string EncodeOllamaTags(std::span<const OllamaModel> models);  // GET /api/tags
// GET /api/ps: all of them are loaded, until then.
std::string EncodeOllamaLoaded(std::span<const OllamaModel> models, std::int64_t expires_nanos);
std::string EncodeOllamaShow(const OllamaModel& model);

}  // namespace weir::wire
