// Property: any bytes are a configuration or an error that names the file; never a crash.

#include <cstdint>
#include <cstdlib>

#include "weir/config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const weir::Result<weir::config::Config> config = weir::config::Parse(text, "fuzz.yaml", {});
  if (!config && config.error().message.find("fuzz.yaml") == std::string::npos) std::abort();
  return 0;
}
