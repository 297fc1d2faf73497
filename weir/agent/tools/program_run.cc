#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "weir/agent/tools/clip.h"
#include "weir/agent/tools/program_tool.h"
#include "weir/agent/tools/root.h"
#include "weir/agent/tools/sandbox.h"
#include "weir/agent/tools/session.h"
#include "weir/async/child.h"
#include "weir/async/output_pipe.h"
#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;

// The memory that one process may fill, and no dumps of it. Not the address space: runtimes such as
// that of node reserve far more of it than they use.
constexpr std::string_view kLimits =
    "ulimit -c 0 2>/dev/null; ulimit -d 4194304 2>/dev/null; exec \"$@\"";

// How often the processes of a program are counted. RLIMIT_NPROC would bound nothing for root, and
// counts processes of the same user that are not seen from here, such as those in other containers.
constexpr Duration kCountSoon = std::chrono::milliseconds(10);
constexpr int kSoonCounts = 100;
constexpr Duration kCountEvery = std::chrono::milliseconds(50);
constexpr Duration kLookEvery = std::chrono::seconds(10);

constexpr std::size_t kPipeBytes = 1 << 20;  // the most that a pipe holds
constexpr std::size_t kErrorBytes = 500;     // of what a program that took too long had said

// All threads of the system: the fourth word of /proc/loadavg is "running/all".
std::size_t ThreadsOfSystem() {
  std::ifstream file("/proc/loadavg");
  std::string word;
  for (int i = 0; i < 4; ++i) file >> word;
  const std::size_t slash = word.find('/');
  return slash == std::string::npos ? 0 : ParseUint(word.substr(slash + 1)).value_or(0);
}

// A program need not read what it is given.
async::Task<void> Feed(async::Context ctx, async::Child& child, std::string_view input) {
  (void)co_await child.Write(ctx, input);
  child.CloseInput();
}

async::Task<void> Collect(async::Context ctx, async::OutputPipe& pipe, Clip& clip) {
  for (;;) {
    const Result<std::string_view> bytes = co_await pipe.Read(ctx);
    if (!bytes || bytes->empty()) co_return;
    clip.Add(*bytes);
  }
}

// What is left when the program has ended. A process that got away may still write.
void CollectRest(async::OutputPipe& pipe, Clip& clip) {
  std::size_t taken = 0;
  while (taken < kPipeBytes) {
    const std::string_view bytes = pipe.ReadNow();
    if (bytes.empty()) return;
    clip.Add(bytes);
    taken += bytes.size();
  }
}

// Ends a program that has become too many. Counting the system's threads is cheap, so that is what
// is done most of the time; others may end while it grows, so now and then its own are counted.
// `before`: those threads before it was started.
async::Task<void> Count(async::Context ctx, Session& session, std::size_t before, std::size_t most,
                        bool& too_many) {
  std::size_t suspicious = before + most;
  TimePoint look = ctx.Now() + kLookEvery;
  for (int count = 1;; ++count) {
    const Duration pause = count <= kSoonCounts ? kCountSoon : kCountEvery;
    const Result<void> slept = co_await async::Sleep(ctx, pause);
    if (!slept) co_return;
    const std::size_t threads = ThreadsOfSystem();
    suspicious = std::min(suspicious, threads + most);  // where others have ended
    const bool suspect = threads > suspicious;
    if (!suspect && ctx.Now() < look) continue;
    // What it has started stands still meanwhile: a bomb would outrun the count, and leave this
    // thread no time for it.
    const std::size_t own = suspect ? session.Stop() : session.Count();
    if (own > most) {
      too_many = true;
      session.Kill();
      co_return;
    }
    if (suspect) session.Continue();
    // Not of what the system has now: what the program has started since is no other's.
    suspicious = threads + most - own;
    look = ctx.Now() + kLookEvery;
  }
}

// The absolute path of a program; a relative one counts from the folder where it will run.
Result<std::string> PathOf(const std::string& name, const std::string& folder, const Env& env) {
  const std::optional<std::string> found = async::FindProgram(name, env);
  if (!found) {
    return Fail(Code::kConfigError, StrCat("there is no program '", name,
                                           "' on PATH; install it, or write where it is"));
  }
  std::string path = (fs::path(folder) / *found).lexically_normal().string();
  std::error_code ignored;  // then it is none
  if (!fs::is_regular_file(path, ignored)) {
    return Fail(Code::kConfigError, StrCat("there is no program ", path));
  }
  if (::access(path.c_str(), X_OK) != 0) {
    return Fail(Code::kConfigError,
                StrCat(path, " may not be run; make it executable: chmod +x ", path));
  }
  return path;
}

Result<async::ChildOptions> OptionsOf(const ProgramRun& run, const Surroundings& around) {
  if (run.argv.empty()) return Fail(Code::kConfigError, "there is no program to run");
  const std::string root = around.root == nullptr ? "" : around.root->folder();
  async::ChildOptions options;
  options.directory = root.empty() ? "/" : root;
  options.env = around.env;
  WEIR_TRY(const std::string path, PathOf(run.argv.front(), options.directory, around.env));
  options.argv = {"/bin/sh", "-c", std::string(kLimits), "sh"};
  if (around.sandbox) {
    WEIR_TRY(const std::vector<std::string> before, SandboxCommand(root, path, around.env));
    options.argv.insert(options.argv.end(), before.begin(), before.end());
    options.env.variables["TMPDIR"] = "/tmp";
  }
  options.argv.push_back(path);
  options.argv.insert(options.argv.end(), run.argv.begin() + 1, run.argv.end());
  options.pipe_input = !run.input.empty();
  // Away from the terminal, which a program could ask, and whose Ctrl-C is ours to handle.
  options.own_session = true;
  options.dies_with_us = true;
  return options;
}

Error TooLong(const ProgramRun& run, std::string_view said) {
  Error error;
  error.code = Code::kTimeout;
  error.message =
      StrCat("'", run.argv.front(), "' took longer than ",
             FormatMillis(run.timeout / std::chrono::milliseconds(1)), " and was killed");
  said = Utf8Suffix(Trim(said), kErrorBytes);
  if (!said.empty()) StrAppend(error.message, "; the end of what it said: ", said);
  return error;
}

}  // namespace

async::Task<Result<ProgramResult>> RunProgram(async::Context ctx, ProgramRun run,
                                              const Surroundings& around) {
  WEIR_CO_TRY(async::ChildOptions options, OptionsOf(run, around));
  WEIR_CO_TRY(const auto output, async::OutputPipe::Open(*ctx.loop));
  WEIR_CO_TRY(const auto errors, async::OutputPipe::Open(*ctx.loop));
  options.output_fd = output->write_end();
  options.error_fd = errors->write_end();
  const std::size_t threads = ThreadsOfSystem();
  WEIR_CO_TRY(const auto child, async::Child::Start(*ctx.loop, std::move(options)));
  output->CloseWriteEnd();
  errors->CloseWriteEnd();

  const async::Context limited = run.timeout > Duration{} ? ctx.WithTimeout(run.timeout) : ctx;
  Clip kept_output(run.max_output);
  Clip kept_errors(run.max_output);
  bool too_many = false;
  Session session(*child);
  async::TaskScope scope(limited);
  if (!run.input.empty()) scope.Spawn(Feed(scope.context(), *child, run.input));
  scope.Spawn(Collect(scope.context(), *output, kept_output));
  scope.Spawn(Collect(scope.context(), *errors, kept_errors));
  scope.Spawn(Count(scope.context(), session, threads, run.max_processes, too_many));
  const Result<async::ChildExit> exit = co_await child->Wait(limited);
  // All of its session, also when it has ended by itself: nothing goes on behind its back.
  session.Kill();
  scope.Cancel();
  co_await scope.Join();
  CollectRest(*output, kept_output);
  CollectRest(*errors, kept_errors);

  ProgramResult result;
  result.cut = kept_output.cut() || kept_errors.cut();
  result.output = std::move(kept_output).Take();
  result.errors = std::move(kept_errors).Take();
  if (too_many) {
    co_return Fail(Code::kIoError,
                   StrCat("'", run.argv.front(), "' had more than ", run.max_processes,
                          " processes at once and was killed with all of them"));
  }
  if (!exit) {
    const bool ours = exit.error().code == Code::kTimeout && ctx.Now() < ctx.deadline;
    if (!ours) co_return Fail(exit.error());
    const std::string said = StrCat(result.output, "\n", result.errors);
    co_return Fail(TooLong(run, said));
  }
  result.status = exit->status;
  result.signal = exit->signal;
  co_return result;
}

}  // namespace weir::agent
