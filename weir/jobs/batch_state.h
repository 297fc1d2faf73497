#pragma once

// What is known of a batch that was sent: OUT.batch.json beside the output, written before each
// step that cannot be taken back, so that whoever comes after a kill goes on and sends nothing
// twice.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/result.h"

namespace weir::jobs {

// The name under which our key stands in the metadata of a batch.
inline constexpr const char* kBatchKey = "weir_key";

// One batch at the provider. There are several when missing requests were sent again.
struct BatchRound {
  std::string key;    // in the metadata of the batch
  std::string input;  // the file that was sent
  std::uint64_t requests = 0;
  std::int64_t since = 0;  // when it was begun, in seconds since 1970
  std::string file_id;     // empty: not uploaded yet
  bool ordered = false;    // a batch was asked for, and may be there even without an id
  std::string batch_id;    // empty: not created, as far as is known
  std::string status;      // as it was last seen
  bool fetched = false;    // its results are in the folder
};

struct BatchState {
  std::string input;
  std::string digest;  // of the input
  std::uint64_t requests = 0;
  std::string endpoint;
  std::string completion_window = "24h";
  std::map<std::string, std::string, std::less<>> metadata;  // beside our key
  std::string engine;                                        // as the user named it
  std::string server;                                        // its address, for people
  std::vector<BatchRound> rounds;
  bool collected = false;  // the output is written

  BatchRound& last() { return rounds.back(); }
  const BatchRound& last() const { return rounds.back(); }
};

std::string BatchStatePath(const std::string& out);
// The folder of results and of requests that are sent again.
std::string BatchFolder(const std::string& out);

// nullopt: there is none. Fails with kConfigError for a file that is no state of a batch.
Result<std::optional<BatchState>> ReadBatchState(const std::string& out);
Result<void> WriteBatchState(const std::string& out, const BatchState& state);

}  // namespace weir::jobs
