#pragma once

// ErrorPipe: what a program writes to its standard error, of which the end is kept for messages.

#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir::agent::mcp {

class ErrorPipe {
 public:
  static constexpr std::size_t kKeptBytes = 4096;

  ErrorPipe() = default;
  ~ErrorPipe();
  ErrorPipe(const ErrorPipe&) = delete;
  ErrorPipe& operator=(const ErrorPipe&) = delete;

  // Makes the pipe. Fails with kIoError.
  Result<void> Open();
  // What the program gets; -1 when it has it.
  int write_end() const { return write_; }
  void CloseWriteEnd();

  // Takes what is in the pipe, and waits for nothing. To be called often enough that the pipe,
  // which is made as large as it may be, does not fill: a full one would stop the program.
  void Drain();

  std::string_view tail() const { return tail_; }

 private:
  int read_ = -1;
  int write_ = -1;
  std::string tail_;
};

}  // namespace weir::agent::mcp
