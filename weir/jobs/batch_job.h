#pragma once

// BatchJob: one output file's way through a provider: sent, watched, collected. Every step notes in
// the state how far it came; whoever opens the job again goes on from there.

#include <functional>
#include <optional>
#include <string>

#include "weir/jobs/batch_api.h"
#include "weir/jobs/batch_file.h"
#include "weir/jobs/batch_state.h"

namespace weir::jobs {

struct BatchJobOptions {
  Duration first_wait = std::chrono::seconds(2);  // between two looks at a batch
  Duration longest_wait = std::chrono::seconds(60);
  double growth = 1.5;
  // Before it is found out what became of a batch whose creation got no answer.
  Duration look_back = std::chrono::seconds(2);
  int creations = 5;      // tries
  int missed_looks = 20;  // in a row, until waiting is given up
};

class BatchJob {
 public:
  // `api` must outlive it.
  BatchJob(BatchApi& api, std::string out, BatchState state, BatchJobOptions options = {});

  // Uploads and creates what the last round still lacks. A batch that was asked for without an
  // answer is looked for before it is asked for again, so that there are never two.
  async::Task<Result<void>> Submit(async::Context ctx);

  // Who follows a wait; each may be empty.
  struct Watcher {
    std::function<void(const wire::BatchObject&)> seen;
    std::function<void(const Error&)> missed;  // a look that failed and will be tried again
  };
  // Looks until the batch has ended. A server that cannot be reached for a while ends nothing.
  async::Task<Result<wire::BatchObject>> Wait(async::Context ctx, Watcher watcher);

  // One look.
  async::Task<Result<wire::BatchObject>> Look(async::Context ctx);

  async::Task<Result<wire::BatchObject>> Cancel(async::Context ctx);

  // Fetches the results of a batch that has ended and writes the output. Fails with
  // kInvalidRequest, and says why, when the provider has refused the whole batch, which is
  // forgotten if it was not the first, and with kConfigError when the input is no more what was
  // sent.
  struct Collected {
    MergeCounts counts;
    std::string status;        // of the last batch
    std::uint64_t strays = 0;  // lines of results that were none
  };
  async::Task<Result<Collected>> Collect(async::Context ctx);

  // Forgets a last round that the provider has refused as a whole, unless it is the only one: it
  // has cost nothing, and what is missing may be sent anew. False: it is none.
  async::Task<Result<bool>> DropRefused(async::Context ctx);

  // Begins another round with what no server has answered; Submit() sends it. Fails with
  // kInvalidRequest when nothing is missing. Collect() must have gone before.
  Result<std::uint64_t> SendMissing(std::int64_t now_seconds);

  const BatchState& state() const { return state_; }

 private:
  async::Task<Result<void>> Order(async::Context ctx);
  async::Task<Result<bool>> FindOrdered(async::Context ctx);
  Result<void> Save() { return WriteBatchState(out_, state_); }
  Result<void> Adopt(const wire::BatchObject& batch);
  std::string PartPath(std::size_t round, std::string_view kind) const;
  Result<BatchResults> Results() const;
  Result<void> CheckInput() const;
  Result<void> DropLast();

  BatchApi& api_;
  const std::string out_;
  BatchState state_;
  const BatchJobOptions options_;
};

// A round that was not begun yet, with a key of its own.
BatchRound NewRound(std::string input, std::uint64_t requests, std::int64_t now_seconds);

// Why a batch has failed, a line for each reason.
Error BatchFailure(const wire::BatchObject& batch, const std::string& input);

}  // namespace weir::jobs
