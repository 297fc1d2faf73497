#include "weir/flow/gunzip_testing.h"

#include <zlib.h>

namespace weir::flow {

std::string Gzipped(std::string_view text) {
  z_stream stream{};
  constexpr int kGzip = 16;
  constexpr int kMemory = 8;
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzip, kMemory,
               Z_DEFAULT_STRATEGY);
  std::string input(text);
  std::string out(deflateBound(&stream, input.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace weir::flow
