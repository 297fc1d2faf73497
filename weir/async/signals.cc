#include "weir/async/signals.h"

#include <csignal>

#include <boost/asio/signal_set.hpp>

namespace weir::async {
namespace {

bool IsIgnored(int number) {
  struct sigaction now{};
  return ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

struct SignalWatch::State {
  State(Loop& loop, std::function<void(int)> callback)
      : set(loop.io()), on_signal(std::move(callback)) {}

  boost::asio::signal_set set;
  std::function<void(int)> on_signal;

  static void Wait(const std::shared_ptr<State>& state) {
    state->set.async_wait([state](const boost::system::error_code& error, int number) {
      if (error) return;
      state->on_signal(number);
      Wait(state);
    });
  }
};

SignalWatch::SignalWatch(Loop& loop, std::initializer_list<int> numbers,
                         std::function<void(int)> on_signal)
    : state_(std::make_shared<State>(loop, std::move(on_signal))) {
  for (const int number : numbers) {
    if (number == SIGHUP && IsIgnored(number)) continue;
    state_->set.add(number);
  }
  State::Wait(state_);
}

SignalWatch::~SignalWatch() {
  boost::system::error_code ignored;  // nothing is left to do if the set is already closed
  // The others are given back when the loop runs. Whether this one is taken is asked before that.
  state_->set.remove(SIGHUP, ignored);
  state_->set.cancel(ignored);
}

}  // namespace weir::async
