#include "weir/client/stream.h"

#include <utility>

#include "weir/client/feed.h"

namespace weir {

Stream::Stream(std::shared_ptr<client::Core> core, std::shared_ptr<client::Feed> feed)
    : core_(std::move(core)), feed_(std::move(feed)) {}

Stream::Stream(Stream&&) noexcept = default;

Stream& Stream::operator=(Stream&& other) noexcept {
  HangUp();
  core_ = std::move(other.core_);
  feed_ = std::move(other.feed_);
  pieces_ = std::move(other.pieces_);
  next_ = std::exchange(other.next_, 0);
  end_ = std::move(other.end_);
  on_reply_ = std::move(other.on_reply_);
  return *this;
}

Stream::~Stream() { HangUp(); }

const model::Delta* Stream::Next() {
  if (next_ < pieces_.size()) return &pieces_[next_++];
  if (feed_ == nullptr) return nullptr;
  next_ = 0;
  if (feed_->Take(pieces_)) return &pieces_[next_++];
  End(*std::move(feed_->end));
  return nullptr;
}

const Result<model::Reply>& Stream::reply() {
  while (Next() != nullptr) {
  }
  return *end_;
}

void Stream::HangUp() {
  if (feed_ == nullptr) return;
  feed_->HangUp();
  next_ = pieces_.size();
  End(Fail(Code::kCancelled, "the stream was left before its end"));
}

void Stream::End(Result<model::Reply> result) {
  feed_.reset();
  end_ = std::make_unique<Result<model::Reply>>(std::move(result));
  if (*end_ && on_reply_) on_reply_(**end_);
}

}  // namespace weir
