#include "weir/engine/managed/command_line.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "weir/base/text.h"

namespace weir::engine {
namespace {

// Of the fields behind the name in /proc/PID/stat (man 5 proc: arg_start is the 48th of all).
constexpr int kFieldsBefore = 45;

}  // namespace

CommandLine FindCommandLine() {
  std::ifstream file("/proc/self/stat");
  std::string stat;
  std::getline(file, stat);
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string field;
  for (int i = 0; i < kFieldsBefore; ++i) fields >> field;
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  fields >> begin >> end;
  if (!fields || begin == 0 || end <= begin) return {};
  return {.begin = std::bit_cast<char*>(begin), .size = end - begin};
}

void StandAside(const CommandLine& line, const char* name, int first, int second) {
  ::setsid();
  ::prctl(PR_SET_NAME, name);
  if (line.size > 0) {
    std::memset(line.begin, 0, line.size);
    std::strncpy(line.begin, name, line.size - 1);
  }
  const int own_first = ::fcntl(first, F_DUPFD, 3);
  const int own_second = ::fcntl(second, F_DUPFD, 3);
  ::dup2(own_first, 0);
  ::dup2(own_second, 1);
  ::close_range(2, std::numeric_limits<unsigned>::max(), 0);
  if (::chdir("/") != 0) ::_exit(1);
}

}  // namespace weir::engine
