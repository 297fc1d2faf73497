#include "weir/json/arena.h"

#include <algorithm>
#include <new>
#include <utility>

namespace weir::json {
namespace {

constexpr std::size_t kSmallestChunk = 256;
constexpr std::size_t kLargestStep = 1 << 20;  // chunks double up to here

}  // namespace

Arena::~Arena() {
  while (last_ != nullptr) ::operator delete(std::exchange(last_, last_->before));
}

void Arena::Grow(std::size_t bytes) {
  static_assert(kAlign <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
  const std::size_t size = std::max({bytes, next_chunk_, kSmallestChunk});
  last_ = ::new (::operator new(sizeof(Chunk) + size)) Chunk{last_};
  at_ = reinterpret_cast<std::byte*>(last_ + 1);
  left_ = size;
  next_chunk_ = std::min(size * 2, std::max(size, kLargestStep));
}

}  // namespace weir::json
