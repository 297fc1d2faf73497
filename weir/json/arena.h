#pragma once

// The memory of one document: bytes are handed out in order and freed all at once.

#include <cstddef>
#include <cstring>
#include <functional>  // std::less orders unrelated pointers
#include <string_view>

namespace weir::json {

// Not thread-safe while it grows; a finished document only reads it.
class Arena {
 public:
  // `first_bytes` is what the document will probably need: the first chunk is made that large.
  explicit Arena(std::size_t first_bytes) : next_chunk_(first_bytes) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  // Uninitialised memory, aligned for a Node. It lives as long as the arena.
  void* Allocate(std::size_t bytes) {
    bytes = (bytes + (kAlign - 1)) & ~(kAlign - 1);
    if (bytes > left_) Grow(bytes);
    void* const memory = at_;
    at_ += bytes;
    left_ -= bytes;
    return memory;
  }

  // Copies `text`, unless it already lies inside the text given to AdoptSource().
  const char* Text(std::string_view text) {
    constexpr std::less<> before;
    if (!before(text.data(), source_.data()) &&
        before(text.data(), source_.data() + source_.size())) {
      return text.data();
    }
    return Copy(text);
  }

  // Copies a whole source text once; views into the returned text are kept without a second copy.
  std::string_view AdoptSource(std::string_view text) {
    source_ = {Copy(text), text.size()};
    return source_;
  }

 private:
  static constexpr std::size_t kAlign = 16;

  struct alignas(kAlign) Chunk {
    Chunk* before;
  };

  const char* Copy(std::string_view text) {
    if (text.empty()) return "";
    return static_cast<const char*>(std::memcpy(Allocate(text.size()), text.data(), text.size()));
  }

  void Grow(std::size_t bytes);

  std::byte* at_ = nullptr;
  std::size_t left_ = 0;
  std::size_t next_chunk_;
  std::string_view source_;
  Chunk* last_ = nullptr;
};

}  // namespace weir::json
