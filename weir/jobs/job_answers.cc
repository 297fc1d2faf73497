#include "weir/jobs/job_answers.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "weir/base/text.h"

namespace weir::jobs {
namespace {

// Rows of agents are called ROW@JOB by Shift::Walk(), their children ROW@JOB.2.0.
std::string ChildIn(std::string_view row_id, std::uint64_t job) {
  const std::string mark = StrCat("@", job);
  const std::size_t at = row_id.rfind(mark);
  const std::string_view rest = at == row_id.npos ? "" : row_id.substr(at + mark.size());
  return std::string(rest.starts_with('.') ? rest.substr(1) : rest);
}

}  // namespace

void JobAnswers::Begin(JobId id, BegunBefore before) {
  Job& job = jobs_[id];
  job.asked_before = before.asked;
  for (flow::Finished& answer : before.answers) {
    const std::pair<std::string, std::size_t> place(answer.child, answer.node);
    job.answers.insert_or_assign(place, std::move(answer));
  }
  for (const std::string& attempt : before.attempts) {
    job.metadata.AddRecord(attempt);
    job.tries = std::max(job.tries, AttemptIn(attempt));
  }
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

// Where an agent is asked, its work on the row begins anew.
Result<void> JobAnswers::Asking(const flow::Finished& blank) {
  jobs_.at(static_cast<JobId>(blank.row)).agents.erase(std::pair(blank.child, blank.node));
  return journal_.Asked(blank);
}

Result<void> JobAnswers::NoteCall(const flow::AskedOnce& told) {
  flow::AskedOnce asked = told;
  const std::string engine = options_.name_of ? options_.name_of(told.engine) : "";
  if (!engine.empty()) asked.engine = engine;
  Job& job = jobs_.at(static_cast<JobId>(asked.row));
  Agent* agent = nullptr;
  Numbers numbers{.first = job.tries + 1, .next = job.tries + 2};
  if (asked.call == nullptr) {
    agent = &job.agents[std::pair(ChildIn(asked.row_id, asked.row), asked.node->index)];
    numbers.turn = agent->answers + 1;
    if (agent->attempt > 0) numbers = {agent->attempt, job.tries + 1, numbers.turn};
  }
  std::vector<std::string> records =
      AttemptRecords(asked, options_.provider_of, options_.variant, numbers, loop_.WallNanos());
  const int last = numbers.Of(records.size() - 1);
  job.tries = std::max(job.tries, last);
  if (agent != nullptr) {
    const bool answered = asked.reply->has_value();
    agent->answers += answered ? 1 : 0;
    agent->attempt = answered ? last : 0;
  }
  std::ranges::move(records, std::back_inserter(job.attempts));
  job.metadata.Add(asked, options_.provider_of, options_.variant);
  if (options_.on_call) options_.on_call(asked);
  return {};
}

bool JobAnswers::PutOff(const flow::Finished& blank, const Error& why) {
  jobs_.at(static_cast<JobId>(blank.row)).put_off = why;
  return true;
}

}  // namespace weir::jobs
