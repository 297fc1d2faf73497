#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/basic_parser_impl.hpp>

#include "weir/base/limits.h"
#include "weir/wire/codec.h"
#include "weir/wire/reply_tree.h"

namespace weir::wire {
namespace {

namespace bj = boost::json;

// The short way: nearly every reply is texts, counts and nulls. This handler fills a Reply with no
// tree in between and gives up ("bails") at anything that it does not know; the reply, or the error
// that it is, is then decoded by way of a tree.
class PlainReply {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  using Text = bj::string_view;
  using Fault = bj::error_code;

  PlainReply(model::Api api, model::Reply& out) : chat_(api == model::Api::kChat), out_(out) {}

  // After a successful parse: whether it was a plain reply.
  bool complete() const { return !out_.choices.empty(); }

  bool on_document_begin(Fault&) { return true; }
  bool on_document_end(Fault&) { return true; }

  bool on_object_begin(Fault& fault) {
    switch (where_) {
      case Where::kStart:
        where_ = Where::kTop;
        return true;
      case Where::kTop:
        if (key_ != Key::kUsage) return Bail(fault);
        where_ = Where::kUsage;
        return true;
      case Where::kChoices:
        BeginChoice();
        return true;
      case Where::kChoice:
        if (key_ != Key::kMessage) return Bail(fault);
        where_ = Where::kMessage;
        return true;
      case Where::kUsage:
        if (key_ != Key::kPromptDetails && key_ != Key::kCompletionDetails) return Bail(fault);
        where_ = key_ == Key::kPromptDetails ? Where::kPromptDetails : Where::kCompletionDetails;
        return true;
      case Where::kToolCalls:
        BeginToolCall();
        return true;
      case Where::kToolCall:
        if (key_ != Key::kFunction) return Bail(fault);
        where_ = Where::kFunction;
        return true;
      default:
        return Bail(fault);
    }
  }
  bool on_object_end(std::size_t, Fault&) {
    key_ = Key::kUnknown;  // what follows an object in a list has no key
    switch (where_) {
      case Where::kMessage:
        if (choice_->reasoning.empty()) choice_->reasoning.swap(second_reasoning_);
        second_reasoning_.clear();
        where_ = Where::kChoice;
        return true;
      case Where::kChoice:
        where_ = Where::kChoices;
        return true;
      case Where::kPromptDetails:
      case Where::kCompletionDetails:
        where_ = Where::kUsage;
        return true;
      case Where::kFunction:
        where_ = Where::kToolCall;
        return true;
      case Where::kToolCall:
        where_ = Where::kToolCalls;
        return true;
      default:
        where_ = where_ == Where::kTop ? Where::kStart : Where::kTop;
        return true;
    }
  }
  bool on_array_begin(Fault& fault) {
    if (key_ == Key::kChoices && where_ == Where::kTop) {
      where_ = Where::kChoices;
      return true;
    }
    if (key_ != Key::kToolCalls || where_ != Where::kMessage) return Bail(fault);
    where_ = Where::kToolCalls;
    return true;
  }
  bool on_array_end(std::size_t, Fault&) {
    where_ = where_ == Where::kChoices ? Where::kTop : Where::kMessage;
    return true;
  }

  bool on_key_part(Text, std::size_t, Fault& fault) { return Bail(fault); }
  bool on_key(Text key, std::size_t, Fault& fault) {
    key_ = KeyOf({key.data(), key.size()});
    if (key_ == Key::kUnknown) return true;
    if ((seen_ & Bit(key_)) != 0) return Bail(fault);
    seen_ |= Bit(key_);
    return true;
  }

  bool on_string_part(Text text, std::size_t, Fault& fault) {
    std::string* const target = Target();
    if (target == nullptr) return Bail(fault);
    target->append(text.data(), text.size());
    return true;
  }
  bool on_string(Text text, std::size_t whole, Fault& fault) {
    const std::string_view value(text.data(), text.size());
    if (std::string* const target = Target()) {
      target->append(value);
      return true;
    }
    if (whole != text.size()) return Bail(fault);
    switch (key_) {
      case Key::kFinish:
        if (value.empty()) return true;
        choice_->finish = model::ParseFinish(value);
        choice_->finish_text = value;
        return true;
      case Key::kObject:
        return value != "error" || Bail(fault);
      case Key::kRole:
      case Key::kType:
        return true;
      default:
        return Bail(fault);
    }
  }

  bool on_number_part(Text, Fault&) { return true; }
  bool on_int64(std::int64_t value, Text, Fault& fault) {
    switch (key_) {
      case Key::kCreated:
        out_.info.created = value;
        return true;
      case Key::kIndex:
        choice_->index = value;
        return true;
      case Key::kPromptTokens:
        out_.usage.prompt_tokens = value;
        return true;
      case Key::kCompletionTokens:
        out_.usage.completion_tokens = value;
        return true;
      case Key::kTotalTokens:
        out_.usage.total_tokens = value;
        return true;
      case Key::kCachedTokens:
        out_.usage.cached_tokens = value;
        return true;
      case Key::kReasoningTokens:
        out_.usage.reasoning_tokens = value;
        return true;
      default:
        return Bail(fault);
    }
  }
  bool on_uint64(std::uint64_t, Text, Fault& fault) { return Bail(fault); }
  bool on_double(double, Text, Fault& fault) { return Bail(fault); }
  bool on_bool(bool, Fault& fault) { return Bail(fault); }
  bool on_null(Fault& fault) {
    // A null is as good as an absent field, except where a container must stand.
    return (where_ != Where::kStart && where_ != Where::kChoices && where_ != Where::kToolCalls &&
            key_ != Key::kChoices) ||
           Bail(fault);
  }
  bool on_comment_part(Text, Fault&) { return true; }
  bool on_comment(Text, Fault&) { return true; }

 private:
  enum class Where : std::uint8_t {
    kStart,
    kTop,
    kChoices,
    kChoice,
    kMessage,
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

  static constexpr std::uint32_t Bit(Key key) { return 1U << static_cast<unsigned>(key); }

  static bool Bail(Fault& fault) {
    fault = bj::error::extra_data;
    return false;
  }

  void BeginChoice() {
    seen_ &= Bit(Key::kIndex) - 1;
    const auto position = static_cast<std::int64_t>(out_.choices.size());
    choice_ = &out_.choices.emplace_back();
    choice_->index = position;
    where_ = Where::kChoice;
  }

  void BeginToolCall() {
    seen_ &= Bit(Key::kCallId) - 1;
    call_ = &choice_->tool_calls.emplace_back();
    where_ = Where::kToolCall;
  }

  Key KeyOf(std::string_view key) const {
    switch (where_) {
      case Where::kTop:
        if (key == "id") return Key::kId;
        if (key == "object") return Key::kObject;
        if (key == "created") return Key::kCreated;
        if (key == "model") return Key::kModel;
        if (key == "choices") return Key::kChoices;
        if (key == "system_fingerprint") return Key::kFingerprint;
        if (key == "usage") return Key::kUsage;
        return Key::kUnknown;
      case Where::kChoice:
        if (key == "index") return Key::kIndex;
        if (key == "message") return chat_ ? Key::kMessage : Key::kUnknown;
        if (key == "text") return chat_ ? Key::kUnknown : Key::kText;
        if (key == "finish_reason") return Key::kFinish;
        return Key::kUnknown;
      case Where::kMessage:
        if (key == "content") return Key::kContent;
        if (key == "role") return Key::kRole;
        if (key == "refusal") return Key::kRefusal;
        if (key == "reasoning") return Key::kReasoning;
        if (key == "reasoning_content") return Key::kReasoningContent;
        if (key == "tool_calls") return Key::kToolCalls;
        return Key::kUnknown;
      case Where::kToolCall:
        if (key == "id") return Key::kCallId;
        if (key == "type") return Key::kType;
        if (key == "function") return Key::kFunction;
        return Key::kUnknown;
      case Where::kFunction:
        if (key == "name") return Key::kName;
        if (key == "arguments") return Key::kArguments;
        return Key::kUnknown;
      case Where::kUsage:
        if (key == "prompt_tokens") return Key::kPromptTokens;
        if (key == "total_tokens") return Key::kTotalTokens;
        if (key == "completion_tokens") return Key::kCompletionTokens;
        if (key == "prompt_tokens_details") return Key::kPromptDetails;
        if (key == "completion_tokens_details") return Key::kCompletionDetails;
        return Key::kUnknown;
      case Where::kPromptDetails:
        return key == "cached_tokens" ? Key::kCachedTokens : Key::kUnknown;
      case Where::kCompletionDetails:
        return key == "reasoning_tokens" ? Key::kReasoningTokens : Key::kUnknown;
      default:
        return Key::kUnknown;
    }
  }

  // Where the text of the present key is gathered; null when it is not such a key.
  std::string* Target() {
    switch (key_) {
      case Key::kContent:
      case Key::kText:
        return &choice_->text;
      case Key::kReasoning:
        return &choice_->reasoning;
      case Key::kReasoningContent:
        return &second_reasoning_;
      case Key::kRefusal:
        return &choice_->refusal;
      case Key::kCallId:
        return &call_->id;
      case Key::kName:
        return &call_->name;
      case Key::kArguments:
        return &call_->arguments;
      case Key::kId:
        return &out_.info.id;
      case Key::kModel:
        return &out_.info.model;
      case Key::kFingerprint:
        return &out_.info.system_fingerprint;
      default:
        return nullptr;
    }
  }

  const bool chat_;
  Where where_ = Where::kStart;
  Key key_ = Key::kUnknown;
  std::uint32_t seen_ = 0;
  model::Reply& out_;
  model::Choice* choice_ = nullptr;  // the one that is open
  model::ToolCall* call_ = nullptr;  // the one that is open
  std::string second_reasoning_;
};

bool DecodePlain(model::Api api, std::string_view body, model::Reply& out) {
  if (body.size() > limits::kReplyBodyBytes) return false;
  bj::basic_parser<PlainReply> parser(bj::parse_options{}, api, out);
  bj::error_code fault;
  const std::size_t used = parser.write_some(false, body.data(), body.size(), fault);
  return !fault && used == body.size() && parser.handler().complete();
}

}  // namespace

Result<model::Reply> DecodeReply(model::Api api, std::string_view body) {
  Result<model::Reply> reply;
  if (!DecodePlain(api, body, *reply)) reply = DecodeReplyTree(api, body);
  return reply;
}

}  // namespace weir::wire
