#pragma once

// What models answered, on the disk before the store knows of it: so that a call that was paid for
// is found again after a crash, by the same worker or by another one that sees the folder.
//
// Every worker appends to files of its own (NAME-0001.answers, a journal of weir/store), and reads
// everybody's. A record survives any death of the process; the disk is not waited for, so that a
// power cut may lose the last moments.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/flow/answers.h"
#include "weir/jobs/queue.h"
#include "weir/store/journal.h"

namespace weir::jobs {

struct AnswerJournalOptions {
  std::string folder;                     // is made
  std::string name;                       // of the worker; no two that are alive have the same
  std::uint64_t segment_bytes = 4 << 20;  // a new file begins behind this
  store::FileOps* ops = nullptr;          // null: SystemFileOps()
};

// What the journals know of one job that was begun before.
struct BegunBefore {
  std::vector<flow::Finished> answers;  // no failures: those are asked again
  std::vector<std::string> attempts;    // the records of the calls, JSON, in their order
  std::uint64_t asked = 0;              // calls that never had an answer
  int in_flight = 0;                    // of them those that are not Counted() yet
  std::vector<std::string> complaints;  // of files that cannot be read, once each
};

class AnswerJournal {
 public:
  // Fails with kIoError when the folder or the file cannot be made.
  static Result<std::unique_ptr<AnswerJournal>> Open(AnswerJournalOptions options);
  ~AnswerJournal();

  // An engine is about to be asked.
  Result<void> Asked(const flow::Finished& blank);
  // It answered, or failed. `attempts`: records of its calls.
  Result<void> Answered(const flow::Finished& finished, std::span<const std::string> attempts);
  // These jobs need nothing of this any more, in any journal.
  Result<void> Ended(std::span<const JobId> jobs);

  // `input` tells whether the answers are of the same row. Reads what changed in the folder.
  Result<BegunBefore> Look(JobId job, std::uint32_t input);

  // So many calls of a job that never had an answer are told of where it matters, or have cost
  // nothing: nobody counts them again.
  Result<void> Counted(JobId job, std::uint64_t asked);

  // Removes the files of workers that are gone, once none of their jobs is open. Returns how many.
  // One that cannot be read is left to whoever is told of it.
  Result<int> Tidy(const std::function<Result<bool>(JobId)>& is_open);

  const std::string& folder() const { return options_.folder; }
  const std::string& name() const { return options_.name; }

 private:
  struct Entry {
    std::uint8_t type;
    std::string payload;
  };
  struct Foreign {
    std::uint64_t bytes = 0;  // of the file when it was read
    bool damaged = false;     // or of a newer weir: what it holds is not known
    std::map<JobId, std::vector<Entry>> jobs;
  };

  explicit AnswerJournal(AnswerJournalOptions options) : options_(std::move(options)) {}
  Result<void> Append(std::uint8_t type, std::string_view payload);
  Result<void> NextSegment();
  void DropEnded();
  Result<void> ReadFolder();
  Result<void> ReadFile(const std::string& path, Foreign& into) const;
  std::string PathOf(int segment) const;
  std::optional<int> SegmentOf(std::string_view file) const;

  const AnswerJournalOptions options_;
  std::optional<store::Journal> journal_;
  int segment_ = 0;
  std::map<int, std::map<JobId, int>> open_;  // by segment: jobs that still need it
  std::map<std::string, Foreign> read_;       // by path
  std::vector<std::string> complaints_;
};

}  // namespace weir::jobs
