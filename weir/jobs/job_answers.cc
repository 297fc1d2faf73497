#include "weir/jobs/job_answers.h"

#include <span>

namespace weir::jobs {

void JobAnswers::Begin(JobId id, BegunBefore before) {
  Job& job = jobs_[id];
  job.asked_before = before.asked;
  for (flow::Finished& answer : before.answers) {
    const std::pair<std::string, std::size_t> place(answer.child, answer.node);
    job.answers.insert_or_assign(place, std::move(answer));
  }
  for (const std::string& attempt : before.attempts) job.metadata.AddRecord(attempt);
  job.attempts = std::move(before.attempts);
  job.journalled = job.attempts.size();
}

const flow::Finished* JobAnswers::Recorded(std::size_t /*pass*/, std::uint64_t row,
                                           std::string_view child, std::size_t node) const {
  const auto job = jobs_.find(static_cast<JobId>(row));
  if (job == jobs_.end()) return nullptr;
  const auto found = job->second.answers.find(std::pair(std::string(child), node));
  return found == job->second.answers.end() ? nullptr : &found->second;
}

Result<void> JobAnswers::Record(const flow::Finished& finished) {
  Job& job = jobs_.at(static_cast<JobId>(finished.row));
  const std::span<const std::string> fresh = std::span(job.attempts).subspan(job.journalled);
  WEIR_CHECK(journal_.Answered(finished, fresh));
  job.journalled = job.attempts.size();
  // What failed is asked again when the job is.
  if (std::holds_alternative<Error>(finished.outcome)) return {};
  job.answers.insert_or_assign(std::pair(finished.child, finished.node), finished);
  return {};
}

Result<void> JobAnswers::NoteCall(const flow::AskedOnce& told) {
  flow::AskedOnce asked = told;
  const std::string engine = options_.name_of ? options_.name_of(told.engine) : "";
  if (!engine.empty()) asked.engine = engine;
  Job& job = jobs_.at(static_cast<JobId>(asked.row));
  const int first = static_cast<int>(job.attempts.size()) + 1;
  for (std::string& record :
       AttemptRecords(asked, options_.provider_of, options_.variant, first, loop_.WallNanos())) {
    job.attempts.push_back(std::move(record));
  }
  job.metadata.Add(asked, options_.provider_of, options_.variant);
  if (options_.on_call) options_.on_call(asked);
  return {};
}

}  // namespace weir::jobs
