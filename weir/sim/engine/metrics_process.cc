#include <array>
#include <charconv>
#include <cstring>
#include <ctime>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/sim/engine/metrics.h"

namespace weir::sim {
namespace {

double SecondsOf(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::string ReadProc(const char* path) {
  std::array<char, 2048> buffer;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t size = ::read(fd, buffer.data(), buffer.size());
  ::close(fd);
  return size <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
}

double Number(const std::vector<std::string_view>& fields, std::size_t index) {
  if (index >= fields.size()) return 0;
  return static_cast<double>(ParseInt(fields[index]).value_or(0));
}

double OpenFiles() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  double count = -1;  // the folder itself
  while (const dirent* entry = ::readdir(folder)) {
    if (entry->d_name[0] != '.') ++count;
  }
  ::closedir(folder);
  return count;
}

}  // namespace

Metrics::Process ProcessNow() {
  Metrics::Process process;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    process.cpu_seconds = SecondsOf(usage.ru_utime) + SecondsOf(usage.ru_stime);
  }
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    process.max_fds = static_cast<double>(files.rlim_cur);
  }
  process.open_fds = OpenFiles();

  // The name of the program, in parentheses, may hold spaces: count from behind it.
  const std::string stat = ReadProc("/proc/self/stat");
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string::npos) return process;
  const auto fields = Split(std::string_view(stat).substr(name_end + 2), ' ');
  process.virtual_bytes = Number(fields, 20);
  process.resident_bytes = Number(fields, 21) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  timespec now{};
  timespec since_boot{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  process.start_seconds =
      static_cast<double>(now.tv_sec - since_boot.tv_sec) + Number(fields, 19) / ticks;
  return process;
}

}  // namespace weir::sim
