#pragma once

// One streamed answer on its way in: bytes become events, events become pieces.

#include <memory>
#include <optional>

#include "weir/engine/event_reader.h"
#include "weir/http/client.h"
#include "weir/model/engine.h"
#include "weir/wire/quoted_text.h"

namespace weir::engine {

// Whether a choice says nothing at all, and not because it was cut at a limit or filtered.
bool IsEmpty(const model::Choice& choice);
Error EmptyReply(const std::string& where);

class HttpReplyStream final : public model::ReplyStream {
 public:
  HttpReplyStream(const Adapter& adapter, model::Api api, TimePoint start, const Upstream& upstream)
      : events_(adapter.framing(api)),
        decoder_(adapter.NewDecoder(api)),
        says_done_(adapter.framing(api) == Framing::kServerSentEvents &&
                   api != model::Api::kResponses),
        start_(start),
        where_(upstream.name()),
        secrets_(upstream.secrets()) {}

  // What is known of the request, and the response once it is there. `log` may be null.
  void Attach(model::ReplyInfo info, std::unique_ptr<http::Response> response,
              std::unique_ptr<WireLog> log) {
    info_ = std::move(info);
    response_ = std::move(response);
    log_ = std::move(log);
  }
  // The text will be a JSON string, of which the caller is to see what it says.
  void Unquote() { quoted_.emplace(); }

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override;
  model::ReplyInfo info() const override;

 private:
  // Decodes one event of those that are buffered; false when they hold no further piece.
  Result<bool> Decode(model::Delta& piece, const async::Context& ctx);
  std::optional<Error> VerdictAtEnd() const;
  async::Task<Result<bool>> End(async::Context ctx);
  Error TooLong() const;
  Error Told() const;
  void HangUp(const async::Context& ctx);

  std::unique_ptr<http::Response> response_;
  std::unique_ptr<WireLog> log_;
  model::ReplyInfo info_;
  EventReader events_;
  const std::unique_ptr<wire::EventDecoder> decoder_;
  const bool says_done_;  // streams of this form end with a mark of their own
  const TimePoint start_;
  const std::string where_;  // the server, in messages
  const std::shared_ptr<const Secrets> secrets_;
  bool done_ = false;      // the mark has come
  bool closed_ = false;    // the body has ended
  bool ended_ = false;     // Next() has returned false
  bool content_ = false;   // some piece had something in it
  bool aborted_ = false;   // the server gave up a choice
  bool heard_ = false;     // an event has come since the last wait: comments are none
  std::size_t bytes_ = 0;  // of the answer so far
  std::optional<wire::QuotedText> quoted_;
  std::optional<BoxedError> failure_;
};

}  // namespace weir::engine
