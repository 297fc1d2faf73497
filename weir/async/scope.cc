#include "weir/async/scope.h"

#include <cassert>

namespace weir::async {

TaskScope::TaskScope(const Context& parent) : cancellation_(parent.cancellation), ctx_(parent) {
  ctx_.cancellation = &cancellation_;
}

TaskScope::~TaskScope() { assert(running_ == 0); }

void TaskScope::Spawn(Task<void> task) {
  ++running_;
  Start(std::move(task), [this](const std::exception_ptr& bug) {
    if (bug && !failure_) failure_ = bug;
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
