// Properties of any bytes that are read as gzip: what a whole file holds is the same however its
// bytes come and however little is taken at once, and nothing stands still.

#include <algorithm>
#include <optional>
#include <string>

#include "weir/base/fuzz_testing.h"
#include "weir/flow/gunzip.h"

namespace {

constexpr std::size_t kEnough = 1 << 20;  // a few bytes may mean gigabytes

// Nothing where the bytes are no gzip, are cut off, or are more than enough.
std::optional<std::string> Decoded(std::string_view bytes, std::size_t step, std::size_t most) {
  weir::flow::Gunzip gunzip;
  std::string out;
  while (!bytes.empty() && out.size() <= kEnough) {
    const std::size_t before = out.size();
    const auto used = gunzip.Feed(bytes.substr(0, step), most, out);
    if (!used) return std::nullopt;
    weir::Require(*used <= std::min(step, bytes.size()) && out.size() - before <= most);
    weir::Require(*used > 0 || out.size() > before);
    bytes.remove_prefix(*used);
  }
  if (out.size() > kEnough || !gunzip.whole()) return std::nullopt;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::optional<std::string> whole = Decoded(bytes, size + 1, kEnough);
  const std::optional<std::string> pieces = Decoded(bytes, 3, kEnough);
  const std::optional<std::string> little = Decoded(bytes, size + 1, 100);
  weir::Require(whole == pieces && whole == little);
  return 0;
}
