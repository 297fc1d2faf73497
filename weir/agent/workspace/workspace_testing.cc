#include "weir/agent/workspace/workspace_testing.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::agent {

namespace fs = std::filesystem;

Files FilesIn(const fs::path& folder) {
  Files files;
  for (fs::recursive_directory_iterator at(folder), end; at != end; ++at) {
    if (at->path().filename() == ".git") {
      at.disable_recursion_pending();
      continue;
    }
    const std::string path = at->path().lexically_relative(folder).string();
    if (at->is_symlink()) {
      files[path] = "->" + fs::read_symlink(at->path()).string();
    } else if (at->is_regular_file()) {
      std::ifstream in(at->path(), std::ios::binary);
      const bool may_run = (at->status().permissions() & fs::perms::owner_exec) != fs::perms::none;
      files[path] = (may_run ? "#!" : "") + std::string(std::istreambuf_iterator<char>(in), {});
    }
  }
  return files;
}

void WriteFiles(const fs::path& folder, const Files& files) {
  for (const auto& [path, text] : files) {
    std::error_code not_there;
    fs::remove_all(folder / path, not_there);
    if (text.empty()) continue;
    fs::create_directories((folder / path).parent_path());
    if (text.starts_with("->")) {
      fs::create_symlink(text.substr(2), folder / path);
      continue;
    }
    const bool may_run = text.starts_with("#!");
    std::ofstream(folder / path, std::ios::binary) << (may_run ? text.substr(2) : text);
    if (may_run) {
      fs::permissions(folder / path, fs::perms::owner_exec, fs::perm_options::add);
    }
  }
}

RunForTest::RunForTest() {
  // Where there is one, a disk in memory: what waits for the disk is many times slower.
  const fs::path in_memory = "/dev/shm";
  const fs::path place = fs::is_directory(in_memory) ? in_memory : fs::temp_directory_path();
  std::string name = (place / "weir-workspace-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  folder_ = name;
  fs::create_directories(folder_ / "source");
  fs::create_directories(folder_ / "run");
  WriteFiles(folder_ / "run", {{"run.json", "{}"}});
}

RunForTest::~RunForTest() { fs::remove_all(folder_); }

WorkspaceStore::Options RunForTest::options() const {
  WorkspaceStore::Options options{.source = source(), .run_folder = run()};
  options.env.variables["PATH"] = "/usr/local/bin:/usr/bin:/bin";
  options.env.variables["HOME"] = folder_.string();
  options.env.variables["GIT_CONFIG_NOSYSTEM"] = "1";
  return options;
}

std::unique_ptr<WorkspaceStore> RunForTest::Open(WorkspaceStore::Options options) {
  Result<std::unique_ptr<WorkspaceStore>> store = WorkspaceStore::Open(std::move(options));
  EXPECT_TRUE(store) << store.error().message << store.error().cause;
  return store ? *std::move(store) : nullptr;
}

void RunForTest::Row(WorkspaceStore& store, std::string_view row, const Files& changes) const {
  const Result<std::string> folder = store.Make("lint", row, false);
  ASSERT_TRUE(folder) << folder.error().message << folder.error().cause;
  WriteFiles(*folder, changes);
  const auto finished = store.Finish("lint", row, {});
  ASSERT_TRUE(finished) << finished.error().message << finished.error().cause;
}

bool CanKillAt() {
  return KilledAt(0, [] {});
}

bool KilledAt(int call, const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
    ::raise(SIGSTOP);
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  // Two stops for each call, at its begin and at its end.
  for (int stops = 0; WIFSTOPPED(status); ++stops) {
    if (stops == 2 * call) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return true;
    }
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
  }
  return false;
}

}  // namespace weir::agent
