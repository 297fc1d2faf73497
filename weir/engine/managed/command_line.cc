#include "weir/engine/managed/command_line.h"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

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
  return {.begin = reinterpret_cast<char*>(begin), .size = end - begin};
}

void Retitle(const CommandLine& line, const char* title) {
  if (line.size == 0) return;
  std::memset(line.begin, 0, line.size);
  std::strncpy(line.begin, title, line.size - 1);
}

}  // namespace weir::engine
