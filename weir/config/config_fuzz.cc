// Properties: any bytes are a configuration or errors that name the file, never a crash; and what
// is shown of a configuration is a configuration, which shows the same.

#include <cstdint>
#include <cstdlib>

#include "weir/config/read.h"
#include "weir/config/show.h"
#include "weir/config/show_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using weir::config::Read;
  using weir::config::ReadConfig;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const weir::Env env{.variables = {{"A", "value"}, {"B", "7"}}};
  const ReadConfig read = Read(text, "fuzz.yaml", env);
  for (const weir::Error& problem : read.problems) {
    if (!problem.message.starts_with("fuzz.yaml")) std::abort();
  }
  if (!read.problems.empty()) return 0;
  const std::string shown = weir::config::ValuesOf(weir::config::ShowJson(read.config));
  const ReadConfig again = Read(shown, "shown.yaml", env);
  if (!again.problems.empty()) std::abort();
  if (weir::config::ValuesOf(weir::config::ShowJson(again.config)) != shown) std::abort();
  return 0;
}
