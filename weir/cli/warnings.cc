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

void WarningSink::OnEvent(std::string_view name, Fields fields) {
  if (name == "provider:retry") {
    terminal_.Warn(StrCat(ErrorOf(fields), "; trying again in ",
                          FormatMillis(Whole(fields, "delay_ms")), " (", Whole(fields, "retry"),
                          " of ", Whole(fields, "max_retries"), ")"));
  } else if (name == "engine:fallback" && IsSet(fields, "first")) {
    terminal_.Warn(StrCat("engine ", Text(fields, "from"), " failed (", ErrorOf(fields),
                          "); going on with ", Text(fields, "to")));
  } else if (name == "verify:retry") {
    terminal_.Warn(StrCat("the answer was ", Text(fields, "error"),
                          "; asking again with the reason (", Whole(fields, "attempt"), " of ",
                          Whole(fields, "max_attempts"), ")"));
  } else if (name == "verify:ignored") {
    terminal_.Warn(StrCat("engine ", Text(fields, "engine"), " ignores constraints (",
                          Text(fields, "error"), "); `weir doctor` finds out why"));
  }
}

}  // namespace weir::cli
