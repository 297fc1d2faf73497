#pragma once

// An answer while it is being written.

#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/model/reply.h"

namespace weir {

namespace client {
class Core;
struct Feed;
}  // namespace client

// A range of pieces that is read once, by one thread:
//
//   for (const model::Delta& piece : *stream) Print(piece.text);
//   const Result<model::Reply> reply = stream->reply();
//
// The range ends with the answer or with an error, and reply() says which. Leaving the loop early,
// or destroying the stream, hangs up: the server stops writing. A reader that is slow slows the
// server down, once ClientOptions::stream_ahead pieces wait.
class Stream {
 public:
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  // The next piece, good until the next call; null at the end. Waits.
  const model::Delta* Next();

  // The whole reply; reads what is left of it. After HangUp(): kCancelled.
  const Result<model::Reply>& reply();

  void HangUp();

  // Of a range-for. Destroying it before the end hangs up.
  class Iterator;
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

 private:
  friend class Client;
  friend class Session;
  Stream(std::shared_ptr<client::Core> core, std::shared_ptr<client::Feed> feed);
  void End(Result<model::Reply> result);

  std::shared_ptr<client::Core> core_;  // keeps the loop that the feed speaks to
  std::shared_ptr<client::Feed> feed_;  // shared with the loop; null once nothing more can come
  std::vector<model::Delta> pieces_;    // fetched
  std::size_t next_ = 0;                // of them, the one that Next() gives
  std::unique_ptr<Result<model::Reply>> end_;
  std::function<void(const model::Reply&)> on_reply_;  // of the session that it belongs to
};

class Stream::Iterator {
 public:
  using value_type = model::Delta;
  using difference_type = std::ptrdiff_t;

  explicit Iterator(Stream& stream) : stream_(&stream), piece_(stream.Next()) {}
  Iterator(Iterator&& other) noexcept
      : stream_(other.stream_), piece_(std::exchange(other.piece_, nullptr)) {}
  Iterator& operator=(Iterator&& other) noexcept {
    std::swap(stream_, other.stream_);
    std::swap(piece_, other.piece_);
    return *this;
  }
  ~Iterator() {
    if (piece_ != nullptr) stream_->HangUp();
  }

  const model::Delta& operator*() const { return *piece_; }
  const model::Delta* operator->() const { return piece_; }
  Iterator& operator++() {
    piece_ = stream_->Next();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const Iterator& it, std::default_sentinel_t /*end*/) {
    return it.piece_ == nullptr;
  }

 private:
  Stream* stream_;
  const model::Delta* piece_;  // null at the end
};

inline Stream::Iterator Stream::begin() { return Iterator(*this); }

}  // namespace weir
