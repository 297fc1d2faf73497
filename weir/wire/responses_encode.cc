#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/wire/encode_parts.h"
#include "weir/wire/python_text.h"
#include "weir/wire/responses_parts.h"

namespace weir::wire {
namespace {

using Kind = ResponseItem::Kind;
using Status = ResponseItem::Status;

constexpr Version kMessagesShown{0, 11, 1};  // input_messages, output_messages
constexpr Version kTurnsShown{0, 11, 1};     // the counts per turn in `usage`

void WriteIntOrNull(std::string_view key, const std::optional<std::int64_t>& value,
                    json::Writer& out) {
  if (!value) return WriteNull(key, out);
  out.Key(key);
  out.Int(*value);
}

void WriteBool(std::string_view key, bool value, json::Writer& out) {
  out.Key(key);
  out.Bool(value);
}

void WriteFloat(std::string_view key, double value, json::Writer& out) {
  out.Key(key);
  out.Raw(PythonFloat(value));
}

void WriteEmpty(std::string_view key, json::Writer& out) {
  out.Key(key);
  out.BeginArray();
  out.EndArray();
}

std::string_view StatusWord(Status status) {
  switch (status) {
    case Status::kInProgress:
      return "in_progress";
    case Status::kCompleted:
      return "completed";
    case Status::kIncomplete:
      return "incomplete";
  }
  std::unreachable();
}

std::string_view ErrorCode(int status) {
  if (status == 429) return "rate_limit_exceeded";
  return status >= 500 ? "server_error" : "invalid_prompt";
}

// A token's or an alternative's own members.
template <class AnyToken>
void WriteTokenFields(const AnyToken& token, std::optional<double> logprob, bool short_form,
                      json::Writer& out) {
  out.Field("token", token.text);
  if (!short_form) {
    out.Key("bytes");
    out.BeginArray();
    for (const std::uint8_t byte : token.bytes) out.Int(byte);
    out.EndArray();
  }
  WriteFloat("logprob", std::max(logprob.value_or(model::kLogprobFloor), model::kLogprobFloor),
             out);
}

// {"cached_tokens":...}; every count that is not known is 0.
void WriteUsage(const model::Usage& usage, const Dialect& dialect, json::Writer& out) {
  const bool turns = dialect.kind == ServerKind::kVllm && dialect.version >= kTurnsShown;
  out.BeginObject();
  WriteIntOrNull("input_tokens", usage.prompt_tokens.value_or(0), out);
  out.Key("input_tokens_details");
  out.BeginObject();
  WriteIntOrNull("cached_tokens", usage.cached_tokens.value_or(0), out);
  WriteIntOrNull("cache_write_tokens", 0, out);
  if (turns) {
    WriteEmpty("input_tokens_per_turn", out);
    WriteEmpty("cached_tokens_per_turn", out);
  }
  out.EndObject();
  WriteIntOrNull("output_tokens", usage.completion_tokens.value_or(0), out);
  out.Key("output_tokens_details");
  out.BeginObject();
  WriteIntOrNull("reasoning_tokens", usage.reasoning_tokens.value_or(0), out);
  if (turns) {
    WriteIntOrNull("tool_output_tokens", 0, out);
    WriteEmpty("output_tokens_per_turn", out);
    WriteEmpty("tool_output_tokens_per_turn", out);
  }
  out.EndObject();
  const std::int64_t sum = usage.prompt_tokens.value_or(0) + usage.completion_tokens.value_or(0);
  WriteIntOrNull("total_tokens", usage.total_tokens.value_or(sum), out);
  out.EndObject();
}

void WriteIncompleteDetails(std::string_view reason, json::Writer& out) {
  if (reason.empty()) return WriteNull("incomplete_details", out);
  out.Key("incomplete_details");
  out.BeginObject();
  out.Field("reason", reason);
  out.EndObject();
}

void WriteError(const ServerError* error, json::Writer& out) {
  if (error == nullptr) return WriteNull("error", out);
  out.Key("error");
  out.BeginObject();
  out.Field("code", ErrorCode(error->status));
  out.Field("message", error->message);
  out.EndObject();
}

void WriteToolFields(const ResponsesEcho& echo, json::Writer& out) {
  if (echo.tool_choice.IsNull()) {
    out.Field("tool_choice", echo.tools.size() > 0 ? "auto" : "none");
  } else {
    out.Field("tool_choice", echo.tool_choice);
  }
  if (echo.tools.IsNull()) {
    WriteEmpty("tools", out);
  } else {
    out.Field("tools", echo.tools);
  }
}

// A member as it was sent, or what a server that was not told takes.
void WriteOr(std::string_view key, json::View value, std::string_view otherwise,
             json::Writer& out) {
  out.Key(key);
  if (value.exists() && !value.IsNull()) {
    out.Value(value);
  } else {
    out.Raw(otherwise);
  }
}

// {"format":...,"verbosity":...} with OpenAI's defaults.
void WriteTextForm(json::View text, json::Writer& out) {
  out.Key("text");
  out.BeginObject();
  WriteOr("format", text.Find("format"), R"({"type":"text"})", out);
  WriteOr("verbosity", text.Find("verbosity"), R"("medium")", out);
  out.EndObject();
}

void WriteReasoningForm(json::View reasoning, json::Writer& out) {
  out.Key("reasoning");
  out.BeginObject();
  WriteOr("effort", reasoning.Find("effort"), "null", out);
  WriteOr("summary", reasoning.Find("summary"), "null", out);
  out.EndObject();
}

void WriteOutput(const ResponsesEcho& echo, const ResponseState& state, const Dialect& dialect,
                 json::Writer& out) {
  out.Key("output");
  out.BeginArray();
  for (const ResponseItem& item : state.output) {
    WriteItem(item, ListsLogprobs(echo, dialect), out);
  }
  out.EndArray();
}

void WriteUsageOrNull(const ResponseState& state, const Dialect& dialect, json::Writer& out) {
  out.Key("usage");
  if (state.usage != nullptr) {
    WriteUsage(*state.usage, dialect, out);
  } else {
    out.Null();
  }
}

// OpenAI's object: all that was not asked for comes back as what it amounts to.
void WriteOpenAiResponse(const model::ReplyInfo& info, const ResponsesEcho& echo,
                         const ResponseState& state, const Dialect& dialect, json::Writer& out) {
  out.BeginObject();
  out.Field("id", info.id);
  out.Field("object", "response");
  WriteIntOrNull("created_at", info.created, out);
  out.Field("status", state.status);
  WriteBool("background", echo.background, out);
  const bool done = state.status == "completed";
  WriteIntOrNull("completed_at", done ? std::optional(info.created) : std::nullopt, out);
  WriteError(state.error, out);
  WriteIncompleteDetails(state.incomplete_reason, out);
  WriteOr("instructions",
          echo.instructions ? json::Value::Of(std::string_view(*echo.instructions)) : json::Value(),
          "null", out);
  WriteIntOrNull("max_output_tokens", echo.max_output_tokens, out);
  WriteIntOrNull("max_tool_calls", echo.max_tool_calls, out);
  out.Field("model", info.model);
  WriteOutput(echo, state, dialect, out);
  WriteBool("parallel_tool_calls", echo.parallel_tool_calls, out);
  WriteTextOrNull("previous_response_id", echo.previous_response_id, out);
  WriteTextOrNull("prompt_cache_key", echo.prompt_cache_key, out);
  if (!echo.prompt_cache_retention.empty()) {
    out.Field("prompt_cache_retention", echo.prompt_cache_retention);
  }
  WriteReasoningForm(echo.reasoning, out);
  WriteTextOrNull("safety_identifier", echo.safety_identifier, out);
  out.Field("service_tier", echo.service_tier == "auto" ? "default" : echo.service_tier);
  WriteBool("store", echo.store, out);
  WriteFloat("temperature", echo.temperature.value_or(1.0), out);
  WriteTextForm(echo.text, out);
  WriteOr("tool_choice", echo.tool_choice, R"("auto")", out);
  WriteOr("tools", echo.tools, "[]", out);
  WriteIntOrNull("top_logprobs", echo.top_logprobs.value_or(0), out);
  WriteFloat("top_p", echo.top_p.value_or(1.0), out);
  out.Field("truncation", echo.truncation);
  WriteUsageOrNull(state, dialect, out);
  WriteTextOrNull("user", echo.user, out);
  WriteOr("metadata", echo.metadata, "{}", out);
  out.EndObject();
}

std::vector<ResponseItem> ItemsOf(const model::Choice& choice, const model::ReplyInfo& info) {
  std::vector<ResponseItem> items;
  const auto add = [&](Kind kind, const std::string& text) -> ResponseItem& {
    const std::size_t place = items.size();
    return items.emplace_back(ResponseItem{
        .kind = kind, .status = Status::kCompleted, .id = ItemId(kind, info, place), .text = text});
  };
  if (!choice.reasoning.empty()) add(Kind::kReasoning, choice.reasoning);
  if (!choice.refusal.empty()) add(Kind::kMessage, choice.refusal).refused = true;
  if (!choice.text.empty()) add(Kind::kMessage, choice.text).tokens = choice.tokens;
  for (const model::ToolCall& call : choice.tool_calls) {
    ResponseItem& item = add(Kind::kFunctionCall, call.arguments);
    item.call_id = CallId(call.id, info, items.size() - 1);
    item.name = call.name;
  }
  return items;
}

// What makes the ids of a response its own.
std::string_view Stem(std::string_view id) {
  constexpr std::string_view kPrefix = "resp_";
  return id.starts_with(kPrefix) ? id.substr(kPrefix.size()) : id;
}

}  // namespace

std::string ItemId(Kind kind, const model::ReplyInfo& info, std::size_t place) {
  constexpr std::string_view kPrefixes[] = {"rs_", "msg_", "fc_"};
  return StrCat(kPrefixes[static_cast<std::size_t>(kind)], Stem(info.id), "_", place);
}

std::string CallId(std::string_view given, const model::ReplyInfo& info, std::size_t place) {
  return given.empty() ? StrCat("call_", Stem(info.id), "_", place) : std::string(given);
}

ResponseState StateOf(model::Finish finish) {
  switch (finish) {
    case model::Finish::kLength:
      return {.status = "incomplete", .incomplete_reason = "max_output_tokens"};
    case model::Finish::kContentFilter:
      return {.status = "incomplete", .incomplete_reason = "content_filter"};
    case model::Finish::kAbort:
      return {.status = "incomplete"};
    default:
      return {.status = "completed"};
  }
}

bool ListsLogprobs(const ResponsesEcho& echo, const Dialect& dialect) {
  return dialect.kind == ServerKind::kOpenAi || echo.top_logprobs.has_value();
}

void WriteResponseLogprobs(std::span<const model::Token> tokens, bool short_form,
                           json::Writer& out) {
  out.BeginArray();
  for (const model::Token& token : tokens) {
    out.BeginObject();
    WriteTokenFields(token, token.logprob, short_form, out);
    out.Key("top_logprobs");
    out.BeginArray();
    for (const model::TopToken& top : token.top) {
      out.BeginObject();
      WriteTokenFields(top, top.logprob, short_form, out);
      out.EndObject();
    }
    out.EndArray();
    out.EndObject();
  }
  out.EndArray();
}

void WritePart(const ResponseItem& item, bool begun, bool logprobs, json::Writer& out) {
  const std::string_view text = begun ? std::string_view() : item.text;
  out.BeginObject();
  if (item.kind == Kind::kReasoning) {
    out.Field("text", text);
    out.Field("type", "reasoning_text");
    out.EndObject();
    return;
  }
  if (item.refused) {
    out.Field("refusal", text);
    out.Field("type", "refusal");
    out.EndObject();
    return;
  }
  WriteEmpty("annotations", out);
  out.Field("text", text);
  out.Field("type", "output_text");
  out.Key("logprobs");
  if (logprobs || begun) {
    WriteResponseLogprobs(begun ? std::span<const model::Token>() : item.tokens, false, out);
  } else {
    out.Null();
  }
  out.EndObject();
}

void WriteItem(const ResponseItem& item, bool logprobs, json::Writer& out) {
  const bool begun = item.status == Status::kInProgress;
  const auto write_content = [&] {
    out.Key("content");
    out.BeginArray();
    if (!begun) WritePart(item, false, logprobs, out);
    out.EndArray();
  };
  out.BeginObject();
  switch (item.kind) {
    case Kind::kReasoning:
      out.Field("id", item.id);
      WriteEmpty("summary", out);
      out.Field("type", "reasoning");
      write_content();
      WriteNull("encrypted_content", out);
      break;
    case Kind::kMessage:
      out.Field("id", item.id);
      write_content();
      out.Field("role", "assistant");
      break;
    case Kind::kFunctionCall:
      out.Field("arguments", begun ? std::string_view() : item.text);
      out.Field("call_id", item.call_id);
      out.Field("name", item.name);
      out.Field("type", "function_call");
      out.Field("id", item.id);
      break;
  }
  out.Field("status", StatusWord(item.status));
  if (item.kind == Kind::kMessage) out.Field("type", "message");
  out.EndObject();
}

void WriteResponse(const model::ReplyInfo& info, const ResponsesEcho& echo,
                   const ResponseState& state, const Dialect& dialect, json::Writer& out) {
  if (dialect.kind == ServerKind::kOpenAi) {
    return WriteOpenAiResponse(info, echo, state, dialect, out);
  }
  out.BeginObject();
  out.Field("id", info.id);
  WriteIntOrNull("created_at", info.created, out);
  WriteError(state.error, out);
  WriteIncompleteDetails(state.incomplete_reason, out);
  if (echo.instructions) {
    out.Field("instructions", *echo.instructions);
  } else {
    WriteNull("instructions", out);
  }
  out.Field("metadata", echo.metadata);
  out.Field("model", info.model);
  out.Field("object", "response");
  WriteOutput(echo, state, dialect, out);
  WriteBool("parallel_tool_calls", echo.parallel_tool_calls, out);
  WriteFloat("temperature", echo.temperature.value_or(1.0), out);
  WriteToolFields(echo, out);
  WriteFloat("top_p", echo.top_p.value_or(1.0), out);
  WriteBool("background", echo.background, out);
  WriteIntOrNull("max_output_tokens", echo.max_output_tokens, out);
  WriteIntOrNull("max_tool_calls", echo.max_tool_calls, out);
  WriteTextOrNull("previous_response_id", echo.previous_response_id, out);
  WriteNull("prompt", out);
  out.Field("reasoning", echo.reasoning);
  out.Field("service_tier", echo.service_tier);
  out.Field("status", state.status);
  out.Field("text", echo.text);
  WriteIntOrNull("top_logprobs", echo.top_logprobs, out);
  out.Field("truncation", echo.truncation);
  WriteUsageOrNull(state, dialect, out);
  WriteTextOrNull("user", echo.user, out);
  if (dialect.version >= kMessagesShown) {
    WriteNull("input_messages", out);
    WriteNull("output_messages", out);
  }
  out.EndObject();
}

std::string EncodeResponse(const model::Reply& reply, const ResponsesEcho& echo,
                           const Dialect& dialect) {
  static const model::Choice kNothing;
  const model::Choice& choice = reply.choices.empty() ? kNothing : reply.choices.front();
  std::vector<ResponseItem> items = ItemsOf(choice, reply.info);
  ResponseState state = StateOf(choice.finish);
  if (state.status == "incomplete" && !items.empty()) items.back().status = Status::kIncomplete;
  state.output = items;
  state.usage = &reply.usage;
  std::string body;
  json::Writer out(body);
  WriteResponse(reply.info, echo, state, dialect, out);
  return body;
}

ServerError ResponseNotFound(std::string_view id) {
  return {.status = 404,
          .type = "invalid_request_error",
          .message = StrCat("Response with id '", id, "' not found."),
          .param = "response_id"};
}

ServerError RefuseBackground(bool keeps_responses) {
  return {.type = "invalid_request_error",
          .message = keeps_responses
                         ? "This server does not answer in the background: ask without "
                           "`background`, with `stream` if the answer takes long."
                         : "This vLLM engine does not support `store=True` and therefore does not "
                           "support the background mode. To enable these features, set the "
                           "environment variable `VLLM_ENABLE_RESPONSES_API_STORE=1` when "
                           "launching the vLLM server.",
          .param = "background"};
}

}  // namespace weir::wire
