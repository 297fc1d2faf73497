#include "weir/cli/run_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "weir/base/text.h"
#include "weir/cli/input.h"
#include "weir/cli/work.h"
#include "weir/flow/figures.h"
#include "weir/text/token_estimate.h"

namespace weir::cli {
namespace {

constexpr std::uint64_t kRowsLookedAt = 1000;  // further ones are taken to be alike
constexpr Duration kLookEvery = std::chrono::milliseconds(20);  // into a pipe that is silent
constexpr Duration kPatience = std::chrono::seconds(2);         // then it is said that it is
constexpr std::uint64_t kRowsBetweenTurns = 1024;               // of the loop, which hears Ctrl-C

struct NodePlan {
  std::uint64_t calls = 0;
  std::int64_t prompt_tokens = 0;
  std::optional<std::int64_t> max_tokens;
};

std::string ShownCall(const flow::PlannedCall& planned) {
  std::string text = StrCat("--- row ", planned.row_id, ", ", planned.node, " on ",
                            planned.engine.empty() ? "the default engine" : planned.engine, "\n");
  for (const model::Message& message : planned.call.messages) {
    StrAppend(text, "[", planned.embeds ? "to embed" : model::RoleName(message.role), "]\n",
              message.AllText(), "\n");
  }
  return text;
}

std::int64_t Scaled(std::int64_t count, std::uint64_t rows, std::uint64_t looked_at) {
  const double factor = static_cast<double>(rows) / static_cast<double>(looked_at);
  return static_cast<std::int64_t>(static_cast<double>(count) * factor);
}

class Planner {
 public:
  Planner(Session& session, const LoadedFlow& loaded, flow::RowSource& rows, flow::EngineHost& host,
          const flow::RunOptions& options)
      : session_(session), loaded_(loaded), rows_(rows), host_(host), options_(options) {
    FindPassed(loaded.graph.nodes(), false);
  }

  // Until there are no more rows. Fails with kCancelled.
  async::Task<Result<void>> Read(async::Context ctx) {
    for (;;) {
      WEIR_CO_CHECK(co_await Wait(ctx));
      std::optional<flow::Row> row;
      WEIR_CO_TRY(row, rows_.Next());
      if (!row) co_return Result<void>();
      WEIR_CO_CHECK(Take(*row));
      if (count_ % kRowsBetweenTurns != 0) continue;
      WEIR_CO_CHECK(co_await async::Sleep(ctx, Duration::zero()));
    }
  }

  // That of a run of which only bad rows fail.
  int exit_code() const {
    if (bad_ == 0) return kExitOk;
    return bad_ == count_ ? kExitFailed : kExitSomeFailed;
  }

  // What was read would be this.
  void Tell(bool all) {
    std::string text =
        StrCat("--- ", flow::Counted(count_, "row", "rows"), all ? "" : " so far",
               bad_ > 0 ? StrCat(", ", bad_, " of them bad") : "", "; nothing was sent\n");
    std::int64_t prompts = 0;
    for (const flow::GraphNode* node : loaded_.graph.all()) {
      if (node->step() != nullptr) prompts += TellNode(*node, text);
    }
    StrAppend(text, passed_.empty() ? "about " : "at most about ", prompts,
              " tokens of prompts that are known\n");
    session_.terminal.Out(text);
  }

 private:
  // Nodes that rows may pass by: cases of a switch, and what stands behind a filter.
  void FindPassed(const flow::Sequence& nodes, bool passed) {
    for (const flow::GraphNode& node : nodes) {
      if (passed && node.step() != nullptr) passed_.insert(node.node->id);
      for (const flow::Way& way : node.ways) {
        FindPassed(way.nodes, passed || node.as_switch() != nullptr);
      }
      const flow::Apply* const apply = node.apply();
      if (apply != nullptr && (!apply->where.empty() || apply->program)) passed = true;
    }
  }

  // As a run does: while nobody writes into the pipe that rows come from, Ctrl-C is heard.
  async::Task<Result<void>> Wait(async::Context ctx) {
    const TimePoint began = ctx.Now();
    bool told = false;
    while (rows_.WouldWait()) {
      if (!told && ctx.Now() - began >= kPatience) {
        session_.terminal.Note(
            "waiting for rows from stdin; Ctrl-C shows the plan of those so far");
        told = true;
      }
      WEIR_CO_CHECK(co_await async::Sleep(ctx, kLookEvery));
    }
    co_return Result<void>();
  }

  Result<void> Take(const flow::Row& row) {
    ++count_;
    if (const Result<void> good = flow::CheckRow(loaded_.graph, row); !good) {
      ++bad_;
      session_.terminal.Warn(StrCat("row ", row.id, ": ", good.error().message));
      return {};
    }
    if (looked_at_ == kRowsLookedAt) return {};
    WEIR_TRY(const std::vector<flow::PlannedCall> calls,
             flow::Plan(loaded_.graph, row, host_, options_));
    for (const flow::PlannedCall& planned : calls) {
      if (looked_at_ == 0) session_.terminal.Out(Harmless(ShownCall(planned)));
      NodePlan& plan = plans_[planned.node];
      ++plan.calls;
      plan.prompt_tokens += text::EstimateTokens(planned.call);
      plan.max_tokens = planned.call.sampling.max_tokens;
    }
    ++looked_at_;
    return {};
  }

  // The tokens of prompts that are known.
  std::int64_t TellNode(const flow::GraphNode& node, std::string& text) const {
    const std::uint64_t good = count_ - bad_;
    const auto plan = plans_.find(node.node->id);
    if (plan == plans_.end() || looked_at_ == 0) {
      StrAppend(text, node.node->id, ": up to ", CallsOf(node, good),
                ", whose prompts need the answers of other steps\n");
      return 0;
    }
    const auto calls = static_cast<std::int64_t>(plan->second.calls);
    const std::int64_t tokens = Scaled(plan->second.prompt_tokens, good, looked_at_);
    StrAppend(text, node.node->id, ": ", passed_.contains(node.node->id) ? "up to " : "",
              CallsOf(node, static_cast<std::uint64_t>(Scaled(calls, good, looked_at_))),
              ", about ", tokens, " tokens of prompts",
              node.step()->agent ? " at their begin" : "");
    if (plan->second.max_tokens) {
      StrAppend(text, ", answers of at most ", *plan->second.max_tokens, " each");
    }
    text += "\n";
    return tokens;
  }

  // An agent makes a call for each turn, and nobody knows beforehand how many it takes.
  static std::string CallsOf(const flow::GraphNode& node, std::uint64_t rows) {
    if (!node.step()->agent) return flow::Counted(rows, "call", "calls");
    const auto most = static_cast<std::uint64_t>(node.step()->agent->max_turns);
    return StrCat(flow::Counted(rows, "row", "rows"), " of an agent with 1 to ", most,
                  " turns each: at least ", flow::Counted(rows, "call", "calls"),
                  " and at most about ", flow::Grouped(rows * most));
  }

  Session& session_;
  const LoadedFlow& loaded_;
  flow::RowSource& rows_;
  flow::EngineHost& host_;
  const flow::RunOptions& options_;
  std::set<std::string> passed_;  // ids
  std::map<std::string, NodePlan> plans_;
  std::uint64_t count_ = 0;
  std::uint64_t bad_ = 0;
  std::uint64_t looked_at_ = 0;
};

}  // namespace

int ShowPlan(async::Loop& loop, Session& session, const LoadedFlow& loaded, flow::RowSource& rows,
             flow::EngineHost& host, const flow::RunOptions& options) {
  Planner planner(session, loaded, rows, host, options);
  Work work(loop, session.terminal);
  const Result<void> read = loop.Run(planner.Read(work.NewContext({})));
  if (!read && read.error().code != Code::kCancelled) {
    session.terminal.Problem(read.error());
    return ExitCode(read.error());
  }
  planner.Tell(read.has_value());
  return read ? planner.exit_code() : kExitCancelled;
}

}  // namespace weir::cli
