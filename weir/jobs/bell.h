#pragma once

// Bell: how the tasks of one loop tell each other that something has changed. Whoever waits looks
// again when it rings.

#include <vector>

#include "weir/async/task.h"
#include "weir/async/wait.h"

namespace weir::jobs {

class Bell {
 public:
  // Until Ring(), `most` has passed, or cancellation.
  async::Task<void> Wait(async::Context ctx, Duration most);
  void Ring();

 private:
  std::vector<async::WaitPoint*> waiting_;
};

}  // namespace weir::jobs
