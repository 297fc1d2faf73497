// Property: where the network cuts the bytes never changes what is decoded, and no limit is passed.

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "weir/http/cut_testing.h"
#include "weir/http/inflate.h"

namespace {

using weir::http::Inflater;

constexpr std::size_t kMaxBytes = 100'000;

std::tuple<std::string, bool, bool> Decode(Inflater::Coding coding,
                                           const weir::http::Pieces& pieces) {
  Inflater inflater(coding, {.total_bytes = kMaxBytes});
  std::string out;
  bool fed = true;
  for (const std::string_view piece : pieces) fed = fed && inflater.Feed(piece, out).has_value();
  return {out, fed, inflater.Finish().has_value()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = 1 + data[0] % 16;
  const auto coding = data[0] & 0x80 ? Inflater::Coding::kDeflate : Inflater::Coding::kGzip;
  const std::string_view coded(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = Decode(coding, {coded});
  if (Decode(coding, weir::http::CutEvery(coded, step)) != whole) std::abort();
  if (std::get<0>(whole).size() > kMaxBytes) std::abort();
  return 0;
}
