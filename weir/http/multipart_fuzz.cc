// Properties: where the network cuts the bytes never changes the parts; what was read, written and
// read again is the same.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "weir/http/multipart_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::http;
  if (size == 0) return 0;
  const std::size_t step = 1 + data[0] % 16;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)MultipartBoundary(wire);
  constexpr MultipartLimits kLimits{.parts = 8, .head_bytes = 256};
  const PartsRead whole = PlayParts("B", {wire}, kLimits);
  if (PlayParts("B", CutEvery(wire, step), kLimits) != whole) std::abort();

  if (whole.failed) return 0;
  std::string written;
  for (const PartRead& part : whole.parts) {
    if (!part.ended) std::abort();
    written += FormFileHead("B", "f", part.head.filename.value_or(""), "a/b") + part.data + "\r\n";
  }
  written += "--B--";
  const PartsRead again = PlayParts("B", {written});
  if (again.failed || again.parts.size() != whole.parts.size()) std::abort();
  for (std::size_t i = 0; i < again.parts.size(); ++i) {
    if (again.parts[i].data != whole.parts[i].data) std::abort();
  }
  return 0;
}
