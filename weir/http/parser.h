#pragma once

// HTTP/1 messages out of bytes, without I/O:
//
//   while (!parser.done()) {
//     ... read more bytes behind the tail; at the end of file call parser.FeedEof() instead ...
//     WEIR_TRY(const std::size_t used, parser.Feed(tail_and_new_bytes));
//     ... parser.head() once head_done(); parser.body(); drop `used` bytes from the front ...
//   }
//
// A tail stays only while a head is incomplete, and behind the end of a message. A client that has
// a tail behind its response must not use that connection again.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "weir/base/limits.h"
#include "weir/base/result.h"
#include "weir/http/body_reader.h"
#include "weir/http/head_scanner.h"
#include "weir/http/headers.h"

namespace weir::http {

struct ParserLimits {
  std::size_t header_bytes = limits::kHeaderBytes;         // one head; all trailers of one body
  std::size_t header_fields = limits::kHeaderFields;       // fields of one head
  std::size_t chunk_line_bytes = 4 * 1024;                 // one chunk size with its extensions
  std::size_t interim_heads = 16;                          // 1xx replies before the real one
  std::optional<std::uint64_t> body_bytes = std::nullopt;  // decoded; none: streams have no limit
};

struct ResponseHead {
  int status = 0;
  std::string reason;
  int minor_version = 1;  // of HTTP/1.x
  Headers headers;
};

struct RequestHead {
  std::string method;
  std::string target;
  int minor_version = 1;
  Headers headers;
};

// What Expect asks for.
enum class Expectation : std::uint8_t { kNone, kContinue, kUnknown };

// What a complete head says about the rest of the message.
struct Framing {
  std::size_t head_bytes = 0;
  BodyReader::Framing kind = BodyReader::Framing::kNone;
  std::uint64_t length = 0;  // with kLength
  bool keep_alive = false;
  Expectation expectation = Expectation::kNone;
};

// What both parsers have in common.
class MessageParser {
 public:
  // Parses as far as possible and returns how many bytes were consumed. The others must come again,
  // contiguous, at the front of the next call. Fails with kProtocolError; after an error every
  // later call returns that same error.
  Result<std::size_t> Feed(std::span<char> bytes);

  // The peer has closed its side. Completes a body that only the end of file can end; before that
  // it is kConnectionError (nothing came, or an unfinished head) or kStreamTruncated.
  Result<void> FeedEof();

  // What the last Feed decoded, one piece inside the caller's buffer: bytes of several chunks were
  // moved together. Set even when that Feed failed: it is what came before the error.
  std::string_view body() const { return body_; }

  bool started() const { return started_; }  // at least one byte of this message has come
  bool head_done() const { return head_done_; }
  bool done() const { return head_done_ && reader_.done(); }
  bool closed_by_eof() const { return closed_by_eof_; }  // the end of file was the end of the body
  // Whether the connection may carry another message after this one. Known with the head.
  bool keep_alive() const { return keep_alive_; }

 protected:
  using Sender = HeadScanner::Sender;

  MessageParser(Sender sender, const ParserLimits& limits);
  ~MessageParser() = default;
  MessageParser(const MessageParser&) = default;
  MessageParser& operator=(const MessageParser&) = default;

  void ResetMessage();

  // Reads the head at the front of `bytes`. Fails, too, when it is not complete.
  virtual Result<Framing> ReadHead(std::string_view bytes) = 0;
  // Called with each head that was read; false when it only announces another one (1xx).
  virtual Result<bool> AcceptHead(Framing& framing) = 0;

  ParserLimits limits_;
  int suggested_status_ = 0;

 private:
  Result<void> Advance(std::span<char>& bytes);
  Result<std::size_t> AdvanceHead(std::string_view bytes);
  Result<Framing> FindHead(std::string_view bytes);
  Result<void> AdvanceEof();

  Sender sender_;
  HeadScanner scanner_;
  BodyReader reader_;
  std::string_view body_;
  bool started_ = false;
  bool skipped_empty_line_ = false;
  bool head_done_ = false;
  bool closed_by_eof_ = false;
  bool keep_alive_ = false;
  std::optional<Error> error_;
};

// Reads responses. Interim replies (100, 103) are skipped; 101 is an error.
class ResponseParser final : public MessageParser {
 public:
  explicit ResponseParser(const ParserLimits& limits = {});

  // Ready for the next response, in the memory of this one.
  void Reset();
  // The response to come has a head only, whatever it says: it answers HEAD or CONNECT. Until
  // Reset.
  void ExpectNoBody() { no_body_ = true; }

  const ResponseHead& head() const { return head_; }
  ResponseHead TakeHead() { return std::move(head_); }

 private:
  Result<Framing> ReadHead(std::string_view bytes) override;
  Result<bool> AcceptHead(Framing& framing) override;

  ResponseHead head_;
  bool no_body_ = false;
  std::size_t interim_heads_ = 0;
};

// Reads requests, one at a time; the bytes of the next one stay in the tail.
class RequestParser final : public MessageParser {
 public:
  explicit RequestParser(const ParserLimits& limits = {});

  // Ready for the next request, in the memory of this one.
  void Reset();

  const RequestHead& head() const { return head_; }
  RequestHead TakeHead() { return std::move(head_); }

  // The client waits for "100 Continue" before it sends the body.
  bool expects_continue() const { return expects_continue_; }

  // The status to answer with after an error (400, 413, 431, 501, 505); 417 when the head is fine
  // but expects something unknown; otherwise 0.
  int suggested_status() const { return suggested_status_; }

 private:
  Result<Framing> ReadHead(std::string_view bytes) override;
  Result<bool> AcceptHead(Framing& framing) override;

  RequestHead head_;
  bool expects_continue_ = false;
};

}  // namespace weir::http
