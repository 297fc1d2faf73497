#pragma once

// Gzip, decoded a piece at a time: rows of `.gz` files.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir::flow {

class Gunzip {
 public:
  Gunzip();
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  // Appends what `bytes` decode to, at most `most` bytes at once, and returns how many of `bytes`
  // were used. Members may follow one another. Fails with kIoError for bytes that are no gzip.
  Result<std::size_t> Feed(std::string_view bytes, std::size_t most, std::string& out);
  // Whether the file may end here.
  bool whole() const { return !open_; }

 private:
  struct Stream;  // zlib's

  std::unique_ptr<Stream> stream_;
  bool open_ = false;  // a member has begun and not ended
};

}  // namespace weir::flow
