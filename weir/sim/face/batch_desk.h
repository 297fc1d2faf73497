#pragma once

// BatchDesk: the files and batches of one simulated server. A batch is worked on in the background,
// on a loop and a thread of the desk's own; its requests go through the same rooms as those of
// clients, a few at a time. Thread-safe, but for what is said to be of the loop.

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "weir/async/scope.h"
#include "weir/async/semaphore.h"
#include "weir/base/random.h"
#include "weir/sim/core.h"
#include "weir/sim/file_store.h"
#include "weir/wire/batches.h"

namespace weir::sim {

class BatchDesk {
 public:
  explicit BatchDesk(SimCore& core);
  // Gives up what still runs.
  ~BatchDesk();
  BatchDesk(const BatchDesk&) = delete;
  BatchDesk& operator=(const BatchDesk&) = delete;

  FileStore& files() { return files_; }
  const BatchOptions& options() const { return options_; }
  // "file-...", "batch_...": never given twice.
  std::string NewId(std::string_view prefix, int digits);

  // Begins a batch; nullopt when too many run. `now` is in seconds, as all times of objects.
  std::optional<wire::BatchObject> Open(const wire::BatchOrder& order, std::int64_t now);
  std::optional<wire::BatchObject> Get(std::string_view id) const;
  std::vector<wire::BatchObject> List() const;  // newest first
  // As it is afterwards: cancelling, or as it was when it cannot be cancelled any more.
  std::optional<wire::BatchObject> Cancel(std::string_view id, std::int64_t now);

 private:
  struct Job;
  struct Work;

  std::shared_ptr<Job> Find(std::string_view id) const;
  void Forget();
  void StartThread();

  // Of the loop.
  async::Task<void> Attend(async::Context ctx);
  async::Task<void> RunJob(async::Context ctx, std::shared_ptr<Job> job);
  async::Task<void> Pull(async::Context ctx, Work& work);
  async::Task<void> ServeRow(async::Context ctx, Work& work, std::size_t index);
  void KeepLine(Work& work, std::size_t index, wire::BatchResult result);
  bool ReadInput(Work& work);
  void Finalize(Work& work, bool in_time);
  bool KeepResults(Work& work, bool expired);
  void Move(Job& job, std::string_view status);
  void FailJob(Job& job, std::vector<wire::BatchError> errors);

  SimCore& core_;
  const BatchOptions options_;
  FileStore files_;
  async::Semaphore places_;

  mutable std::mutex mutex_;                // guards what follows, and the objects of all jobs
  std::vector<std::shared_ptr<Job>> jobs_;  // oldest first
  Random ids_;
  std::unique_ptr<async::Loop> loop_;  // null until the first batch
  std::unique_ptr<async::Cancellation> stop_;
  std::thread thread_;

  async::TaskScope* scope_ = nullptr;  // of the loop
};

}  // namespace weir::sim
