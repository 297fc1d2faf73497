#pragma once

// The client's half of POST /v1/responses, for vLLM and OpenAI. A response is one choice: its items
// are thoughts, text and function calls.

#include <memory>
#include <string_view>

#include "weir/wire/codec.h"

namespace weir::wire {

// Encodes for /v1/responses; see EncodeRequest(), whose rules hold here too. A system message that
// comes first becomes the instructions; what an assistant thought, said and called becomes items of
// its own. Nothing is stored on the server unless `extra` sets "store".
Result<EncodedRequest> EncodeResponsesRequest(const model::Call& call,
                                              const EncodeOptions& options);

// Decodes a whole 200 reply. Fails as DecodeReply() does; a response that failed is the error that
// it holds. Items of other types than the three survive in the `extra` of the choice, as "items".
Result<model::Reply> DecodeResponse(std::string_view body);

// The events of one stream, each of which names its type. The piece of the last one,
// response.completed or response.incomplete, has the finish reason and the token counts; no mark
// follows it, so kDone comes only from servers that send [DONE] nevertheless. Texts that a server
// announces as done without having sent them in pieces are given then. Types that weir does not
// know are kEmpty.
class ResponsesDecoder final : public EventDecoder {
 public:
  ResponsesDecoder();
  ~ResponsesDecoder() override;
  ResponsesDecoder(ResponsesDecoder&&) noexcept;
  ResponsesDecoder& operator=(ResponsesDecoder&&) noexcept;

  Result<Kind> Decode(std::string_view data, model::Delta& out) override;
  const model::ReplyInfo& info() const override;
  bool finished() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::wire
