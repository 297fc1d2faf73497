#include "weir/cli/work.h"

#include <csignal>

namespace weir::cli {
namespace {

std::vector<TraceSink*> With(TraceSink& warnings, std::vector<TraceSink*> sinks) {
  sinks.insert(sinks.begin(), &warnings);
  return sinks;
}

}  // namespace

Work::Work(async::Loop& loop, const Terminal& terminal, std::vector<TraceSink*> sinks)
    : loop_(loop),
      interrupt_(loop, {SIGINT, SIGTERM}, [this](int) { cancellation_.Cancel(); }),
      warnings_(std::in_place, terminal),
      everything_(With(*warnings_, std::move(sinks))) {}

Work::Work(async::Loop& loop, const std::vector<TraceSink*>& sinks)
    : loop_(loop),
      interrupt_(loop, {SIGINT, SIGTERM}, [this](int) { cancellation_.Cancel(); }),
      everything_(sinks) {}

async::Context Work::NewContext(Duration total) {
  async::Context ctx(loop_);
  ctx.cancellation = &cancellation_;
  ctx.trace = &everything_;
  return total > Duration::zero() ? ctx.WithTimeout(total) : ctx;
}

}  // namespace weir::cli
