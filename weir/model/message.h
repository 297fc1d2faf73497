#pragma once

// What goes into a conversation: messages made of parts, tools, tool calls.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/json/value.h"

namespace weir::model {

enum class Role : std::uint8_t { kSystem, kDeveloper, kUser, kAssistant, kTool };

// One piece of a message. Media travels as a URL (https: or data:), which is what every server
// takes.
struct Part {
  enum class Kind : std::uint8_t { kText, kImage, kAudio, kVideo, kFile, kRaw };

  Kind kind = Kind::kText;
  std::string text;    // kText
  std::string url;     // media: an https: or data: URL
  std::string format;  // kAudio: "wav", "mp3"; kFile: its name
  std::string detail;  // kImage: "low", "high", "auto"; empty: the server's default
  std::string uuid;    // vLLM's name for a cached medium; empty: none
  json::Value raw;     // kRaw: a part of a type that weir has no name for, sent as it is
};

// A call as the model wrote it: `arguments` is its text, not yet checked to be JSON.
struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;

  friend bool operator==(const ToolCall&, const ToolCall&) = default;
};

struct Message {
  Role role = Role::kUser;
  std::vector<Part> parts;  // empty: no content at all (an assistant that only calls tools)
  std::string reasoning;    // assistant: what it thought, replayed as the dialect wants it
  std::vector<ToolCall> tool_calls;  // assistant
  std::string tool_call_id;          // tool: which call this answers
  std::string name;                  // optional author name
  json::Value extra;                 // further fields of this message, an object; null: none

  static Message Text(Role role, std::string text);
  // The text parts, one after the other.
  std::string AllText() const;
};

struct ToolSpec {
  std::string name;
  std::string description;
  json::Value parameters;      // JSON Schema of the arguments; null: takes none
  std::optional<bool> strict;  // ask the server to enforce `parameters`
  // Its arguments are never bent to `parameters`, nor refused for them: who offers it judges them.
  bool as_said = false;
};

struct ToolChoice {
  enum class Kind : std::uint8_t { kUnset, kAuto, kNone, kRequired, kNamed };

  Kind kind = Kind::kUnset;
  std::string name;  // kNamed
};

std::string_view RoleName(Role role);
std::optional<Role> ParseRole(std::string_view name);

}  // namespace weir::model
