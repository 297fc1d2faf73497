#include "weir/engine/http_stream.h"

#include "weir/base/text.h"
#include "weir/engine/answers.h"
#include "weir/engine/withheld.h"
#include "weir/http/error_advice.h"

namespace weir::engine {
namespace {

// How long the end of the body may take behind the mark that ends the answer.
constexpr Duration kEndOfBody = std::chrono::milliseconds(100);

}  // namespace

bool IsEmpty(const model::Choice& choice) {
  using model::Finish;
  const bool cut = choice.finish == Finish::kLength || choice.finish == Finish::kContentFilter;
  return choice.text.empty() && choice.reasoning.empty() && choice.refusal.empty() &&
         choice.tool_calls.empty() && !cut;
}

Error EmptyReply(const std::string& where) {
  return Error{.code = Code::kEmptyModelResponse,
               .message = StrCat(where,
                                 " answered with nothing: no text, no reasoning, no tool call; try "
                                 "again, or check the chat template and the stop texts")};
}

model::ReplyInfo HttpReplyStream::info() const {
  model::ReplyInfo info = decoder_->info();
  info.engine = info_.engine;
  info.request_id = info_.request_id;
  info.degradations = info_.degradations;
  info.first_token = info_.first_token;
  info.total = info_.total;
  return info;
}

async::Task<Result<bool>> HttpReplyStream::Next(async::Context ctx, model::Delta& piece) {
  if (ended_) co_return false;
  while (!failure_) {
    const Result<bool> decoded = Decode(piece, ctx);
    if (!decoded) {
      failure_ = http::WithAdvice(decoded.error(), false);
    } else if (*decoded) {
      co_return true;
    } else if (done_ || closed_) {
      co_return co_await End(ctx);
    } else if (const auto bytes = response_->Poll()) {
      closed_ = *bytes && (*bytes)->empty();
      if (log_ && *bytes) log_->Came(**bytes);
      if (!*bytes) {
        failure_ = bytes->error();
        break;
      }
      bytes_ += (*bytes)->size();
      if (bytes_ > limits::kReplyBodyBytes) {
        failure_ = TooLong();
        break;
      }
      const Result<void> fed = closed_ ? events_.Finish() : events_.Feed(**bytes);
      if (!fed) failure_ = http::WithAdvice(fed.error(), false);
    } else {
      const http::IoResult read = co_await response_->Wait(ctx, std::exchange(heard_, false));
      response_->Take(read);
    }
  }
  HangUp(ctx);
  co_return Fail(Told());
}

// The failure, with who was asked for what behind it.
Error HttpReplyStream::Told() const {
  Error error = **failure_;
  HideSecrets(*secrets_, error);
  model::CallTrail trail = model::TrailOf(error);
  trail.info.engine = info_.engine;
  trail.info.model = info_.model;
  trail.info.request_id = info_.request_id;
  SetTrail(error, std::move(trail));
  return error;
}

Error HttpReplyStream::TooLong() const {
  return Error{
      .code = Code::kProtocolError,
      .message = StrCat(where_, " sent an answer that is longer than the limit of ",
                        limits::kReplyBodyBytes,
                        " bytes; does it repeat itself? Set max_tokens, and look at its log")};
}

void HttpReplyStream::HangUp(const async::Context& ctx) {
  response_.reset();
  log_.reset();
  info_.total = ctx.Now() - start_;
}

Result<bool> HttpReplyStream::Decode(model::Delta& piece, const async::Context& ctx) {
  using Kind = wire::EventDecoder::Kind;
  std::string_view data;
  while (!done_ && events_.Next(data)) {
    heard_ = true;
    WEIR_TRY(const Kind kind, decoder_->Decode(data, piece));
    if (kind == Kind::kDone) {
      done_ = true;
    } else if (kind == Kind::kDelta) {
      if (quoted_) {
        piece.text = quoted_->Feed(piece.text);
        if (piece.finish != model::Finish::kNone) piece.text += quoted_->Finish();
      }
      content_ = content_ || !piece.text.empty() || !piece.reasoning.empty() ||
                 !piece.refusal.empty() || !piece.tool_calls.empty() ||
                 piece.finish == model::Finish::kLength ||
                 piece.finish == model::Finish::kContentFilter;
      aborted_ = aborted_ || piece.finish == model::Finish::kAbort;
      if (info_.first_token == Duration::zero()) {
        const async::Span span(ctx, "wire.decode");  // once: a span a token would drown the rest
        info_.first_token = ctx.Now() - start_;
      }
      return true;
    }
  }
  return false;
}

// The stream is over, cleanly only if every choice has said why it ended.
async::Task<Result<bool>> HttpReplyStream::End(async::Context ctx) {
  failure_ = VerdictAtEnd();
  if (done_ && !closed_ && !failure_) {
    // What follows the mark is the end of the HTTP body; reading it frees the connection for
    // others. The answer does not wait for a server that leaves it open: its connection is dropped.
    const Result<std::string_view> rest = co_await response_->Read(ctx.WithTimeout(kEndOfBody));
    if (!rest && rest.error().code == Code::kCancelled) failure_ = rest.error();
  }
  HangUp(ctx);
  if (failure_) co_return Fail(Told());
  ended_ = true;
  co_return false;
}

std::optional<Error> HttpReplyStream::VerdictAtEnd() const {
  if (!decoder_->finished()) {
    return Error{
        .code = Code::kStreamTruncated,
        .message = StrCat(where_, " ended the stream ", content_ ? "after a part of" : "before",
                          " the answer, without a finish reason; the server or a proxy cut "
                          "it off: look at its log, or try again")};
  }
  if (says_done_ && !done_ && response_->ended_by_close()) {
    return Error{.code = Code::kStreamTruncated,
                 .message = StrCat(where_,
                                   " closed the connection instead of ending the stream; it died "
                                   "or a proxy gave up: look at its log, or try again")};
  }
  if (!content_) return aborted_ ? AbortedAnswer(where_) : EmptyReply(where_);
  return std::nullopt;
}

}  // namespace weir::engine
