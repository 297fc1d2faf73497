// Property: any bytes are a script or an error that names file and line; a script that was read
// answers a request without a crash, and its faults leave a stream that ends.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "weir/sim/fault.h"
#include "weir/sim/rehearsal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto script = weir::sim::LoadScript(text, "script.yaml");
  if (!script) {
    if (!script.error().message.starts_with("script.yaml:")) std::abort();
    return 0;
  }
  weir::sim::Rehearsal rehearsal(*std::move(script), 1);
  weir::model::Call call;
  call.messages.push_back(weir::model::Message::Text(weir::model::Role::kUser, "hello"));
  const weir::sim::Prompt prompt;
  const auto reply = rehearsal.Find({.call = call, .prompts = {&prompt, 1}});
  if (reply == nullptr) return 0;
  weir::sim::EventTamper tamper(reply->faults);
  for (std::size_t step = 0; step < 4 && tamper.EndsBefore(step) == nullptr; ++step) {
    std::string events = R"(data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]})";
    events += "\n\n";
    tamper.Tamper(step, events);
    if (!events.empty() && !events.ends_with("\n\n")) std::abort();
  }
  return 0;
}
