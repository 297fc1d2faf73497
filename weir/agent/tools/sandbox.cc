#include "weir/agent/tools/sandbox.h"

#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "weir/agent/tools/program_tool.h"
#include "weir/async/child.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

constexpr std::string_view kProgram = "bwrap";

// Where files of people lie, sockets of services, and what others keep for a while.
std::vector<std::string> HiddenFolders(const Env& env) {
  std::vector<std::string> hidden = {"/tmp", "/var/tmp", "/run", "/home", "/root"};
  const std::string home = env.Get("HOME").value_or("");
  if (home.starts_with('/') && home.size() > 1) hidden.push_back(home);
  std::erase_if(hidden,
                [](const std::string& folder) { return ::access(folder.c_str(), F_OK) != 0; });
  return hidden;
}

bool IsBelow(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && path.substr(folder.size()).starts_with('/');
}

}  // namespace

Result<std::vector<std::string>> SandboxCommand(const std::string& root, const std::string& program,
                                                const Env& env) {
  const std::optional<std::string> bwrap = async::FindProgram(std::string(kProgram), env);
  if (!bwrap) {
    return Fail(Code::kConfigError,
                "the sandbox needs bubblewrap, and there is no 'bwrap' on PATH; install it (apt "
                "install bubblewrap), or leave `sandbox` away");
  }
  std::vector<std::string> command = {*bwrap,
                                      "--unshare-all",
                                      "--die-with-parent",
                                      "--cap-drop",
                                      "ALL",
                                      "--ro-bind",
                                      "/",
                                      "/",
                                      "--dev",
                                      "/dev",
                                      "--proc",
                                      "/proc"};
  const auto add = [&](std::initializer_list<std::string> words) {
    command.insert(command.end(), words.begin(), words.end());
  };
  const std::vector<std::string> hidden = HiddenFolders(env);
  for (const std::string& folder : hidden) add({"--tmpfs", folder});
  // A program that lies in a hidden folder is shown with what lies beside it, but never with all
  // of that folder.
  std::string shown;
  bool whole_folder_hidden = false;
  for (const std::string& folder : hidden) {
    if (IsBelow(program, folder)) shown = std::filesystem::path(program).parent_path().string();
  }
  for (const std::string& folder : hidden) whole_folder_hidden |= shown == folder;
  if (whole_folder_hidden) shown = program;
  if (!shown.empty()) add({"--ro-bind", shown, shown});
  if (!root.empty()) add({"--bind", root, root, "--chdir", root});
  command.emplace_back("--");
  return command;
}

Result<void> CheckSandbox(const Env& env) {
  async::Loop loop;
  Surroundings around;
  around.env = env;
  around.sandbox = true;
  ProgramRun run;
  run.argv = {"true"};
  run.timeout = std::chrono::seconds(10);
  const Result<ProgramResult> result =
      loop.Run(RunProgram(async::Context(loop), std::move(run), around));
  if (!result) return Fail(result.error());
  if (result->status == 0 && result->signal == 0) return {};
  return Fail(Code::kConfigError,
              StrCat("bubblewrap is installed but cannot make a sandbox here: ",
                     Truncate(Trim(result->errors), 300),
                     "; allow user namespaces (in a container they are often forbidden: sysctl "
                     "kernel.unprivileged_userns_clone, an AppArmor profile for bwrap, or the "
                     "container's seccomp profile), or leave `sandbox` away"));
}

}  // namespace weir::agent
