#include "weir/http/body_reader.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "weir/base/text.h"

namespace weir::http {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < ' ' && c != '\t') || byte == 0x7F;
}

// Moves `count` bytes from the front of `bytes` down to `end`.
void Take(std::span<char>& bytes, std::size_t count, char*& end) {
  if (end != bytes.data()) std::memmove(end, bytes.data(), count);
  end += count;
  bytes = bytes.subspan(count);
}

std::size_t AtMost(std::size_t size, std::uint64_t limit) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(size, limit));
}

}  // namespace

Result<void> BodyReader::Start(Framing framing, std::uint64_t length, const Limits& limits) {
  framing_ = framing;
  limits_ = limits;
  over_limit_ = false;
  left_ = length;
  line_bytes_ = 0;
  allowance_ = limits.body_bytes.value_or(kNoLimit);
  switch (framing) {
    case Framing::kNone:
      state_ = State::kDone;
      break;
    case Framing::kLength:
      state_ = length == 0 ? State::kDone : State::kPlain;
      break;
    case Framing::kChunked:
      state_ = State::kFirstDigit;
      break;
    case Framing::kUntilEof:
      state_ = State::kUntilEof;
      break;
  }
  if (framing == Framing::kLength && length > allowance_) return OverLimit();
  return {};
}

Result<void> BodyReader::Feed(std::span<char>& bytes, char*& body_end) {
  while (!bytes.empty() && state_ != State::kDone) {
    if (state_ == State::kPlain || state_ == State::kData) {
      const std::size_t count = AtMost(bytes.size(), left_);
      Take(bytes, count, body_end);
      left_ -= count;
      if (left_ == 0) state_ = state_ == State::kPlain ? State::kDone : State::kDataCr;
    } else if (state_ == State::kUntilEof) {
      const std::size_t count = AtMost(bytes.size(), allowance_);
      Take(bytes, count, body_end);
      allowance_ -= count;
      if (!bytes.empty()) return OverLimit();
    } else {
      WEIR_CHECK(FeedFraming(bytes.front()));
      bytes = bytes.subspan(1);
    }
  }
  return {};
}

Result<void> BodyReader::FeedEof() {
  if (state_ == State::kUntilEof) state_ = State::kDone;
  if (state_ == State::kDone) return {};
  return Fail(Code::kStreamTruncated,
              StrCat(sender_, " closed the connection in the middle of a body"));
}

Result<void> BodyReader::FeedFraming(char c) {
  switch (state_) {
    case State::kFirstDigit:
    case State::kDigits:
    case State::kBlanks:
    case State::kExtension:
      return SizeByte(c);
    case State::kSizeLf:
      return c == '\n' ? EndOfSizeLine() : Expect(c, '\n', State::kData);
    case State::kDataCr:
      return Expect(c, '\r', State::kDataLf);
    case State::kDataLf:
      line_bytes_ = 0;
      return Expect(c, '\n', State::kFirstDigit);
    case State::kTrailerStart:
    case State::kTrailer:
      return TrailerByte(c);
    case State::kTrailerLf:
      return Expect(c, '\n', State::kTrailerStart);
    case State::kLastLf:
      return Expect(c, '\n', State::kDone);
    case State::kPlain:
    case State::kUntilEof:
    case State::kData:
    case State::kDone:
      break;
  }
  return Fail(Code::kInternal, "a byte of a body was taken for framing");
}

Result<void> BodyReader::SizeByte(char c) {
  if (++line_bytes_ > limits_.chunk_line_bytes) {
    return Malformed(StrCat("a chunk size line of more than ", limits_.chunk_line_bytes, " bytes"));
  }
  if (state_ == State::kFirstDigit || state_ == State::kDigits) {
    const int digit = HexValue(c);
    if (digit >= 0) {
      if (state_ == State::kFirstDigit) left_ = 0;
      if (left_ > kNoLimit >> 4) return Malformed("a chunk size that does not fit in 64 bits");
      left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
      state_ = State::kDigits;
      return {};
    }
    if (state_ == State::kFirstDigit) return Malformed("a malformed chunk size");
  }
  if (state_ == State::kExtension) {
    if (c == '\r') {
      state_ = State::kSizeLf;
    } else if (IsControl(c)) {
      return Malformed("a chunk extension with a control character");
    }
    return {};
  }
  // Behind the digits: blanks only in front of an extension.
  if (c == ';') {
    state_ = State::kExtension;
  } else if (c == ' ' || c == '\t') {
    state_ = State::kBlanks;
  } else if (c == '\r' && state_ == State::kDigits) {
    state_ = State::kSizeLf;
  } else {
    return Malformed("a malformed chunk size");
  }
  return {};
}

Result<void> BodyReader::EndOfSizeLine() {
  line_bytes_ = 0;
  if (left_ == 0) {
    state_ = State::kTrailerStart;
    return {};
  }
  if (left_ > allowance_) return OverLimit();
  allowance_ -= left_;
  state_ = State::kData;
  return {};
}

Result<void> BodyReader::TrailerByte(char c) {
  if (c == '\r') {
    state_ = state_ == State::kTrailerStart ? State::kLastLf : State::kTrailerLf;
    return {};
  }
  state_ = State::kTrailer;
  if (IsControl(c)) return Malformed("a trailer with a control character or a lone line feed");
  if (++line_bytes_ > limits_.trailer_bytes) {
    return Malformed(StrCat("trailers of more than ", limits_.trailer_bytes, " bytes"));
  }
  return {};
}

Result<void> BodyReader::Expect(char c, char wanted, State next) {
  if (c != wanted) {
    const bool after_data = state_ == State::kDataCr || state_ == State::kDataLf;
    return Malformed(after_data ? "a chunk that is longer than its size says"
                                : "a chunked body with a malformed line end");
  }
  state_ = next;
  return {};
}

std::unexpected<Error> BodyReader::OverLimit() {
  over_limit_ = true;
  return Fail(Code::kProtocolError, StrCat(sender_, " sent a body of more than ",
                                           limits_.body_bytes.value_or(kNoLimit), " bytes"));
}

std::unexpected<Error> BodyReader::Malformed(std::string_view what) const {
  return Fail(Code::kProtocolError, StrCat(sender_, " sent ", what));
}

}  // namespace weir::http
