#pragma once

// Ctrl-C for commands that work without a loop.

#include <chrono>
#include <csignal>

namespace weir::cli {

// While it lives, the first SIGINT, SIGTERM or SIGHUP (unless under nohup) only asks the command to
// stop, and ends a read that waits; the second of a kind ends the program. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool asked() const;
  // Until it is asked, or `most` is over.
  void Wait(std::chrono::milliseconds most) const;

 private:
  struct sigaction before_int_{};
  struct sigaction before_term_{};
  struct sigaction before_hangup_{};
};

}  // namespace weir::cli
