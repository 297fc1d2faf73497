#pragma once

// The least that reads a response: head, Content-Length or chunks, and the lines of an event
// stream. It trusts the server and looks into no JSON: the limit, not an HTTP client.

#include <charconv>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include <strings.h>

namespace weir::bench {

// Cuts an event stream into lines and counts the events among them.
class EventLines {
 public:
  void Feed(std::string_view bytes) {
    while (!bytes.empty()) {
      const void* end = std::memchr(bytes.data(), '\n', bytes.size());
      if (end == nullptr) {
        carry_.append(bytes);
        return;
      }
      const auto length = static_cast<std::size_t>(static_cast<const char*>(end) - bytes.data());
      if (carry_.empty()) {
        OnLine(bytes.substr(0, length));
      } else {
        carry_.append(bytes.substr(0, length));
        OnLine(carry_);
        carry_.clear();
      }
      bytes.remove_prefix(length + 1);
    }
  }

  std::size_t events() const { return events_; }
  bool done() const { return done_; }

 private:
  void OnLine(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) {
      events_ += has_data_ ? 1 : 0;
      has_data_ = false;
    } else if (line.starts_with("data:")) {
      has_data_ = true;
      done_ = done_ || line.substr(5) == " [DONE]";
    }
  }

  std::string carry_;
  std::size_t events_ = 0;
  bool has_data_ = false;
  bool done_ = false;
};

// One response after the other on one connection.
class ResponseReader {
 public:
  // Hands what it finds of the body to `on_body`; returns false when this is no good response.
  template <class OnBody>
  bool Feed(std::string_view bytes, OnBody&& on_body) {
    while (!bytes.empty() && state_ != State::kBad && state_ != State::kDone) {
      switch (state_) {
        case State::kHead:
          ReadHead(bytes);
          break;
        case State::kLength:
        case State::kChunk: {
          const std::string_view piece = bytes.substr(0, left_);
          on_body(piece);
          left_ -= piece.size();
          bytes.remove_prefix(piece.size());
          if (left_ == 0) state_ = state_ == State::kLength ? State::kDone : State::kChunkEnd;
          break;
        }
        case State::kChunkSize:
        case State::kChunkEnd:
        case State::kLastLine:
          ReadLineByte(bytes.front());
          bytes.remove_prefix(1);
          break;
        case State::kDone:
        case State::kBad:
          break;
      }
    }
    return state_ != State::kBad && bytes.empty();
  }

  bool done() const { return state_ == State::kDone; }
  void Reset() { state_ = State::kHead; }

 private:
  enum class State { kHead, kLength, kChunkSize, kChunk, kChunkEnd, kLastLine, kDone, kBad };

  void ReadHead(std::string_view& bytes) {
    std::string_view all = bytes;
    const std::size_t carried = carry_.size();
    if (carried > 0) {
      carry_.append(bytes);
      all = carry_;
    }
    const std::size_t end = all.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      if (carried == 0) carry_.assign(bytes);
      bytes = {};
      return;
    }
    ParseHead(all.substr(0, end + 2));
    bytes.remove_prefix(end + 4 - carried);
    carry_.clear();
  }

  void ParseHead(std::string_view head) {
    state_ = head.starts_with("HTTP/1.1 200 ") ? State::kDone : State::kBad;
    if (state_ == State::kBad) return;
    for (std::size_t at = head.find('\n') + 1; at < head.size(); at = head.find('\n', at) + 1) {
      const std::string_view line = head.substr(at);
      if (Named(line, "content-length:")) {
        std::string_view value = line.substr(15);
        while (value.starts_with(' ')) value.remove_prefix(1);
        left_ = 0;
        std::from_chars(value.data(), value.data() + value.size(), left_);
        if (left_ > 0) state_ = State::kLength;
      } else if (Named(line, "transfer-encoding: chunked")) {
        state_ = State::kChunkSize;
        left_ = 0;
      }
    }
  }

  static bool Named(std::string_view line, std::string_view name) {
    return line.size() >= name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
  }

  void ReadLineByte(char byte) {
    if (byte == '\n') {
      if (state_ == State::kChunkSize) {
        state_ = left_ > 0 ? State::kChunk : State::kLastLine;
      } else {
        state_ = state_ == State::kLastLine ? State::kDone : State::kChunkSize;
        left_ = 0;
      }
    } else if (state_ == State::kChunkSize && byte != '\r') {
      const int digit = byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10;
      if (digit < 0 || digit > 15) state_ = State::kBad;
      left_ = left_ * 16 + static_cast<std::size_t>(digit);
    }
  }

  State state_ = State::kHead;
  std::size_t left_ = 0;
  std::string carry_;
};

}  // namespace weir::bench
