#include "weir/jobs/bell.h"

#include <utility>

namespace weir::jobs {

async::Task<void> Bell::Wait(async::Context ctx, Duration most) {
  async::WaitPoint point(ctx);
  waiting_.push_back(&point);
  (void)co_await point.Wait(ctx.Now() + most);
  std::erase(waiting_, &point);
}

void Bell::Ring() {
  for (async::WaitPoint* point : std::exchange(waiting_, {})) point->Notify();
}

}  // namespace weir::jobs
