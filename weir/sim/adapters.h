#pragma once

// The LoRA adapters that a server has at the moment. Thread-safe.

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/sim/sim.h"

namespace weir::sim {

class Adapters {
 public:
  struct Loaded {
    Adapter adapter;
    std::size_t model = 0;  // index of its base
  };

  explicit Adapters(const std::vector<SimModel>& models);

  std::optional<Loaded> Find(std::string_view name) const;
  // False when the name is there already and `in_place` does not allow to replace it.
  bool Load(Adapter adapter, bool in_place);
  bool Unload(std::string_view name);  // false: there is none of that name
  std::vector<Loaded> All() const;     // in the order in which they were loaded

 private:
  mutable std::mutex mutex_;
  std::vector<Loaded> loaded_;
};

}  // namespace weir::sim
