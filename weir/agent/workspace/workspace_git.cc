#include "weir/agent/workspace/workspace_git.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/async/child.h"
#include "weir/base/fd.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

// Variables that name another repository than the one of the folder, as a hook of git has them.
constexpr std::array kOfAnother = {
    "GIT_DIR",       "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE", "GIT_PREFIX",    "GIT_COMMON_DIR", "GIT_ALTERNATE_OBJECT_DIRECTORIES"};

// A file in memory: whatever is written to it, nobody has to wait for a reader.
Fd MemoryFile(std::string_view text) {
  Fd fd(::memfd_create("git", MFD_CLOEXEC));
  while (fd.open() && !text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written <= 0) return {};
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fd.open()) ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

std::string ContentOf(const Fd& fd) {
  if (!fd.open()) return {};
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  std::string text(static_cast<std::size_t>(std::max<off_t>(size, 0)), '\0');
  const ssize_t got = ::pread(fd.get(), text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

int WaitFor(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::vector<std::string> SplitZeros(std::string_view text) {
  std::vector<std::string> parts;
  for (const std::string_view part : Split(text, '\0')) {
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

}  // namespace

Git::Git(std::string folder, const Env& env)
    : folder_(std::move(folder)), env_(env), program_(async::FindProgram("git", env).value_or("")) {
  for (const char* name : kOfAnother) env_.variables.erase(name);
  env_.variables["LC_ALL"] = "C";
  env_.variables["GIT_TERMINAL_PROMPT"] = "0";
  env_.variables["GIT_OPTIONAL_LOCKS"] = "0";
}

Git::Output Git::Run(std::vector<std::string> arguments, const std::string& input) const {
  Output output;
  if (program_.empty()) {
    output.err = "there is no git on the PATH";
    return output;
  }
  arguments.insert(arguments.begin(), {program_, "-C", folder_});
  std::vector<std::string> variables;
  variables.reserve(env_.variables.size());
  for (const auto& [name, value] : env_.variables) variables.push_back(StrCat(name, "=", value));
  const Fd in = MemoryFile(input);
  const Fd out = MemoryFile({});
  const Fd err = MemoryFile({});
  if (!in.open() || !out.open() || !err.open()) {
    output.err = "there is no memory for what git reads and writes";
    return output;
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.get(), STDERR_FILENO);
  pid_t pid = 0;
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(variables);
  const int error =
      ::posix_spawn(&pid, program_.c_str(), &actions, nullptr, argv.data(), envp.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    output.err = std::strerror(error);
    return output;
  }
  output.status = WaitFor(pid);
  output.out = ContentOf(out);
  output.err = ContentOf(err);
  return output;
}

Result<std::string> Git::RunWell(std::vector<std::string> arguments) const {
  const std::string what = Join(arguments, " ");
  Output output = Run(std::move(arguments));
  if (output.status == 0) return std::move(output.out);
  return Fail(Code::kConfigError, StrCat("git ", what, " failed in ", folder_),
              std::string(Trim(output.err)));
}

bool Git::IsRepository() const {
  return Trim(Run({"rev-parse", "--is-inside-work-tree"}).out) == "true";
}

Result<std::string> Git::Prefix() const {
  WEIR_TRY(std::string prefix, RunWell({"rev-parse", "--show-prefix"}));
  while (prefix.ends_with('\n') || prefix.ends_with('/')) prefix.pop_back();
  return prefix;
}

Result<std::vector<std::string>> Git::Files() const {
  WEIR_TRY(const std::string list, RunWell({"ls-files", "-z", "-co", "--exclude-standard"}));
  return SplitZeros(list);
}

std::vector<std::string> Git::Ignored(const std::vector<std::string>& paths) const {
  if (paths.empty()) return {};
  std::string input;
  for (const std::string& path : paths) StrAppend(input, path, '\0');
  // Where git cannot tell, nothing is taken for ignored.
  return SplitZeros(Run({"check-ignore", "-z", "--stdin"}, input).out);
}

Result<void> Git::AddWorktree(const std::string& path) const {
  WEIR_CHECK(RunWell({"worktree", "add", "--quiet", "--force", "--detach", path, "HEAD"}));
  return {};
}

Result<void> Git::RepairWorktree(const std::string& path) const {
  WEIR_CHECK(RunWell({"worktree", "repair", path}));
  return {};
}

void Git::RemoveWorktree(const std::string& path) const {
  (void)Run({"worktree", "remove", "--force", path});  // what git does not know need not go
}

}  // namespace weir::agent
