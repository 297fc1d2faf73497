#pragma once

// ProgramPool: the processes of an `exec:` node. Each takes one row at a time, as a line of JSON on
// its stdin, and answers with a line on its stdout; what it says on stderr goes to `error_fd`. A
// process that ends, answers with no JSON, or takes too long is killed, and another one starts for
// the next row.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/async/child.h"
#include "weir/async/context.h"
#include "weir/async/semaphore.h"
#include "weir/flow/flow.h"
#include "weir/json/value.h"

namespace weir::flow {

class ProgramPool {
 public:
  // `program` outlives it. `folder` is where it runs, and what a path with a slash counts from.
  ProgramPool(const Program& program, std::string folder, Env env, int error_fd);
  ~ProgramPool();  // kills what runs

  // Sends `line` (without its newline) and waits for the answer. Fails with kTimeout, kInvalidJson,
  // kConfigError (there is no such program) or kIoError (it ended; with its exit code).
  async::Task<Result<json::Value>> Ask(async::Context ctx, std::string line);

 private:
  // Gives the line that the process wrote; whatever fails, the process is of no more use.
  static async::Task<Result<std::string>> Exchange(async::Context ctx, async::Child& child,
                                                   std::string_view line);
  Result<std::unique_ptr<async::Child>> Start(async::Loop& loop) const;

  const Program& program_;
  const std::string folder_;
  const Env env_;
  const int error_fd_;
  async::Semaphore free_;
  std::vector<std::unique_ptr<async::Child>> idle_;
};

}  // namespace weir::flow
