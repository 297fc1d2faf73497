#include "weir/cli/run_events.h"

#include <algorithm>
#include <utility>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/cli/warnings.h"

namespace weir::cli {

Result<std::unique_ptr<RunEvents>> RunEvents::Open(async::Loop& loop, const std::string& path,
                                                   std::function<void(const Error&)> on_failure) {
  events::JsonlOptions options{.path = path,
                               .max_bytes = 0,
                               .spans = false,
                               .hold = std::chrono::milliseconds(50),
                               .on_failure = std::move(on_failure)};
  WEIR_TRY(std::unique_ptr<events::JsonlSink> file, events::OpenJsonl(loop, std::move(options)));
  return std::unique_ptr<RunEvents>(new RunEvents(std::move(file)));
}

// What `weir top` shows of an agent's engine. Calls of plain steps would be too many.
static bool IsTurnOfAgent(std::string_view name, std::span<const TraceField> fields) {
  return (name == "llm:request" || name == "llm:response" ||
          name.starts_with("llm:stream_block_")) &&
         std::ranges::find(fields, "agent", &TraceField::key) != fields.end();
}

void RunEvents::OnEvent(std::string_view name, std::span<const TraceField> fields) {
  if (name.starts_with("llm:") && !IsTurnOfAgent(name, fields)) return;
  file_->OnEvent(name, fields);
}

void RunWarnings::OnEvent(std::string_view name, std::span<const TraceField> fields) {
  const std::optional<std::string> warning = WarningOf(name, fields);
  if (!warning) return;
  std::string kind(name);
  for (const TraceField& field : fields) {
    const auto* text = std::get_if<std::string_view>(&field.value);
    const bool tells = field.key == "error" || field.key == "engine" || field.key == "adapter";
    if (tells && text != nullptr) StrAppend(kind, " ", *text);
  }
  Tell(kind, *warning);
}

void RunWarnings::Tell(const std::string& kind, const std::string& text) {
  const std::uint64_t times = ++told_[kind];
  std::uint64_t power = 1;
  while (power < times) power *= 10;
  if (power != times) return;
  const std::string often = times == 1 ? "" : StrCat(" (", times, " times so far)");
  view_.Above(StrCat("weir: warning: ", Harmless(Redact(text)), often));
}

}  // namespace weir::cli
