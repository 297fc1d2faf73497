#pragma once

// What the commands of `weir jobs` begin with: their store, and the queue that they are about.

#include <memory>
#include <string>
#include <vector>

#include "weir/cli/command.h"
#include "weir/cli/flow_files.h"
#include "weir/config/config.h"
#include "weir/jobs/queue.h"

namespace CLI {
class App;
}

namespace weir::cli {

struct JobsFlags {
  std::string store;  // --store
  std::string queue;  // --queue
  std::string output = "text";

  bool json() const { return output == "json"; }
};

// The flags are made anew for each command; `flags` outlives the parsing.
void AddStoreFlag(CLI::App& command, JobsFlags& flags);
void AddQueueFlag(CLI::App& command, JobsFlags& flags);
void AddOutputFlag(CLI::App& command, JobsFlags& flags);

// Tells the error, as JSON too where that is asked for, and returns the exit code.
int StopJobs(Session& session, const JobsFlags& flags, const Error& error);

// Which store is meant.
struct StoreChoice {
  std::string url;
  std::string flag;      // what makes another command find the same: " --store X"; empty: nothing
  bool guessed = false;  // nobody has named one
};

// --store, $WEIR_JOBS_STORE, `jobs.store` of the configuration or of `flow`'s (may be null), or
// sqlite:weir-jobs.db. Reads the configuration only when it has to.
Result<StoreChoice> ChooseStore(const std::string& asked, const config::Config* flow,
                                const Session& session);

enum class StoreUse : std::uint8_t {
  kLook,  // what is not there is a mistake, and an older schema is refused
  kMake,  // what is not there is made
};

struct OpenedStore {
  std::unique_ptr<jobs::JobStore> store;
  std::string flag;  // see StoreChoice
};

// Says on stderr which store it is when nobody has named one.
Result<OpenedStore> OpenJobs(const StoreChoice& choice, StoreUse use,
                             const jobs::StoreOptions& options, const Session& session);
// The two together, for commands that know of no flow.
Result<OpenedStore> OpenJobs(const JobsFlags& flags, StoreUse use, const Session& session);

// The queue of that name, or the only one. Fails with kConfigError and all names.
Result<jobs::QueueInfo> FindQueue(jobs::JobStore& store, const std::string& name);

// The job of that number. Fails with kConfigError.
Result<jobs::JobInfo> FindJob(jobs::JobStore& store, const std::string& id);

// The flow of a queue: a file, or the requests of a batch (kBatchFormat).
Result<LoadedFlow> LoadQueueFlow(const std::string& flow, const std::string& engine,
                                 const std::string& model, const Session& session);

// "1 job", "1,234 jobs"
std::string CountedJobs(std::int64_t count);

// How many jobs of a queue have not ended.
std::int64_t OpenJobsOf(const jobs::QueueInfo& queue);
std::int64_t CountOf(const jobs::QueueInfo& queue, jobs::JobState state);

// The state of that name. Fails with kConfigError and all names.
Result<jobs::JobState> ParseState(std::string_view name);
// Of "done,failed".
Result<std::vector<jobs::JobState>> ParseStates(const std::vector<std::string>& names);

}  // namespace weir::cli
