// Property: any bytes are a script or an error that names file and line; a script that was read
// answers a request without a crash.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "weir/sim/core.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto script = weir::sim::LoadScript(text, "script.yaml");
  if (!script) {
    if (!script.error().message.starts_with("script.yaml")) std::abort();
    return 0;
  }
  weir::sim::SimOptions options;
  options.script = *std::move(script);
  weir::sim::SimCore core(std::move(options));
  weir::model::Call call;
  call.messages.push_back(weir::model::Message::Text(weir::model::Role::kUser, "hello"));
  const weir::sim::Prompt prompt;
  (void)core.Decide(call, std::span(&prompt, 1));
  return 0;
}
