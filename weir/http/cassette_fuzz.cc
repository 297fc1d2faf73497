// Properties: a text that reads as an exchange is exactly what is written for that exchange, and no
// beginning of it reads; redacting a request twice changes nothing more, and what is left of an
// exchange can be written and read. (A reply that was not HTTP may become HTTP without its
// secrets.)

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weir/http/cassette_file.h"
#include "weir/http/cassette_redact.h"

namespace {

using weir::Result;
using weir::http::ReadExchange;
using weir::http::RecordedExchange;

// Small limits, so that the fuzzer finds them.
constexpr weir::http::CassetteLimits kLimits = {
    .request_bytes = 1024, .reply_bytes = 4096, .pieces = 32};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Result<RecordedExchange> exchange = ReadExchange(text, "it", kLimits);
  if (!exchange) return 0;
  if (WriteExchange(*exchange) != text) std::abort();
  for (std::size_t less = 0; less < size; ++less) {
    if (ReadExchange(text.substr(0, less), "it", kLimits)) std::abort();
  }

  RedactExchange(*exchange);
  const RecordedExchange once = *exchange;
  RedactExchange(*exchange);
  if (exchange->head != once.head || exchange->body != once.body) std::abort();
  const Result<RecordedExchange> again = ReadExchange(WriteExchange(once), "it", {});
  if (!again || *again != once) std::abort();
  return 0;
}
