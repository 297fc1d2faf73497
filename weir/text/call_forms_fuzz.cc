// Properties: no crash and no endless work, whatever is read in whatever form; every call that is
// found has a name and arguments that are one JSON object by the strict reader; a failure says why;
// and reading the same again gives the same.

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/fuzz_testing.h"
#include "weir/json/reader.h"
#include "weir/text/call_forms.h"

namespace {

std::vector<weir::model::ToolSpec> Tools() {
  weir::model::ToolSpec tool;
  tool.name = "f";
  auto schema = weir::json::Read(
      R"({"properties":{"a":{"type":"string"},"b":{"type":"number"},"c":{"type":"array"},
          "d":{"type":["object","boolean"]},"e":{"anyOf":[{"type":"string"},{"type":"null"}]}}})");
  if (schema) tool.parameters = *std::move(schema);
  return {tool};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::text;
  constexpr std::size_t kLongest = 4096;
  if (size == 0) return 0;
  static const std::vector<model::ToolSpec> kTools = Tools();
  const auto form = static_cast<CallForm>(data[0] % 8);
  const std::string_view body(reinterpret_cast<const char*>(data) + 1,
                              std::min(size - 1, kLongest));
  const auto read = ReadCalls(form, body, kTools);
  if (!read) {
    Require(!read.error().message.empty());
    return 0;
  }
  Require(!read->calls.empty());
  for (const model::ToolCall& call : read->calls) {
    const auto arguments = json::Read(call.arguments);
    Require(!call.name.empty() && arguments && arguments->IsObject());
  }
  const auto again = ReadCalls(form, body, kTools);
  Require(again && again->calls == read->calls && again->repairs == read->repairs);
  return 0;
}
