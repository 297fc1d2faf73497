#pragma once

// What both stores hold to: what they take, how often a queue lets jobs begin, how they count time.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/jobs/queue.h"

namespace weir::jobs {

inline constexpr std::string_view kQuarantined = "quarantined";  // the error of a poisoned job
// Of one method that changes what a selection finds, in one transaction: others work meanwhile.
inline constexpr int kJobsAtOnce = 10'000;
// Waiting jobs that one claim finds due; the rest is found by the next.
inline constexpr int kDueAtOnce = 10'000;

// Fail with kInvalidRequest for what no store takes: text that is not UTF-8 or has a NUL in it (the
// message says of which job), numbers out of their range, a job twice.
Result<void> CheckQueue(const QueueSpec& spec);
// Of one that is not there yet, also for a name that is a path or cannot be shown: folders of
// agents are called after it, and people type it. Queues of earlier versions stay.
Result<void> CheckNewQueue(const QueueSpec& spec);
Result<void> CheckJobs(std::span<const NewJob> jobs);
Result<void> CheckWorker(const WorkerSpec& spec);
Result<void> CheckEnded(std::span<const Ended> ended);
Result<void> CheckSelection(const Selection& selection);
Result<void> CheckVariant(const Variant& variant);

// What a queue allows to begin. Tokens: one for each beginning, made at the rate, all there at
// first; a clock that went back makes none.
struct Tokens {
  double left = 0;
  std::int64_t at_ms = 0;  // when that was so
};
struct QueueLimits {
  std::optional<int> concurrency;
  std::optional<double> rate;
  Tokens tokens;
};
struct Allowance {
  int most = 0;                         // jobs that may begin now
  std::optional<Tokens> tokens;         // of which each takes one; unset: no rate
  std::optional<std::int64_t> next_at;  // when the rate allows one more than now
};
Allowance MostNow(const QueueLimits& limits, int most, std::int64_t running, std::int64_t now_ms);

// How many attempts a claim was that ended so.
int TriesOf(const Ended& ended);
// What becomes of a running job that ended so.
JobState StateAfter(const Ended& ended, bool cancel_asked, bool last_attempt);

// Around the number of crashes: the message of a quarantined job.
inline constexpr std::string_view kQuarantineBefore = "the workers that died with this job: ";
inline constexpr std::string_view kQuarantineAfter =
    "; look into its row, then queue it again with `weir jobs retry`";

// What a selection takes from the states that it names: SQL such as " AND state IN (4,5)", or
// nothing when it names none.
std::string StatesSql(const std::vector<JobState>& states);
// The states of `selection` that are among `allowed`, of which all when it names none.
std::vector<JobState> Among(const Selection& selection, std::span<const JobState> allowed);

std::int64_t CeilMillis(Duration duration);  // rounded up
std::int64_t WallMillis();

// One JSON array of those in `arrays`, texts that CheckEnded() let pass; empty when nothing is in.
std::string JoinArrays(std::span<const std::string> arrays);

std::unexpected<Error> NoVariant(const Variant& variant, const std::string& where);
// The failure of a store that is newer, or older and not to be changed.
std::unexpected<Error> WrongVersion(const std::string& where, int version, int known);

}  // namespace weir::jobs
