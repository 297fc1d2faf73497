#include "weir/async/semaphore.h"

#include <list>
#include <mutex>

#include "weir/async/wait.h"
#include "weir/base/text.h"

namespace weir::async {
namespace {

// Shared by the queue and the waiting coroutine, because a grant from another thread is on its way
// through the loop's queue while the coroutine may already have given up.
struct Waiter {
  Loop* loop;
  WaitPoint* point;  // null once the coroutine has left; touched on its loop only
  bool granted = false;
};

}  // namespace

struct Semaphore::Permit::State {
  explicit State(SemaphoreOptions its_options) : options(its_options), free(its_options.permits) {}

  const SemaphoreOptions options;
  mutable std::mutex mutex;
  std::size_t free;
  std::list<std::shared_ptr<Waiter>> queue;

  void Release() {
    const std::scoped_lock lock(mutex);
    if (queue.empty()) {
      ++free;
      return;
    }
    const std::shared_ptr<Waiter> next = std::move(queue.front());
    queue.pop_front();
    next->granted = true;
    next->loop->Post([next] {
      if (next->point != nullptr) next->point->Notify();
    });
  }
};

Semaphore::Permit& Semaphore::Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    Release();
    state_ = std::move(other.state_);
  }
  return *this;
}

void Semaphore::Permit::Release() {
  if (state_ == nullptr) return;
  const std::shared_ptr<State> state = std::move(state_);
  state->Release();
}

Semaphore::Semaphore(SemaphoreOptions options) : state_(std::make_shared<Permit::State>(options)) {}

std::optional<Semaphore::Permit> Semaphore::TryAcquire() {
  const std::scoped_lock lock(state_->mutex);
  if (state_->free == 0) return std::nullopt;
  --state_->free;
  return Permit(state_);
}

Task<Result<Semaphore::Permit>> Semaphore::Acquire(Context ctx) {
  if (ctx.cancelled()) co_return Fail(CancelledError());
  WaitPoint point(ctx);
  const auto waiter = std::make_shared<Waiter>(Waiter{.loop = ctx.loop, .point = &point});
  std::list<std::shared_ptr<Waiter>>::iterator place;
  {
    const std::scoped_lock lock(state_->mutex);
    if (state_->free > 0) {
      --state_->free;
      co_return Permit(state_);
    }
    if (state_->queue.size() >= state_->options.max_waiting) {
      co_return Fail(Code::kBudgetExceeded,
                     StrCat("more than ", state_->options.max_waiting,
                            " calls are waiting for a free place; send fewer at once or raise "
                            "`limits.max_waiting`"));
    }
    place = state_->queue.insert(state_->queue.end(), waiter);
  }

  const Wake wake = co_await point.Wait();
  waiter->point = nullptr;
  if (wake == Wake::kNotified) co_return Permit(state_);
  bool granted = false;
  {
    const std::scoped_lock lock(state_->mutex);
    granted = waiter->granted;
    if (!granted) state_->queue.erase(place);
  }
  if (granted) state_->Release();
  if (wake == Wake::kCancelled) co_return Fail(CancelledError());
  co_return Fail(TotalTimeoutError(ctx));
}

std::size_t Semaphore::in_use() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->options.permits - state_->free;
}

std::size_t Semaphore::waiting() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->queue.size();
}

}  // namespace weir::async
