#include "weir/async/child.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <expected>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/async/completion.h"
#include "weir/async/guard.h"
#include "weir/base/fd.h"
#include "weir/base/no_pipe_signal.h"
#include "weir/base/text.h"

namespace weir::async {
namespace {

using Descriptor = boost::asio::posix::stream_descriptor;

constexpr int kLeaveMillis = 2'000;  // for a killed process to be gone
constexpr std::size_t kReadBytes = 64 * 1024;

// What the new process needs between fork and exec, where nothing may be allocated.
struct Plan {
  const char* path;
  char* const* argv;
  char* const* env;
  const char* directory;  // null: ours
  bool own_session;
  bool dies_with_us;
  pid_t starter;
  int input;
  int output;
  int error;
  int announce;
  int failure;  // errno goes there when the program does not start
};

[[noreturn]] void Become(const Plan& plan) {
  const auto give_up = [&] {
    const int reason = errno;
    (void)!::write(plan.failure, &reason, sizeof reason);  // the end of the pipe tells it, too
    ::_exit(127);
  };
  if (plan.dies_with_us) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan.starter) ::_exit(127);  // it is gone already
  }
  if (plan.own_session ? ::setsid() < 0 : ::setpgid(0, 0) != 0) give_up();
  if (plan.announce >= 0) {
    const pid_t pid = ::getpid();
    if (::write(plan.announce, &pid, sizeof pid) != sizeof pid) give_up();
  }
  // Copies above the three come first, or one would be overwritten before it is used.
  const int input = ::fcntl(plan.input, F_DUPFD_CLOEXEC, 3);
  const int output = ::fcntl(plan.output, F_DUPFD_CLOEXEC, 3);
  const int error = ::fcntl(plan.error, F_DUPFD_CLOEXEC, 3);
  if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(error, 2) < 0) give_up();
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (plan.directory != nullptr && ::chdir(plan.directory) != 0) give_up();
  struct sigaction plain{};
  plain.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &plain, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.path, plan.argv, plan.env);
  give_up();
  ::_exit(127);
}

struct Spawned {
  pid_t pid;
  Fd process;  // can be read when it has ended
};

struct SpawnFailure {
  std::string_view what;
  int reason;  // errno
};

// Forks, and waits until the program has taken over. `failure` is where the plan tells that it
// could not.
std::expected<Spawned, SpawnFailure> Spawn(const Plan& plan, Pipe failure) {
  // A signal that arrives before exec would run a handler of this process in the new one.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  const int fork_error = errno;
  if (pid == 0) Become(plan);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return std::unexpected(SpawnFailure{"no more processes can be started", fork_error});

  failure.write.Close();
  int reason = 0;
  ssize_t got = 0;
  do {
    got = ::read(failure.read.get(), &reason, sizeof reason);
  } while (got < 0 && errno == EINTR);
  // Not pidfd_open(): its header in this libc is not for C++.
  Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (got <= 0 && process.open()) return Spawned{.pid = pid, .process = std::move(process)};
  if (got <= 0) reason = errno;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return std::unexpected(SpawnFailure{
      reason == ENOENT ? "it is not there, or what it is run by is not" : "it cannot be run",
      reason});
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

bool IsExecutable(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0 && ::access(StrCat(path, "/.").c_str(), F_OK) != 0;
}

}  // namespace

struct Child::Pipes {
  explicit Pipes(Loop& loop) : input(loop.io()), output(loop.io()), process(loop.io()) {}

  Descriptor input;
  Descriptor output;
  Descriptor process;
};

std::string Describe(const ChildExit& exit) {
  if (exit.signal == 0) return StrCat("ended with status ", exit.status);
  const char* const name = ::sigdescr_np(exit.signal);
  return StrCat("was killed by signal ", exit.signal, " (", name != nullptr ? name : "unknown",
                ")");
}

std::optional<std::string> FindProgram(const std::string& name, const Env& env) {
  if (name.empty()) return std::nullopt;
  if (name.contains('/')) return name;
  const std::string path = env.Get("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  for (const std::string_view folder : Split(path, ':')) {
    std::string candidate = StrCat(folder.empty() ? "." : folder, "/", name);
    if (IsExecutable(candidate)) return candidate;
  }
  return std::nullopt;
}

Child::Child(Loop& loop, std::string name, pid_t pid)
    : name_(std::move(name)), pid_(pid), pipes_(std::make_unique<Pipes>(loop)) {}

Result<std::unique_ptr<Child>> Child::Start(Loop& loop, ChildOptions options) {
  if (options.argv.empty()) return Fail(Code::kConfigError, "there is no program to start");
  const std::string name = options.argv.front();
  const auto failed = [&](std::string_view what, int reason) {
    return Fail(Code::kIoError, StrCat("cannot start '", name, "': ", what), std::strerror(reason));
  };
  const std::optional<std::string> path = FindProgram(name, options.env);
  if (!path) {
    return Fail(Code::kConfigError, StrCat("there is no program '", name,
                                           "' on PATH; install it, or write where it is"));
  }
  std::vector<std::string> variables;
  variables.reserve(options.env.variables.size());
  for (const auto& [key, value] : options.env.variables) {
    variables.push_back(StrCat(key, "=", value));
  }
  const std::vector<char*> argv = Pointers(options.argv);
  const std::vector<char*> env = Pointers(variables);

  const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  std::optional<Pipe> failure = OpenPipe();
  std::optional<Pipe> input = options.pipe_input ? OpenPipe() : Pipe{};
  std::optional<Pipe> output = options.pipe_output ? OpenPipe() : Pipe{};
  if (!nothing.open() || !failure || !input || !output) {
    return failed("no more files can be opened", errno);
  }
  const auto or_nothing = [&](int fd) { return fd >= 0 ? fd : nothing.get(); };
  const Plan plan{
      .path = path->c_str(),
      .argv = argv.data(),
      .env = env.data(),
      .directory = options.directory.empty() ? nullptr : options.directory.c_str(),
      .own_session = options.own_session,
      .dies_with_us = options.dies_with_us,
      .starter = ::getpid(),
      .input = or_nothing(input->read.get()),
      .output = or_nothing(options.pipe_output ? output->write.get() : options.output_fd),
      .error = or_nothing(options.error_fd),
      .announce = options.announce_fd,
      .failure = failure->write.get()};
  std::expected<Spawned, SpawnFailure> spawned = Spawn(plan, *std::move(failure));
  if (!spawned) return failed(spawned.error().what, spawned.error().reason);
  // Not make_unique: the constructor is private.
  std::unique_ptr<Child> child(new Child(loop, name, spawned->pid));
  Pipes& pipes = *child->pipes_;
  boost::system::error_code ignored;  // a descriptor that is not assigned fails at its first use
  pipes.process.assign(spawned->process.release(), ignored);
  if (options.pipe_input) {
    ::fcntl(input->write.get(), F_SETFL, O_NONBLOCK);
    pipes.input.assign(input->write.release(), ignored);
  }
  if (options.pipe_output) {
    ::fcntl(output->read.get(), F_SETFL, O_NONBLOCK);
    pipes.output.assign(output->read.release(), ignored);
  }
  return child;
}

Child::~Child() {
  if (!left_) Signal(SIGKILL);
  // One that hangs in the kernel is left to whoever inherits it.
  pollfd gone{.fd = pipes_->process.native_handle(), .events = POLLIN, .revents = 0};
  if (::poll(&gone, 1, left_ ? 0 : kLeaveMillis) > 0) ::waitpid(pid_, nullptr, 0);
}

void Child::Signal(int number) { ::kill(-pid_, number); }

void Child::CloseInput() {
  boost::system::error_code ignored;  // it is closed either way
  pipes_->input.close(ignored);
}

// Waits until a descriptor can be used.
Task<Result<void>> Child::Ready(Context ctx, int which) {
  if (ctx.cancelled()) co_return Fail(CancelledError());
  Descriptor& descriptor = which == 0   ? pipes_->input
                           : which == 1 ? pipes_->output
                                        : pipes_->process;
  const auto direction = which == 0 ? Descriptor::wait_write : Descriptor::wait_read;
  const Guard guard(ctx, ctx.deadline, [&] {
    boost::system::error_code ignored;  // there is nothing to cancel any more
    descriptor.cancel(ignored);
  });
  const auto [error] = co_await descriptor.async_wait(direction, kAwait);
  WEIR_CO_CHECK(guard.Check());
  if (error) {
    co_return Fail(Code::kIoError, StrCat("'", name_, "' cannot be reached"), error.message());
  }
  co_return Result<void>();
}

Task<Result<void>> Child::Write(Context ctx, std::string_view text) {
  while (!text.empty()) {
    ssize_t written = 0;
    int reason = 0;
    {
      const NoPipeSignal quiet;
      written = ::write(pipes_->input.native_handle(), text.data(), text.size());
      reason = errno;
    }
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (reason == EINTR) continue;
    if (reason != EAGAIN) {
      co_return Fail(Code::kIoError, StrCat("'", name_, "' does not read its input any more"),
                     std::strerror(reason));
    }
    Result<void> ready = co_await Ready(ctx, 0);
    if (!ready) co_return ready;
  }
  co_return Result<void>();
}

Task<Result<std::optional<std::string>>> Child::ReadLine(Context ctx, std::size_t max_bytes) {
  std::size_t searched = taken_;
  for (;;) {
    const std::size_t end = std::min(unread_.find('\n', searched), unread_.size());
    const std::size_t size = end - taken_;
    if (size > max_bytes) {
      co_return Fail(Code::kIoError,
                     StrCat("'", name_, "' wrote a line of more than ", max_bytes, " bytes"));
    }
    if (end < unread_.size() || (output_ended_ && size > 0)) {
      std::optional<std::string> line = unread_.substr(taken_, size);
      taken_ = std::min(end + 1, unread_.size());
      co_return line;
    }
    if (output_ended_) co_return std::nullopt;
    unread_.erase(0, std::exchange(taken_, 0));
    searched = unread_.size();
    const Result<void> read = co_await ReadMore(ctx);
    if (!read) co_return Fail(read.error());
  }
}

Task<Result<void>> Child::ReadMore(Context ctx) {
  for (;;) {
    const std::size_t size = unread_.size();
    unread_.resize(size + kReadBytes);
    const ssize_t got = ::read(pipes_->output.native_handle(), unread_.data() + size, kReadBytes);
    const int reason = errno;
    unread_.resize(size + (got > 0 ? static_cast<std::size_t>(got) : 0));
    output_ended_ = got == 0;
    if (got >= 0) co_return Result<void>();
    if (reason == EINTR) continue;
    if (reason != EAGAIN) {
      co_return Fail(Code::kIoError, StrCat("the output of '", name_, "' cannot be read"),
                     std::strerror(reason));
    }
    Result<void> ready = co_await Ready(ctx, 1);
    if (!ready) co_return ready;
  }
}

Task<Result<ChildExit>> Child::Wait(Context ctx) {
  while (!Ended()) {
    const Result<void> ready = co_await Ready(ctx, 2);
    if (!ready) co_return Fail(ready.error());
  }
  co_return *exit_;
}

// The process is not reaped before the destructor: its pid, and so the number of its group, stays
// taken, and a signal to the group reaches nobody else.
std::optional<ChildExit> Child::Ended() {
  siginfo_t info{};
  if (!exit_ && ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      info.si_pid == pid_) {
    const bool by_itself = info.si_code == CLD_EXITED;
    exit_ = ChildExit{.status = by_itself ? info.si_status : 0,
                      .signal = by_itself ? 0 : info.si_status};
  }
  return exit_;
}

}  // namespace weir::async
