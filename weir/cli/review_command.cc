#include <memory>

#include <CLI/CLI.hpp>

#include "weir/base/text.h"
#include "weir/cli/command.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/cli/review_actions.h"
#include "weir/cli/review_prompt.h"
#include "weir/cli/review_view.h"

namespace weir::cli {
namespace {

constexpr int kPipeWidth = 1000;  // of a table that no terminal shows

struct ReviewFlags {
  std::string run;
  bool list = false;
  std::string output = "text";
  std::string diff;
  std::vector<std::string> accept;
  std::vector<std::string> reject;
  std::vector<std::string> retry;
  std::vector<std::string> settings;
  bool write_conflicts = false;

  bool decides() const { return !accept.empty() || !reject.empty() || !retry.empty(); }
};

int Stop(Session& session, const Error& error) {
  session.terminal.Problem(error);
  return error.code == Code::kInvalidRequest ? kExitUsage : ExitCode(error);
}

void List(const ReviewFlags& flags, ReviewActions& actions) {
  Terminal& terminal = actions.terminal();
  if (flags.output == "json") return terminal.Out(ReviewJson(actions.run(), actions.review()));
  const int width = terminal.out_is_terminal() ? terminal.size().width : kPipeWidth;
  terminal.Out(ReviewTable(actions.review(), width));
}

Result<void> ShowDiff(const ReviewFlags& flags, ReviewActions& actions) {
  WEIR_TRY(const auto chosen, actions.Choose({flags.diff}));
  Terminal& terminal = actions.terminal();
  for (const agent::ReviewItem* item : chosen) {
    WEIR_TRY(const std::string diff, actions.review().Diff(*item));
    if (!terminal.out_is_terminal()) {
      terminal.Out(diff);
    } else if (terminal.in_is_terminal()) {
      ShowPaged(terminal, ShownDiff(diff, terminal.out_has_colour()));
    } else {
      terminal.Out(ShownDiff(diff, terminal.out_has_colour()));
    }
  }
  return {};
}

// All rows are looked up before the first is decided. False: some conflicted or failed.
Result<bool> Decide(const ReviewFlags& flags, ReviewActions& actions) {
  WEIR_TRY(const json::Value overrides, ReadOverrides(flags.settings));
  WEIR_TRY(const auto accept, actions.Choose(flags.accept));
  WEIR_TRY(const auto reject, actions.Choose(flags.reject));
  WEIR_TRY(const auto retry, actions.Choose(flags.retry));
  bool well = true;
  for (const agent::ReviewItem* item : reject) well = actions.Reject(*item) && well;
  for (const agent::ReviewItem* item : retry) well = actions.Retry(*item, overrides) && well;
  for (const agent::ReviewItem* item : accept) {
    well = actions.Accept(*item, {.write_conflicts = flags.write_conflicts}) && well;
  }
  return well;
}

int ReviewRun(const ReviewFlags& flags, Session& session) {
  const SystemClock clock;
  Result<std::unique_ptr<ReviewActions>> opened =
      ReviewActions::Open(flags.run, session.terminal, clock);
  if (!opened) return Stop(session, opened.error());
  ReviewActions& actions = **opened;
  bool well = true;
  if (!flags.diff.empty()) {
    const Result<void> shown = ShowDiff(flags, actions);
    if (!shown) return Stop(session, shown.error());
  } else if (flags.decides()) {
    const Result<bool> decided = Decide(flags, actions);
    if (!decided) return Stop(session, decided.error());
    well = *decided;
    if (flags.list || flags.output == "json") List(flags, actions);
    actions.TellRest();
  } else if (flags.list || flags.output == "json" || !session.terminal.in_is_terminal() ||
             !session.terminal.out_is_terminal()) {
    List(flags, actions);
  } else {
    well = AskRows(actions);
    actions.TellRest();
  }
  if (session.terminal.out_error()) return Stop(session, *session.terminal.out_error());
  return well ? kExitOk : kExitSomeFailed;
}

}  // namespace

void AddReviewCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<ReviewFlags>();  // shared by the callbacks below
  CLI::App* command =
      app.add_subcommand("review", "Accept or reject what the agents of a run changed");
  command->add_option("run", flags->run, "the folder of the run")->required()->option_text("RUN");
  CLI::Option* list = command->add_flag("--list", flags->list, "show the rows, and ask nothing");
  OneOf(*command->add_option("-o,--output", flags->output, "text or json, of --list"),
        {"text", "json"});
  CLI::Option* diff = command->add_option("--diff", flags->diff, "show what a row changed");
  diff->option_text("ROW");
  CLI::Option* accept =
      command->add_option("--accept", flags->accept, "merge rows into the source");
  accept->option_text("ROW...|all");
  CLI::Option* reject = command->add_option("--reject", flags->reject, "leave the source as it is");
  reject->option_text("ROW...|all");
  CLI::Option* retry =
      command->add_option("--retry", flags->retry, "have rows done again by the next run");
  retry->option_text("ROW...|all");
  command->add_option("--set", flags->settings, "for --retry: what is to be different then")
      ->needs(retry)
      ->option_text("KEY=VALUE...");
  command
      ->add_flag("--write-conflicts", flags->write_conflicts,
                 "for --accept: write what conflicts into the source, with marks")
      ->needs(accept);
  diff->excludes(list)->excludes(accept)->excludes(reject)->excludes(retry);
  command->callback([flags, &session] {
    session.run = [flags, &session] { return ReviewRun(*flags, session); };
  });
}

}  // namespace weir::cli
