#include "weir/cli/approver.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include "weir/async/off_loop.h"
#include "weir/base/text.h"
#include "weir/cli/terminal.h"

namespace weir::cli {
namespace {

constexpr int kLookEveryMillis = 100;
constexpr std::size_t kMostShown = 2000;  // of the arguments

// A line of stdin, in lower case and without blanks; nothing at its end, or when `stop` was set.
std::optional<std::string> ReadLine(const std::atomic<bool>& stop) {
  std::string line;
  while (!stop) {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (::poll(&input, 1, kLookEveryMillis) <= 0) continue;
    char c = 0;
    if (::read(STDIN_FILENO, &c, 1) != 1) return std::nullopt;
    if (c == '\n') return ToLower(Trim(line));
    line += c;
  }
  return std::nullopt;
}

bool AsksFor(const agent::Agent& agent) {
  const auto asks = [](const auto& tool) { return tool.approval == agent::Approval::kAsk; };
  return agent.approval == agent::Approval::kAsk || std::ranges::any_of(agent.tools, asks) ||
         std::ranges::any_of(agent.servers, asks);
}

}  // namespace

bool WantsApproval(const flow::Graph& graph) {
  return std::ranges::any_of(graph.all(), [](const flow::GraphNode* node) {
    return node->step() != nullptr && node->step()->agent && AsksFor(*node->step()->agent);
  });
}

async::Task<Result<bool>> TerminalApprover::Ask(async::Context ctx, std::string agent_id,
                                                model::ToolCall call) {
  WEIR_CO_TRY(const async::Semaphore::Permit one, co_await asking_.Acquire(ctx));
  if (over_) co_return false;
  if (always_.contains(call.name)) co_return true;
  say_(StrCat(agent_id, " wants to call ", Harmless(call.name), " ",
              Harmless(Truncate(call.arguments, kMostShown)),
              "\n  [y]es, [n]o, [a]lways this tool?"));
  std::atomic<bool> stop = false;
  const async::Cancellation::Watch watch(ctx.cancellation, [&stop] { stop = true; });
  const auto read = [&stop] { return ReadLine(stop); };
  for (;;) {
    const std::optional<std::string> line = co_await async::OffLoop(ctx, read);
    if (ctx.cancelled()) co_return Fail(async::CancelledError());
    over_ = !line;
    if (over_ || *line == "n" || *line == "no") co_return false;
    if (*line == "a" || *line == "always") always_.insert(call.name);
    if (always_.contains(call.name) || *line == "y" || *line == "yes") co_return true;
    say_("  please type y, n or a");
  }
}

}  // namespace weir::cli
