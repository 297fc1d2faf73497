// Properties of any text as the arguments of a tool: what is read obeys the schema, bent or not;
// and what is read with the spelling mended alone is read with more bending, too.

#include "weir/agent/arguments.h"
#include "weir/base/fuzz_testing.h"
#include "weir/json/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using weir::Require;
  using weir::agent::Bending;
  using weir::agent::ReadArguments;
  static const weir::schema::Schema schema = [] {
    const auto json = weir::json::Read(
        R"({"type":"object","required":["n"],"additionalProperties":false,"properties":{)"
        R"("n":{"type":"integer"},"mode":{"enum":["fast","slow"]},"sure":{"type":"boolean"},)"
        R"("lines":{"type":"array","items":{"type":"number"}},"inner":{"type":"object",)"
        R"("properties":{"text":{"type":"string","minLength":1}}}}})");
    return *weir::schema::Schema::Compile(*json);
  }();
  const weir::model::ToolCall call{
      .id = {}, .name = "t", .arguments = std::string(weir::FuzzText(data, size))};
  std::vector<std::string> repairs;
  const auto all = ReadArguments(call, schema, Bending::kAll, &repairs);
  const auto small = ReadArguments(call, schema, Bending::kSmall, nullptr);
  Require(!all || schema.Validate(*all).has_value());
  Require(!small || schema.Validate(*small).has_value());
  Require(!small || all);
  return 0;
}
