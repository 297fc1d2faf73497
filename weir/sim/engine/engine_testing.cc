#include "weir/sim/engine/engine_testing.h"

#include <algorithm>
#include <numeric>

#include "weir/async/scope.h"
#include "weir/base/text.h"

namespace weir::sim {
namespace {

async::Task<void> All(async::Context ctx, Scheduler& scheduler, std::vector<Arrival> arrivals,
                      std::vector<Served>& outcomes) {
  async::TaskScope scope(ctx);
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    scope.Spawn(Serve(scope.context(), scheduler, std::move(arrivals[i]), outcomes[i]));
  }
  co_await scope.Join();
}

}  // namespace

std::vector<TokenId> TestPrompt(std::int64_t size, TokenId first) {
  std::vector<TokenId> prompt(static_cast<std::size_t>(size));
  std::iota(prompt.begin(), prompt.end(), first);
  return prompt;
}

SequenceRequest TestRequest(std::int64_t prompt, std::int64_t max_tokens, TokenId first) {
  SequenceRequest request;
  request.prompt = TestPrompt(prompt, first);
  request.max_tokens = max_tokens;
  return request;
}

async::Task<void> Serve(async::Context ctx, Scheduler& scheduler, Arrival arrival,
                        Served& outcome) {
  if (arrival.after > Duration::zero()) {
    const Result<void> slept = co_await async::Sleep(ctx, arrival.after);
    if (!slept) co_return;
  }
  if (arrival.gives_up_after > Duration::zero()) ctx = ctx.WithTimeout(arrival.gives_up_after);
  const std::int64_t most =
      arrival.stops_after > 0 ? arrival.stops_after : arrival.request.max_tokens;
  const std::int64_t sequences = arrival.request.sequences;
  Result<Scheduler::Turn> turn = scheduler.Enter(ctx, std::move(arrival.request));
  if (!turn) {
    outcome.error = turn.error();
    co_return;
  }
  for (std::int64_t i = 0; i < most; ++i) {
    const Result<bool> stepped = co_await turn->Step(ctx);
    if (!stepped) {
      outcome.error = stepped.error();
      co_return;
    }
    if (!*stepped) {
      outcome.aborted = true;
      co_return;
    }
    outcome.tokens.push_back(ctx.Now());
    outcome.worst_lateness = std::max(outcome.worst_lateness, turn->lateness());
    if (arrival.reads_every > Duration::zero()) {
      const Result<void> slept = co_await async::Sleep(ctx, arrival.reads_every);
      if (!slept) co_return;
    }
  }
  outcome.cached = turn->cached_tokens();
  turn->Finish(arrival.stops_after > 0 ? Ended::kStop : Ended::kLength, most * sequences);
}

std::vector<Served> ServeAll(async::Loop& loop, Scheduler& scheduler,
                             std::vector<Arrival> arrivals) {
  std::vector<Served> outcomes(arrivals.size());
  loop.Run(All(async::Context(loop), scheduler, std::move(arrivals), outcomes));
  return outcomes;
}

double ValueOf(std::string_view text, std::string_view series) {
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.starts_with(series)) continue;
    return ParseDouble(line.substr(line.rfind(' ') + 1)).value_or(-1);
  }
  return -1;
}

}  // namespace weir::sim
