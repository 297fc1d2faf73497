// Any bytes: where they are cut never changes the keys.

#include <cstdint>
#include <cstdlib>

#include "weir/cli/top_keys.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  cli::TopKeyReader whole;
  cli::TopKeyReader cut;
  std::vector<cli::TopKey> keys;
  for (const char byte : bytes) {
    for (const cli::TopKey key : cut.Feed({&byte, 1})) keys.push_back(key);
  }
  if (whole.Feed(bytes) != keys || whole.Pause() != cut.Pause()) std::abort();
  return 0;
}
