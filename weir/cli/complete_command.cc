#include <memory>

#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/cli/run_call.h"

namespace weir::cli {
namespace {

// vLLM stops completions after 16 tokens when nobody says otherwise, which nobody wants.
constexpr std::int64_t kDefaultMaxTokens = 1024;

struct CompleteFlags {
  CommonFlags common;
  bool echo = false;
  std::string suffix;
};

Result<CallRun> Prepare(const CompleteFlags& flags, const Session& session) {
  CallRun run;
  run.flags = flags.common;
  WEIR_TRY(run.chosen, EngineOf(flags.common, session));
  run.call.api = model::Api::kCompletions;
  WEIR_CHECK(FillCall(flags.common, run.call));
  std::optional<std::int64_t>& most = run.chosen.engine.defaults.max_tokens;
  most = most.value_or(kDefaultMaxTokens);
  if (flags.echo) run.call.echo = true;
  WEIR_CHECK(CheckUtf8(flags.suffix, "--suffix"));
  if (!flags.suffix.empty()) run.call.suffix = flags.suffix;
  WEIR_TRY(run.call.prompt, PromptOf(flags.common, session));
  return run;
}

}  // namespace

void AddCompleteCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<CompleteFlags>();  // shared by what the command keeps
  CLI::App& command = AddCommand(
      app, "complete", "Continue a text (completions API; at most 1024 tokens by default)");
  AddCommonFlags(command, flags->common);
  SwitchFlag(command, "--echo", flags->echo, "repeat the prompt in front of the answer");
  TextFlag(command, "--suffix", flags->suffix, "text that comes after the answer");
  SetRun(command, session, [flags, &session] {
    const Result<CallRun> run = Prepare(*flags, session);
    if (run) return RunCall(session, *run);
    return Refuse(session, flags->common, run.error());
  });
}

}  // namespace weir::cli
