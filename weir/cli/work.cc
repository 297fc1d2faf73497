#include "weir/cli/work.h"

#include <csignal>

namespace weir::cli {
namespace {

std::vector<TraceSink*> With(TraceSink& warnings, std::vector<TraceSink*> sinks) {
  sinks.insert(sinks.begin(), &warnings);
  return sinks;
}

// A hangup ends work as SIGTERM does, but where it means something else (a chat reads its
// configuration again) or nothing (nohup).
bool HangupIsFree() {
  struct sigaction now{};
  return ::sigaction(SIGHUP, nullptr, &now) == 0 && now.sa_handler == SIG_DFL;
}

}  // namespace

Work::Work(async::Loop& loop, const Terminal& terminal, std::vector<TraceSink*> sinks)
    : loop_(loop),
      interrupt_(loop, {SIGINT, SIGTERM}, [this](int) { cancellation_.Cancel(); }),
      warnings_(std::in_place, terminal),
      everything_(With(*warnings_, std::move(sinks))) {
  WatchHangup();
}

Work::Work(async::Loop& loop, const std::vector<TraceSink*>& sinks)
    : loop_(loop),
      interrupt_(loop, {SIGINT, SIGTERM}, [this](int) { cancellation_.Cancel(); }),
      everything_(sinks) {
  WatchHangup();
}

void Work::WatchHangup() {
  if (!HangupIsFree()) return;
  hangup_.emplace(loop_, std::initializer_list<int>{SIGHUP},
                  [this](int) { cancellation_.Cancel(); });
}

async::Context Work::NewContext(Duration total) {
  async::Context ctx(loop_);
  ctx.cancellation = &cancellation_;
  ctx.trace = &everything_;
  return total > Duration::zero() ? ctx.WithTimeout(total) : ctx;
}

}  // namespace weir::cli
