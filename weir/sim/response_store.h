#pragma once

// ResponseStore: the responses that a server keeps, for GET /v1/responses/{id} and for requests
// that go on from one; the oldest make room. Thread-safe.

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "weir/model/message.h"

namespace weir::sim {

struct KeptResponse {
  std::string body;
  // What was said up to its end, without the instructions: another request may go on from here.
  std::vector<model::Message> talk;
};

class ResponseStore {
 public:
  explicit ResponseStore(std::size_t most = 1000) : most_(most) {}

  void Put(std::string id, KeptResponse response);
  std::shared_ptr<const KeptResponse> Get(std::string_view id) const;  // null: it is not here

 private:
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const KeptResponse>, std::less<>> kept_;
  std::deque<std::string> order_;  // oldest first
};

}  // namespace weir::sim
