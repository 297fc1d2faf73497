#pragma once

// A conversation as a value, and as a JSON file: docs/formats/chat-session.md.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/model/message.h"
#include "weir/model/reply.h"
#include "weir/model/sampling.h"

namespace weir::cli {

struct ChatMessage {
  model::Message message;
  bool partial = false;  // the answer was stopped
};

// What all answers of a conversation cost.
struct ChatTotals {
  std::int64_t answers = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::optional<double> cost;  // of those answers whose cost is known
  std::int64_t unpriced = 0;   // answers whose cost is not

  void Add(const model::Usage& usage, const std::optional<double>& its_cost);

  friend bool operator==(const ChatTotals&, const ChatTotals&) = default;
};

struct ChatSession {
  std::string engine;  // as -e names it; empty: the default one
  std::string model;
  std::string adapter;
  std::string system;
  std::string thinking = "auto";  // or on, off, or an effort
  bool show_thinking = false;
  model::Sampling sampling;  // temperature, top_p, top_k, max_tokens, seed and stop are kept
  std::vector<model::ToolSpec> tools;
  json::Value schema;  // that answers are asked for; null: none
  std::vector<ChatMessage> messages;
  ChatTotals totals;
};

inline constexpr std::int64_t kChatSessionVersion = 1;
inline constexpr std::size_t kChatSessionBytes = 256 << 20;  // of a file; pictures are in it

std::string WriteChatSession(const ChatSession& session);

// `file` is for messages. Fails with kConfigError for what is no session, for unknown members, for
// values of the wrong kind, and for a later version.
Result<ChatSession> ReadChatSession(std::string_view text, std::string_view file);

// The file is replaced at once, and only its owner may read it.
Result<void> SaveChatSession(const std::string& file, const ChatSession& session);
Result<ChatSession> LoadChatSession(const std::string& file);

}  // namespace weir::cli
