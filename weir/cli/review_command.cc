#include <algorithm>
#include <memory>
#include <utility>

#include "weir/base/text.h"
#include "weir/cli/command.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/cli/print.h"
#include "weir/cli/review_actions.h"
#include "weir/cli/review_prompt.h"
#include "weir/cli/review_view.h"

namespace weir::cli {
namespace {

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

int Stop(Session& session, const ReviewFlags& flags, const Error& error) {
  if (flags.output == "json") session.terminal.Out(ErrorJson(error));
  session.terminal.Problem(error);
  return error.code == Code::kInvalidRequest ? kExitUsage : ExitCode(error);
}

void List(const ReviewFlags& flags, ReviewActions& actions) {
  Terminal& terminal = actions.terminal();
  if (flags.output == "json") return terminal.Out(ReviewJson(actions.run(), actions.review()));
  const int width = terminal.table_width();
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
  for (const auto& [one, other] :
       {std::pair(&accept, &reject), std::pair(&accept, &retry), std::pair(&reject, &retry)}) {
    const auto both = std::ranges::find_first_of(*one, *other);
    if (both == one->end()) continue;
    return Fail(Code::kInvalidRequest,
                StrCat("row ", (*both)->row,
                       " is in two of --accept, --reject and --retry; decide it once"));
  }
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
  const bool asks = session.terminal.in_is_terminal() && session.terminal.out_is_terminal();
  const bool looks =
      !flags.decides() && (flags.list || flags.output == "json" || !flags.diff.empty() || !asks);
  Result<std::unique_ptr<ReviewActions>> opened =
      looks ? ReviewActions::Look(flags.run, session.terminal)
            : ReviewActions::Open(flags.run, session.terminal, clock);
  if (!opened) return Stop(session, flags, opened.error());
  ReviewActions& actions = **opened;
  bool well = true;
  if (!flags.diff.empty()) {
    const Result<void> shown = ShowDiff(flags, actions);
    if (!shown) return Stop(session, flags, shown.error());
  } else if (flags.decides()) {
    const Result<bool> decided = Decide(flags, actions);
    if (!decided) return Stop(session, flags, decided.error());
    well = *decided;
    if (flags.output == "json") List(flags, actions);
    actions.TellRest();
  } else if (looks) {
    List(flags, actions);
  } else {
    well = AskRows(actions);
    actions.TellRest();
  }
  return well ? kExitOk : kExitSomeFailed;
}

}  // namespace

void AddReviewCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<ReviewFlags>();  // shared by the callbacks below
  CLI::App& command =
      AddCommand(app, "review", "Accept or reject what the agents of a run changed");
  TextFlag(command, "run", flags->run, "the folder of the run").Required().Shows("RUN");
  const Flag list = SwitchFlag(command, "--list", flags->list, "show the rows, and ask nothing");
  TextFlag(command, "-o,--output", flags->output, "text or json, of --list")
      .OneOf({"text", "json"});
  const Flag diff =
      TextFlag(command, "--diff", flags->diff, "show what a row changed").Shows("ROW");
  const Flag accept = TextsFlag(command, "--accept", flags->accept, "merge rows into the source")
                          .Shows("ROW...|all");
  const Flag reject = TextsFlag(command, "--reject", flags->reject, "leave the source as it is")
                          .Shows("ROW...|all");
  const Flag retry =
      TextsFlag(command, "--retry", flags->retry, "have rows done again by the next run")
          .Shows("ROW...|all");
  TextsFlag(command, "--set", flags->settings, "for --retry: what is to be different then")
      .Needs(retry)
      .Shows("KEY=VALUE...");
  SwitchFlag(command, "--write-conflicts", flags->write_conflicts,
             "for --accept: write what conflicts into the source, with marks")
      .Needs(accept);
  list.Excludes(accept).Excludes(reject).Excludes(retry);
  diff.Excludes(list).Excludes(accept).Excludes(reject).Excludes(retry);
  SetRun(command, session, [flags, &session] { return ReviewRun(*flags, session); });
}

}  // namespace weir::cli
