#include "weir/agent/conversation.h"

#include <gtest/gtest.h>

namespace weir::agent {
namespace {

TEST(MessageOfTest, ArgumentsAreAnObjectThatServersCanRead) {
  const struct {
    const char* written;
    const char* replayed;
  } cases[] = {
      {R"({"a": 1.50})", R"({"a": 1.50})"},
      {" {} ", " {} "},
      {"{'a': 1,}", R"({"a":1})"},
      {"```json\n{\"a\": 1}\n```", R"({"a":1})"},
      {R"({"a": NaN})", R"({"a":null})"},
      {R"("{\"a\": 1}")", R"({"a":1})"},
      {R"("{'a': 1}")", R"({"a":1})"},
      {R"({"a": [1, 2)", "{}"},
      {R"({"a": "b)", "{}"},
      {R"("{\"a\": 1})", "{}"},
      {R"("{\"a\": [")", "{}"},
      {R"("Paris")", "{}"},
      {"Paris", "{}"},
      {"[1]", "{}"},
      {"null", "{}"},
      {"  ", "{}"},
      {"", "{}"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.written);
    model::Reply reply;
    reply.choices.emplace_back().tool_calls.push_back({"id", "weather", c.written});

    const model::Message message = MessageOf(reply);

    ASSERT_EQ(message.tool_calls.size(), 1U);
    EXPECT_EQ(message.tool_calls[0].id, "id");
    EXPECT_EQ(message.tool_calls[0].name, "weather");
    EXPECT_EQ(message.tool_calls[0].arguments, c.replayed);
  }
}

}  // namespace
}  // namespace weir::agent
