// Any bytes: the pieces of a text give what the whole gives, wherever it is cut.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "weir/wire/quoted_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] % 7 + 1;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  weir::wire::QuotedText quoted;
  std::string pieces;
  for (std::size_t at = 0; at < text.size(); at += step)
    pieces += quoted.Feed(text.substr(at, step));
  pieces += quoted.Finish();
  if (pieces != weir::wire::Unquoted(text)) std::abort();
  return 0;
}
