#include "weir/cli/interrupt.h"

#include <poll.h>

namespace weir::cli {
namespace {

// What a handler may write to.
volatile std::sig_atomic_t stop_asked = 0;

void Ask(int /*number*/) { stop_asked = 1; }

}  // namespace

Interrupt::Interrupt() {
  stop_asked = 0;
  struct sigaction ask{};
  ask.sa_handler = Ask;
  ask.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &ask, &before_int_);
  ::sigaction(SIGTERM, &ask, &before_term_);
  ::sigaction(SIGHUP, &ask, &before_hangup_);
  if (before_hangup_.sa_handler == SIG_IGN) ::sigaction(SIGHUP, &before_hangup_, nullptr);
}

Interrupt::~Interrupt() {
  ::sigaction(SIGINT, &before_int_, nullptr);
  ::sigaction(SIGTERM, &before_term_, nullptr);
  ::sigaction(SIGHUP, &before_hangup_, nullptr);
}

bool Interrupt::asked() const { return stop_asked != 0; }

void Interrupt::Wait(std::chrono::milliseconds most) const {
  // The signal ends it.
  if (!asked()) ::poll(nullptr, 0, static_cast<int>(most.count()));
}

}  // namespace weir::cli
