#include "weir/http/parser.h"

#include "weir/base/text.h"
#include "weir/http/head_grammar.h"

namespace weir::http {

MessageParser::MessageParser(Sender sender, const ParserLimits& limits)
    : limits_(limits), sender_(sender), scanner_(sender), reader_(SenderName(sender)) {}

void MessageParser::ResetMessage() {
  scanner_.Reset();
  suggested_status_ = 0;
  body_ = {};
  started_ = false;
  skipped_empty_line_ = false;
  head_done_ = false;
  closed_by_eof_ = false;
  keep_alive_ = false;
  error_.reset();
}

Result<std::size_t> MessageParser::Feed(std::span<char> bytes) {
  body_ = {};
  if (error_) return Fail(*error_);
  started_ = started_ || !bytes.empty();
  std::span<char> rest = bytes;
  Result<void> advanced = Advance(rest);
  if (!advanced) {
    error_ = advanced.error();
    keep_alive_ = false;
    return Fail(std::move(advanced).error());
  }
  return bytes.size() - rest.size();
}

Result<void> MessageParser::FeedEof() {
  body_ = {};
  if (error_) return Fail(*error_);
  Result<void> ended = AdvanceEof();
  keep_alive_ = false;
  if (!ended) error_ = ended.error();
  return ended;
}

Result<void> MessageParser::Advance(std::span<char>& bytes) {
  while (!head_done_) {
    WEIR_TRY(const std::size_t used, AdvanceHead(std::string_view(bytes.data(), bytes.size())));
    if (used == 0) return {};
    bytes = bytes.subspan(used);
  }
  char* const begin = bytes.data();
  char* end = begin;
  Result<void> fed = reader_.Feed(bytes, end);
  if (!fed) suggested_status_ = reader_.over_limit() ? 413 : 400;
  body_ = std::string_view(begin, static_cast<std::size_t>(end - begin));
  return fed;
}

// Consumes a whole head or nothing, but for one empty line in front of a request (RFC 9112 2.2).
Result<std::size_t> MessageParser::AdvanceHead(std::string_view bytes) {
  if (bytes.empty()) return std::size_t{0};
  if (sender_ == Sender::kClient && !skipped_empty_line_) {
    if (bytes == "\r") return std::size_t{0};
    if (bytes.starts_with("\r\n")) {
      skipped_empty_line_ = true;
      return std::size_t{2};
    }
  }
  WEIR_TRY(Framing framing, FindHead(bytes));
  const std::size_t length = framing.head_bytes;
  if (length == 0) return length;
  scanner_.Reset();
  WEIR_TRY(const bool last, AcceptHead(framing));
  if (!last) return length;

  const BodyReader::Limits limits = {limits_.chunk_line_bytes, limits_.header_bytes,
                                     limits_.body_bytes};
  const Result<void> begun = reader_.Start(framing.kind, framing.length, limits);
  if (!begun) {
    suggested_status_ = 413;
    return Fail(begun.error());
  }
  head_done_ = true;
  keep_alive_ = framing.keep_alive && framing.kind != BodyReader::Framing::kUntilEof;
  return length;
}

// Most heads come whole and right, and one pass is enough for them. For all others it is the
// scanner that says whether bytes are missing or what is wrong: it gives the same answer however
// they were cut. `head_bytes` is 0 while more bytes are needed.
Result<Framing> MessageParser::FindHead(std::string_view bytes) {
  if (!scanner_.started()) {
    Result<Framing> whole = ReadHead(bytes.substr(0, limits_.header_bytes));
    if (whole) return whole;
  }
  suggested_status_ = 0;
  const Result<std::size_t> length = scanner_.Scan(bytes, limits_.header_bytes);
  if (!length) {
    suggested_status_ = scanner_.too_large() ? 431 : 400;
    return Fail(length.error());
  }
  if (*length == 0) return Framing();
  return ReadHead(bytes.substr(0, *length));
}

Result<void> MessageParser::AdvanceEof() {
  if (done()) return {};
  if (head_done_) {
    WEIR_CHECK(reader_.FeedEof());
    closed_by_eof_ = true;
    return {};
  }
  const bool server = sender_ == Sender::kServer;
  if (started_) {
    return Fail(Code::kConnectionError,
                StrCat(SenderName(sender_), " closed the connection in the middle of a head"));
  }
  return Fail(Code::kConnectionError,
              StrCat(SenderName(sender_), " closed the connection before it sent a ",
                     server ? "response" : "request"));
}

ResponseParser::ResponseParser(const ParserLimits& limits)
    : MessageParser(Sender::kServer, limits) {}

void ResponseParser::Reset() {
  ResetMessage();
  head_.headers.Clear();
  head_.reason.clear();
  head_.status = 0;
  no_body_ = false;
  interim_heads_ = 0;
}

Result<Framing> ResponseParser::ReadHead(std::string_view bytes) {
  return ParseResponseHead(bytes, limits_.header_fields, head_);
}

Result<bool> ResponseParser::AcceptHead(Framing& framing) {
  if (head_.status == 101) {
    return Fail(Code::kProtocolError,
                "the server switched to another protocol (101), which nobody had asked for");
  }
  if (head_.status / 100 == 1) {
    if (++interim_heads_ > limits_.interim_heads) {
      return Fail(Code::kProtocolError, StrCat("the server sent more than ", limits_.interim_heads,
                                               " interim replies before the real one"));
    }
    return false;
  }
  if (no_body_) framing.kind = BodyReader::Framing::kNone;
  return true;
}

RequestParser::RequestParser(const ParserLimits& limits) : MessageParser(Sender::kClient, limits) {}

void RequestParser::Reset() {
  ResetMessage();
  head_.headers.Clear();
  head_.method.clear();
  head_.target.clear();
  expects_continue_ = false;
}

Result<Framing> RequestParser::ReadHead(std::string_view bytes) {
  return ParseRequestHead(bytes, limits_.header_fields, head_, suggested_status_);
}

Result<bool> RequestParser::AcceptHead(Framing& framing) {
  expects_continue_ = framing.expectation == Expectation::kContinue && head_.minor_version == 1;
  if (framing.expectation == Expectation::kUnknown) suggested_status_ = 417;
  return true;
}

}  // namespace weir::http
