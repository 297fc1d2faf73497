#pragma once

// What a person or a program sees of a batch at a provider.

#include <optional>
#include <string>
#include <vector>

#include "weir/cli/live_lines.h"
#include "weir/cli/terminal.h"
#include "weir/jobs/batch_job.h"
#include "weir/wire/batches.h"

namespace weir::cli {

// "batch_1  in_progress  120 of 200 answered, 3 failed".
std::string BatchLine(const wire::BatchObject& batch);

// What was collected, as one JSON object and as a sentence.
std::string CollectedJson(const jobs::BatchJob::Collected& collected, const std::string& out,
                          const std::string& batch_id);
std::string CollectedText(const jobs::BatchJob::Collected& collected, const std::string& out);

// Follows one batch on stderr: a line that is drawn again where stderr is a terminal, elsewhere one
// for each new state and for each tenth of the requests.
class BatchProgress {
 public:
  enum class Kind : std::uint8_t { kLive, kLines, kNone };

  // `terminal` must outlive it.
  BatchProgress(const Terminal& terminal, Kind kind) : terminal_(terminal), kind_(kind) {}
  ~BatchProgress() { End(); }
  BatchProgress(const BatchProgress&) = delete;
  BatchProgress& operator=(const BatchProgress&) = delete;

  void Show(const wire::BatchObject& batch);
  void End();

 private:
  const Terminal& terminal_;
  const Kind kind_;
  LiveLines lines_;
  bool drawn_ = false;
  std::string status_;
  std::int64_t tenth_ = 0;
};

}  // namespace weir::cli
