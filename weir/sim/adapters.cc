#include "weir/sim/adapters.h"

#include <algorithm>
#include <utility>

namespace weir::sim {

Adapters::Adapters(const std::vector<SimModel>& models) {
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (const Adapter& adapter : models[i].adapters) loaded_.push_back({adapter, i});
  }
}

std::optional<Adapters::Loaded> Adapters::Find(std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find_if(
      loaded_, [&](const Loaded& loaded) { return loaded.adapter.name == name; });
  if (found == loaded_.end()) return std::nullopt;
  return *found;
}

bool Adapters::Load(Adapter adapter, bool in_place) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find_if(
      loaded_, [&](const Loaded& loaded) { return loaded.adapter.name == adapter.name; });
  if (found == loaded_.end()) {
    loaded_.push_back({std::move(adapter), 0});
  } else if (in_place) {
    found->adapter = std::move(adapter);
  } else {
    return false;
  }
  return true;
}

bool Adapters::Unload(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  return std::erase_if(loaded_, [&](const Loaded& loaded) { return loaded.adapter.name == name; }) >
         0;
}

std::vector<Adapters::Loaded> Adapters::All() const {
  const std::scoped_lock lock(mutex_);
  return loaded_;
}

}  // namespace weir::sim
