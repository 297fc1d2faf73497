#include "weir/sim/response_store.h"

#include <utility>

namespace weir::sim {

void ResponseStore::Put(std::string id, KeptResponse response) {
  auto kept = std::make_shared<const KeptResponse>(std::move(response));
  const std::scoped_lock lock(mutex_);
  if (!kept_.insert_or_assign(id, std::move(kept)).second) return;
  order_.push_back(std::move(id));
  if (order_.size() <= most_) return;
  kept_.erase(order_.front());
  order_.pop_front();
}

std::shared_ptr<const KeptResponse> ResponseStore::Get(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = kept_.find(id);
  return found == kept_.end() ? nullptr : found->second;
}

}  // namespace weir::sim
