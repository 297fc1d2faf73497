#pragma once

// The answers of jobs while they are worked on: what a walker asks for and tells, kept in the
// journal of answers and, as records and metadata, for the store.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/async/loop.h"
#include "weir/flow/answers.h"
#include "weir/jobs/answer_journal.h"
#include "weir/jobs/job_record.h"
#include "weir/jobs/queue.h"

namespace weir::jobs {

class JobAnswers final : public flow::Answers {
 public:
  struct Options {
    std::string folder;  // of agents
    ProviderOf provider_of;
    std::string variant;
    std::function<std::string(std::string_view asked)> name_of;  // an engine's own; may be empty
    // Every call that came back, also each turn of an agent; may be empty.
    std::function<void(const flow::AskedOnce& asked)> on_call;
  };

  // An agent that works on a row.
  struct Agent {
    int answers = 0;
    int attempt = 0;  // of its last answer; 0: there is none, or it failed since
  };
  // What was gathered of one job.
  struct Job {
    std::map<std::pair<std::string, std::size_t>, flow::Finished> answers;  // by child and node
    std::vector<std::string> attempts;                                      // records
    std::size_t journalled = 0;                                             // of them
    int tries = 0;                                                          // the highest of them
    std::map<std::pair<std::string, std::size_t>, Agent> agents;            // by child and node
    Metadata metadata;
    std::uint64_t asked_before = 0;  // calls without an answer of earlier claims
    std::optional<Error> put_off;    // another worker is still at it
  };

  // `loop` and `journal` outlive it.
  JobAnswers(const async::Loop& loop, AnswerJournal& journal, Options options)
      : loop_(loop), journal_(journal), options_(std::move(options)) {}

  // A job begins, with what is known of it.
  void Begin(JobId id, BegunBefore before);
  const Job& At(JobId id) const { return jobs_.at(id); }
  void Forget(JobId id) { jobs_.erase(id); }

  const flow::Finished* Recorded(std::size_t pass, std::uint64_t row, std::string_view child,
                                 std::size_t node) const override;
  Result<const flow::Past*> Before(std::size_t /*pass*/, std::uint64_t /*origin*/,
                                   std::string_view /*child*/, std::size_t /*node*/) override {
    return nullptr;
  }
  int rounds() const override { return 0; }
  Result<void> Asking(const flow::Finished& blank) override;
  Result<void> Record(const flow::Finished& finished) override;
  Result<void> NoteCall(const flow::AskedOnce& told) override;
  bool PutOff(const flow::Finished& blank, const Error& why) override;
  const std::string& path() const override { return options_.folder; }

 private:
  const async::Loop& loop_;
  AnswerJournal& journal_;
  const Options options_;
  std::map<JobId, Job> jobs_;
};

}  // namespace weir::jobs
