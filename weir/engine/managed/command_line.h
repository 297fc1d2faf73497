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

// What a child does behind its fork, when it is to stay beside weir: it gets a session and a name
// of its own, and keeps two files, as 0 and 1. Nothing else of the parent's stays open: whoever
// waits for the end of its output must not wait for this process, and its locks must end with it.
// Neither allocates nor locks.
void StandAside(const CommandLine& line, const char* name, int first, int second);

}  // namespace weir::engine
