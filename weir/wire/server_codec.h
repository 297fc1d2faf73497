#pragma once

// The server's half of the wire: what a vLLM server reads and writes, byte for byte in the chosen
// dialect. The simulator speaks through it; the gateway will.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/model/engine.h"
#include "weir/wire/dialect.h"

namespace weir::wire {

// A request as a server understood it.
struct IncomingCall {
  model::Call call;
  bool stream = false;
  bool include_usage = false;
  bool continuous_usage = false;
  std::vector<std::string> prompts;  // completions: all prompts of the request (call.prompt is [0])
  std::vector<std::vector<std::int64_t>>
      token_prompts;  // ... or all that came as tokens (call.prompt_token_ids is [0])
};

// An error as a server words it.
struct ServerError {
  int status = 400;
  std::string type = "BadRequestError";
  std::string message;
  std::optional<std::string> param;
};

// Reads the body of POST /v1/chat/completions or /v1/completions. Unknown fields are kept in
// call.extra; wrong ones give the server's own 400.
std::expected<IncomingCall, ServerError> DecodeRequest(model::Api api, std::string_view body,
                                                       const Dialect& dialect);

std::string EncodeError(const ServerError& error, const Dialect& dialect);
// The data of the error event inside a stream (Python's json.dumps form, with spaces).
std::string EncodeErrorEvent(const ServerError& error, const Dialect& dialect);

// A whole reply with all its nulls, in the key order of the dialect.
std::string EncodeReply(model::Api api, const model::Reply& reply, const Dialect& dialect);

// Writes the events of one stream, each as the data of one server-sent event appended to `out` with
// its framing ("data: ...\n\n").
class ChunkEncoder {
 public:
  struct Options {
    model::Api api = model::Api::kChat;
    Dialect dialect;
    bool include_usage = false;
    bool continuous_usage = false;
    bool return_token_ids = false;
  };

  ChunkEncoder(Options options, model::ReplyInfo info);

  // One delta of one choice. The role chunk of a choice is written before its first delta; a delta
  // with a finish reason is written as the finish chunk.
  void Append(const model::Delta& delta, std::string& out);
  // The usage chunk, if it was asked for, and [DONE].
  void AppendEnd(const model::Usage& usage, std::string& out);
  // An error event and [DONE].
  void AppendError(const ServerError& error, std::string& out);

 private:
  void AppendRole(const model::Delta& delta, std::string& out) const;
  void AppendChoice(const model::Delta& delta, std::string& out) const;
  void AppendUsage(const std::optional<model::Usage>& usage, std::string& out) const;
  void AppendFingerprint(std::string& out) const;

  const Options options_;
  const model::ReplyInfo info_;
  std::string prefix_;      // data: {"id":...,"model":"m","choices":[  the same in every chunk
  std::string plain_tail_;  // what follows the text of a plain chunk, to the end of its choice
  std::vector<std::int64_t> opened_;  // choices whose role chunk was sent
};

std::string EncodeModels(const std::vector<model::ModelEntry>& models, std::int64_t created);

}  // namespace weir::wire
