#pragma once

// ErrorPipe: what a program writes to its standard error, of which the end is kept for messages.

#include <string>
#include <string_view>

#include "weir/base/fd.h"
#include "weir/base/result.h"

namespace weir::agent::mcp {

class ErrorPipe {
 public:
  static constexpr std::size_t kKeptBytes = 4096;

  // Makes the pipe. Fails with kIoError.
  Result<void> Open();
  // What the program gets; -1 when it has it.
  int write_end() const { return pipe_.write.get(); }
  void CloseWriteEnd() { pipe_.write.Close(); }

  // Takes what is in the pipe, and waits for nothing. To be called often enough that the pipe,
  // which is made as large as it may be, does not fill: a full one would stop the program.
  void Drain();

  std::string_view tail() const { return tail_; }

 private:
  Pipe pipe_;
  std::string tail_;
};

}  // namespace weir::agent::mcp
