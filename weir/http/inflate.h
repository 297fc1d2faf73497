#pragma once

// Content-Encoding gzip and deflate, decoded as the bytes come.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "weir/base/limits.h"
#include "weir/base/result.h"

struct z_stream_s;  // NOLINT(readability-identifier-naming): zlib's name

namespace weir::http {

// Against decompression bombs: deflate can grow a thousandfold.
struct InflateLimits {
  std::size_t feed_bytes = 64 << 20;                        // decoded by one Feed
  std::uint64_t total_bytes = limits::kReplyBodyBytes * 4;  // decoded in all
};

class Inflater {
 public:
  enum class Coding : std::uint8_t {
    kGzip,     // members may follow one another
    kDeflate,  // in zlib's wrapping, or raw as some servers send it
  };

  explicit Inflater(Coding coding, InflateLimits limits = {});
  ~Inflater();
  Inflater(Inflater&&) = delete;

  // Appends everything that `bytes` decode to; what the sender flushed comes out at once. Fails
  // with kProtocolError on malformed bytes, on bytes behind the end, and above a limit; every later
  // call then fails too.
  Result<void> Feed(std::string_view bytes, std::string& out);

  // For the end of the body: fails with kStreamTruncated if the coded stream has no end yet. A body
  // of no bytes at all is fine.
  Result<void> Finish() const;

 private:
  Result<void> Begin(unsigned char first);
  Result<void> Step(std::string& out, std::size_t& budget);
  std::unexpected<Error> Broken(std::string_view what);

  struct Close {
    void operator()(z_stream_s* stream) const;
  };

  const Coding coding_;
  const InflateLimits limits_;
  std::unique_ptr<z_stream_s, Close> stream_;
  std::uint64_t total_ = 0;
  bool member_open_ = false;
  std::string broken_;  // what was wrong, once something was
};

}  // namespace weir::http
