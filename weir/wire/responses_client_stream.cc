#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/reply_parts.h"
#include "weir/wire/responses_client.h"
#include "weir/wire/responses_client_parts.h"

namespace weir::wire {
namespace {

// An item that was announced, or of which a piece has come.
struct Item {
  std::string id;
  std::int64_t place = -1;           // in the output, if the server says so
  std::optional<std::int64_t> call;  // its index among the function calls
  bool given = false;                // something of it was given
  bool part_given = false;           // ... of the part that is open
  bool thought = false;              // its thoughts were given as such: a summary repeats them
};

}  // namespace

struct ResponsesDecoder::State {
  using Handler = void (State::*)(json::View event, model::Delta& out);

  // The item that an event speaks of. Servers name it by its id, by its place or by both.
  Item& ItemOf(std::string_view id, json::View event) {
    const std::int64_t place = event.Find("output_index").AsInt64().value_or(-1);
    const auto known = std::ranges::find_if(items | std::views::reverse, [&](const Item& item) {
      return id.empty() || item.id.empty() ? item.place == place : item.id == id;
    });
    if (known != items.rend()) return *known;
    return items.emplace_back(Item{.id = std::string(id), .place = place});
  }
  Item& ItemOf(json::View event) { return ItemOf(event.Find("item_id").StringOr(""), event); }

  std::int64_t CallOf(Item& item) {
    if (!item.call) item.call = calls++;
    return *item.call;
  }

  void Announce(json::View event, model::Delta& out) {
    const json::View item = event.Find("item");
    if (item.Find("type").StringOr("") == "function_call") BeginCall(item, event, out);
  }

  // The name and the id, once. Arguments come later, in pieces or at the end.
  void BeginCall(json::View call, json::View event, model::Delta& out) {
    const std::string_view call_id = call.Find("call_id").StringOr("");
    Item& item = ItemOf(call.Find("id").StringOr(call_id), event);
    if (item.call && item.given) return;
    item.given = true;
    out.tool_calls.push_back({CallOf(item), std::string(call_id), StringOf(call.Find("name")), ""});
  }

  void AddArguments(Item& item, std::string_view arguments, model::Delta& out) {
    if (arguments.empty()) return;
    item.part_given = true;
    const std::int64_t index = CallOf(item);
    if (out.tool_calls.empty()) out.tool_calls.push_back({.index = index});
    out.tool_calls.back().arguments += arguments;
  }

  void ArgumentsDelta(json::View event, model::Delta& out) {
    AddArguments(ItemOf(event), event.Find("delta").StringOr(""), out);
  }
  void ArgumentsDone(json::View event, model::Delta& out) {
    Item& item = ItemOf(event);
    if (!item.part_given) AddArguments(item, event.Find("arguments").StringOr(""), out);
  }

  void AddPiece(json::View event, std::string& target) {
    const std::string_view piece = event.Find("delta").StringOr("");
    if (piece.empty()) return;
    Item& item = ItemOf(event);
    item.given = item.part_given = true;
    target += piece;
  }
  // `target` gets the whole part if no piece of it has come.
  void EndPart(json::View event, std::string_view key, std::string& target) {
    Item& item = ItemOf(event);
    if (!std::exchange(item.part_given, false)) target += event.Find(key).StringOr("");
    item.given = item.given || !target.empty();
  }

  void TextDelta(json::View event, model::Delta& out) {
    AddPiece(event, out.text);
    out.tokens = DecodeTokenList(event.Find("logprobs"));
  }
  void TextDone(json::View event, model::Delta& out) { EndPart(event, "text", out.text); }
  void RefusalDelta(json::View event, model::Delta& out) { AddPiece(event, out.refusal); }
  void RefusalDone(json::View event, model::Delta& out) { EndPart(event, "refusal", out.refusal); }

  void ThoughtDelta(json::View event, model::Delta& out) {
    AddPiece(event, out.reasoning);
    ItemOf(event).thought = true;
  }
  void ThoughtDone(json::View event, model::Delta& out) {
    EndPart(event, "text", out.reasoning);
    ItemOf(event).thought = true;
  }
  void SummaryPart(json::View event, model::Delta& out) {
    const Item& item = ItemOf(event);
    if (item.given && !item.thought) out.reasoning = "\n\n";
  }
  void SummaryDelta(json::View event, model::Delta& out) {
    if (!ItemOf(event).thought) AddPiece(event, out.reasoning);
  }
  void SummaryDone(json::View event, model::Delta& out) {
    if (!ItemOf(event).thought) EndPart(event, "text", out.reasoning);
  }

  // Whatever of the item was never given is given now.
  void ItemDone(json::View event, model::Delta& out) {
    const json::View done = event.Find("item");
    const std::string_view type = done.Find("type").StringOr("");
    if (type == "function_call") BeginCall(done, event, out);
    Item& item = ItemOf(done.Find("id").StringOr(done.Find("call_id").StringOr("")), event);
    if (type == "function_call" && !item.part_given) {
      AddArguments(item, done.Find("arguments").StringOr(""), out);
    } else if (type == "message" && !item.given) {
      TakeMessage(done, out);
    } else if (type == "reasoning" && !item.given) {
      out.reasoning = ThoughtsOf(done);
    }
    item.given = true;
  }

  // A server that sends no events of items has its whole answer in the last one.
  void TakeOutput(json::View response, model::Delta& out) {
    if (!items.empty()) return;
    for (const json::View item : response.Find("output").items()) {
      const std::string_view type = item.Find("type").StringOr("");
      if (type == "message") {
        TakeMessage(item, out);
      } else if (type == "reasoning") {
        out.reasoning += ThoughtsOf(item);
      } else if (type == "function_call") {
        out.tool_calls.push_back({calls++, StringOf(item.Find("call_id")),
                                  StringOf(item.Find("name")), StringOf(item.Find("arguments"))});
      }
    }
  }

  void Begun(json::View event, model::Delta& /*out*/) {
    NoteResponse(event.Find("response"), info);
  }

  void Ended(json::View event, model::Delta& out) {
    const json::View response = event.Find("response");
    NoteResponse(response, info);
    TakeOutput(response, out);
    ResponseEnd end = EndOf(response, calls > 0);
    const bool cut = event.Find("type").StringOr("") == "response.incomplete";
    if (cut && (end.finish == model::Finish::kStop || end.finish == model::Finish::kToolCalls)) {
      end = {model::Finish::kLength, std::string(model::FinishName(model::Finish::kLength))};
    }
    out.finish = end.finish;
    out.finish_text = std::move(end.text);
    if (IsSet(response.Find("usage"))) out.usage = DecodeResponseUsage(response.Find("usage"));
    finished = true;
  }

  model::ReplyInfo info;
  std::vector<Item> items;
  std::int64_t calls = 0;
  bool finished = false;
};

namespace {

bool IsEmpty(const model::Delta& delta) {
  return delta.text.empty() && delta.reasoning.empty() && delta.refusal.empty() &&
         delta.tool_calls.empty() && delta.tokens.empty() && delta.finish == model::Finish::kNone &&
         !delta.usage;
}

// An error event has the error's members itself, or in a member of its own.
Error EventFailure(json::View event) {
  const json::View error = event.Find("error");
  const json::View failed = event.Find("response").Find("error");
  return ResponseFailure(error.IsObject() ? error : failed.IsObject() ? failed : event);
}

}  // namespace

ResponsesDecoder::ResponsesDecoder() : state_(std::make_unique<State>()) {}
ResponsesDecoder::~ResponsesDecoder() = default;
ResponsesDecoder::ResponsesDecoder(ResponsesDecoder&&) noexcept = default;
ResponsesDecoder& ResponsesDecoder::operator=(ResponsesDecoder&&) noexcept = default;

Result<EventDecoder::Kind> ResponsesDecoder::Decode(std::string_view data, model::Delta& out) {
  static constexpr std::pair<std::string_view, State::Handler> kHandlers[] = {
      {"response.output_text.delta", &State::TextDelta},
      {"response.reasoning_text.delta", &State::ThoughtDelta},
      {"response.function_call_arguments.delta", &State::ArgumentsDelta},
      {"response.reasoning_summary_text.delta", &State::SummaryDelta},
      {"response.refusal.delta", &State::RefusalDelta},
      {"response.output_text.done", &State::TextDone},
      {"response.reasoning_text.done", &State::ThoughtDone},
      {"response.function_call_arguments.done", &State::ArgumentsDone},
      {"response.reasoning_summary_text.done", &State::SummaryDone},
      {"response.refusal.done", &State::RefusalDone},
      {"response.reasoning_summary_part.added", &State::SummaryPart},
      {"response.output_item.added", &State::Announce},
      {"response.output_item.done", &State::ItemDone},
      {"response.created", &State::Begun},
      {"response.in_progress", &State::Begun},
      {"response.completed", &State::Ended},
      {"response.incomplete", &State::Ended},
  };
  Reset(out);
  if (data == "[DONE]") return Kind::kDone;
  const auto event = json::Read(data);
  if (!event) {
    return Fail(Code::kProtocolError, "the server sent an event that is not JSON",
                Quoted(event.error().message));
  }
  const std::string_view type = event->Find("type").StringOr("");
  if (type == "error" || type == "response.failed" || event->Find("error").IsObject()) {
    return Fail(EventFailure(*event));
  }
  if (type.empty()) {
    return Fail(Code::kProtocolError, "the server sent an event that names no type", Quoted(data));
  }
  const auto* const handler =
      std::ranges::find(kHandlers, type, [](const auto& h) { return h.first; });
  if (handler == std::end(kHandlers) || state_->finished) return Kind::kEmpty;
  (*state_.*handler->second)(*event, out);
  if (IsEmpty(out)) return Kind::kEmpty;
  out.has_choice = true;
  return Kind::kDelta;
}

const model::ReplyInfo& ResponsesDecoder::info() const { return state_->info; }

bool ResponsesDecoder::finished() const { return state_->finished; }

}  // namespace weir::wire
