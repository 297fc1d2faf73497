#pragma once

// The slash commands of `weir chat`: one table, from which they are read, helped with and
// completed.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir::cli {

enum class ChatVerb : std::uint8_t {
  kHelp,
  kModel,
  kEngine,
  kSystem,
  kAdapter,
  kTemperature,
  kThinking,
  kTools,
  kSchema,
  kSave,
  kLoad,
  kClear,
  kCompact,
  kRetry,
  kUsage,
  kQuit,
};

struct ChatCommand {
  ChatVerb verb = ChatVerb::kHelp;
  std::string argument;  // trimmed; empty: none
};

// Whether a typed line is a command: a slash and a word without another slash, so that a path at
// the front of a question is none.
bool IsChatCommand(std::string_view line);

// Fails with kConfigError for an unknown command, naming the nearest, and for an argument that is
// missing or too much.
Result<ChatCommand> ParseChatCommand(std::string_view line);

// All commands, "/help" and its like, for completion.
std::vector<std::string> ChatCommandNames();

std::string ChatHelp();

}  // namespace weir::cli
