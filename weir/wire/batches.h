#pragma once

// The objects of OpenAI's Files and Batch API, in both directions: the simulator writes them, the
// client of batches reads them. A batch file is JSON lines; one line is one request.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::wire {

// What a provider takes in one batch.
inline constexpr std::size_t kBatchRequests = 50'000;
inline constexpr std::size_t kBatchFileBytes = 200 << 20;

struct FileObject {
  std::string id;
  std::string filename;
  std::string purpose;
  std::int64_t bytes = 0;
  std::int64_t created_at = 0;
  std::optional<std::int64_t> expires_at;
};

std::string EncodeFile(const FileObject& file);
// Fails with kProtocolError.
Result<FileObject> DecodeFile(std::string_view body);

// What is wrong with a batch, mostly with one line of its file.
struct BatchError {
  std::string code;
  std::string message;
  std::optional<std::string> param;
  std::optional<std::int64_t> line;  // counted from 1
};

struct BatchCounts {
  std::int64_t total = 0;
  std::int64_t completed = 0;
  std::int64_t failed = 0;

  friend bool operator==(const BatchCounts&, const BatchCounts&) = default;
};

struct BatchObject {
  std::string id;
  std::string endpoint;
  std::string input_file_id;
  std::string completion_window = "24h";
  std::string status = "validating";  // a provider may have words of its own
  std::string output_file_id;         // empty: there is none, as of the next
  std::string error_file_id;
  std::vector<BatchError> errors;  // why it has failed
  BatchCounts counts;
  std::int64_t created_at = 0;
  // When it came into a state, "in_progress_at" and the like; "expires_at" is when it will.
  std::map<std::string, std::int64_t, std::less<>> times;
  std::map<std::string, std::string, std::less<>> metadata;

  // Nothing will change any more.
  bool ended() const {
    return status == "completed" || status == "failed" || status == "expired" ||
           status == "cancelled";
  }
};

std::string EncodeBatch(const BatchObject& batch);
// Fails with kProtocolError.
Result<BatchObject> DecodeBatch(std::string_view body);

// A page of a list; `items` are objects that were encoded. `first` and `last` are their ids.
std::string EncodePage(const std::vector<std::string>& items, std::string_view first,
                       std::string_view last, bool more);

struct BatchPage {
  std::vector<BatchObject> batches;
  bool more = false;
};
Result<BatchPage> DecodeBatchPage(std::string_view body);

// The body of POST /v1/batches.
struct BatchOrder {
  std::string input_file_id;
  std::string endpoint;
  std::string completion_window = "24h";
  std::map<std::string, std::string, std::less<>> metadata;
};
std::string EncodeBatchOrder(const BatchOrder& order);

// One line of an output or error file. `error` is set where no server has answered.
struct BatchResult {
  std::string id;
  std::string custom_id;
  int status = 200;
  std::string request_id;
  std::string body = "null";  // JSON
  std::optional<BatchError> error;
};
// With a line feed at its end.
std::string EncodeBatchResult(const BatchResult& result);

// What there is to know of such a line without its body.
struct BatchVerdict {
  std::string custom_id;
  bool answered = false;  // by a server, whatever it said
  bool good = false;      // ... with 2xx
};
// nullopt for what is no such line.
std::optional<BatchVerdict> ReadBatchVerdict(std::string_view line);

}  // namespace weir::wire
