#include "weir/agent/message_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"

namespace weir::agent {
namespace {

using model::Message;
using model::Part;
using model::Role;
using testing::HasSubstr;

std::string Written(const Message& message) {
  std::string text;
  json::Writer out(text);
  WriteMessage(out, message);
  return text;
}

Message Read(std::string_view text) {
  const Result<Message> message = ReadMessage(*json::Read(text));
  EXPECT_TRUE(message) << text;
  return message ? *message : Message();
}

TEST(MessageJson, ATextIsATextAndWhatIsEmptyIsLeftOut) {
  EXPECT_EQ(Written(Message::Text(Role::kUser, "hi \"you\"\n")),
            R"({"role":"user","content":"hi \"you\"\n"})");
  EXPECT_EQ(Written(Message{.role = Role::kAssistant}), R"({"role":"assistant"})");
}

TEST(MessageJson, WhatIsWrittenIsReadAgain) {
  Message call = Message::Text(Role::kAssistant, "");
  call.reasoning = "because";
  call.tool_calls = {{.id = "c1", .name = "look", .arguments = R"({"broken)"},
                     {.id = "c2", .name = "fix", .arguments = "{}"}};
  Message result = Message::Text(Role::kTool, "seen");
  result.tool_call_id = "c1";
  result.name = "look";
  Message parts{.role = Role::kUser};
  parts.parts = {{.text = "see"},
                 {.kind = Part::Kind::kImage, .url = "data:x", .format = "png", .detail = "low"},
                 {.kind = Part::Kind::kAudio, .url = "a", .uuid = "u"},
                 {.kind = Part::Kind::kVideo, .url = "v"},
                 {.kind = Part::Kind::kFile, .url = "f"}};
  Part raw{.kind = Part::Kind::kRaw};
  raw.raw = *json::Read(R"({"type":"new"})");
  parts.parts.push_back(raw);
  for (const Message& message : {Message::Text(Role::kSystem, "s"), call, result, parts}) {
    const std::string text = Written(message);
    EXPECT_EQ(Written(Read(text)), text);
  }
  const Message again = Read(Written(parts));
  ASSERT_EQ(again.parts.size(), 6U);
  EXPECT_EQ(again.parts[1].detail, "low");
  EXPECT_EQ(again.parts[5].raw.Find("type").StringOr(""), "new");
  EXPECT_EQ(Read(Written(call)).tool_calls[0].arguments, R"({"broken)");
}

TEST(MessageJson, WhatIsNoMessageIsRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "has no role"},
      {R"({"role":"king"})", "has no role"},
      {R"({"role":"user","content":[{"type":"smell"}]})", "has a part of no known type"},
      {R"({"role":"user","content":[7]})", "has a part of no known type"},
      {R"([])", "has no role"},
  };
  for (const auto& [text, says] : cases) {
    const Result<Message> message = ReadMessage(*json::Read(text));
    ASSERT_FALSE(message) << text;
    EXPECT_EQ(message.error().code, Code::kInvalidJson);
    EXPECT_THAT(message.error().message, HasSubstr(says));
  }
}

}  // namespace
}  // namespace weir::agent
