#include "weir/engine/prompt_format.h"

#include <gtest/gtest.h>

namespace weir::engine {
namespace {

using model::Message;
using model::Role;

std::vector<Message> Talk() {
  return {Message::Text(Role::kSystem, "Be brief."), Message::Text(Role::kUser, "Hi"),
          Message::Text(Role::kAssistant, "Hello."), Message::Text(Role::kUser, "Why?")};
}

TEST(PromptFormat, EachFormatWritesItsTurnsAndOpensTheAnswer) {
  const std::pair<PromptFormat, std::string_view> cases[] = {
      {PromptFormat::kRoles,
       "[SYSTEM]\nBe brief.\n[USER]\nHi\n[ASSISTANT]\nHello.\n[USER]\nWhy?\n[ASSISTANT]\n"},
      {PromptFormat::kChatMl,
       "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
       "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n"
       "<|im_start|>assistant\n"},
      {PromptFormat::kLlama3,
       "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
       "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
       "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
       "<|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
       "<|start_header_id|>assistant<|end_header_id|>\n\n"},
      {PromptFormat::kMistral, "<s>[INST] Be brief.\n\nHi [/INST] Hello.</s>[INST] Why? [/INST]"},
      {PromptFormat::kGemma,
       "<bos><start_of_turn>user\nBe brief.<end_of_turn>\n<start_of_turn>user\nHi<end_of_turn>\n"
       "<start_of_turn>model\nHello.<end_of_turn>\n<start_of_turn>user\nWhy?<end_of_turn>\n"
       "<start_of_turn>model\n"},
      {PromptFormat::kHarmony,
       "<|start|>system<|message|>Be brief.<|end|><|start|>user<|message|>Hi<|end|>"
       "<|start|>assistant<|message|>Hello.<|end|><|start|>user<|message|>Why?<|end|>"
       "<|start|>assistant<|channel|>final<|message|>"},
      {PromptFormat::kPlain, "Be brief.\n\nHi\n\nHello.\n\nWhy?"},
  };
  for (const auto& [format, expected] : cases) {
    const Result<std::string> prompt = PromptOf(Talk(), format);
    ASSERT_TRUE(prompt) << PromptFormatName(format);
    EXPECT_EQ(*prompt, expected) << PromptFormatName(format);
  }
}

TEST(PromptFormat, WhatAPromptCannotCarryIsRefusedByName) {
  Message picture = Message::Text(Role::kUser, "look");
  picture.parts.push_back({.kind = model::Part::Kind::kImage, .url = "data:image/png;base64,AA"});
  Message result = Message::Text(Role::kTool, "42");
  for (const Message& message : {picture, result}) {
    const Result<std::string> prompt = PromptOf({message}, PromptFormat::kRoles);
    ASSERT_FALSE(prompt);
    EXPECT_EQ(prompt.error().code, Code::kUnsupportedParam);
    EXPECT_NE(prompt.error().message.find("`api: chat`"), std::string::npos);
  }
}

}  // namespace
}  // namespace weir::engine
