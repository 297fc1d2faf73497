#pragma once

// The server's half of the wire: what a vLLM server reads and writes, byte for byte in the chosen
// dialect. The simulator speaks through it; the gateway will.

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/model/engine.h"
#include "weir/wire/dialect.h"

namespace weir::wire {

// What a reply of the Responses API repeats of its request. A server fills in what it decided for
// itself: the sampling defaults of its model, the room that was left for the answer.
struct ResponsesEcho {
  std::optional<std::string> instructions;
  std::optional<double> temperature;  // unset: written as 1.0, as is top_p
  std::optional<double> top_p;
  std::optional<std::int64_t> max_output_tokens;
  std::optional<std::int64_t> max_tool_calls;
  std::optional<std::int64_t> top_logprobs;  // set when `include` asked for log-probabilities
  bool parallel_tool_calls = true;
  bool background = false;
  bool store = true;  // repeated by OpenAI only: whether the reply may be kept
  std::string previous_response_id;
  // Repeated by OpenAI only, as is `store`; empty: not given.
  std::string prompt_cache_key;
  std::string prompt_cache_retention;
  std::string safety_identifier;
  std::string service_tier = "auto";
  std::string truncation = "disabled";
  std::string user;
  json::Value tool_choice;  // null: "auto", or "none" when there are no tools
  json::Value tools;        // array; null: none
  json::Value text;         // object {"format","verbosity"}; null: none
  json::Value reasoning;    // object {"effort","generate_summary","summary"}; null: none
  json::Value metadata;     // object; null: none
};

// An error as a server words it.
struct ServerError {
  int status = 400;
  std::string type = "BadRequestError";
  std::string message;
  std::optional<std::string> param;
  std::string code;  // the word that OpenAI sends beside the status; empty: the usual one
};

// A request as a server understood it.
struct IncomingCall {
  model::Call call;
  bool stream = false;
  bool include_usage = false;
  bool continuous_usage = false;
  std::vector<std::string> prompts;  // completions: all prompts of the request (call.prompt is [0])
  std::vector<std::vector<std::int64_t>>
      token_prompts;  // ... or all that came as tokens (call.prompt_token_ids is [0])
  std::optional<ResponsesEcho> echo;  // responses only
  std::string chat_echo;              // chat: what each answer begins with, from the last message
  bool null_choice = false;           // chat: `tool_choice` is null; whole replies lose their calls
  bool compact_json = false;          // what a JSON constraint holds is written without white space
  std::optional<ServerError> engine_error;  // the request is right, but the engine will refuse it
};

// Reads the body of POST /v1/chat/completions, /v1/completions or /v1/responses. Unknown fields are
// kept in call.extra; wrong ones give the server's own 400.
std::expected<IncomingCall, ServerError> DecodeRequest(model::Api api, std::string_view body,
                                                       const Dialect& dialect);

std::string EncodeError(const ServerError& error, const Dialect& dialect);
// The data of the error event inside a stream (Python's json.dumps form, with spaces).
std::string EncodeErrorEvent(const ServerError& error, const Dialect& dialect);

// A whole reply with all its nulls, in the key order of the dialect.
// `call_forced`: the client named a tool or required one, and the content beside the call is then
// "" instead of null.
std::string EncodeReply(model::Api api, const model::Reply& reply, const Dialect& dialect,
                        bool call_forced = false);

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
    std::string echo;  // chat: what every choice says before its own words
  };

  ChunkEncoder(Options options, model::ReplyInfo info);

  // One delta of one choice. The role chunk of a choice is written before its first delta; a delta
  // with a finish reason is written as the finish chunk. The first delta of a choice may bring the
  // tokens of the prompt, where a client finds them: "prompt_token_ids" in its `extra`, for
  // completions in the member "choice" of that.
  void Append(const model::Delta& delta, std::string& out);
  // The usage chunk, if it was asked for, and [DONE].
  void AppendEnd(const model::Usage& usage, std::string& out);
  // An error event and [DONE].
  void AppendError(const ServerError& error, std::string& out);

 private:
  bool foreign() const { return options_.dialect.kind != ServerKind::kVllm; }
  // As OpenAI writes them: openai_reply.cc.
  std::string ForeignPrefix() const;
  void AppendForeign(const model::Delta& delta, std::string& out);
  void AppendForeignEnd(const model::Usage& usage, std::string& out) const;
  template <class Fill>
  void AppendForeignChoice(std::int64_t choice, std::string_view finish,
                           std::span<const model::Token> tokens, std::string& out, Fill fill) const;

  void AppendOwn(const model::Delta& delta, std::string& out);
  void AppendUnparsed(const model::Delta& delta, std::string& out);
  void AppendRole(const model::Delta& delta, std::string& out) const;
  void AppendEcho(const model::Delta& delta, std::string& out);
  void AppendUsageBefore(const model::Delta& delta, std::string& out) const;
  void AppendChoice(const model::Delta& delta, std::string& out) const;
  void AppendUsage(const std::optional<model::Usage>& usage, std::string& out) const;
  void AppendFingerprint(std::string& out) const;

  const Options options_;
  const model::ReplyInfo info_;
  std::string prefix_;      // data: {"id":...,"model":"m","choices":[  the same in every chunk
  std::string plain_tail_;  // what follows the text of a plain chunk, to the end of its choice
  std::vector<std::int64_t> opened_;  // choices whose role chunk was sent
  bool echoed_ = false;
  std::set<std::int64_t> thinking_;  // ... whose thoughts were begun as text
};

std::string EncodeModels(const std::vector<model::ModelEntry>& models, std::int64_t created,
                         const Dialect& dialect = {});

}  // namespace weir::wire
