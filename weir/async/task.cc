#include "weir/async/task.h"

#include <array>
#include <cstdint>
#include <new>

namespace weir::async::internal {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_FRESH_FRAMES 1  // a frame that is used after its end must be seen
#endif
#endif

#ifdef WEIR_FRESH_FRAMES
constexpr bool kKeepFrames = false;
#else
constexpr bool kKeepFrames = true;
#endif

constexpr std::size_t kGrain = 64;
constexpr std::size_t kSizes = 64;        // frames up to 4 KiB
constexpr std::uint32_t kMostKept = 256;  // of one size and thread

struct FreeFrame {
  FreeFrame* next;
};

struct FreeList {
  FreeFrame* first = nullptr;
  std::uint32_t kept = 0;
};

// Two objects, because frames may still be freed while a thread's other objects are destroyed: the
// lists are never destroyed, only emptied and closed.
struct FreeLists {
  std::array<FreeList, kSizes> of_size;
  bool open = false;
  bool closed = false;
};
constinit thread_local FreeLists t_lists;

struct Closer {
  Closer() { t_lists.open = true; }
  ~Closer() {
    t_lists.open = false;
    t_lists.closed = true;
    for (FreeList& list : t_lists.of_size) {
      while (list.first != nullptr) ::operator delete(std::exchange(list.first, list.first->next));
    }
  }
};

void OpenLists() { thread_local Closer closer; }

}  // namespace

void* NewFrame(std::size_t size) {
  const std::size_t index = (size - 1) / kGrain;
  if (!kKeepFrames || index >= kSizes) return ::operator new(size);
  FreeList& list = t_lists.of_size[index];
  if (list.first == nullptr) return ::operator new((index + 1) * kGrain);
  --list.kept;
  return std::exchange(list.first, list.first->next);
}

void DeleteFrame(void* frame, std::size_t size) noexcept {
  const std::size_t index = (size - 1) / kGrain;
  if (!kKeepFrames || index >= kSizes) return ::operator delete(frame);
  if (!t_lists.open && !t_lists.closed) OpenLists();
  FreeList& list = t_lists.of_size[index];
  if (!t_lists.open || list.kept == kMostKept) return ::operator delete(frame);
  ++list.kept;
  list.first = new (frame) FreeFrame{list.first};
}

}  // namespace weir::async::internal
