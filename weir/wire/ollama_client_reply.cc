#include <chrono>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/ollama_client.h"
#include "weir/wire/reply_parts.h"

namespace weir::wire {
namespace {

constexpr auto kTopFields = {std::string_view("model"),       std::string_view("created_at"),
                             std::string_view("message"),     std::string_view("response"),
                             std::string_view("thinking"),    std::string_view("done"),
                             std::string_view("done_reason"), std::string_view("prompt_eval_count"),
                             std::string_view("eval_count"),  std::string_view("logprobs")};
constexpr auto kMessageFields = {std::string_view("role"), std::string_view("content"),
                                 std::string_view("thinking"), std::string_view("tool_calls")};

// "2023-08-04T08:52:19.385406455-07:00" in seconds since 1970.
std::optional<std::int64_t> SecondsOf(std::string_view time) {
  constexpr std::size_t kToSeconds = 19;
  constexpr std::size_t kZone = 6;  // +hh:mm
  const auto number = [&](std::size_t at, std::size_t digits) {
    return ParseInt(time.substr(at, digits)).value_or(-1);
  };
  if (time.size() <= kToSeconds) return std::nullopt;
  const std::chrono::year_month_day day(std::chrono::year(static_cast<int>(number(0, 4))),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2))));
  if (!day.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  const std::int64_t seconds =
      ((days * 24 + number(11, 2)) * 60 + number(14, 2)) * 60 + number(17, 2);
  if (time.ends_with('Z')) return seconds;
  const std::size_t zone = time.size() - kZone;
  if (time[zone] != '-' && time[zone] != '+') return std::nullopt;
  const std::int64_t offset = (number(zone + 1, 2) * 60 + number(zone + 4, 2)) * 60;
  return time[zone] == '-' ? seconds + offset : seconds - offset;
}

void ReadCalls(json::View entries, std::int64_t& calls, model::Delta& out) {
  for (const json::View entry : entries.items()) {
    const json::View function = entry.Find("function");
    const json::View arguments = function.Find("arguments");
    model::ToolCallDelta& call = out.tool_calls.emplace_back();
    call.index = calls++;
    call.id = entry.Find("id").StringOr("");
    call.name = function.Find("name").StringOr("");
    if (arguments.IsString()) {
      call.arguments = arguments.StringOr("");
    } else {
      call.arguments = IsSet(arguments) ? json::Write(arguments) : "{}";
    }
  }
}

void ReadEnd(json::View root, std::int64_t calls, model::Delta& out) {
  // Early servers give no reason.
  const std::string_view word = root.Find("done_reason").StringOr("");
  out.finish = word.empty() ? model::Finish::kStop : model::ParseFinish(word);
  out.finish_text = word;
  if (out.finish == model::Finish::kStop && calls > 0) out.finish = model::Finish::kToolCalls;

  // A count that is not there was not made, as that of a prompt which was cached.
  const std::optional<std::int64_t> prompt = CountOf(root.Find("prompt_eval_count"));
  const std::optional<std::int64_t> answer = CountOf(root.Find("eval_count"));
  if (!prompt && !answer) return;
  out.usage.emplace();
  out.usage->prompt_tokens = prompt;
  out.usage->completion_tokens = answer;
  if (prompt && answer) out.usage->total_tokens = *prompt + *answer;
}

// Unknown fields of the line stand as they are, those of its message under "message".
json::Value ExtraOf(json::View root, json::View message) {
  if (!HasUnknown(message, kMessageFields)) return UnknownMembers(root, kTopFields);
  json::Builder builder;
  builder.BeginObject();
  CopyUnknown(root, kTopFields, builder);
  builder.Key("message");
  builder.BeginObject();
  CopyUnknown(message, kMessageFields, builder);
  builder.EndObject();
  builder.EndObject();
  return std::move(builder).Finish();
}

bool IsEmpty(const model::Delta& delta) {
  return delta.text.empty() && delta.reasoning.empty() && delta.tool_calls.empty() &&
         delta.tokens.empty() && delta.finish == model::Finish::kNone && delta.extra.IsNull();
}

bool IsError(json::View root) { return IsSet(root.Find("error")); }

// One line, or a whole reply, which is nothing but the only line of its stream. `calls` counts the
// tool calls so far.
Result<void> ReadLine(model::Api api, json::View root, std::int64_t& calls, model::ReplyInfo& info,
                      model::Delta& out) {
  const bool chat = api == model::Api::kChat;
  const json::View message = root.Find("message");
  const bool whole = chat ? message.IsObject() : root.Find("response").IsString();
  if (!root.IsObject() || !whole) {
    return Fail(Code::kProtocolError,
                StrCat("the server sent JSON that is no answer of Ollama's: it has no ",
                       chat ? "message" : "response"),
                Quoted(json::Write(root)));
  }
  const std::string_view model = root.Find("model").StringOr("");
  if (!model.empty()) info.model = model;
  if (info.created == 0) {
    info.created = SecondsOf(root.Find("created_at").StringOr("")).value_or(0);
  }
  out.has_choice = true;
  out.text = chat ? message.Find("content").StringOr("") : root.Find("response").StringOr("");
  out.reasoning = (chat ? message : root).Find("thinking").StringOr("");
  ReadCalls(message.Find("tool_calls"), calls, out);
  out.tokens = DecodeLogprobs(root.Find("logprobs"));
  if (root.Find("done").BoolOr(false)) ReadEnd(root, calls, out);
  out.extra = ExtraOf(root, message);
  return {};
}

}  // namespace

Result<OllamaDecoder::Kind> OllamaDecoder::Decode(std::string_view line, model::Delta& out) {
  Reset(out);
  if (done_) return Kind::kDone;
  const auto root = json::Read(line);
  if (!root) {
    return Fail(Code::kProtocolError,
                "a line of the stream is not JSON; it may have been cut on its way",
                Quoted(root.error().message));
  }
  if (IsError(*root)) return Fail(DecodeError(0, line));
  WEIR_CHECK(ReadLine(api_, *root, calls_, info_, out));
  done_ = out.finish != model::Finish::kNone;
  return IsEmpty(out) ? Kind::kEmpty : Kind::kDelta;
}

Result<model::Reply> DecodeOllamaReply(model::Api api, std::string_view body) {
  const auto root = json::Read(body);
  if (!root) {
    const bool html = Trim(body).starts_with('<');
    return Fail(Code::kProtocolError,
                StrCat("the server answered with ",
                       html ? "an HTML page instead of a reply: the base URL probably names a web "
                              "site, not a model server"
                            : "something that is not JSON; it may have been cut on its way"),
                Quoted(html ? body : root.error().message));
  }
  if (IsError(*root)) {
    const Error error = DecodeError(0, body);
    return Fail(Code::kProtocolError, "the server answered with an error in it", error.message);
  }
  model::ReplyInfo info;
  model::Delta delta;
  std::int64_t calls = 0;
  WEIR_CHECK(ReadLine(api, *root, calls, info, delta));
  if (delta.finish == model::Finish::kNone) {
    return Fail(Code::kProtocolError,
                "the server answered with the beginning of a stream, although the whole "
                "answer was asked for",
                Quoted(body));
  }
  model::Assembler reply;
  reply.Add(delta);
  return std::move(reply).Finish(std::move(info));
}

}  // namespace weir::wire
