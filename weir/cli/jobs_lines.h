#pragma once

// What `weir jobs export` writes of a job, in each of its formats.

#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/jobs/queue.h"

namespace weir::cli {

// "ok", "failed", "cancelled"; a job that has not ended has the name of its state.
std::string_view StatusOf(const jobs::JobInfo& job);

// {"id", "job", "status", "result", "error": {"name", "message"}, "attempts", "metadata"} and a
// line break; what a job does not have is left out, and `attempts` too unless they are asked for.
void AppendJobLine(std::string& out, const jobs::JobInfo& job, bool attempts);

// A line of OpenAI's output file. Fails with kConfigError when the row was no request of a batch,
// or the result is no answer to one.
Result<void> AppendBatchLine(std::string& out, const jobs::JobInfo& job);

// The columns of a CSV file: id, status, error, and what the results have, "node.field" where a
// node gave an object.
class JobColumns {
 public:
  // Before the header. Fails with kConfigError when there are too many.
  Result<void> Learn(const jobs::JobInfo& job);

  std::string Header() const;
  // One record; several for a row that became several. Fields that were not learned are left out.
  void Append(std::string& out, const jobs::JobInfo& job) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace weir::cli
