// What a script lays down for a request before its room is asked.

#include <algorithm>

#include "weir/sim/face/visit.h"
#include "weir/sim/fault.h"

namespace weir::sim {
namespace {

using async::Task;

// The paths whose rooms ask the script themselves, with all that they know of a request.
constexpr std::string_view kGenerating[] = {"/v1/chat/completions", "/v1/completions",
                                            "/v1/responses", "/api/chat", "/api/generate"};

// Does what a rule lays down for this path; false when the room has to answer.
Task<bool> PlayScripted(Visit& visit) {
  const std::string_view path = visit.path();
  if (path.starts_with("/sim/") || std::ranges::find(kGenerating, path) != std::end(kGenerating)) {
    co_return false;
  }
  const model::Call call{.api = model::Api::kCompletions};
  const Prompt body{visit.exchange.body(), {}};
  Outcome outcome = visit.core.Rehearse(
      {call, std::span(&body, 1), &visit.exchange.head().headers, false, path, true});
  if (outcome.script == nullptr) co_return false;
  visit.script = outcome.script;
  const async::Context ctx = visit.exchange.context();
  if (outcome.delay > Duration::zero()) {
    const Result<void> waited = co_await async::Sleep(ctx, outcome.delay);
    if (!waited) co_return true;
  }
  for (const Fault& fault : outcome.script->faults) {
    if (fault.kind == Fault::Kind::kStall) {
      (void)co_await async::WaitForever(ctx);
      co_return true;
    }
    if (const std::optional<http::BreakOff> how = BreakOffOf(fault)) {
      co_await visit.exchange.Break(*how);
      co_return true;
    }
  }
  if (!outcome.script->answers_itself()) co_return false;
  if (const auto* refusal = std::get_if<Refusal>(&outcome.answer)) {
    co_await RespondError(visit, *refusal);
  } else {
    RawAnswer& raw = std::get<RawAnswer>(outcome.answer);
    if (raw.content_type.empty()) raw.content_type = "application/json";
    co_await RespondText(visit, 200, raw.content_type, std::move(raw.body));
  }
  co_return true;
}

}  // namespace

Task<void> Serve(Visit& visit, const Route& route) {
  const bool played = co_await PlayScripted(visit);
  if (!played) co_await route.serve(visit);
}

}  // namespace weir::sim
