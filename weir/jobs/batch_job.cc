#include "weir/jobs/batch_job.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "weir/base/text.h"

namespace weir::jobs {
namespace {

using async::Context;
using async::Task;

constexpr int kKeyDigits = 32;
constexpr std::int64_t kClockSlack = 24 * 3600;  // by which a provider's clock may be behind ours

// What the provider is told of the file's name. It takes no other ending.
std::string UploadName(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return StrCat(name, name.ends_with(".jsonl") ? "" : ".jsonl");
}

// Whether the server has certainly not created anything.
bool IsRefusal(const Error& error) {
  const int status = error.http_status;
  if (status == 0) return error.code == Code::kInvalidRequest || error.code == Code::kConfigError;
  return status / 100 == 4 && !RetryableStatus(status);
}

// As a whole: nothing of it was answered.
bool WasRefused(const wire::BatchObject& batch) {
  return batch.status == "failed" && batch.output_file_id.empty() && batch.error_file_id.empty();
}

wire::BatchError MissingError(std::string_view status) {
  wire::BatchError error;
  error.code = StrCat("batch_", status);
  error.message = StrCat("The batch ended as '", status, "' without a result of this request.");
  return error;
}

}  // namespace

BatchRound NewRound(std::string input, std::uint64_t requests, std::int64_t now_seconds) {
  Random random = Random::FromSystem();
  BatchRound round;
  round.key = HexId(random, kKeyDigits);
  round.input = std::move(input);
  round.requests = requests;
  round.since = now_seconds;
  return round;
}

Error BatchFailure(const wire::BatchObject& batch, const std::string& input) {
  Error error{.code = Code::kInvalidRequest,
              .message = StrCat("the provider has refused the batch ", batch.id)};
  for (const wire::BatchError& reason : batch.errors) {
    StrAppend(error.message, "\n  ", input);
    if (reason.line) StrAppend(error.message, ":", *reason.line);
    StrAppend(error.message, ": ", reason.code, ": ", reason.message);
  }
  return error;
}

BatchJob::BatchJob(BatchApi& api, std::string out, BatchState state, BatchJobOptions options)
    : api_(api), out_(std::move(out)), state_(std::move(state)), options_(options) {}

Task<Result<void>> BatchJob::Submit(Context ctx) {
  BatchRound& round = state_.last();
  if (!round.batch_id.empty()) co_return Result<void>();
  WEIR_CO_CHECK(Save());
  if (round.file_id.empty()) {
    WEIR_CO_TRY(const wire::FileObject file,
                co_await api_.Upload(ctx, round.input, UploadName(round.input)));
    round.file_id = file.id;
    WEIR_CO_CHECK(Save());
  }
  co_return co_await Order(ctx);
}

// Asks for the batch until it is there, or certainly refused.
Task<Result<void>> BatchJob::Order(Context ctx) {
  BatchRound& round = state_.last();
  wire::BatchOrder order{.input_file_id = round.file_id,
                         .endpoint = state_.endpoint,
                         .completion_window = state_.completion_window,
                         .metadata = state_.metadata};
  order.metadata[kBatchKey] = round.key;
  Duration wait = options_.look_back;
  // Ordered by a process that is gone: the list may not know it yet.
  if (round.ordered) {
    WEIR_CO_CHECK(co_await async::Sleep(ctx, wait));
  }
  for (int tried = 1;; ++tried) {
    if (round.ordered) {
      WEIR_CO_TRY(const bool found, co_await FindOrdered(ctx));
      if (found) co_return Result<void>();
    }
    round.ordered = true;
    WEIR_CO_CHECK(Save());
    const Result<wire::BatchObject> created = co_await api_.Create(ctx, order);
    if (created) co_return Adopt(*created);
    if (IsRefusal(created.error())) {
      round.ordered = false;
      WEIR_CO_CHECK(Save());
      co_return Fail(created.error());
    }
    // It may be there all the same: only the answer is missing.
    if (tried >= options_.creations || ctx.cancelled()) co_return Fail(created.error());
    const Duration asked = created.error().retry_after.value_or(std::chrono::milliseconds(0));
    WEIR_CO_CHECK(co_await async::Sleep(ctx, std::max(wait, asked)));
    wait *= 2;
  }
}

Task<Result<bool>> BatchJob::FindOrdered(Context ctx) {
  const BatchRound& round = state_.last();
  const auto found = co_await api_.FindBatch(ctx, kBatchKey, round.key, round.since - kClockSlack);
  if (!found) {
    Error error = found.error();
    StrAppend(error.message,
              " (whether the batch was created is not known, and without a list of "
              "batches it is not asked for again: it would be paid twice)");
    co_return Fail(std::move(error));
  }
  if (!*found) co_return false;
  WEIR_CO_CHECK(Adopt(**found));
  co_return true;
}

Result<void> BatchJob::Adopt(const wire::BatchObject& batch) {
  state_.last().batch_id = batch.id;
  state_.last().status = batch.status;
  return Save();
}

Task<Result<wire::BatchObject>> BatchJob::Look(Context ctx) {
  WEIR_CO_TRY(const BatchApi::Look look, co_await api_.Get(ctx, state_.last().batch_id));
  if (look.batch.status != state_.last().status) {
    WEIR_CO_CHECK(Adopt(look.batch));
  }
  co_return look.batch;
}

Task<Result<wire::BatchObject>> BatchJob::Wait(Context ctx, Watcher watcher) {
  Duration wait = options_.first_wait;
  for (int missed = 0;;) {
    const Result<BatchApi::Look> look = co_await api_.Get(ctx, state_.last().batch_id);
    Duration asked = wait;
    if (look) {
      missed = 0;
      if (look->batch.status != state_.last().status) {
        WEIR_CO_CHECK(Adopt(look->batch));
      }
      if (watcher.seen) watcher.seen(look->batch);
      if (look->batch.ended()) co_return look->batch;
      asked = look->retry_after.value_or(wait);
    } else {
      const bool again = Retryable(look.error()) && !ctx.cancelled();
      if (!again || ++missed > options_.missed_looks) co_return Fail(look.error());
      if (watcher.missed) watcher.missed(look.error());
    }
    WEIR_CO_CHECK(co_await async::Sleep(ctx, std::max(wait, asked)));
    const auto longer = std::chrono::duration_cast<Duration>(wait * options_.growth);
    wait = std::min(longer, options_.longest_wait);
  }
}

Task<Result<wire::BatchObject>> BatchJob::Cancel(Context ctx) {
  WEIR_CO_TRY(const wire::BatchObject batch, co_await api_.Cancel(ctx, state_.last().batch_id));
  WEIR_CO_CHECK(Adopt(batch));
  co_return batch;
}

std::string BatchJob::PartPath(std::size_t round, std::string_view kind) const {
  return StrCat(BatchFolder(out_), "/", round + 1, ".", kind, ".jsonl");
}

Task<Result<BatchJob::Collected>> BatchJob::Collect(Context ctx) {
  std::error_code failed;
  std::filesystem::create_directories(BatchFolder(out_), failed);
  if (failed) {
    co_return Fail(Code::kIoError, StrCat("cannot make the folder ", BatchFolder(out_)),
                   failed.message());
  }
  BatchRound& round = state_.last();
  if (!round.fetched) {
    WEIR_CO_TRY(const wire::BatchObject batch, co_await Look(ctx));
    if (!batch.ended()) {
      co_return Fail(Code::kInvalidRequest,
                     StrCat("the batch ", batch.id, " has not ended: it is ", batch.status));
    }
    if (WasRefused(batch)) {
      Error refusal = BatchFailure(batch, round.input);
      if (state_.rounds.size() > 1) {
        WEIR_CO_CHECK(DropLast());
        StrAppend(refusal.message, "\nwhat was answered before stays in ", out_,
                  "; send the rest again with --resubmit-missing once that is over");
      }
      co_return Fail(std::move(refusal));
    }
    const std::size_t number = state_.rounds.size() - 1;
    if (!batch.output_file_id.empty()) {
      WEIR_CO_CHECK(co_await api_.Download(ctx, batch.output_file_id, PartPath(number, "output")));
    }
    if (!batch.error_file_id.empty()) {
      WEIR_CO_CHECK(co_await api_.Download(ctx, batch.error_file_id, PartPath(number, "errors")));
    }
    round.fetched = true;
    WEIR_CO_CHECK(Save());
  }
  WEIR_CO_CHECK(CheckInput());
  WEIR_CO_TRY(const BatchResults results, Results());
  Collected collected{.counts = {}, .status = round.status, .strays = results.strays()};
  const wire::BatchError missing = MissingError(round.status);
  WEIR_CO_TRY(collected.counts, MergeResults(state_.input, results, missing, out_));
  state_.collected = true;
  WEIR_CO_CHECK(Save());
  co_return collected;
}

// Answers are merged by the ids of the requests: of another file they would be lost, or another's.
Result<void> BatchJob::CheckInput() const {
  const Result<std::string> digest = DigestFile(state_.input);
  if (digest && *digest == state_.digest) return {};
  std::string message =
      digest ? StrCat(state_.input, " holds other requests now than those that were sent")
             : StrCat("cannot read ", state_.input, ", the requests that were sent");
  message += "; put it back as it was, or name it with -i where it is now";
  if (state_.rounds.size() == 1) {
    StrAppend(message, ", or have the provider's copy: weir batch collect ", state_.last().batch_id,
              " -o FILE", state_.engine.empty() ? "" : " -e ", state_.engine);
  }
  return Fail(Code::kConfigError, std::move(message), digest ? "" : digest.error().message);
}

// Of all rounds; one that has ended without results has no files.
Result<BatchResults> BatchJob::Results() const {
  BatchResults results;
  for (std::size_t i = 0; i < state_.rounds.size(); ++i) {
    for (const char* kind : {"errors", "output"}) {
      std::error_code ignored;
      const std::string path = PartPath(i, kind);
      if (!std::filesystem::exists(path, ignored)) continue;
      WEIR_CHECK(results.Add(path));
    }
  }
  return results;
}

Task<Result<bool>> BatchJob::DropRefused(Context ctx) {
  const BatchRound& round = state_.last();
  if (state_.rounds.size() < 2 || round.fetched || round.batch_id.empty()) co_return false;
  WEIR_CO_TRY(const wire::BatchObject batch, co_await Look(ctx));
  if (!WasRefused(batch)) co_return false;
  WEIR_CO_CHECK(DropLast());
  co_return true;
}

// There is another round only behind one whose results were collected.
Result<void> BatchJob::DropLast() {
  state_.rounds.pop_back();
  state_.collected = true;
  return Save();
}

Result<std::uint64_t> BatchJob::SendMissing(std::int64_t now_seconds) {
  if (!state_.collected) {
    return Fail(Code::kInvalidRequest,
                StrCat("the results of ", state_.last().batch_id, " were not collected yet"));
  }
  WEIR_TRY(const BatchResults results, Results());
  const std::string path = PartPath(state_.rounds.size(), "input");
  WEIR_TRY(const std::uint64_t missing, WriteUnanswered(state_.input, results, path));
  if (missing == 0) {
    return Fail(Code::kInvalidRequest, StrCat("nothing is missing in ", out_));
  }
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  state_.rounds.push_back(NewRound(failed ? path : absolute.string(), missing, now_seconds));
  state_.collected = false;
  WEIR_CHECK(Save());
  return missing;
}

}  // namespace weir::jobs
