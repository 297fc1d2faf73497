#pragma once

// What `ps` shows of this process. Processes that stand beside weir and outlive it must not look
// like it: whoever ends weir by its command line would end them, too.

#include <cstddef>

namespace weir::engine {

// Where the command line lies in memory; empty where that cannot be found.
struct CommandLine {
  char* begin = nullptr;
  std::size_t size = 0;
};

CommandLine FindCommandLine();

// Puts a title in its place, cut to what fits. For a child behind its fork: neither allocates nor
// locks.
void Retitle(const CommandLine& line, const char* title);

}  // namespace weir::engine
