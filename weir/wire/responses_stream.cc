#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/wire/encode_parts.h"
#include "weir/wire/responses_parts.h"

namespace weir::wire {
namespace {

using Kind = ResponseItem::Kind;
using Status = ResponseItem::Status;

}  // namespace

ResponsesEncoder::ResponsesEncoder(ResponsesEcho echo, Dialect dialect, model::ReplyInfo info)
    : echo_(std::move(echo)), dialect_(std::move(dialect)), info_(std::move(info)) {}

// `fill` writes the members that stand before sequence_number; `text` stands behind it. The keys of
// OpenAI's event types are in the order of the alphabet.
template <class Fill>
void ResponsesEncoder::AppendEvent(std::string_view type, std::string& out, Fill fill,
                                   const std::string* text) {
  StrAppend(out, "event: ", type, "\ndata: ");
  json::Writer json(out);
  json.BeginObject();
  fill(json);
  WriteInt("sequence_number", sequence_++, json);
  if (text != nullptr) json.Field("text", *text);
  json.Field("type", type);
  json.EndObject();
  out += "\n\n";
}

void ResponsesEncoder::AppendResponse(std::string_view type, std::string_view status,
                                      const model::Usage* usage, const ServerError* error,
                                      std::string& out) {
  ResponseState state = StateOf(finish_);
  if (status != state.status) state.incomplete_reason = {};
  state.status = status;
  state.error = error;
  state.output = items_;
  state.usage = usage;
  AppendEvent(type, out, [&](json::Writer& json) {
    json.Key("response");
    WriteResponse(info_, echo_, state, dialect_, json);
  });
}

void ResponsesEncoder::Begin(std::string& out) {
  AppendResponse("response.created", "in_progress", nullptr, nullptr, out);
  AppendResponse("response.in_progress", "in_progress", nullptr, nullptr, out);
}

bool ResponsesEncoder::IsOpen(Kind kind) const {
  return !items_.empty() && items_.back().status == Status::kInProgress &&
         items_.back().kind == kind;
}

void ResponsesEncoder::AppendPart(std::string_view type, bool begun, std::string& out) {
  AppendEvent(type, out, [&](json::Writer& json) {
    WriteInt("content_index", 0, json);
    json.Field("item_id", items_.back().id);
    WriteInt("output_index", output_index(), json);
    json.Key("part");
    WritePart(items_.back(), begun, ListsLogprobs(echo_, dialect_), json);
  });
}

void ResponsesEncoder::AppendItem(std::string_view type, std::string& out) {
  AppendEvent(type, out, [&](json::Writer& json) {
    json.Key("item");
    WriteItem(items_.back(), ListsLogprobs(echo_, dialect_), json);
    WriteInt("output_index", output_index(), json);
  });
}

ResponseItem& ResponsesEncoder::Open(Kind kind, std::string& out) {
  Close(Status::kCompleted, out);
  const std::size_t place = items_.size();
  return items_.emplace_back(ResponseItem{.kind = kind, .id = ItemId(kind, info_, place)});
}

void ResponsesEncoder::Close(Status status, std::string& out) {
  if (items_.empty() || items_.back().status != Status::kInProgress) return;
  ResponseItem& item = items_.back();
  if (item.kind == Kind::kFunctionCall) {
    AppendEvent("response.function_call_arguments.done", out, [&](json::Writer& json) {
      json.Field("arguments", item.text);
      json.Field("item_id", item.id);
      json.Field("name", item.name);
      WriteInt("output_index", output_index(), json);
    });
  } else if (item.refused) {
    AppendEvent("response.refusal.done", out, [&](json::Writer& json) {
      WriteInt("content_index", 0, json);
      json.Field("item_id", item.id);
      WriteInt("output_index", output_index(), json);
      json.Field("refusal", item.text);
    });
    AppendPart("response.content_part.done", false, out);
  } else {
    const bool message = item.kind == Kind::kMessage;
    const auto fill = [&](json::Writer& json) {
      WriteInt("content_index", 0, json);
      json.Field("item_id", item.id);
      if (message) {
        json.Key("logprobs");
        WriteResponseLogprobs({}, true, json);
      }
      WriteInt("output_index", output_index(), json);
    };
    AppendEvent(message ? "response.output_text.done" : "response.reasoning_text.done", out, fill,
                &item.text);
    AppendPart("response.content_part.done", false, out);
  }
  item.status = status;
  AppendItem("response.output_item.done", out);
}

void ResponsesEncoder::AppendText(Kind kind, std::string_view piece,
                                  std::span<const model::Token> tokens, std::string& out) {
  if (!IsOpen(kind) || items_.back().refused) {
    Open(kind, out);
    AppendItem("response.output_item.added", out);
    AppendPart("response.content_part.added", true, out);
  }
  const bool message = kind == Kind::kMessage;
  items_.back().text += piece;
  AppendEvent(message ? "response.output_text.delta" : "response.reasoning_text.delta", out,
              [&](json::Writer& json) {
                WriteInt("content_index", 0, json);
                json.Field("delta", piece);
                json.Field("item_id", items_.back().id);
                if (message) {
                  json.Key("logprobs");
                  WriteResponseLogprobs(
                      echo_.top_logprobs ? tokens : std::span<const model::Token>(), true, json);
                }
                WriteInt("output_index", output_index(), json);
              });
}

void ResponsesEncoder::AppendRefusal(std::string_view piece, std::string& out) {
  if (!IsOpen(Kind::kMessage) || !items_.back().refused) {
    Open(Kind::kMessage, out).refused = true;
    AppendItem("response.output_item.added", out);
    AppendPart("response.content_part.added", true, out);
  }
  items_.back().text += piece;
  AppendEvent("response.refusal.delta", out, [&](json::Writer& json) {
    WriteInt("content_index", 0, json);
    json.Field("delta", piece);
    json.Field("item_id", items_.back().id);
    WriteInt("output_index", output_index(), json);
  });
}

void ResponsesEncoder::AppendCall(const model::ToolCallDelta& piece, std::string& out) {
  const auto is_same = [&](const ResponseItem& item) {
    return item.kind == Kind::kFunctionCall && item.call_index == piece.index;
  };
  if (!IsOpen(Kind::kFunctionCall) || !is_same(items_.back())) {
    if (std::ranges::any_of(items_, is_same)) return;
    ResponseItem& item = Open(Kind::kFunctionCall, out);
    item.call_id = CallId(piece.id, info_, items_.size() - 1);
    item.call_index = piece.index;
    item.name = piece.name;
    AppendItem("response.output_item.added", out);
  }
  if (items_.back().name.empty()) items_.back().name = piece.name;
  if (piece.arguments.empty()) return;
  items_.back().text += piece.arguments;
  AppendEvent("response.function_call_arguments.delta", out, [&](json::Writer& json) {
    json.Field("delta", piece.arguments);
    json.Field("item_id", items_.back().id);
    WriteInt("output_index", output_index(), json);
  });
}

void ResponsesEncoder::Append(const model::Delta& delta, std::string& out) {
  if (!delta.has_choice || delta.choice != 0) return;
  if (!delta.reasoning.empty()) AppendText(Kind::kReasoning, delta.reasoning, {}, out);
  if (!delta.refusal.empty()) AppendRefusal(delta.refusal, out);
  if (!delta.text.empty()) AppendText(Kind::kMessage, delta.text, delta.tokens, out);
  if (IsOpen(Kind::kMessage) && echo_.top_logprobs) {
    std::vector<model::Token>& tokens = items_.back().tokens;
    tokens.insert(tokens.end(), delta.tokens.begin(), delta.tokens.end());
  }
  for (const model::ToolCallDelta& piece : delta.tool_calls) AppendCall(piece, out);
  if (delta.finish != model::Finish::kNone) finish_ = delta.finish;
}

void ResponsesEncoder::AppendEnd(const model::Usage& usage, std::string& out) {
  const std::string_view status = StateOf(finish_).status;
  const bool complete = status == "completed";
  Close(complete ? Status::kCompleted : Status::kIncomplete, out);
  AppendResponse(complete ? "response.completed" : "response.incomplete", status, &usage, nullptr,
                 out);
}

void ResponsesEncoder::AppendError(const ServerError& error, std::string& out) {
  if (!items_.empty() && items_.back().status == Status::kInProgress) {
    items_.back().status = Status::kIncomplete;
  }
  AppendResponse("response.failed", "failed", nullptr, &error, out);
}

}  // namespace weir::wire
