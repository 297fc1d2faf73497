// Any bytes: a span lies within a hundred years, and "+SPAN" is that much later than now.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "weir/base/text.h"
#include "weir/cli/jobs_time.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  constexpr std::int64_t kNow = 1'769'904'000'000;
  constexpr std::int64_t kCentury = 3'155'760'000'000;
  constexpr std::int64_t kYear10000 = 253'402'300'800'000;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Result<std::int64_t> span = cli::ParseSpan(bytes);
  const Result<std::int64_t> later = cli::ParseMoment(StrCat("+", bytes), kNow);
  if (span.has_value() != later.has_value()) std::abort();
  if (span && (*span < 0 || *span > kCentury || *later != kNow + *span)) std::abort();
  const Result<std::int64_t> moment = cli::ParseMoment(bytes, kNow);
  if (moment && (*moment < -2 * kYear10000 || *moment > kYear10000 + kCentury)) std::abort();
  return 0;
}
