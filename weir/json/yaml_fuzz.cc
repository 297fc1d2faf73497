// Property: a YAML text is refused with its place, or gives a document that its own JSON text gives
// again, and every member of which has a place.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "weir/json/pointer.h"
#include "weir/json/writer.h"
#include "weir/json/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::json;
  YamlOptions options;
  options.max_depth = 50;
  options.max_expansion_bytes = 1 << 16;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = ReadYaml(text, "f", options);
  if (!document) {
    if (!document.error().message.starts_with("f:")) std::abort();
    return 0;
  }
  const auto again = ReadYaml(Write(document->value), "f", options);
  if (!again || !(again->value == document->value)) std::abort();
  for (const Member member : document->value.members()) {
    std::string pointer;
    AppendToken(pointer, member.key);
    if (document->MarkOf(pointer).line < 1 || document->KeyMarkOf(pointer).line < 1) std::abort();
  }
  return 0;
}
