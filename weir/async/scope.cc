#include "weir/async/scope.h"

#include <cassert>

#include <boost/asio/co_spawn.hpp>

namespace weir::async {

TaskScope::TaskScope(const Context& parent) : cancellation_(parent.cancellation), ctx_(parent) {
  ctx_.cancellation = &cancellation_;
}

TaskScope::~TaskScope() { assert(running_ == 0); }

void TaskScope::Spawn(Task<void> task) {
  ++running_;
  boost::asio::co_spawn(ctx_.loop->io(), std::move(task), [this](std::exception_ptr failure) {
    if (failure && !failure_) failure_ = failure;
    if (--running_ == 0 && joiner_ != nullptr) joiner_->Notify();
  });
}

Task<void> TaskScope::Join() {
  while (running_ > 0) {
    const Context unhurried(*ctx_.loop);
    WaitPoint point(unhurried);
    joiner_ = &point;
    co_await point.Wait();
    joiner_ = nullptr;
  }
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace weir::async
