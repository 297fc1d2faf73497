#include "weir/cli/chat_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::cli {
namespace {

using model::Message;
using model::Part;
using model::Role;
using testing::HasSubstr;

ChatSession Full() {
  ChatSession chat;
  chat.engine = "big";
  chat.model = "m";
  chat.adapter = "sql";
  chat.system = "Be brief.";
  chat.thinking = "low";
  chat.show_thinking = true;
  chat.sampling.temperature = 0.5;
  chat.sampling.max_tokens = 64;
  chat.sampling.stop = {"END"};
  chat.tools.push_back({.name = "now", .description = "the time", .strict = true});
  chat.schema = *json::Read(R"({"type":"object"})");
  Message question = Message::Text(Role::kUser, "What is this?");
  question.parts.push_back(
      {.kind = Part::Kind::kImage, .url = "data:image/png;base64,AA==", .detail = "low"});
  question.parts.push_back({.kind = Part::Kind::kFile, .url = "file:///a.pdf", .uuid = "u1"});
  chat.messages.push_back({.message = question});
  Message answer{.role = Role::kAssistant, .reasoning = "hm"};
  answer.tool_calls.push_back({.id = "c1", .name = "now", .arguments = "{}"});
  chat.messages.push_back({.message = answer});
  Message result = Message::Text(Role::kTool, "noon");
  result.tool_call_id = "c1";
  result.name = "now";
  chat.messages.push_back({.message = result});
  chat.messages.push_back({.message = Message::Text(Role::kAssistant, "It is"), .partial = true});
  chat.totals = {.answers = 2, .prompt_tokens = 10, .completion_tokens = 5, .cost = 0.25};
  return chat;
}

TEST(ChatSession, ComesBackAsItWas) {
  const std::string text = WriteChatSession(Full());

  const Result<ChatSession> read = ReadChatSession(text, "chat.json");

  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(WriteChatSession(*read), text);
  EXPECT_EQ(read->messages[0].message.parts[1].url, "data:image/png;base64,AA==");
  EXPECT_EQ(read->messages[1].message.tool_calls[0].name, "now");
  EXPECT_EQ(read->messages[0].message.parts[1].detail, "low");
  EXPECT_EQ(read->messages[0].message.parts[2].uuid, "u1");
  EXPECT_EQ(read->messages[2].message.name, "now");
  EXPECT_TRUE(read->messages[3].partial);
  EXPECT_EQ(read->totals, Full().totals);
}

TEST(ChatSession, SecretsOfAnAddressAreNotSaved) {
  ChatSession chat;
  chat.engine = "http://user:secret@localhost:8000";
  EXPECT_FALSE(WriteChatSession(chat).contains("secret"));
}

TEST(ChatSession, EveryCutIsAnError) {
  const std::string text = WriteChatSession(Full());
  for (std::size_t cut = 0; cut + 2 < text.size(); ++cut) {
    EXPECT_FALSE(ReadChatSession(text.substr(0, cut), "x").has_value()) << cut;
  }
}

struct TranscriptCase {
  const char* name;
  const char* text;
  const char* complaint;
};

const TranscriptCase kTranscriptCases[] = {
    {"no_json", "hello", "chat.json is no saved chat: it is not JSON"},
    {"another_document", R"({"a":1})", "\"format\" must be \"weir-chat\""},
    {"list", "[]", "must be an object"},
    {"later_version", R"({"format":"weir-chat","version":2})", "by a later weir"},
    {"unknown_member", R"({"format":"weir-chat","version":1,"modle":"m"})",
     "/modle is unknown; is 'model' meant?"},
    {"wrong_type", R"({"format":"weir-chat","version":1,"model":3})",
     "/model must be a text, but is number"},
    {"unknown_role", R"({"format":"weir-chat","version":1,"messages":[{"role":"boss"}]})",
     "/messages/0/role must be user, assistant, tool or system"},
    {"unknown_part",
     R"({"format":"weir-chat","version":1,"messages":[{"role":"user","content":[{"type":"x"}]}]})",
     "/messages/0/content/0/type must be text, image, audio, video or file"},
    {"duplicate_key", R"({"format":"weir-chat","format":"weir-chat","version":1})", "format"},
};

class ChatSessionErrors : public testing::TestWithParam<TranscriptCase> {};

TEST_P(ChatSessionErrors, NameThePlace) {
  const Result<ChatSession> read = ReadChatSession(GetParam().text, "chat.json");
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Code::kConfigError);
  EXPECT_THAT(StrCat(read.error().message, read.error().cause), HasSubstr(GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(Files, ChatSessionErrors, testing::ValuesIn(kTranscriptCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::cli
