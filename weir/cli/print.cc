#include "weir/cli/print.h"

#include <algorithm>
#include <cmath>

#include "weir/base/text.h"
#include "weir/events/call_json.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

using json::Writer;

double Millis(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

void Count(Writer& out, std::string_view key, const std::optional<std::int64_t>& value) {
  if (!value) return;
  out.Key(key);
  out.Int(*value);
}

void WriteUsage(Writer& out, const model::Usage& usage) {
  out.BeginObject();
  Count(out, "prompt_tokens", usage.prompt_tokens);
  Count(out, "completion_tokens", usage.completion_tokens);
  Count(out, "total_tokens", usage.total_tokens);
  Count(out, "cached_tokens", usage.cached_tokens);
  Count(out, "reasoning_tokens", usage.reasoning_tokens);
  out.EndObject();
}

void WriteToolCall(Writer& out, const model::ToolCall& call) {
  out.BeginObject();
  out.Field("id", call.id);
  out.Field("name", call.name);
  out.Field("arguments", call.arguments);
  out.EndObject();
}

void WriteTokens(Writer& out, const std::vector<model::Token>& tokens) {
  out.BeginArray();
  for (const model::Token& token : tokens) {
    out.BeginObject();
    out.Field("token", token.text);
    if (token.logprob) {
      out.Key("logprob");
      out.Double(*token.logprob);
    }
    out.Key("top");
    out.BeginArray();
    for (const model::TopToken& top : token.top) {
      out.BeginObject();
      out.Field("token", top.text);
      out.Key("logprob");
      out.Double(top.logprob);
      out.EndObject();
    }
    out.EndArray();
    out.EndObject();
  }
  out.EndArray();
}

std::int64_t Percent(double part) { return std::llround(part * 100); }

void WriteError(Writer& out, const Error& error) {
  out.BeginObject();
  out.Field("name", Name(error));
  out.Field("class", ClassName(ClassOf(error)));
  out.Key("retryable");
  out.Bool(Retryable(error));
  if (error.http_status != 0) {
    out.Key("http_status");
    out.Int(error.http_status);
  }
  out.Field("message", error.message);
  if (!error.cause.empty()) out.Field("cause", error.cause);
  out.EndObject();
}

void WriteChoice(Writer& out, const model::Choice& choice) {
  out.Field("text", choice.text);
  if (!choice.reasoning.empty()) out.Field("reasoning", choice.reasoning);
  if (!choice.refusal.empty()) out.Field("refusal", choice.refusal);
  if (!choice.tool_calls.empty()) {
    out.Key("tool_calls");
    out.BeginArray();
    for (const model::ToolCall& call : choice.tool_calls) WriteToolCall(out, call);
    out.EndArray();
  }
  if (!choice.finish_text.empty()) out.Field("finish", choice.finish_text);
  if (!choice.stop_reason.IsNull()) out.Field("stop_reason", json::View(choice.stop_reason));
  if (choice.confidence) {
    out.Key("confidence");
    events::WriteConfidence(out, *choice.confidence);
  }
  if (!choice.tokens.empty()) {
    out.Key("tokens");
    WriteTokens(out, choice.tokens);
  }
}

// That of the first under `confidence`; of several, each under `confidences`, null where unknown.
void WriteConfidences(Writer& out, const std::vector<model::Choice>& choices) {
  if (choices.front().confidence) {
    out.Key("confidence");
    events::WriteConfidence(out, *choices.front().confidence);
  }
  if (choices.size() == 1) return;
  out.Key("confidences");
  out.BeginArray();
  for (const model::Choice& choice : choices) {
    if (choice.confidence) {
      events::WriteConfidence(out, *choice.confidence);
    } else {
      out.Null();
    }
  }
  out.EndArray();
}

void WriteDegradations(Writer& out, const std::vector<model::Degradation>& degradations) {
  out.Key("degradations");
  out.BeginArray();
  for (const model::Degradation& degradation : degradations) {
    out.BeginObject();
    out.Field("what", degradation.what);
    out.Field("why", degradation.why);
    out.EndObject();
  }
  out.EndArray();
}

void WriteFailedAttempts(Writer& out, const std::vector<model::Attempt>& attempts) {
  if (attempts.empty()) return;
  out.Key("failed_attempts");
  out.BeginArray();
  for (const model::Attempt& attempt : attempts) {
    if (attempt.error) WriteError(out, *attempt.error);
  }
  out.EndArray();
}

// Of a call without an answer, what is known: who was asked, and what came before.
void WriteTrail(Writer& out, const model::ReplyInfo& info, const model::Usage& usage) {
  const auto put = [&out](std::string_view key, const std::string& text) {
    if (!text.empty()) out.Field(key, text);
  };
  put("model", info.model);
  put("engine", info.engine);
  put("request_id", info.request_id);
  WriteFailedAttempts(out, info.attempts);
  if (usage.prompt_tokens || usage.completion_tokens) {
    out.Key("usage");
    WriteUsage(out, usage);
  }
}

void WriteInfo(Writer& out, const model::ReplyInfo& info) {
  out.Field("id", info.id);
  out.Field("model", info.model);
  out.Field("engine", info.engine);
  out.Field("request_id", info.request_id);
  WriteFailedAttempts(out, info.attempts);
  WriteDegradations(out, info.degradations);
  out.Key("repairs");
  out.BeginArray();
  for (const std::string& repair : info.repairs) out.String(repair);
  out.EndArray();
  if (info.cost) {
    out.Key("cost");
    out.Double(*info.cost);
    out.Key("currency");
    out.String(info.currency);
  }
  if (info.first_token.count() > 0) {
    out.Key("first_token_ms");
    out.Double(Millis(info.first_token));
  }
  if (info.total.count() > 0) {
    out.Key("total_ms");
    out.Double(Millis(info.total));
  }
}

void WriteChoices(Writer& out, std::string_view key, const std::vector<model::Choice>& choices) {
  out.Key(key);
  out.BeginArray();
  for (const model::Choice& choice : choices) {
    out.BeginObject();
    WriteChoice(out, choice);
    out.EndObject();
  }
  out.EndArray();
}

}  // namespace

std::string ReplyJson(const model::Reply& reply, const std::optional<Error>& error) {
  std::string text;
  Writer out(text);
  out.BeginObject();
  if (error) {
    out.Key("error");
    WriteError(out, *error);
  }
  if (error && reply.choices.empty()) {
    WriteTrail(out, reply.info, reply.usage);
    out.EndObject();
    return text + "\n";
  }
  if (!reply.choices.empty()) WriteChoice(out, reply.choices.front());
  if (reply.choices.size() > 1) WriteChoices(out, "choices", reply.choices);
  if (!reply.others.empty()) WriteChoices(out, "others", reply.others);
  out.Key("usage");
  WriteUsage(out, reply.usage);
  WriteInfo(out, reply.info);
  if (reply.prompt_logprobs.IsArray()) {
    out.Field("prompt_logprobs", json::View(reply.prompt_logprobs));
  }
  if (reply.extra.IsObject()) out.Field("extra", json::View(reply.extra));
  out.EndObject();
  return text + "\n";
}

std::string DeltaJson(const model::Delta& delta) {
  std::string text;
  Writer out(text);
  out.BeginObject();
  if (delta.has_choice) {
    out.Key("choice");
    out.Int(delta.choice);
  }
  if (!delta.text.empty()) out.Field("text", delta.text);
  if (!delta.reasoning.empty()) out.Field("reasoning", delta.reasoning);
  if (!delta.tool_calls.empty()) {
    out.Key("tool_calls");
    out.BeginArray();
    for (const model::ToolCallDelta& piece : delta.tool_calls) {
      out.BeginObject();
      out.Key("index");
      out.Int(piece.index);
      if (!piece.id.empty()) out.Field("id", piece.id);
      if (!piece.name.empty()) out.Field("name", piece.name);
      if (!piece.arguments.empty()) out.Field("arguments", piece.arguments);
      out.EndObject();
    }
    out.EndArray();
  }
  if (!delta.tokens.empty()) {
    out.Key("tokens");
    WriteTokens(out, delta.tokens);
  }
  if (delta.finish != model::Finish::kNone) out.Field("finish", delta.finish_text);
  if (delta.usage) {
    out.Key("usage");
    WriteUsage(out, *delta.usage);
  }
  if (delta.extra.IsObject()) out.Field("extra", json::View(delta.extra));
  out.EndObject();
  return text + "\n";
}

std::string EndJson(const model::Reply& reply) {
  const std::vector<model::Choice>& choices = reply.choices;
  const bool sure = std::ranges::any_of(
      choices, [](const model::Choice& choice) { return choice.confidence.has_value(); });
  if (!sure && reply.info.degradations.empty()) return "";
  std::string text;
  Writer out(text);
  out.BeginObject();
  if (!reply.info.degradations.empty()) WriteDegradations(out, reply.info.degradations);
  if (sure) WriteConfidences(out, choices);
  out.EndObject();
  return text + "\n";
}

std::string ErrorJson(const Error& error) {
  std::string text;
  Writer out(text);
  out.BeginObject();
  out.Key("error");
  WriteError(out, error);
  out.EndObject();
  return text + "\n";
}

std::string ToolCallLines(const model::Choice& choice) {
  std::string text;
  for (const model::ToolCall& call : choice.tool_calls) {
    Writer out(text);
    WriteToolCall(out, call);
    text += '\n';
  }
  return text;
}

std::string FormatCost(double cost) {
  constexpr double kSteps = 1e6;  // what stands behind them comes from binary fractions
  return StrCat(std::round(cost * kSteps) / kSteps);
}

std::string Summary(const model::Reply& reply) {
  std::string text;
  const model::Usage& usage = reply.usage;
  if (usage.prompt_tokens && usage.completion_tokens) {
    text = StrCat(*usage.prompt_tokens, " + ", *usage.completion_tokens, " tokens, ");
  } else {
    text = "token counts unknown, ";
  }
  const auto millis = [](std::chrono::nanoseconds time) {
    return FormatMillis(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  };
  if (reply.info.first_token.count() > 0) {
    StrAppend(text, "first token after ", millis(reply.info.first_token), ", ");
  }
  StrAppend(text, millis(reply.info.total), " in all");
  if (reply.info.cost) {
    StrAppend(text, ", cost ", FormatCost(*reply.info.cost), " ", reply.info.currency);
  }
  if (!reply.choices.empty() && reply.choices.front().confidence) {
    StrAppend(text, ", confidence ", Percent(reply.choices.front().confidence->mean), " %");
  }
  if (!reply.info.attempts.empty()) {
    StrAppend(text, ", ", reply.info.attempts.size() + 1, " attempts");
  }
  return text;
}

}  // namespace weir::cli
