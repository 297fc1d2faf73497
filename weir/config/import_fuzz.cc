// Property: any bytes are imported, or refused with the name of the file. What is imported is a
// configuration.

#include <cstdint>
#include <cstdlib>

#include "weir/config/config.h"
#include "weir/config/import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr unsigned kKinds = 5;
  const auto kind = static_cast<weir::config::ImportKind>(data[0] % kKinds);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto imported = weir::config::Import(kind, text, "fuzz.yaml");
  if (!imported) {
    if (!imported.error().message.starts_with("fuzz.yaml:")) std::abort();
    return 0;
  }
  if (!weir::config::Parse(imported->yaml, "weir.yaml", {})) std::abort();
  return 0;
}
