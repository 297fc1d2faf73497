#pragma once

// Work that blocks (a copy of a folder, an fsync), done by a thread of its own while the loop goes
// on.

#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "weir/async/wait.h"

namespace weir::async {

// Calls `work` on another thread and returns what it gave. It cannot be cancelled: the task waits
// for its end. An exception of `work` is a bug and ends the process. How many run at once is the
// caller's to bound.
template <class Work>
Task<std::invoke_result_t<Work>> OffLoop(Context ctx, Work work) {
  std::optional<std::invoke_result_t<Work>> result;
  const Context calm(*ctx.loop);
  WaitPoint ended(calm);
  std::jthread thread([&]() noexcept {
    result.emplace(work());
    ctx.loop->Post([&ended] { ended.Notify(); });
  });
  (void)co_await ended.Wait();
  co_return *std::move(result);
}

}  // namespace weir::async
