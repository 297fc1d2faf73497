#pragma once

// Session: a program that was started in a session of its own, and what it has started, in whatever
// groups that is. Only a process that has made a session itself has got away.

#include <cstddef>
#include <vector>

#include <sys/types.h>

#include "weir/async/child.h"

namespace weir::agent {

class Session {
 public:
  // A child is not reaped while it is held, so the number of its session is nobody else's.
  explicit Session(async::Child& leader) : leader_(leader) {}

  // How many processes it has. Reads all of /proc, as the following do.
  std::size_t Count() { return Look(0); }
  // Makes all of it stand still, and counts it.
  std::size_t Stop();
  // Lets what was stopped go on.
  void Continue();
  void Kill();

 private:
  std::size_t Look(int signal);

  async::Child& leader_;
  std::vector<pid_t> others_;  // that the last look found in other groups than the leader's, sorted
};

}  // namespace weir::agent
