#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "weir/agent/tools/clip.h"
#include "weir/agent/tools/program_tool.h"
#include "weir/agent/tools/root.h"
#include "weir/agent/tools/sandbox.h"
#include "weir/async/child.h"
#include "weir/async/output_pipe.h"
#include "weir/async/scope.h"
#include "weir/base/text.h"

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
constexpr int kFirstLook = 10;  // counts
constexpr int kLookEvery = 20;

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

// "4711 (a name) S 1 4711 4711 ...": the sixth field is the session.
bool IsInSession(std::uint64_t process, pid_t session) {
  std::ifstream file(StrCat("/proc/", process, "/stat"));
  std::string text;
  std::getline(file, text);
  const std::vector<std::string_view> fields =
      Split(std::string_view(text).substr(std::min(text.rfind(')') + 1, text.size())), ' ');
  return fields.size() > 4 && ParseInt(fields[4]) == std::int64_t{session};
}

// Counts no further than `enough`, and begins with the newest processes: of a bomb, all are its
// own.
std::size_t ProcessesOfSession(pid_t session, std::size_t enough) {
  std::vector<std::uint64_t> processes;
  std::error_code error;
  for (fs::directory_iterator entries("/proc", error), end; !error && entries != end;
       entries.increment(error)) {
    const auto process = ParseUint(entries->path().filename().string());
    if (process) processes.push_back(*process);
  }
  std::ranges::sort(processes, std::greater());
  std::size_t count = 0;
  for (const std::uint64_t process : processes) {
    if (IsInSession(process, session) && ++count == enough) break;
  }
  return count;
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
// is done most of the time; others may have ended meanwhile, so now and then its own are counted.
// `before`: those threads before it was started.
async::Task<void> Count(async::Context ctx, async::Child& child, std::size_t before,
                        std::size_t most, bool& too_many) {
  std::size_t suspicious = before + most;
  int look = kFirstLook;
  for (int count = 1;; ++count) {
    const Duration pause = count <= kSoonCounts ? kCountSoon : kCountEvery;
    const Result<void> slept = co_await async::Sleep(ctx, pause);
    if (!slept) co_return;
    const bool suspect = ThreadsOfSystem() >= suspicious;
    if (!suspect && count < look) continue;
    if (count >= look) look += std::min(look, kLookEvery);
    // What it has started stands still meanwhile: a bomb would outrun the count, and leave this
    // thread no time for it.
    if (suspect) child.Signal(SIGSTOP);
    const std::size_t own = ProcessesOfSession(child.pid(), most + 1);
    if (own > most) {
      too_many = true;
      child.Signal(SIGKILL);
      co_return;
    }
    if (suspect) child.Signal(SIGCONT);
    suspicious = ThreadsOfSystem() + most - own;
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
  async::TaskScope scope(limited);
  if (!run.input.empty()) scope.Spawn(Feed(scope.context(), *child, run.input));
  scope.Spawn(Collect(scope.context(), *output, kept_output));
  scope.Spawn(Collect(scope.context(), *errors, kept_errors));
  scope.Spawn(Count(scope.context(), *child, threads, run.max_processes, too_many));
  const Result<async::ChildExit> exit = co_await child->Wait(limited);
  // All of its group, also when it has ended by itself: nothing goes on behind its back.
  child->Signal(SIGKILL);
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
