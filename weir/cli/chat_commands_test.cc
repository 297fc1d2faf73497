#include "weir/cli/chat_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"

namespace weir::cli {
namespace {

using testing::HasSubstr;

TEST(ChatCommands, AreToldFromText) {
  EXPECT_TRUE(IsChatCommand("/help"));
  EXPECT_TRUE(IsChatCommand("/model a/b"));
  EXPECT_FALSE(IsChatCommand("/etc/passwd is a file"));
  EXPECT_FALSE(IsChatCommand("//help"));
  EXPECT_FALSE(IsChatCommand("/"));
  EXPECT_FALSE(IsChatCommand("/ help"));
  EXPECT_FALSE(IsChatCommand("help"));
}

TEST(ChatCommands, HaveTheRestOfTheLineAsArgument) {
  const Result<ChatCommand> command = ParseChatCommand("/system  You are brief. \n");
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(command->verb, ChatVerb::kSystem);
  EXPECT_EQ(command->argument, "You are brief.");
  EXPECT_EQ(ParseChatCommand("/exit")->verb, ChatVerb::kQuit);
}

TEST(ChatCommands, EveryNameIsReadAndHelpedWith) {
  for (const std::string& name : ChatCommandNames()) {
    EXPECT_THAT(ChatHelp(), HasSubstr(name));
    const Result<ChatCommand> command = ParseChatCommand(name);
    EXPECT_TRUE(command.has_value() || command.error().message.contains("needs")) << name;
  }
}

TEST(ChatCommands, TheHelpFitsATerminal) {
  for (const std::string_view line : Split(ChatHelp(), '\n')) EXPECT_LE(line.size(), 80U) << line;
}

TEST(ChatCommands, WrongOnesAreToldWithARemedy) {
  EXPECT_THAT(ParseChatCommand("/modle x").error().message, HasSubstr("is /model meant?"));
  EXPECT_THAT(ParseChatCommand("/modle x").error().message, HasSubstr("meant? /help lists them"));
  EXPECT_THAT(ParseChatCommand("/bogus").error().message,
              HasSubstr("no command /bogus; /help lists them"));
  EXPECT_THAT(ParseChatCommand("/load").error().message, HasSubstr("/load needs FILE"));
  EXPECT_THAT(ParseChatCommand("/clear all").error().message, HasSubstr("takes nothing"));
}

}  // namespace
}  // namespace weir::cli
