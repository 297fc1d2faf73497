#pragma once

// The doctor: looks at one server layer by layer, from its name to whether it keeps the constraints
// that it accepts, and says of each what is there, what is wrong and what to do about it. Nothing
// is changed on the server and nothing is repeated.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/engine/http_engine.h"
#include "weir/http/dialer.h"

namespace weir::engine {

enum class Verdict : std::uint8_t {
  kOk,
  kNote,     // works; good to know
  kWarning,  // works, but something will go wrong some day or for some calls
  kFailed,
  kSkipped,  // not looked at; `what` says why
};

std::string_view VerdictName(Verdict verdict);  // "ok", "note", "warning", "failed", "skipped"

struct Finding {
  std::string step;  // one of DoctorSteps()
  Verdict verdict = Verdict::kOk;
  std::string what;            // what was found, for a person; holds no secret
  std::string remedy;          // what to do; empty: nothing
  std::string detail;          // more of the same, for those who look closer
  std::optional<Error> error;  // of a failed step
};

// address, proxy, dns, tcp, tls; health, auth, version, models, adapters, limits, load, clock; and
// the live ones: call, reasoning, constraint, regex, tools. Findings come in this order; a step may
// have more than one.
const std::vector<std::string>& DoctorSteps();

struct WantedAdapter {
  std::string name;
  bool loadable = false;  // may be loaded on demand, so that its absence is no fault
};

struct DoctorOptions {
  HttpEngineOptions http;
  http::DialOptions dial;  // what the client's dialer was made with
  std::vector<WantedAdapter> adapters;
  std::optional<std::int64_t> context_window;  // that the configuration promises
  bool probe = true;                           // whether to ask the model anything
  // Of one look at the network or one question about the server.
  Duration step_limit = std::chrono::seconds(10);
  // From a probe's request to its first token. A cold server compiles grammars then.
  Duration probe_limit = std::chrono::seconds(60);
};

using TellFinding = std::function<void(const Finding&)>;

// All steps on a server; `tell` gets each finding as it is made. A step that fails makes those that
// need it skipped. `client` must outlive the task.
async::Task<std::vector<Finding>> ExamineServer(async::Context ctx, DoctorOptions options,
                                                http::Client& client, TellFinding tell);

// The live steps only, on an engine that lives in the process. `engine` must outlive the task.
async::Task<std::vector<Finding>> ExamineEngine(async::Context ctx, DoctorOptions options,
                                                model::Engine& engine, TellFinding tell);

}  // namespace weir::engine
