// Any bytes: the figures are finite and not negative, the use of the cache is a part of it, and all
// are the same whatever stands before and behind them.

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "weir/wire/load_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace weir;
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const wire::ServerLoad load = wire::ReadServerLoad(text);
  if (wire::ReadServerLoad("# HELP x y\nother 1\n" + text + "\n# end") != load) std::abort();
  for (const std::optional<double>& figure : {load.running, load.waiting, load.kv_use}) {
    if (figure && (!std::isfinite(*figure) || *figure < 0)) std::abort();
  }
  if (load.kv_use.value_or(0) > 1) std::abort();
  return 0;
}
