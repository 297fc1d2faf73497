#pragma once

// The server's half of POST /v1/responses: its replies, whole and as events. The requests are read
// by DecodeRequest().
//
// The object is OpenAI's where OpenAI is played, all that was not asked for filled in. The shapes
// are else vLLM's, with what its own object lacks for OpenAI's clients ("error",
// "cache_write_tokens"). Where vLLM's stream would break those clients, it is OpenAI's: the parts
// of reasoning are content parts, and an answer that was cut off ends with response.incomplete.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/model/reply.h"
#include "weir/wire/server_codec.h"

namespace weir::wire {

// One entry of `output`.
struct ResponseItem {
  enum class Kind : std::uint8_t { kReasoning, kMessage, kFunctionCall };
  enum class Status : std::uint8_t { kInProgress, kCompleted, kIncomplete };

  Kind kind = Kind::kMessage;
  Status status = Status::kInProgress;
  std::string id;
  std::string text;                  // the thoughts, the answer or the arguments
  bool refused = false;              // kMessage: the text is a refusal
  std::string call_id;               // kFunctionCall: what its result will refer to
  std::string name;                  // kFunctionCall
  std::int64_t call_index = 0;       // kFunctionCall: its index in the stream
  std::vector<model::Token> tokens;  // kMessage: written when log-probabilities were asked for
};

// A whole response, of the first choice: thoughts, text, function calls. The id of the reply is the
// response's ("resp_..."), and the ids of its items are made of it. The object has no
// `output_text`: clients compute it.
std::string EncodeResponse(const model::Reply& reply, const ResponsesEcho& echo,
                           const Dialect& dialect);

// The error for an id that is not kept here (404).
ServerError ResponseNotFound(std::string_view id);

// The refusal of work in the background: by a server that keeps no responses in vLLM's words, and
// otherwise in those of the simulator, which always answers on the connection that asked.
ServerError RefuseBackground(bool keeps_responses);

// Writes the events of one stream with their framing ("event: ...\ndata: ...\n\n"). There is no
// [DONE]; the last event is response.completed, response.incomplete or response.failed.
//
// Items are written one after the other: the next begins where the kind of the deltas changes. What
// arrives for a function call after another item has begun is dropped, since its arguments were
// announced as complete.
class ResponsesEncoder {
 public:
  ResponsesEncoder(ResponsesEcho echo, Dialect dialect, model::ReplyInfo info);

  // response.created and response.in_progress; before everything else.
  void Begin(std::string& out);
  // One delta. Only the choice 0 is written: a response has one.
  void Append(const model::Delta& delta, std::string& out);
  // Ends the item in progress and the stream, which holds the whole response once more.
  void AppendEnd(const model::Usage& usage, std::string& out);
  // Ends the stream with response.failed, which holds what had come.
  void AppendError(const ServerError& error, std::string& out);

 private:
  template <class Fill>
  void AppendEvent(std::string_view type, std::string& out, Fill fill,
                   const std::string* text = nullptr);
  void AppendResponse(std::string_view type, std::string_view status, const model::Usage* usage,
                      const ServerError* error, std::string& out);
  ResponseItem& Open(ResponseItem::Kind kind, std::string& out);
  void Close(ResponseItem::Status status, std::string& out);
  void AppendItem(std::string_view type, std::string& out);
  void AppendPart(std::string_view type, bool begun, std::string& out);
  void AppendText(ResponseItem::Kind kind, std::string_view piece,
                  std::span<const model::Token> tokens, std::string& out);
  void AppendRefusal(std::string_view piece, std::string& out);
  void AppendCall(const model::ToolCallDelta& piece, std::string& out);
  bool IsOpen(ResponseItem::Kind kind) const;
  std::int64_t output_index() const { return static_cast<std::int64_t>(items_.size()) - 1; }

  const ResponsesEcho echo_;
  const Dialect dialect_;
  const model::ReplyInfo info_;
  std::vector<ResponseItem> items_;  // only the last may be in progress
  model::Finish finish_ = model::Finish::kNone;
  std::int64_t sequence_ = 0;
};

}  // namespace weir::wire
