// Properties: redacting twice changes nothing more, and what is left of a text is the text: nothing
// is invented or moved (the quotes around the "***" of a JSON number aside).

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "weir/base/redact.h"

namespace {

std::string WithoutQuotes(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != '"' && c != '\'' && c != '\\') out += c;
  }
  return out;
}

// Whether all that stands between the asterisks of `redacted` stands in `text` in the same order.
bool IsRestOf(std::string_view redacted, std::string_view text) {
  for (;;) {
    const std::size_t mask = redacted.find('*');
    const std::string_view piece = redacted.substr(0, mask);
    const std::size_t found = text.find(piece);
    if (found == text.npos) return false;
    if (mask == redacted.npos) return true;
    text.remove_prefix(found + piece.size());
    redacted.remove_prefix(mask + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string once = weir::Redact(text);
  if (weir::Redact(once) != once) std::abort();
  if (!IsRestOf(WithoutQuotes(once), WithoutQuotes(text))) std::abort();
  return 0;
}
