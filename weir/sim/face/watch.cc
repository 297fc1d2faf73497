// The room for tests: what came in, and what is to happen from now on. It is not part of any
// server that is played, and asks for no key.

#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/sim/face/refuse.h"
#include "weir/sim/face/visit.h"

namespace weir::sim {
namespace {

using async::Task;

Task<void> ServeRequests(Visit& visit) {
  const std::string_view asked = visit.Query("last");
  const auto last = ParseUint(asked);
  if (!asked.empty() && !last) {
    const Refusal refusal =
        Refuse(400,
               StrCat("last must be a whole number of requests, as in ?last=1; got '",
                      Truncate(asked, 60), "'"),
               "last");
    co_return co_await RespondError(visit, refusal);
  }
  co_await RespondJson(
      visit, 200,
      visit.core.log().Json(last ? static_cast<std::size_t>(*last) : static_cast<std::size_t>(-1)));
}

Task<void> ServeForget(Visit& visit) {
  visit.core.log().Clear();
  return RespondEmpty(visit, 200);
}

Task<void> ServeConfig(Visit& visit) {
  return RespondJson(visit, 200, StrCat("{\"rules\":", visit.core.rehearsal().CountsJson(), "}"));
}

// A script takes the place of the one before, as a whole: a list of rules or {"rules": [...]}.
Task<void> ServeNewConfig(Visit& visit) {
  Result<Script> script = LoadScript(visit.exchange.body(), "request");
  if (!script) {
    const Refusal refusal = Refuse(400, script.error().message);
    co_return co_await RespondError(visit, refusal);
  }
  visit.core.rehearsal().Replace(*std::move(script));
  co_await ServeConfig(visit);
}

// How late the tokens of streams left since the last DELETE.
Task<void> ServeLateness(Visit& visit) {
  return RespondJson(visit, 200, visit.core.lateness().Json());
}

Task<void> ServeOnTime(Visit& visit) {
  visit.core.lateness().Reset();
  return RespondEmpty(visit, 200);
}

constexpr Route kWatchRoutes[] = {
    {"GET", "/sim/requests", ServeRequests}, {"DELETE", "/sim/requests", ServeForget},
    {"GET", "/sim/lateness", ServeLateness}, {"DELETE", "/sim/lateness", ServeOnTime},
    {"GET", "/sim/config", ServeConfig},     {"POST", "/sim/config", ServeNewConfig},
};

}  // namespace

std::span<const Route> WatchRoutes() { return kWatchRoutes; }

}  // namespace weir::sim
