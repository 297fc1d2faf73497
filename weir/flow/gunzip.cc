#include "weir/flow/gunzip.h"

#include <algorithm>
#include <limits>

#include <zlib.h>

#include "weir/base/text.h"

namespace weir::flow {
namespace {

constexpr int kGzipOnly = 16;  // added to the size of the window: no other wrapping

}  // namespace

struct Gunzip::Stream {
  Stream() : good(inflateInit2(&zlib, MAX_WBITS + kGzipOnly) == Z_OK) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { inflateEnd(&zlib); }

  z_stream zlib{};
  const bool good;
};

Gunzip::Gunzip() : stream_(std::make_unique<Stream>()) {}

Gunzip::~Gunzip() = default;

Result<std::size_t> Gunzip::Feed(std::string_view bytes, std::size_t most, std::string& out) {
  if (!stream_->good) return Fail(Code::kIoError, "there is no memory to read gzip with");
  z_stream& zlib = stream_->zlib;
  constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
  const std::size_t had = out.size();
  out.resize(had + std::min(most, kMost));
  std::string input(bytes.substr(0, kMost));
  zlib.next_in = reinterpret_cast<Bytef*>(input.data());
  zlib.avail_in = static_cast<uInt>(input.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data() + had);
  zlib.avail_out = static_cast<uInt>(out.size() - had);
  int status = Z_OK;
  while (zlib.avail_in > 0 && zlib.avail_out > 0 && status == Z_OK) {
    open_ = true;
    status = inflate(&zlib, Z_NO_FLUSH);
    if (status != Z_STREAM_END) continue;
    open_ = false;
    status = inflateReset(&zlib);
  }
  out.resize(out.size() - zlib.avail_out);
  const std::size_t used = input.size() - zlib.avail_in;
  if (status == Z_OK || status == Z_BUF_ERROR) return used;
  return Fail(Code::kIoError, "it is no gzip, or was damaged on its way",
              zlib.msg == nullptr ? "" : zlib.msg);
}

}  // namespace weir::flow
