#include "weir/text/call_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/text/answer_reader.h"

namespace weir::text {
namespace {

using testing::HasSubstr;

constexpr std::string_view kArguments =
    R"({"city":"Bern","days":3,"units":["C","mm"],"exact":true})";

std::vector<model::ToolSpec> Weather() {
  return {
      {.name = "get_weather",
       .description = "The weather.",
       .parameters = *json::Read(
           R"({"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},)"
           R"("units":{"type":"array","items":{"type":"string"}},"exact":{"type":"boolean"}}})"),
       .strict = {}}};
}

TEST(CallWriterTest, EveryFamilyReadsBackWhatIsWrittenForIt) {
  for (const Family& family : Families()) {
    const Family& reads = CallFamilyOf(family);
    AnswerReader reader(reads, {.tools = Weather(), .in_thoughts = false});
    model::Delta got;
    reader.Feed(WriteCall(family, "get_weather", kArguments), got);
    reader.Finish(got);
    ASSERT_EQ(got.tool_calls.size(), 1U) << family.name << ": " << got.text;
    EXPECT_EQ(got.tool_calls[0].name, "get_weather") << family.name;
    const auto arguments = json::Read(got.tool_calls[0].arguments);
    ASSERT_TRUE(arguments) << family.name;
    EXPECT_EQ(*arguments, *json::Read(kArguments)) << family.name;
    EXPECT_EQ(got.text, "") << family.name;
  }
}

TEST(CallWriterTest, ToolsAreDescribedWithNamesArgumentsAndProtocol) {
  const Family& hermes = *FindFamily("hermes");
  const std::string text = DescribeTools(hermes, Weather(), {});
  EXPECT_THAT(text, HasSubstr("\"name\": \"get_weather\""));
  EXPECT_THAT(text, HasSubstr("\"description\": \"The weather.\""));
  EXPECT_THAT(text, HasSubstr("\"city\""));
  EXPECT_THAT(text, HasSubstr("<tool_call>\n{\"name\": \"NAME\""));
  EXPECT_THAT(text, HasSubstr("answer in plain text"));
  const model::ToolChoice named{.kind = model::ToolChoice::Kind::kNamed, .name = "get_weather"};
  EXPECT_THAT(DescribeTools(hermes, Weather(), named),
              HasSubstr("must call the tool get_weather now"));
}

}  // namespace
}  // namespace weir::text
