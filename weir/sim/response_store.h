#pragma once

// ResponseStore: the responses that a server keeps for GET /v1/responses/{id}; the oldest make
// room. Thread-safe.

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace weir::sim {

class ResponseStore {
 public:
  explicit ResponseStore(std::size_t most = 1000) : most_(most) {}

  void Put(std::string id, std::string body);
  std::optional<std::string> Get(std::string_view id) const;

 private:
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> bodies_;
  std::deque<std::string> order_;  // oldest first
};

}  // namespace weir::sim
