#include "weir/wire/plain_walk.h"

#include <cstring>

namespace weir::wire {
namespace {

// With a length that the compiler knows, comparing is a load or two.
template <std::size_t kSize>
bool Is(std::string_view name, const char (&word)[kSize]) {
  return name.size() == kSize - 1 && std::memcmp(name.data(), word, kSize - 1) == 0;
}

}  // namespace

bool PlainWalk::EnterKey(std::string_view name) {
  key_ = KeyOf(name);
  if (key_ == Key::kUnknown) return true;
  if (seen(key_)) return false;
  seen_ |= Bit(key_);
  return true;
}

bool PlainWalk::BeginObject() {
  switch (where_) {
    case Where::kStart:
      where_ = Where::kTop;
      return true;
    case Where::kTop:
      where_ = Where::kUsage;
      return key_ == Key::kUsage;
    case Where::kChoices:
      seen_ &= Bit(Key::kIndex) - 1;
      where_ = Where::kChoice;
      return true;
    case Where::kChoice:
      where_ = Where::kMessage;
      return key_ == Key::kMessage;
    case Where::kToolCalls:
      seen_ &= Bit(Key::kCallId) - 1;
      where_ = Where::kToolCall;
      return true;
    case Where::kToolCall:
      where_ = Where::kFunction;
      return key_ == Key::kFunction;
    case Where::kUsage:
      where_ = key_ == Key::kPromptDetails ? Where::kPromptDetails : Where::kCompletionDetails;
      return key_ == Key::kPromptDetails || key_ == Key::kCompletionDetails;
    default:
      return false;
  }
}

void PlainWalk::EndObject() {
  key_ = Key::kUnknown;  // what follows an object in a list has no key
  switch (where_) {
    case Where::kMessage:
      where_ = Where::kChoice;
      return;
    case Where::kChoice:
      where_ = Where::kChoices;
      return;
    case Where::kFunction:
      where_ = Where::kToolCall;
      return;
    case Where::kToolCall:
      where_ = Where::kToolCalls;
      return;
    case Where::kPromptDetails:
    case Where::kCompletionDetails:
      where_ = Where::kUsage;
      return;
    default:
      where_ = where_ == Where::kTop ? Where::kStart : Where::kTop;
  }
}

bool PlainWalk::BeginArray() {
  if (key_ == Key::kChoices && where_ == Where::kTop) {
    where_ = Where::kChoices;
    return true;
  }
  if (key_ != Key::kToolCalls || where_ != Where::kMessage) return false;
  where_ = Where::kToolCalls;
  return true;
}

void PlainWalk::EndArray() {
  key_ = Key::kUnknown;
  where_ = where_ == Where::kChoices ? Where::kTop : Where::kMessage;
}

Key PlainWalk::KeyOf(std::string_view name) const {
  switch (where_) {
    case Where::kTop:
      if (Is(name, "id")) return Key::kId;
      if (Is(name, "object")) return Key::kObject;
      if (Is(name, "created")) return Key::kCreated;
      if (Is(name, "model")) return Key::kModel;
      if (Is(name, "choices")) return Key::kChoices;
      if (Is(name, "system_fingerprint")) return Key::kFingerprint;
      if (Is(name, "usage")) return Key::kUsage;
      return Key::kUnknown;
    case Where::kChoice:
      if (Is(name, "index")) return Key::kIndex;
      if (Is(name, "finish_reason")) return Key::kFinish;
      if (chat_ && name == message_) return Key::kMessage;
      if (!chat_ && Is(name, "text")) return Key::kText;
      return Key::kUnknown;
    case Where::kMessage:
      if (Is(name, "content")) return Key::kContent;
      if (Is(name, "role")) return Key::kRole;
      if (Is(name, "refusal")) return Key::kRefusal;
      if (Is(name, "reasoning")) return Key::kReasoning;
      if (Is(name, "reasoning_content")) return Key::kReasoningContent;
      if (Is(name, "tool_calls")) return Key::kToolCalls;
      return Key::kUnknown;
    case Where::kToolCall:
      if (Is(name, "id")) return Key::kCallId;
      if (Is(name, "type")) return Key::kType;
      if (Is(name, "function")) return Key::kFunction;
      return Key::kUnknown;
    case Where::kFunction:
      if (Is(name, "name")) return Key::kName;
      if (Is(name, "arguments")) return Key::kArguments;
      return Key::kUnknown;
    case Where::kUsage:
      if (Is(name, "prompt_tokens")) return Key::kPromptTokens;
      if (Is(name, "total_tokens")) return Key::kTotalTokens;
      if (Is(name, "completion_tokens")) return Key::kCompletionTokens;
      if (Is(name, "prompt_tokens_details")) return Key::kPromptDetails;
      if (Is(name, "completion_tokens_details")) return Key::kCompletionDetails;
      return Key::kUnknown;
    case Where::kPromptDetails:
      return Is(name, "cached_tokens") ? Key::kCachedTokens : Key::kUnknown;
    case Where::kCompletionDetails:
      return Is(name, "reasoning_tokens") ? Key::kReasoningTokens : Key::kUnknown;
    default:
      return Key::kUnknown;
  }
}

}  // namespace weir::wire
