#pragma once

// Where a scanner stands in an answer. Nearly every answer, whole or in chunks, is texts, counts
// and nulls in known places; those are decoded on the way, with no tree in between. A handler gives
// up ("bails") at anything else, and the answer is decoded by way of a tree.

#include <cstdint>
#include <string_view>

#include "weir/model/call.h"

namespace weir::wire {

enum class Where : std::uint8_t {
  kStart,
  kTop,
  kChoices,
  kChoice,
  kMessage,  // of a whole answer; the `delta` of a chunk
  kToolCalls,
  kToolCall,
  kFunction,
  kUsage,
  kPromptDetails,
  kCompletionDetails,
};

enum class Key : std::uint8_t {
  kUnknown,
  kId,
  kObject,
  kCreated,
  kModel,
  kChoices,
  kFingerprint,
  kUsage,
  kPromptTokens,
  kCompletionTokens,
  kTotalTokens,
  kPromptDetails,
  kCachedTokens,
  kCompletionDetails,
  kReasoningTokens,
  // From here on, once in each choice.
  kIndex,
  kMessage,
  kFinish,
  kText,
  kRole,
  kContent,
  kRefusal,
  kReasoning,
  kReasoningContent,
  kToolCalls,
  // From here on, once in each tool call.
  kCallId,
  kType,
  kFunction,
  kName,
  kArguments,
};

class PlainWalk {
 public:
  enum class Form : std::uint8_t { kWhole, kChunk };

  PlainWalk(model::Api api, Form form)
      : chat_(api == model::Api::kChat), message_(form == Form::kWhole ? "message" : "delta") {}

  void Restart() {
    where_ = Where::kStart;
    key_ = Key::kUnknown;
    seen_ = 0;
  }

  Where where() const { return where_; }
  Key key() const { return key_; }  // of the value that comes next
  bool seen(Key key) const { return (seen_ & Bit(key)) != 0; }

  // The scanner's events. False: not a place of a plain answer.
  bool EnterKey(std::string_view name);  // false: for the second time
  bool BeginObject();
  void EndObject();
  bool BeginArray();
  void EndArray();
  // A null is as good as an absent field, except where a container must stand.
  bool MayBeNull() const {
    return where_ != Where::kStart && where_ != Where::kChoices && where_ != Where::kToolCalls &&
           key_ != Key::kChoices;
  }

 private:
  static constexpr std::uint32_t Bit(Key key) { return 1U << static_cast<unsigned>(key); }

  Key KeyOf(std::string_view name) const;

  const bool chat_;
  const std::string_view message_;
  Where where_ = Where::kStart;
  Key key_ = Key::kUnknown;
  std::uint32_t seen_ = 0;
};

}  // namespace weir::wire
