#include "weir/engine/doctor.h"

#include <algorithm>

#include "weir/base/redact.h"
#include "weir/engine/doctor_facts.h"
#include "weir/engine/doctor_steps.h"

namespace weir::engine {

const std::vector<std::string>& DoctorSteps() {
  static const std::vector<std::string> kSteps = {
      "address",  "proxy",  "dns",  "tcp",   "tls",  "health",    "auth",       "version", "models",
      "adapters", "limits", "load", "clock", "call", "reasoning", "constraint", "regex",   "tools"};
  return kSteps;
}

void Examination::Add(Finding finding) {
  finding.what = Redact(finding.what);
  finding.detail = Redact(finding.detail);
  if (tell_) tell_(finding);
  findings_.push_back(std::move(finding));
}

void Examination::Ok(std::string_view step, std::string what, std::string detail) {
  Add({.step = std::string(step), .what = std::move(what), .detail = std::move(detail)});
}

void Examination::Note(std::string_view step, std::string what, std::string remedy,
                       std::string detail) {
  Add({.step = std::string(step),
       .verdict = Verdict::kNote,
       .what = std::move(what),
       .remedy = std::move(remedy),
       .detail = std::move(detail)});
}

void Examination::Warn(std::string_view step, std::string what, std::string remedy,
                       std::string detail) {
  Add({.step = std::string(step),
       .verdict = Verdict::kWarning,
       .what = std::move(what),
       .remedy = std::move(remedy),
       .detail = std::move(detail)});
}

void Examination::Fail(std::string_view step, const Error& error, std::string_view remedy) {
  Add(Failure(step, error, remedy));
}

void Examination::Skip(std::string_view step, std::string why) {
  Add({.step = std::string(step), .verdict = Verdict::kSkipped, .what = std::move(why)});
}

void Examination::SkipRest(const std::string& why) {
  for (const std::string& step : DoctorSteps()) {
    if (std::ranges::find(findings_, step, &Finding::step) == findings_.end()) Skip(step, why);
  }
}

async::Task<std::vector<Finding>> ExamineServer(async::Context ctx, DoctorOptions options,
                                                http::Client& client, TellFinding tell) {
  Examination found(options, std::move(tell));
  const bool reached = co_await ExamineNetwork(ctx, found);
  const bool usable = reached && co_await ExamineState(ctx, found, client);
  if (usable && !options.probe) found.SkipRest("nothing is asked of the model (--no-probe)");
  if (usable && options.probe) {
    const Result<std::unique_ptr<model::Engine>> engine = NewHttpEngine(options.http, client);
    if (engine) {
      co_await Probe(ctx, found, **engine);
    } else {
      found.Fail("call", engine.error());
      found.SkipRest("there is no engine to ask");
    }
  }
  co_return found.TakeFindings();
}

async::Task<std::vector<Finding>> ExamineEngine(async::Context ctx, DoctorOptions options,
                                                model::Engine& engine, TellFinding tell) {
  Examination found(options, std::move(tell));
  found.model = options.http.model;
  found.Ok("address", "the engine lives in this process; there is no network in between");
  if (options.probe) co_await Probe(ctx, found, engine);
  found.SkipRest(options.probe ? "there is no server"
                               : "there is no server, and nothing is asked (--no-probe)");
  co_return found.TakeFindings();
}

}  // namespace weir::engine
