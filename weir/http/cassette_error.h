#pragma once

// Why a recorded or replayed stream broke, in words.

#include <deque>
#include <mutex>
#include <string>

#include <boost/system/error_code.hpp>

namespace weir::http {

// A byte stream can only fail with an error code, so this makes codes whose message is given. The
// codes must not outlive it. Thread-safe. It remembers the latest kRemembered messages: nobody asks
// for one much later.
class ErrorWords final : public boost::system::error_category {
 public:
  static constexpr std::size_t kRemembered = 1024;

  boost::system::error_code Say(std::string words) {
    const std::scoped_lock lock(mutex_);
    if (words_.size() == kRemembered) {
      words_.pop_front();
      ++first_;
    }
    words_.push_back(std::move(words));
    return {first_ + static_cast<int>(words_.size()) - 1, *this};
  }

  const char* name() const noexcept override { return "cassette"; }
  std::string message(int value) const override {
    const std::scoped_lock lock(mutex_);
    if (value < first_ || value >= first_ + static_cast<int>(words_.size())) return "see earlier";
    return words_[static_cast<std::size_t>(value - first_)];
  }

 private:
  mutable std::mutex mutex_;
  std::deque<std::string> words_;
  int first_ = 1;  // the value of words_.front(); never 0, which is success
};

}  // namespace weir::http
