#pragma once

// The body of one HTTP/1 message, taken out of its framing where it lies: plain length, chunked, or
// everything up to the end of file. Both message parsers use it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "weir/base/result.h"

namespace weir::http {

class BodyReader {
 public:
  enum class Framing : std::uint8_t { kNone, kLength, kChunked, kUntilEof };

  struct Limits {
    std::size_t chunk_line_bytes = 0;         // one chunk size with its extensions
    std::size_t trailer_bytes = 0;            // all trailers together
    std::optional<std::uint64_t> body_bytes;  // decoded
  };

  // `sender` ("the server") opens the messages and must outlive the reader.
  explicit BodyReader(std::string_view sender) : sender_(sender) {}

  // Begins a body; `length` counts with kLength only. Fails if that is more than the limit.
  Result<void> Start(Framing framing, std::uint64_t length, const Limits& limits);

  // Takes what belongs to the body from the front of `bytes`: all of it, unless the body ends
  // there. The decoded bytes are moved down to `body_end`, which must not lie behind `bytes`, and
  // `body_end` moves on. Both hold up to the place of an error, too.
  Result<void> Feed(std::span<char>& bytes, char*& body_end);

  // The end of file: completes a body of kUntilEof; a truncated one of the others is an error.
  Result<void> FeedEof();

  bool done() const { return state_ == State::kDone; }
  Framing framing() const { return framing_; }
  bool over_limit() const { return over_limit_; }  // the last error was the limit of the body

 private:
  // Where the next byte stands. kPlain and kData are counted in `left_`.
  enum class State : std::uint8_t {
    kPlain,
    kUntilEof,
    kFirstDigit,
    kDigits,
    kBlanks,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailer,
    kTrailerLf,
    kLastLf,
    kDone,
  };

  Result<void> FeedFraming(char c);
  Result<void> SizeByte(char c);
  Result<void> TrailerByte(char c);
  Result<void> Expect(char c, char wanted, State next);
  Result<void> EndOfSizeLine();
  std::unexpected<Error> OverLimit();
  std::unexpected<Error> Malformed(std::string_view what) const;

  State state_ = State::kDone;
  Framing framing_ = Framing::kNone;
  bool over_limit_ = false;
  std::uint64_t left_ = 0;       // bytes of this chunk, or of the whole body
  std::uint64_t allowance_ = 0;  // bytes that the limit still allows
  std::size_t line_bytes_ = 0;   // of this chunk line, or of the trailers so far
  Limits limits_;
  std::string_view sender_;
};

}  // namespace weir::http
