#include "weir/agent/tools/session.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <ranges>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "weir/base/fd.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLooks = 50;  // a bomb can outrun a few

struct Belongs {
  pid_t group = 0;
  pid_t session = 0;
};

// "4711 (a name) S 1 4711 4711 ...": the fifth field is the group, the sixth the session.
std::optional<Belongs> WhereBelongs(pid_t process) {
  const Fd file(::open(StrCat("/proc/", process, "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  char bytes[512];
  const ssize_t got = ::read(file.get(), bytes, sizeof bytes);
  if (got <= 0) return std::nullopt;
  const std::string_view text(bytes, static_cast<std::size_t>(got));
  const std::vector<std::string_view> fields =
      Split(text.substr(std::min(text.rfind(')') + 1, text.size())), ' ');
  if (fields.size() < 5) return std::nullopt;
  return Belongs{.group = static_cast<pid_t>(ParseInt(fields[3]).value_or(0)),
                 .session = static_cast<pid_t>(ParseInt(fields[4]).value_or(0))};
}

// A pid may be another's by now: only what still belongs to the session gets the signal.
void Send(pid_t process, pid_t session, int signal) {
  const Fd held(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  const std::optional<Belongs> belongs = WhereBelongs(process);
  if (!held.open() || !belongs || belongs->session != session) return;
  (void)::syscall(SYS_pidfd_send_signal, held.get(), signal, nullptr, 0);
}

}  // namespace

// The signal goes to those in other groups than the leader's, the older ones first: a shell does
// not see its child stand still.
std::size_t Session::Look(int signal) {
  std::size_t count = 0;
  others_.clear();
  std::error_code error;
  for (fs::directory_iterator entries("/proc", error), end; !error && entries != end;
       entries.increment(error)) {
    const auto number = ParseInt(entries->path().filename().string());
    if (!number) continue;
    const auto process = static_cast<pid_t>(*number);
    const std::optional<Belongs> belongs = WhereBelongs(process);
    if (!belongs || belongs->session != leader_.pid()) continue;
    ++count;
    if (belongs->group == leader_.pid()) continue;
    others_.push_back(process);
    if (signal != 0) Send(process, leader_.pid(), signal);
  }
  std::ranges::sort(others_);
  return count;
}

// The kernel stops a group at once; of the others, each look may miss what they start meanwhile.
std::size_t Session::Stop() {
  leader_.Signal(SIGSTOP);
  others_.clear();
  std::size_t count = 0;
  bool found_more = true;
  for (int look = 0; found_more && look < kMostLooks; ++look) {
    const std::vector<pid_t> stopped = others_;
    count = Look(SIGSTOP);
    found_more = !std::ranges::includes(stopped, others_);
  }
  return count;
}

void Session::Continue() {
  for (const pid_t process : std::views::reverse(others_)) {
    Send(process, leader_.pid(), SIGCONT);
  }
  leader_.Signal(SIGCONT);
}

// All stand still first: whoever waits for its children would start others for those that die.
void Session::Kill() {
  Stop();
  for (const pid_t process : others_) Send(process, leader_.pid(), SIGKILL);
  leader_.Signal(SIGKILL);
}

}  // namespace weir::agent
