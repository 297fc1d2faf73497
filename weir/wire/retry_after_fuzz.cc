// Any value of Retry-After: a wait of nothing to a week, or none; blanks around it change nothing.

#include <cstdlib>

#include "weir/base/text.h"
#include "weir/wire/retry_after.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace weir;
  const std::string_view value(reinterpret_cast<const char*>(bytes), size);
  constexpr std::int64_t kNow = 784'111'777'000'000'000;  // 1994-11-06 08:49:37 UTC
  const auto wait = wire::ParseRetryAfter(value, kNow);
  if (wait && (wait->count() < 0 || *wait > std::chrono::days(7))) std::abort();
  if (wire::ParseRetryAfter(StrCat(" ", value, "\t"), kNow) != wait) std::abort();
  return 0;
}
