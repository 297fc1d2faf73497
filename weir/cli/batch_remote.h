#pragma once

// `weir batch submit`, `status`, `collect`, `cancel` and `list`: batches at a provider.

#include <optional>
#include <string>
#include <vector>

#include "weir/cli/call_flags.h"

namespace weir::cli {

struct BatchFlags {
  CommonFlags common;  // engine and output form
  std::string input;
  std::string out;
  std::string target;  // an id, or the file of answers
  std::string window = "24h";
  std::vector<std::string> metadata;  // KEY=VALUE
  bool wait = false;
  bool resubmit_missing = false;
  bool quiet = false;
  std::optional<double> poll;  // seconds
  std::optional<std::int64_t> limit;
};

// Each returns the exit code.
int SubmitBatch(Session& session, const BatchFlags& flags);
int ShowBatch(Session& session, const BatchFlags& flags);
int CollectBatch(Session& session, const BatchFlags& flags);
int CancelBatch(Session& session, const BatchFlags& flags);
int ListBatches(Session& session, const BatchFlags& flags);

}  // namespace weir::cli
