#pragma once

// BatchChecker: whether a batch file is one that a server takes, line by line. The simulator
// refuses by it, in the words of a provider; the client checks by it before anything is sent.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "weir/json/value.h"
#include "weir/wire/batches.h"

namespace weir::wire {

struct BatchRules {
  std::string endpoint;  // empty: that of the first request
  std::size_t max_requests = kBatchRequests;
  std::size_t max_errors = 100;  // more are not listed
};

// The endpoints that a batch can be for.
const std::vector<std::string>& BatchEndpoints();

class BatchChecker {
 public:
  explicit BatchChecker(BatchRules rules);

  // The next line of the file, without its line feed; an empty one is skipped. Returns the
  // custom_id of a request that is good, and nullopt for all others.
  std::optional<std::string> Add(std::string_view line);
  // There are no more lines.
  void Finish();

  // In the order of the file. What is wrong with all of it has no line.
  const std::vector<BatchError>& errors() const { return errors_; }
  bool full() const { return errors_.size() >= rules_.max_errors; }  // more would not be listed
  std::size_t requests() const { return requests_; }
  const std::string& endpoint() const { return rules_.endpoint; }
  const std::string& model() const { return model_; }  // of the first request
  // The first line whose request is for another model than the first one's.
  std::optional<std::int64_t> mixed_models() const { return mixed_models_; }

 private:
  void Problem(std::string code, std::string message, std::string param);
  bool CheckFields(json::View request);
  bool CheckUrl(std::string_view url);
  void NoteModel(std::string_view model);

  BatchRules rules_;
  std::vector<BatchError> errors_;
  std::unordered_set<std::string> ids_;
  std::size_t requests_ = 0;
  std::int64_t line_ = 0;
  std::string model_;
  std::optional<std::int64_t> mixed_models_;
};

}  // namespace weir::wire
