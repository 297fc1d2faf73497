#pragma once

// What `weir jobs status` shows of one job, and of those that failed.

#include <map>
#include <string>
#include <string_view>

#include "weir/jobs/queue.h"

namespace weir::cli {

struct ShowJobOptions {
  int width = 80;
  bool colour = false;
  bool unicode = false;
  std::string store;  // StoreChoice::flag, for commands to be copied
};

// `queue` is the name of its queue.
std::string JobText(const jobs::JobInfo& job, std::string_view queue,
                    const ShowJobOptions& options);
std::string JobJson(const jobs::JobInfo& job, std::string_view queue);

// Jobs that failed, by the name of their error.
class DeadLetters {
 public:
  void Add(const jobs::JobInfo& job);

  std::int64_t jobs() const { return jobs_; }
  // The most frequent one first, each with its first job and what to do.
  std::string Text(std::string_view queue, const ShowJobOptions& options) const;
  std::string Json(std::string_view queue) const;

 private:
  struct Group {
    std::string error;
    std::int64_t jobs = 0;
    jobs::JobId first = 0;
    std::string row_id;
    std::string message;
  };
  std::vector<Group> Sorted() const;

  std::map<std::string, Group, std::less<>> groups_;
  std::int64_t jobs_ = 0;
};

// What a person may do about jobs that failed so.
std::string_view AdviceFor(std::string_view error);

}  // namespace weir::cli
