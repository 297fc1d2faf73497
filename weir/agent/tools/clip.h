#pragma once

// Clip: the beginning and the end of an output of any length, as valid text.

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::agent {

class Clip {
 public:
  // Keeps about `max_bytes`, never much more in memory.
  explicit Clip(std::size_t max_bytes);

  void Add(std::string_view bytes);
  bool cut() const { return total_ > max_bytes_; }

  // What was added. Where it is longer than `max_bytes`, its beginning and its end with a line
  // between them that says how long it was: together not longer, unless `max_bytes` is less than
  // that line.
  std::string Take() &&;

 private:
  const std::size_t max_bytes_;
  const std::size_t head_bytes_;
  std::size_t total_ = 0;
  std::string head_;
  std::string tail_;
};

}  // namespace weir::agent
