#pragma once

// AnswerFormat: how one reply is written for a client: whole, or as the events of a stream. One for
// each API; the codecs are those of `wire`.

#include <memory>
#include <string>
#include <string_view>

#include "weir/sim/face/visit.h"
#include "weir/wire/server_codec.h"

namespace weir::sim {

class AnswerFormat {
 public:
  virtual ~AnswerFormat() = default;

  virtual std::string_view stream_type() const { return "text/event-stream; charset=utf-8"; }
  // What is sent before the first token is there; mostly nothing.
  virtual void AppendBegin(std::string&) {}
  virtual void Append(const model::Delta& delta, std::string& out) = 0;
  virtual void AppendEnd(const model::Usage& usage, std::string& out) = 0;
  virtual void AppendError(const wire::ServerError& error, std::string& out) = 0;
  virtual std::string Whole(const model::Reply& reply) = 0;
};

// Of /v1/chat/completions and /v1/completions.
std::unique_ptr<AnswerFormat> NewChatFormat(std::shared_ptr<const wire::IncomingCall> incoming,
                                            const wire::Dialect& dialect, model::ReplyInfo info);

// Makes the format once the reply has a name. What it needs of the request while a stream goes on,
// it keeps.
using FormatMaker =
    std::unique_ptr<AnswerFormat> (*)(std::shared_ptr<const wire::IncomingCall> incoming,
                                      const wire::Dialect& dialect, model::ReplyInfo info);

// The headers that win over the body: X-Request-Id, X-Vllm-Priority.
void ReadHeaders(const Visit& visit, model::Call& call);

// Reads a request of an API that generates, and answers it.
async::Task<void> Generate(Visit& visit, model::Api api, FormatMaker make);

// Answers a request that was decoded: plays it in its format, whole or as a stream. `visit` must
// outlive the task.
async::Task<void> Answer(Visit& visit, std::shared_ptr<wire::IncomingCall> incoming,
                         FormatMaker make);

}  // namespace weir::sim
