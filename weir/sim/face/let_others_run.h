#pragma once

#include <coroutine>

#include "weir/async/loop.h"

namespace weir::sim {

// Awaited, it goes on behind all that the loop has to do already.
struct LetOthersRun {
  async::Loop& loop;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    loop.Post([awaiting] { awaiting.resume(); });
  }
  void await_resume() const noexcept {}
};

}  // namespace weir::sim
