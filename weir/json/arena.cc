#include "weir/json/arena.h"

#include <algorithm>

namespace weir::json {
namespace {

constexpr std::size_t kSmallestChunk = 256;
constexpr std::size_t kLargestStep = 1 << 20;  // chunks double up to here

}  // namespace

void Arena::Grow(std::size_t bytes) {
  const std::size_t size = std::max({bytes, next_chunk_, kSmallestChunk});
  chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
  at_ = chunks_.back().get();
  left_ = size;
  next_chunk_ = std::min(size * 2, std::max(size, kLargestStep));
}

}  // namespace weir::json
