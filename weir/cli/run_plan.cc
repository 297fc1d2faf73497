#include "weir/cli/run_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "weir/base/text.h"
#include "weir/flow/figures.h"
#include "weir/text/token_estimate.h"

namespace weir::cli {
namespace {

constexpr std::uint64_t kRowsLookedAt = 1000;  // further ones are taken to be alike

struct NodePlan {
  std::uint64_t calls = 0;
  std::int64_t prompt_tokens = 0;
  std::optional<std::int64_t> max_tokens;
};

std::string ShownCall(const flow::PlannedCall& planned) {
  std::string text = StrCat("--- row ", planned.row_id, ", ", planned.node, " on ",
                            planned.engine.empty() ? "the default engine" : planned.engine, "\n");
  for (const model::Message& message : planned.call.messages) {
    StrAppend(text, "[", model::RoleName(message.role), "]\n", message.AllText(), "\n");
  }
  return text;
}

std::int64_t Scaled(std::int64_t count, std::uint64_t rows, std::uint64_t looked_at) {
  const double factor = static_cast<double>(rows) / static_cast<double>(looked_at);
  return static_cast<std::int64_t>(static_cast<double>(count) * factor);
}

}  // namespace

int ShowPlan(Session& session, const LoadedFlow& loaded, flow::RowSource& rows,
             flow::EngineHost& host, const flow::RunOptions& options) {
  const auto refuse = [&](const Error& error) {
    session.terminal.Problem(error);
    return ExitCode(error);
  };
  std::map<std::string, NodePlan> plans;
  std::uint64_t count = 0;
  std::uint64_t bad = 0;
  std::uint64_t looked_at = 0;
  for (;; ++count) {
    const Result<std::optional<flow::Row>> row = rows.Next();
    if (!row) return refuse(row.error());
    if (!*row) break;
    if ((*row)->error) {
      ++bad;
      session.terminal.Warn(StrCat("row ", (*row)->id, ": ", (*row)->error->message));
      continue;
    }
    if (looked_at == kRowsLookedAt) continue;
    Result<std::vector<flow::PlannedCall>> calls = flow::Plan(loaded.graph, **row, host, options);
    if (!calls) return refuse(calls.error());
    for (const flow::PlannedCall& planned : *calls) {
      if (looked_at == 0) session.terminal.Out(Harmless(ShownCall(planned)));
      NodePlan& plan = plans[planned.node];
      ++plan.calls;
      plan.prompt_tokens += text::EstimateTokens(planned.call);
      plan.max_tokens = planned.call.sampling.max_tokens;
    }
    ++looked_at;
  }
  const std::uint64_t good = count - bad;
  std::string text =
      StrCat("--- ", flow::Counted(count, "row", "rows"),
             bad > 0 ? StrCat(", ", bad, " of them bad") : "", "; nothing was sent\n");
  std::int64_t prompts = 0;
  for (const flow::GraphNode* node : loaded.graph.all()) {
    if (node->step() == nullptr) continue;
    const auto plan = plans.find(node->node->id);
    if (plan == plans.end() || looked_at == 0) {
      StrAppend(text, node->node->id, ": up to ", flow::Counted(good, "call", "calls"),
                ", whose prompts need the answers of other steps\n");
      continue;
    }
    const std::int64_t tokens = Scaled(plan->second.prompt_tokens, good, looked_at);
    prompts += tokens;
    StrAppend(text, node->node->id, ": ",
              flow::Counted(static_cast<std::uint64_t>(Scaled(
                                static_cast<std::int64_t>(plan->second.calls), good, looked_at)),
                            "call", "calls"),
              ", about ", tokens, " tokens of prompts");
    if (plan->second.max_tokens) {
      StrAppend(text, ", answers of at most ", *plan->second.max_tokens, " each");
    }
    text += "\n";
  }
  StrAppend(text, "about ", prompts, " tokens of prompts that are known\n");
  session.terminal.Out(text);
  return session.terminal.out_error() ? refuse(*session.terminal.out_error()) : kExitOk;
}

}  // namespace weir::cli
