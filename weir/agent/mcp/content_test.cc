#include "weir/agent/mcp/content.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::agent::mcp {
namespace {

using testing::HasSubstr;

struct ContentCase {
  std::string_view result;
  std::string_view text;
};

class McpContentTest : public testing::TestWithParam<ContentCase> {};

TEST_P(McpContentTest, IsToldInText) {
  const json::Value result = json::Read(GetParam().result).value();

  const Result<CallResult> call = ReadCallResult(result);

  ASSERT_TRUE(call.has_value()) << Describe(call.error());
  EXPECT_EQ(call->text, GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Table, McpContentTest,
    testing::Values(
        ContentCase{R"({"content":[]})", ""},
        ContentCase{R"({"content":[{"type":"text","text":"a"}]})", "a"},
        ContentCase{R"({"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})",
                    "a\nb"},
        ContentCase{R"({"content":[{"type":"image","mimeType":"image/png","data":"QUJD"}]})",
                    "[image image/png, 3 bytes]"},
        ContentCase{R"({"content":[{"type":"audio","data":"QUI="}]})", "[audio 2 bytes]"},
        ContentCase{
            R"({"content":[{"type":"resource","resource":{"uri":"a://b","mimeType":"text/plain",
             "text":"words"}}]})",
            "[resource a://b, text/plain]\nwords"},
        ContentCase{R"({"content":[{"type":"resource","resource":{"uri":"a://b","blob":"QQ=="}}]})",
                    "[resource a://b, 1 bytes]"},
        ContentCase{R"({"content":[{"type":"resource_link","uri":"a://b","name":"N"}]})",
                    "[link a://b, N]"},
        ContentCase{R"({"content":[{"type":"hologram"},7]})",
                    "[content of the type hologram]\n[content of the type (none)]"},
        ContentCase{R"({"content":[],"structuredContent":{"a":1}})", R"({"a":1})"},
        ContentCase{R"({"structuredContent":{"a":1}})", R"({"a":1})"},
        ContentCase{R"({"content":[{"type":"text","text":"t"}],"structuredContent":{"a":1}})",
                    "t"}));

TEST(McpContent, SizesAreSaidInUnitsThatFit) {
  const auto image = [](std::size_t base64) {
    const std::string data(base64, 'A');
    const json::Value result =
        json::Read(R"({"content":[{"type":"image","data":")" + data + "\"}]}").value();
    return ReadCallResult(result)->text;
  };

  EXPECT_EQ(image(4096), "[image 3 KB]");
  EXPECT_EQ(image(4 << 20), "[image 3 MB]");
}

TEST(McpContent, AnErrorSaysSo) {
  const json::Value result =
      *json::Read(R"({"content":[{"type":"text","text":"no"}],"isError":true})");

  const Result<CallResult> call = ReadCallResult(result);

  EXPECT_TRUE(call.has_value() && call->is_error);
}

TEST(McpContent, AResultWithoutContentIsRefused) {
  for (const std::string_view text : {"{}", R"({"content":"text"})", R"({"task":{}})"}) {
    const json::Value result = *json::Read(text);
    EXPECT_FALSE(ReadCallResult(result).has_value()) << text;
  }
}

TEST(McpContent, APageHoldsToolsAndWhereToGoOn) {
  const json::Value result = *json::Read(R"({"tools":[
      {"name":"a","description":"does a","inputSchema":{"type":"object"},
       "annotations":{"readOnlyHint":true}},
      {"name":"b","title":"B"},
      {"name":"c","annotations":{"title":"C"}},
      {"name":"t","inputSchema":{},"execution":{"taskSupport":"required"}}],
      "nextCursor":"more"})");

  const Result<ToolPage> page = ReadToolPage(result);

  ASSERT_TRUE(page.has_value()) << Describe(page.error());
  ASSERT_EQ(page->tools.size(), 3U);
  EXPECT_EQ(page->tools[0].description, "does a");
  EXPECT_EQ(json::Write(page->tools[0].schema), R"({"type":"object"})");
  EXPECT_TRUE(page->tools[0].read_only);
  EXPECT_EQ(page->tools[1].description, "B");
  EXPECT_TRUE(page->tools[1].schema.IsNull());
  EXPECT_FALSE(page->tools[1].read_only);
  EXPECT_EQ(page->tools[2].description, "C");
  EXPECT_THAT(page->left_out, testing::ElementsAre("t"));
  EXPECT_EQ(page->next_cursor, "more");
}

TEST(McpContent, APageThatIsNoneIsRefused) {
  for (const std::string_view text :
       {"{}", R"({"tools":{}})", R"({"tools":[{}]})", R"({"tools":[{"name":""}]})",
        R"({"tools":[{"name":"a","inputSchema":"x"}]})"}) {
    const json::Value result = *json::Read(text);
    EXPECT_FALSE(ReadToolPage(result).has_value()) << text;
  }
}

}  // namespace
}  // namespace weir::agent::mcp
