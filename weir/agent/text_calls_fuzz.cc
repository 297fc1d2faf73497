// Properties of any text in which calls are looked for: what is found are tools that there are,
// with arguments that are an object; and a call that is written as it was read is read again.

#include <algorithm>
#include <vector>

#include "weir/agent/text_calls.h"
#include "weir/base/fuzz_testing.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using weir::Require;
  const std::string_view text = weir::FuzzText(data, size);
  const std::vector<weir::model::ToolSpec> tools = {
      {.name = "look", .description = {}, .parameters = {}, .strict = {}},
      {.name = "fix", .description = {}, .parameters = {}, .strict = {}}};
  for (const weir::model::ToolCall& call : weir::agent::CallsInText(text, tools)) {
    Require(std::ranges::find(tools, call.name, &weir::model::ToolSpec::name) != tools.end());
    const auto arguments = weir::json::Read(call.arguments);
    Require(arguments && arguments->IsObject());
    const std::string written =
        weir::StrCat(R"({"name":")", call.name, R"(","arguments":)", call.arguments, "}");
    const auto again = weir::agent::CallsInText(written, tools);
    Require(again.size() == 1 && again[0].name == call.name);
  }
  return 0;
}
