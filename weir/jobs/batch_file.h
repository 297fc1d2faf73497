#pragma once

// The files of a batch on this side: requests that go out, results that come back. One line at a
// time; memory grows with the number of requests, never with what they say.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/base/result.h"
#include "weir/wire/batches.h"

namespace weir::jobs {

struct BatchLimits {
  std::size_t max_requests = wire::kBatchRequests;
  std::size_t max_bytes = wire::kBatchFileBytes;
};

// What a file of requests is like.
struct BatchInput {
  std::vector<wire::BatchError> problems;  // empty: it can be sent
  std::string endpoint;
  std::string model;                         // of the first request
  std::optional<std::int64_t> mixed_models;  // the first line that asks for another one
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
  std::string digest;  // of its bytes: whether it is the same file
};

// Fails with kConfigError when the file cannot be read; what is wrong in it is no failure.
Result<BatchInput> CheckBatchFile(const std::string& path, const BatchLimits& limits = {});

// The digest alone.
Result<std::string> DigestFile(const std::string& path);

// "in.jsonl:7: invalid_json_line: ...", a line for each problem.
std::string TellProblems(const std::string& path, const std::vector<wire::BatchError>& problems);

// The results of the batches of one input, found by custom_id.
class BatchResults {
 public:
  // Of what has come twice the later counts, unless only the earlier is an answer. Fails with
  // kIoError when the file cannot be read.
  Result<void> Add(const std::string& path);

  // Whether a server has answered this request, whatever it said.
  bool IsAnswered(const std::string& custom_id) const;

  std::uint64_t strays() const { return strays_; }  // lines that are no results

 private:
  friend class Merger;
  struct Place {
    std::uint32_t file = 0;
    bool answered = false;
    bool good = false;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };

  std::vector<std::string> paths_;
  std::unordered_map<std::string, Place> places_;
  std::uint64_t strays_ = 0;
};

struct MergeCounts {
  std::uint64_t total = 0;
  std::uint64_t good = 0;
  std::uint64_t failed = 0;   // a server has refused them
  std::uint64_t missing = 0;  // no server has answered
};

// Writes `out` (whole, or not at all): a line for each request of `input`, in its order. What is
// missing has the line that a server wrote about it, or else one with the error `missing`.
Result<MergeCounts> MergeResults(const std::string& input, const BatchResults& results,
                                 const wire::BatchError& missing, const std::string& out);

// Writes those requests of `input` that no server has answered to `out`, and returns how many.
Result<std::uint64_t> WriteUnanswered(const std::string& input, const BatchResults& results,
                                      const std::string& out);

}  // namespace weir::jobs
