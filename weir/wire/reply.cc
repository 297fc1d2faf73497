#include <string>

#include "weir/base/limits.h"
#include "weir/json/scanner.h"
#include "weir/wire/codec.h"
#include "weir/wire/plain_fields.h"
#include "weir/wire/reply_tree.h"

namespace weir::wire {
namespace {

// Fills a Reply with the scanner's events, or bails.
class PlainReply {
 public:
  PlainReply(model::Api api, model::Reply& out) : walk_(api, PlainWalk::Form::kWhole), out_(out) {}

  bool BeginObject() {
    if (!walk_.BeginObject()) return false;
    if (walk_.where() == Where::kChoice) {
      const auto position = static_cast<std::int64_t>(out_.choices.size());
      choice_ = &out_.choices.emplace_back();
      choice_->index = position;
    } else if (walk_.where() == Where::kToolCall) {
      call_ = &choice_->tool_calls.emplace_back();
    }
    return true;
  }
  bool EndObject() {
    if (walk_.where() == Where::kMessage) {
      if (choice_->reasoning.empty()) choice_->reasoning.swap(second_reasoning_);
      second_reasoning_.clear();
    }
    walk_.EndObject();
    return true;
  }
  bool BeginArray() { return walk_.BeginArray(); }
  bool EndArray() { return walk_.EndArray(), true; }
  bool Key(std::string_view name) { return walk_.EnterKey(name); }
  bool Null() { return walk_.MayBeNull(); }
  bool Bool(bool) { return false; }

  bool String(std::string_view text) {
    if (std::string* const target = Target()) {
      *target = text;
      return true;
    }
    if (walk_.key() != wire::Key::kFinish) return PlainText(walk_.key(), text, out_.info);
    SetFinish(text, *choice_);
    return true;
  }

  bool Number(std::string_view text) {
    std::int64_t value = 0;
    if (!PlainInt(text, value)) return false;
    if (walk_.key() == wire::Key::kIndex) {
      choice_->index = value;
      return true;
    }
    if (walk_.key() == wire::Key::kCreated) {
      out_.info.created = value;
      return true;
    }
    return PlainCount(walk_.key(), value, out_.usage);
  }

 private:
  // Where the text of the present key goes; null when it is not such a key.
  std::string* Target() {
    switch (walk_.key()) {
      case wire::Key::kContent:
      case wire::Key::kText:
        return &choice_->text;
      case wire::Key::kReasoning:
        return &choice_->reasoning;
      case wire::Key::kReasoningContent:
        return &second_reasoning_;
      case wire::Key::kRefusal:
        return &choice_->refusal;
      case wire::Key::kCallId:
        return &call_->id;
      case wire::Key::kName:
        return &call_->name;
      case wire::Key::kArguments:
        return &call_->arguments;
      default:
        return nullptr;
    }
  }

  PlainWalk walk_;
  model::Reply& out_;
  model::Choice* choice_ = nullptr;  // the one that is open
  model::ToolCall* call_ = nullptr;  // the one that is open
  std::string second_reasoning_;
};

bool DecodePlain(model::Api api, std::string_view body, model::Reply& out) {
  if (body.size() > limits::kReplyBodyBytes) return false;
  PlainReply handler(api, out);
  json::Scanner scanner;
  return scanner.Scan(body, handler) == json::Scanner::End::kWhole && !out.choices.empty();
}

}  // namespace

Result<model::Reply> DecodeReply(model::Api api, std::string_view body) {
  Result<model::Reply> reply;
  if (!DecodePlain(api, body, *reply)) reply = DecodeReplyTree(api, body);
  return reply;
}

}  // namespace weir::wire
