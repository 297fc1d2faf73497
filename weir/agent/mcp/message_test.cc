#include "weir/agent/mcp/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::agent::mcp {
namespace {

using testing::HasSubstr;
using Kind = Message::Kind;

constexpr std::size_t kMany = 1 << 20;

std::string Told(const Message& message) {
  constexpr std::string_view kKinds[] = {"request", "notification", "result", "error"};
  return StrCat(kKinds[static_cast<std::size_t>(message.kind)], " ", json::Write(message.id), " ",
                message.method, " ", json::Write(message.body), " ", message.code, " ",
                message.complaint);
}

struct MessageCase {
  std::string_view text;
  std::string_view told;
};

class McpMessageTest : public testing::TestWithParam<MessageCase> {};

TEST_P(McpMessageTest, IsReadAsWhatItIs) {
  const Result<Message> message = ParseMessage(GetParam().text, kMany);

  ASSERT_TRUE(message.has_value()) << Describe(message.error());
  EXPECT_EQ(Told(*message), GetParam().told);
}

INSTANTIATE_TEST_SUITE_P(
    Table, McpMessageTest,
    testing::Values(
        MessageCase{R"({"jsonrpc":"2.0","id":1,"method":"ping"})", "request 1 ping null 0 "},
        MessageCase{R"({"jsonrpc":"2.0","id":"a-1","method":"roots/list","params":{}})",
                    R"(request "a-1" roots/list {} 0 )"},
        MessageCase{R"({"method":"notifications/x","params":{"a":[1]},"jsonrpc":"2.0"})",
                    R"(notification null notifications/x {"a":[1]} 0 )"},
        MessageCase{R"({"jsonrpc":"2.0","method":"n","params":null})",
                    "notification null n null 0 "},
        MessageCase{R"({"jsonrpc":"2.0","id":7,"result":{"tools":[]}})",
                    R"(result 7  {"tools":[]} 0 )"},
        MessageCase{R"({"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"no","data":1}})",
                    "error 7  null -32602 no"},
        MessageCase{R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse"}})",
                    "error null  null -32700 parse"},
        MessageCase{R"({"jsonrpc":"2.0","error":{"code":1,"message":""}})", "error null  null 1 "},
        MessageCase{R"(  {"jsonrpc":"2.0","id":-3,"result":{},"more":true}  )",
                    "result -3  {} 0 "}));

class McpNoMessageTest : public testing::TestWithParam<MessageCase> {};

TEST_P(McpNoMessageTest, IsRefusedWithWords) {
  const Result<Message> message = ParseMessage(GetParam().text, kMany);

  ASSERT_FALSE(message.has_value());
  EXPECT_EQ(message.error().code, Code::kProtocolError);
  EXPECT_THAT(message.error().message, HasSubstr(GetParam().told));
}

INSTANTIATE_TEST_SUITE_P(
    Table, McpNoMessageTest,
    testing::Values(
        MessageCase{"", "no JSON"}, MessageCase{"Server ready on stdio", "no JSON: Server ready"},
        MessageCase{"{}", "no message of JSON-RPC 2.0"},
        MessageCase{"42", "no message of JSON-RPC 2.0"},
        MessageCase{R"({"jsonrpc":"1.0","id":1,"result":{}})", "no message of JSON-RPC 2.0"},
        MessageCase{R"([{"jsonrpc":"2.0","id":1,"result":{}}])", "several messages in one array"},
        MessageCase{R"({"jsonrpc":"2.0","id":1})", "needs one of"},
        MessageCase{R"({"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}})",
                    "needs one of"},
        MessageCase{R"({"jsonrpc":"2.0","result":{}})", "which request it is for"},
        MessageCase{R"({"jsonrpc":"2.0","id":1.5,"result":{}})", "which request it is for"},
        MessageCase{R"({"jsonrpc":"2.0","id":1,"result":[]})", "a result that is no object"},
        MessageCase{R"({"jsonrpc":"2.0","id":null,"method":"ping"})",
                    "neither an integer nor a text"},
        MessageCase{R"({"jsonrpc":"2.0","id":1,"method":""})", "no name"},
        MessageCase{R"({"jsonrpc":"2.0","id":1,"method":7})", "no name"},
        MessageCase{R"({"jsonrpc":"2.0","id":1,"method":"m","params":[1]})", "`params` is array"},
        MessageCase{R"({"jsonrpc":"2.0","id":1,"error":"bad"})", "without `code` and `message`"},
        MessageCase{R"({"jsonrpc":"2.0","id":{},"error":{"code":1,"message":""}})",
                    "an error whose `id`"}));

TEST(McpMessage, APartOfAMessageIsNone) {
  const std::string text =
      R"({"jsonrpc":"2.0","id":"ä","error":{"code":-1,"message":"a \"b\" {c}"}})";

  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    EXPECT_FALSE(ParseMessage(std::string_view(text).substr(0, cut), kMany).has_value()) << cut;
    EXPECT_FALSE(ParseMessage(std::string_view(text).substr(cut + 1), kMany).has_value()) << cut;
  }
  EXPECT_TRUE(ParseMessage(text, kMany).has_value());
}

TEST(McpMessage, OneThatIsTooLargeIsRefused) {
  const std::string text = R"({"jsonrpc":"2.0","id":1,"result":{}})";

  EXPECT_TRUE(ParseMessage(text, text.size()).has_value());
  EXPECT_FALSE(ParseMessage(text, text.size() - 1).has_value());
}

TEST(McpMessage, OnlyTheAnswerWithTheNumberAnswers) {
  const auto answers = [](std::string_view text) {
    return ParseMessage(text, kMany).value().Answers(3);
  };

  EXPECT_TRUE(answers(R"({"jsonrpc":"2.0","id":3,"result":{}})"));
  EXPECT_TRUE(answers(R"({"jsonrpc":"2.0","id":3,"error":{"code":1,"message":""}})"));
  EXPECT_FALSE(answers(R"({"jsonrpc":"2.0","id":4,"result":{}})"));
  EXPECT_FALSE(answers(R"({"jsonrpc":"2.0","id":"3","result":{}})"));
  EXPECT_FALSE(answers(R"({"jsonrpc":"2.0","id":3,"method":"ping"})"));
}

TEST(McpMessage, EachIsWrittenAsOneLine) {
  const json::Value object = *json::Read("{\"text\": \"two\\nlines\"}");

  EXPECT_EQ(WriteRequest(1, "tools/call", object),
            R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"text":"two\nlines"}})");
  EXPECT_EQ(WriteNotification("notifications/initialized", json::View()),
            R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  EXPECT_EQ(WriteResult(json::Value::Of("x"), object),
            R"({"jsonrpc":"2.0","id":"x","result":{"text":"two\nlines"}})");
  EXPECT_EQ(WriteError(json::Value::Of(9), kMethodNotFound, "a\nb"),
            R"({"jsonrpc":"2.0","id":9,"error":{"code":-32601,"message":"a\nb"}})");
}

}  // namespace
}  // namespace weir::agent::mcp
