#include "weir/cli/warnings.h"

#include "weir/base/text.h"

namespace weir::cli {
namespace {

using Fields = std::span<const TraceField>;

const TraceField* Find(Fields fields, std::string_view key) {
  const auto found = std::ranges::find(fields, key, &TraceField::key);
  return found == fields.end() ? nullptr : &*found;
}

std::string_view Text(Fields fields, std::string_view key) {
  const TraceField* field = Find(fields, key);
  const auto* text = field == nullptr ? nullptr : std::get_if<std::string_view>(&field->value);
  return text == nullptr ? std::string_view() : *text;
}

std::int64_t Whole(Fields fields, std::string_view key) {
  const TraceField* field = Find(fields, key);
  if (field == nullptr) return 0;
  if (const auto* number = std::get_if<double>(&field->value)) {
    return static_cast<std::int64_t>(*number);
  }
  const auto* whole = std::get_if<std::int64_t>(&field->value);
  return whole == nullptr ? 0 : *whole;
}

bool IsSet(Fields fields, std::string_view key) {
  const TraceField* field = Find(fields, key);
  const auto* flag = field == nullptr ? nullptr : std::get_if<bool>(&field->value);
  return flag != nullptr && *flag;
}

std::string ErrorOf(Fields fields) {
  return StrCat(Text(fields, "error"), ": ", Text(fields, "message"));
}

}  // namespace

std::optional<std::string> WarningOf(std::string_view name, Fields fields) {
  if (name == "provider:retry") {
    return StrCat(ErrorOf(fields), "; trying again in ", FormatMillis(Whole(fields, "delay_ms")),
                  " (", Whole(fields, "retry"), " of ", Whole(fields, "max_retries"), ")");
  }
  if (name == "engine:fallback" && IsSet(fields, "first")) {
    return StrCat("engine ", Text(fields, "from"), " failed (", ErrorOf(fields),
                  "); going on with ", Text(fields, "to"));
  }
  if (name == "verify:retry") {
    return StrCat("the answer was ", Text(fields, "error"), "; asking again with the reason (",
                  Whole(fields, "attempt"), " of ", Whole(fields, "max_attempts"), ")");
  }
  if (name == "verify:ignored") {
    return StrCat("engine ", Text(fields, "engine"), " ignores constraints (",
                  Text(fields, "error"), "); `weir doctor` finds out why");
  }
  if (name == "engine.warning") {
    return StrCat("engine ", Text(fields, "engine"), ": ", Text(fields, "message"));
  }
  if (name == "engine.stop" && !IsSet(fields, "in_use") && !IsSet(fields, "gone")) {
    return StrCat("the server of engine ", Text(fields, "engine"), " does not end; its pid is ",
                  Whole(fields, "pid"));
  }
  if (name == "agent.forced_choice_refused") {
    return StrCat("the server does not take a forced choice of tools, and agents go on without: ",
                  Text(fields, "message"));
  }
  if (name == "preflight" || name == "agent.kept_earlier")
    return std::string(Text(fields, "message"));
  return std::nullopt;
}

std::optional<std::string> ServerNoteOf(std::string_view name, Fields fields) {
  const std::string_view engine = Text(fields, "engine");
  if (name == "engine.start") {
    return StrCat("engine ", engine, ": starting a server with ", Text(fields, "model"),
                  " on port ", Whole(fields, "port"), ", pid ", Whole(fields, "pid"));
  }
  if (name == "engine.reuse") {
    return StrCat("engine ", engine, ": using the server that runs on port ",
                  Whole(fields, "port"));
  }
  if (name == "engine.ready") {
    return StrCat("engine ", engine, ": ready after ", FormatMillis(Whole(fields, "ms")));
  }
  if (name == "engine.stop" && IsSet(fields, "in_use")) {
    return StrCat("engine ", engine, ": others use the server on port ", Whole(fields, "port"),
                  ", so it goes on");
  }
  if (name == "engine.stop" && IsSet(fields, "gone")) {
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
