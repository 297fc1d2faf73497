#pragma once

// Signals as callbacks on a loop. The business of executables, never of the library.

#include <functional>
#include <initializer_list>
#include <memory>

#include "weir/async/loop.h"

namespace weir::async {

// Calls `on_signal` on the loop for each arrival of one of `numbers` while it lives. A SIGHUP that
// the process was started to ignore (nohup) stays ignored.
class SignalWatch {
 public:
  SignalWatch(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> on_signal);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace weir::async
