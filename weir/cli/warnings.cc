#include "weir/cli/warnings.h"

#include "weir/base/text.h"
#include "weir/cli/event_fields.h"

namespace weir::cli {
namespace {

using Fields = EventFields;

std::string ErrorOf(Fields fields) {
  return StrCat(TextIn(fields, "error"), ": ", TextIn(fields, "message"));
}

// Health as the calls of an engine show it; a check that asks an address tells of itself.
bool IsOfCalls(Fields fields) {
  return !TextIn(fields, "engine").empty() && TextIn(fields, "base_url").empty();
}

}  // namespace

std::optional<std::string> WarningOf(std::string_view name, Fields fields) {
  if (name == "provider:retry") {
    return StrCat(ErrorOf(fields), "; trying again in ", FormatMillis(WholeIn(fields, "delay_ms")),
                  " (", WholeIn(fields, "retry"), " of ", WholeIn(fields, "max_retries"), ")");
  }
  if (name == "engine:fallback" && IsSetIn(fields, "first")) {
    return StrCat("engine ", TextIn(fields, "from"), " failed (", ErrorOf(fields),
                  "); going on with ", TextIn(fields, "to"));
  }
  if (name == "health.fail" && IsOfCalls(fields) && !TextIn(fields, "error").empty()) {
    return StrCat("engine ", TextIn(fields, "engine"),
                  " failed several times in a row and is left alone for a while (", ErrorOf(fields),
                  ")");
  }
  if (name == "verify:retry") {
    return StrCat("the answer was ", TextIn(fields, "error"), "; asking again with the reason (",
                  WholeIn(fields, "attempt"), " of ", WholeIn(fields, "max_attempts"), ")");
  }
  if (name == "verify:ignored") {
    return StrCat("engine ", TextIn(fields, "engine"), " ignores constraints (",
                  TextIn(fields, "error"), "); `weir doctor` finds out why");
  }
  if (name == "engine.warning") {
    return StrCat("engine ", TextIn(fields, "engine"), ": ", TextIn(fields, "message"));
  }
  if (name == "engine.stop" && !IsSetIn(fields, "in_use") && !IsSetIn(fields, "gone")) {
    return StrCat("the server of engine ", TextIn(fields, "engine"), " does not end; its pid is ",
                  WholeIn(fields, "pid"));
  }
  if (name == "agent.forced_choice_refused") {
    return StrCat("the server does not take a forced choice of tools, and agents go on without: ",
                  TextIn(fields, "message"));
  }
  if (name == "preflight" || name == "agent.kept_earlier")
    return std::string(TextIn(fields, "message"));
  return std::nullopt;
}

std::optional<std::string> ServerNoteOf(std::string_view name, Fields fields) {
  const std::string_view engine = TextIn(fields, "engine");
  if (name == "health.ok" && IsOfCalls(fields) && !TextIn(fields, "message").empty()) {
    return StrCat("engine ", engine, " answers again");
  }
  if (name == "engine.start") {
    return StrCat("engine ", engine, ": starting a server with ", TextIn(fields, "model"),
                  " on port ", WholeIn(fields, "port"), ", pid ", WholeIn(fields, "pid"));
  }
  if (name == "engine.reuse") {
    return StrCat("engine ", engine, ": using the server that runs on port ",
                  WholeIn(fields, "port"));
  }
  if (name == "engine.ready") {
    return StrCat("engine ", engine, ": ready after ", FormatMillis(WholeIn(fields, "ms")));
  }
  if (name == "engine.stop" && IsSetIn(fields, "in_use")) {
    return StrCat("engine ", engine, ": others use the server on port ", WholeIn(fields, "port"),
                  ", so it goes on");
  }
  if (name == "engine.stop" && IsSetIn(fields, "gone")) {
    return StrCat("engine ", engine, ": stopped");
  }
  return std::nullopt;
}

void WarningSink::OnEvent(std::string_view name, Fields fields) {
  if (const std::optional<std::string> warning = WarningOf(name, fields)) {
    terminal_.Warn(*warning);
  } else if (const std::optional<std::string> note = ServerNoteOf(name, fields)) {
    terminal_.Note(*note);
  }
}

}  // namespace weir::cli
