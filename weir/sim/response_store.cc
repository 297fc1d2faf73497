#include "weir/sim/response_store.h"

#include <utility>

namespace weir::sim {

void ResponseStore::Put(std::string id, std::string body) {
  const std::scoped_lock lock(mutex_);
  if (!bodies_.insert_or_assign(id, std::move(body)).second) return;
  order_.push_back(std::move(id));
  if (order_.size() <= most_) return;
  bodies_.erase(order_.front());
  order_.pop_front();
}

std::optional<std::string> ResponseStore::Get(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = bodies_.find(id);
  if (found == bodies_.end()) return std::nullopt;
  return found->second;
}

}  // namespace weir::sim
