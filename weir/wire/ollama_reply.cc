#include <utility>

#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/wire/encode_parts.h"
#include "weir/wire/ollama_server.h"

namespace weir::wire {
namespace {

// Go escapes in texts what could end a script in a page; elsewhere these bytes do not occur.
void EscapeFrom(std::size_t from, std::string& out) {
  if (out.find_first_of("<>&", from) == out.npos) return;
  const std::string raw = out.substr(from);
  out.resize(from);
  for (const char c : raw) {
    if (c == '<') {
      out += "\\u003c";
    } else if (c == '>') {
      out += "\\u003e";
    } else if (c == '&') {
      out += "\\u0026";
    } else {
      out += c;
    }
  }
}

std::string_view DoneReason(model::Finish finish) {
  return finish == model::Finish::kLength ? "length" : "stop";
}

// What one line, or a whole answer, says.
struct Line {
  std::string_view text;
  std::string_view thinking;
  std::span<const model::ToolCallDelta> calls;
  std::span<const model::Token> tokens;
  bool done = false;
  std::string_view reason;         // of a line that is done
  const OllamaEnd* end = nullptr;  // the same; null: nothing was asked
};

// The arguments of a call as an object; nothing when they are none, as in an answer that was cut.
std::optional<json::Value> ArgumentsOf(std::string_view text) {
  auto arguments = json::Read(text.empty() ? "{}" : text);
  if (!arguments || !arguments->IsObject()) return std::nullopt;
  return *std::move(arguments);
}

void WriteCalls(std::span<const model::ToolCallDelta> calls, json::Writer& out) {
  out.Key("tool_calls");
  out.BeginArray();
  for (const model::ToolCallDelta& call : calls) {
    out.BeginObject();
    if (!call.id.empty()) out.Field("id", call.id);
    out.Key("function");
    out.BeginObject();
    WriteInt("index", call.index, out);
    out.Field("name", call.name);
    out.Field("arguments", ArgumentsOf(call.arguments).value_or(json::Value()));
    out.EndObject();
    out.EndObject();
  }
  out.EndArray();
}

void WriteToken(std::string_view text, double logprob, std::span<const std::uint8_t> bytes,
                json::Writer& out) {
  out.Field("token", text);
  out.Key("logprob");
  out.Double(logprob);
  out.Key("bytes");
  out.BeginArray();
  for (const std::uint8_t byte : bytes) out.Int(byte);
  out.EndArray();
}

void WriteLogprobs(std::span<const model::Token> tokens, json::Writer& out) {
  out.Key("logprobs");
  out.BeginArray();
  for (const model::Token& token : tokens) {
    out.BeginObject();
    WriteToken(token.text, token.logprob.value_or(model::kLogprobFloor), token.bytes, out);
    if (!token.top.empty()) {
      out.Key("top_logprobs");
      out.BeginArray();
      for (const model::TopToken& top : token.top) {
        out.BeginObject();
        WriteToken(top.text, top.logprob, top.bytes, out);
        out.EndObject();
      }
      out.EndArray();
    }
    out.EndObject();
  }
  out.EndArray();
}

void WriteMessage(const Line& line, json::Writer& out) {
  out.Key("message");
  out.BeginObject();
  out.Field("role", "assistant");
  out.Field("content", line.text);
  if (!line.thinking.empty()) out.Field("thinking", line.thinking);
  if (!line.calls.empty()) WriteCalls(line.calls, out);
  out.EndObject();
}

void WriteEnd(OllamaApi form, const OllamaEnd& end, json::Writer& out) {
  if (form == OllamaApi::kGenerate && !end.context.empty()) {
    out.Key("context");
    out.BeginArray();
    for (const std::int64_t token : end.context) out.Int(token);
    out.EndArray();
  }
  WriteInt("total_duration", end.times.total, out);
  WriteInt("load_duration", end.times.load, out);
  WriteInt("prompt_eval_count", end.usage.prompt_tokens.value_or(0), out);
  WriteInt("prompt_eval_duration", end.times.prompt, out);
  WriteInt("eval_count", end.usage.completion_tokens.value_or(0), out);
  WriteInt("eval_duration", end.times.answer, out);
}

void AppendLine(OllamaApi form, std::string_view model, std::int64_t wall_nanos, const Line& line,
                std::string& out) {
  const std::size_t from = out.size();
  json::Writer json(out);
  json.BeginObject();
  json.Field("model", model);
  json.Field("created_at", FormatWallTime(wall_nanos));
  if (form == OllamaApi::kChat) {
    WriteMessage(line, json);
  } else {
    json.Field("response", line.text);
    if (!line.thinking.empty()) json.Field("thinking", line.thinking);
  }
  json.Key("done");
  json.Bool(line.done);
  if (line.done) json.Field("done_reason", line.reason);
  if (line.end != nullptr) WriteEnd(form, *line.end, json);
  if (!line.tokens.empty()) WriteLogprobs(line.tokens, json);
  json.EndObject();
  EscapeFrom(from, out);
}

}  // namespace

std::string EncodeOllamaError(const ServerError& error) {
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  // Without what vLLM appends to its messages.
  const std::size_t decoration = error.message.rfind(" (parameter=");
  out.Field("error", std::string_view(error.message).substr(0, decoration));
  out.EndObject();
  EscapeFrom(0, body);
  return body;
}

std::string EncodeOllamaReply(OllamaApi form, std::string_view model, const model::Reply& reply,
                              const OllamaEnd& end, std::int64_t wall_nanos) {
  static const model::Choice kNothing;
  const model::Choice& choice = reply.choices.empty() ? kNothing : reply.choices.front();
  std::string text = choice.text;
  std::vector<model::ToolCallDelta> calls;
  for (const model::ToolCall& call : choice.tool_calls) {
    if (ArgumentsOf(call.arguments)) {
      const auto index = static_cast<std::int64_t>(calls.size());
      calls.push_back({index, call.id, call.name, call.arguments});
    } else {
      text += call.arguments;
    }
  }
  std::string body;
  AppendLine(form, model, wall_nanos,
             {.text = text,
              .thinking = choice.reasoning,
              .calls = calls,
              .tokens = choice.tokens,
              .done = true,
              .reason = DoneReason(choice.finish),
              .end = &end},
             body);
  return body;
}

std::string EncodeOllamaLoad(const IncomingOllama& incoming, std::int64_t wall_nanos) {
  std::string body;
  AppendLine(incoming.form, incoming.asked_model, wall_nanos,
             {.done = true, .reason = incoming.keep_alive == 0 ? "unload" : "load"}, body);
  return body;
}

void OllamaEncoder::AppendCall(std::int64_t wall_nanos, std::string& out) {
  if (!call_) return;
  const model::ToolCallDelta call = *std::exchange(call_, std::nullopt);
  Line line;
  if (ArgumentsOf(call.arguments)) {
    line.calls = std::span(&call, 1);
  } else {
    line.text = call.arguments;
  }
  AppendLine(form_, model_, wall_nanos, line, out);
  out += '\n';
}

void OllamaEncoder::Append(const model::Delta& delta, std::int64_t wall_nanos, std::string& out) {
  if (!delta.has_choice || delta.choice != 0) return;
  if (!delta.text.empty() || !delta.reasoning.empty() || !delta.tokens.empty()) {
    AppendLine(form_, model_, wall_nanos,
               {.text = delta.text, .thinking = delta.reasoning, .tokens = delta.tokens}, out);
    out += '\n';
  }
  for (const model::ToolCallDelta& piece : delta.tool_calls) {
    if (!call_ || call_->index != piece.index) {
      AppendCall(wall_nanos, out);
      call_ = piece;
      continue;
    }
    call_->name += piece.name;
    call_->arguments += piece.arguments;
  }
  if (delta.finish != model::Finish::kNone) finish_ = delta.finish;
}

void OllamaEncoder::AppendEnd(const OllamaEnd& end, std::int64_t wall_nanos, std::string& out) {
  AppendCall(wall_nanos, out);
  AppendLine(form_, model_, wall_nanos, {.done = true, .reason = DoneReason(finish_), .end = &end},
             out);
  out += '\n';
}

void OllamaEncoder::AppendError(const ServerError& error, std::string& out) {
  StrAppend(out, EncodeOllamaError(error), "\n");
}

}  // namespace weir::wire
