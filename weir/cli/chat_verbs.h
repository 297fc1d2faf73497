#pragma once

// Carries out the slash commands of a conversation.

#include "weir/cli/chat_commands.h"
#include "weir/cli/talk.h"

namespace weir::cli {

struct ChatVerbs {
  Session& session;
  Talk& talk;
  std::string& file;  // where the session is saved; empty: nowhere yet

  // Everything but kQuit. What there is to say goes to stderr, answers to stdout.
  Result<void> Do(const ChatCommand& command);

 private:
  Result<void> SetModel(const std::string& name);
  Result<void> SetEngine(const std::string& name);
  Result<void> SetTemperature(const std::string& number);
  Result<void> SetThinking(const std::string& word);
  Result<void> SetTools(const std::string& path);
  Result<void> SetSchema(const std::string& path);
  Result<void> Save(const std::string& path);
  Result<void> Load(const std::string& path);
  void SetText(std::string& text, std::string_view name, const std::string& argument);
  void TellUsage();
};

}  // namespace weir::cli
